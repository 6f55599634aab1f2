# SPDX-License-Identifier: Apache-2.0
# T::Follower - one who follows accounting files as log shippers do: each file of some folders, by
# its inode, whatever it is called now.
#
#   my $f = T::Follower->start("$dir/csv", "$dir/csv/old");
#   $f->settle;                # to the ends of the files
#   my @wrong = $f->wrong;     # what it read is not what the files are now
package T::Follower;
use v5.36;
use Carp qw(croak);
use POSIX ();
use Time::HiRes qw(sleep);
use T::Stage ();

my $count = 0;

sub start ($class, @folders) {
    my $self = bless {name => 'follower', folders => \@folders, seen => T::Stage::stage_dir() . '/follower' . ++$count}, $class;
    mkdir $self->{seen} or croak $!;
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(ALRM TERM INT HUP);
        my (%at, $last);
        while (!$last) {
            $last = -e "$self->{seen}.stop";
            look($self, \%at);
            sleep 0.01;
        }
        POSIX::_exit(0);
    }
    $self->{pid} = $pid;
    return T::Stage::started($self);
}

# What it reads goes to a file of that inode.
sub look ($self, $at) {
    for my $path (map { glob "$_/*.csv" } $self->{folders}->@*) {
        my (undef, $inode) = stat $path or next;
        if (!$at->{$inode}) {
            open my $in, '<:raw', $path or next;
            open my $out, '>>', "$self->{seen}/" . (stat $in)[1] or croak $!;
            $at->{(stat $in)[1]} = [$in, $out];
        }
    }
    for my $one (values %$at) {
        sysseek $one->[0], 0, 1;
        while (sysread $one->[0], my $text, 1 << 20) { syswrite $one->[1], $text }
    }
    return;
}

sub settle ($self) {
    open my $stop, '>', "$self->{seen}.stop" or croak $!;
    waitpid delete $self->{pid}, 0;
    return;
}

sub wrong ($self) {
    my (@wrong, %there);
    for my $path (map { glob "$_/*.csv" } $self->{folders}->@*) {
        my $inode = (stat $path)[1];
        $there{$inode} = 1;
        system('cmp', '-s', $path, "$self->{seen}/$inode") == 0 or push @wrong, "$path is not what was read of it";
    }
    push @wrong, map { "$_ vanished" } grep { m{/(\d+)\z} && !$there{$1} } glob "$self->{seen}/*";
    return @wrong;
}

sub stop ($self) {
    kill 'KILL', $self->{pid} if $self->{pid};
    waitpid delete $self->{pid}, 0 if $self->{pid};
    return;
}

sub dump ($self) { return }

1;

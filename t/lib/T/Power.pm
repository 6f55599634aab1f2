# SPDX-License-Identifier: Apache-2.0
# T::Power - a disk that forgets what was not synced, when its power is cut (t/tool/powercut.c).
#
#   my $power = T::Power->on;                       # an empty disk: folders spool, state and csv
#   T::Run->start('sallyport-out', env => $power->env, conf => <<"E");
#   spool-directory = "@{[$power->disk]}/spool"
#   E
#   $power->hold;  $power->release;                 # what is asked of the spool waits; goes on
#   $power->fail;  $power->mend;                    # it fails with EIO; no more
#   $power->cut($out, $milter);                     # all are killed, and the disk is as it was synced
package T::Power;
use v5.36;
use Carp qw(croak);
use File::Path qw(make_path remove_tree);
use T::Stage ();

my $count = 0;

sub on {
    my ($class) = @_;
    my $dir = T::Stage::stage_dir() . '/power' . ++$count;
    my $self = bless {disk => "$dir/disk", kept => "$dir/kept"}, $class;
    make_path(map { "$self->{disk}/$_" } qw(spool state csv));
    return $self->begin;
}

sub disk { return $_[0]{disk} }

# A sanitizer wants to come first, and need not.
sub env {
    my $self = shift;
    return {
        LD_PRELOAD => "$ENV{T_BUILD}/t/tool/powercut.so", POWERCUT_DISK => $self->{disk}, POWERCUT_KEPT => $self->{kept},
        ASAN_OPTIONS => join ':', grep { $_ } $ENV{ASAN_OPTIONS}, 'verify_asan_link_order=0'};
}

# [key, is it a folder, path] of all that is below a folder, and of itself; names in their folders come behind those.
sub look {
    my ($at) = @_;
    open my $in, '-|', 'find', $at, '-exec', 'stat', '-c', '%i-%.9W %F %n', '{}', '+' or croak "find: $!";
    my @found = map { /^(\S+) (directory|.*?file|symbolic link|socket) (.*)$/ ? [$1, $2 eq 'directory', $3] : croak $_ } <$in>;
    return @found;
}

# All that is there now is on the disk.
sub begin {
    my $self = shift;
    remove_tree($self->{kept});
    make_path($self->{kept});
    my (@all, %names) = look($self->{disk});
    for my $one (@all) {
        my ($key, $is_folder, $path) = @$one;
        my ($folder, $name) = $path =~ m{^(.*)/([^/]+)$};
        $names{$folder} .= "$key $name\n" if $path ne $self->{disk};
        system('cp', $path, "$self->{kept}/file-$key") == 0 or croak "cp $path" if !$is_folder;
    }
    for my $one (grep { $_->[1] } @all) {
        open my $out, '>', "$self->{kept}/folder-$one->[0]" or croak "$!";
        print $out $names{$one->[2]} // '';
    }
    return $self;
}

sub order {
    my ($self, $what, $on) = @_;
    my $path = "$self->{kept}/$what";
    return unlink $path if !$on;
    open my $out, '>', $path or croak "$path: $!";
    return 1;
}

sub hold { return $_[0]->order(slow => 1) }
sub release { return $_[0]->order(slow => 0) }
sub fail { return $_[0]->order(fail => 1) }
sub mend { return $_[0]->order(fail => 0) }

sub read_lines {
    my $path = shift;
    open my $in, '<', $path or return (my @none = ());
    chomp(my @lines = <$in>);
    return @lines;
}

# Each file has its own inode still, and what of it was synced.
sub restore_file {
    my ($self, $key, $path) = @_;
    my $copy = "$self->{kept}/file-$key";
    rename "$self->{kept}/gone-$key", $path if -e "$self->{kept}/gone-$key";
    if (-e $copy) {
        return system('cp', $copy, $path) == 0 || croak "cp $copy";
    }
    open my $out, '>', $path or croak "$path: $!";
    return 1;
}

sub restore_folder {
    my ($self, $key, $path, $is_folder) = @_;
    my %there;
    for my $line (read_lines("$self->{kept}/folder-$key")) {
        my ($own, $name) = split / /, $line, 2;
        $there{$name} = 1;
        if ($is_folder->{$own}) {
            $self->restore_folder($own, "$path/$name", $is_folder);
        } else {
            $self->restore_file($own, "$path/$name");
        }
    }
    remove_tree(grep { !$there{s{.*/}{}r} } glob "$path/* $path/.[!.]*");
    return;
}

# At one moment, as far as that can be.
sub cut {
    my ($self, @runs) = @_;
    my @pids = map { ($_->{pid}, $_->children) } grep { $_->{pid} } @runs;
    kill 'STOP', @pids;
    kill 'KILL', @pids;
    $_->kill_hard for @runs;
    T::Stage::wait_for(sub { !grep { kill 0, $_ } @pids }) // croak 'they do not die';
    my @all = look($self->{disk});
    my %is_folder = map { $_->[0] => 1 } grep { $_->[1] } @all;
    for my $one (grep { !$_->[1] } @all) {
        rename $one->[2], "$self->{kept}/gone-$one->[0]" or croak "$one->[2]: $!";
    }
    $self->restore_folder($all[0][0], $self->{disk}, \%is_folder);
    return $self->begin;
}

1;

# SPDX-License-Identifier: Apache-2.0
# T::Program - a program that reads accounting rows, for acct-file "|PROGRAM".
#
#   my $p = T::Program->write('slow', 'while (<STDIN>) { print $got $_; sleep 1 }');
#   # $first: this is its first start; $out: its first argument, or a file of its own
#   acct-file "|$p->{path}" { ... }
#   $p->has('a', 'b');       # waits for d rows of a@x.test and b@x.test
#   my $got = $p->got;       # {rows}{a}: how often; {headers}, {torn}; {twice}: bytes that came again
#   is(T::Program->left, '', 'none runs');           # left('slow'): none of this name
package T::Program;
use v5.36;
use Carp qw(croak);
use T::Stage ();
use Test::More ();

sub folder {
    my $dir = T::Stage::stage_dir();
    mkdir "$dir/bin";
    chmod 0755, $dir, "$dir/bin";
    return "$dir/bin";
}

sub write {
    my ($class, $name, $body) = @_;
    my $path = folder() . "/$name";
    open my $file, '>', $path or croak "$path: $!";
    print $file "#!$^X\nuse v5.36;\nmy \$out = shift // '$path.out';\n", <<'E', "$body\n";
open my $got, '>>', $out or die "$out: $!";
$got->autoflush(1);
my $first = !-e "$out.again";
open my $again, '>>', "$out.again" or die "$out: $!";
close $again;
E
    close $file or croak "$path: $!";
    chmod 0755, $path;
    return bless {path => $path, out => "$path.out"}, $class;
}

sub text {
    my $self = shift;
    open my $in, '<:raw', $self->{out} or return '';
    local $/;
    return <$in> // '';
}

sub got {
    my $self = shift;
    my $size = -s $self->{out} // 0;
    return $self->{got} if $self->{got} && $self->{size} == $size;
    my %got = (rows => {}, headers => 0, twice => 0, torn => 0);
    for my $line (substr($self->text, 0, $size) =~ /([^\n]*\n)/g) {
        if ($line =~ /\Atype,/) { $got{headers}++ }
        elsif ($line !~ /\Ad,(\w+)\@x\.test,[^\n]*\r\n\z/) { $got{torn}++ }
        elsif ($got{rows}{$1}++) { $got{twice} += length $line }
    }
    @$self{qw(got size)} = (\%got, $size);
    return \%got;
}

sub missing {
    my ($self, @names) = @_;
    my $rows = $self->got->{rows};
    my @missing = grep { !$rows->{$_} } @names;
    return @missing > 10 ? "@missing[0 .. 9] and more: " . @missing : "@missing";
}

sub has {
    my ($self, @names) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    T::Stage::wait_for(sub { $self->missing(@names) eq '' }, 40);
    my ($name) = $self->{path} =~ m{([^/]+)$};
    return Test::More::is($self->missing(@names), '', "all rows reach $name");
}

# Programs of ours that run still, as pids.
sub left {
    my ($class, $name) = @_;
    my $path = folder() . '/' . ($name // '');
    my $find = sub {
        my @pids;
        for my $at (glob '/proc/[0-9]*/cmdline') {
            open my $in, '<', $at or next;
            push @pids, $at =~ /(\d+)/ if index(<$in> // '', $path) >= 0;
        }
        return "@pids";
    };
    T::Stage::wait_for(sub { $find->() eq '' }, 20);
    return $find->();
}

1;

# SPDX-License-Identifier: Apache-2.0
# T::Far - another machine: a network namespace of its own, and a wire to it. Needs root.
#
#   T::Far::or_skip_all();
#   my $far = T::Far->new('mta', near => ['10.9.0.1/24'], far => ['10.9.0.2/24', 'fd00::2/64']);
#   $far->ip('route', 'add', 'default', 'via', '10.9.0.1');      # ip(8) there
#   T::Far::here('rule', 'add', ...);                            # ip(8) in the test's own network
#   my $mta = $far->inside(sub { T::Peer->listen(addr => '10.9.0.2', port => port('mta')) });
#
# A socket stays where it was made. It ends with the test.
package T::Far;
use v5.36;
use Carp qw(croak);
use T::Stage ();
use Test::More ();

my $setns = do { require 'syscall.ph'; SYS_setns() };

sub or_skip_all {
    my $private = ($ENV{T_STAGE} // '') eq 'private' && T::Stage::is_root();
    Test::More::plan(skip_all => 'root is needed to make networks') unless $private;
    return;
}

sub new {
    my ($class, $name, %o) = @_;
    my $self = bless {name => $name, device => "to-$name"}, $class;
    my $here = readlink '/proc/self/ns/net';
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) { exec T::Stage::with_us(), 'unshare', '-n', 'sleep', 'infinity' or POSIX::_exit(127) }
    $self->{pid} = $pid;
    T::Stage::started($self);
    T::Stage::wait_for(sub { (readlink "/proc/$pid/ns/net" // $here) ne $here }) or croak 'no network namespace';
    here('link', 'add', $self->{device}, 'type', 'veth', 'peer', 'name', 'wire', 'netns', $pid);
    here('address', 'add', $_, 'dev', $self->{device}, /:/ ? 'nodad' : ()) for @{$o{near}};
    here('link', 'set', $self->{device}, 'up');
    $self->ip('link', 'set', 'lo', 'up');
    $self->ip('address', 'add', $_, 'dev', 'wire', /:/ ? 'nodad' : ()) for @{$o{far}};
    $self->ip('link', 'set', 'wire', 'up');
    return $self;
}

sub device { return $_[0]{device} }
sub here { return system('ip', @_) == 0 || croak "ip @_" }
sub ip { my ($self, @args) = @_; return $self->inside(sub { here(@args) }) }

sub enter {
    my $space = shift;
    return syscall($setns, fileno $space, 0) == 0 || croak "setns: $!";
}

sub inside {
    my ($self, $code) = @_;
    open my $home, '<', '/proc/self/ns/net' or croak "our network: $!";
    open my $there, '<', "/proc/$self->{pid}/ns/net" or croak "$self->{name}: $!";
    enter($there);
    my $got = eval { $code->() };
    my $wrong = $@;
    enter($home);
    croak $wrong if $wrong;
    return $got;
}

sub stop {
    my $self = shift;
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

sub dump { return }

1;

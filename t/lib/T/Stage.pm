# SPDX-License-Identifier: Apache-2.0
# T::Stage - where a test plays: a loopback of its own, a folder, ports by name, and the end.
#
#   use T::Stage;                 # the script goes on in a network namespace where that is allowed
#   my $p = port('in');           # the same number for the same name, all through the test
#   my $d = stage_dir();          # removed at the end, kept and shown if something failed
#   all_done();                   # stops all that was started, in reverse order; done_testing
package T::Stage;
use v5.36;
use Carp qw(croak);
use File::Path qw(make_path remove_tree);
use IO::Socket::INET;
use Test::More ();

our @EXPORT = qw(all_done fill port stage_dir);

# Seconds that anything may take before a test gives up on it.
our $PATIENCE = $ENV{T_PATIENCE} // 30;

my ($owner, $dir, @started, %port, $failed_late) = ($$);
my $next_port;

sub import {
    my $class = shift;
    my $caller = caller;
    no strict 'refs';
    *{"${caller}::$_"} = \&{"${class}::$_"} for @EXPORT;
    return if $caller ne 'main'; # another module of ours
    enter_namespace() unless $ENV{T_STAGE} || ($_[0] // '') eq 'here';
    $SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);
    $SIG{PIPE} = 'IGNORE';
    $SIG{ALRM} = sub { Test::More::diag('the whole test takes too long'); exit 1 };
    alarm($ENV{T_LIMIT} // 240);
    return;
}

# Root gets a namespace, others one where they look like root. Where neither is allowed the
# test runs on the machine's loopback with ports that are free.
sub enter_namespace {
    my $how = $> == 0 ? '-n' : '-rn';
    my $may = !$ENV{T_NO_NAMESPACE} && system("unshare $how true 2>/dev/null") == 0;
    local $ENV{T_STAGE} = $may ? 'private' : 'shared';
    local $ENV{T_NOT_ROOT} = $> == 0 ? 0 : 1;
    my @perl = ($^X, (map { "-I$_" } grep { !ref } @INC), $0, @ARGV);
    exec $may ? ('unshare', $how, @perl) : @perl or croak "exec: $!";
}

sub loopback_up {
    my $socket = IO::Socket::INET->new(Proto => 'udp') or croak "socket: $!";
    my ($siocsifflags, $up_running) = (0x8914, 0x41);
    ioctl $socket, $siocsifflags, pack('a16 s x22', 'lo', $up_running) or croak "lo: $!";
    return;
}
loopback_up() if ($ENV{T_STAGE} // '') eq 'private';

# Addresses that are not loopback's, for clients: all of 198.51.100.0/24, in a loopback of our own only.
sub add_foreign {
    croak 'a loopback of our own is needed: unshare -n' if ($ENV{T_STAGE} // '') ne 'private';
    my $socket = IO::Socket::INET->new(Proto => 'udp') or croak "socket: $!";
    my ($siocsifaddr, $address) = (0x8916, pack 'S n a4 x8', 2, 0, pack 'C4', 198, 51, 100, 1);
    ioctl $socket, $siocsifaddr, pack('a16 a16', 'lo:1', $address) or croak "lo:1: $!";
    return;
}

# Put before a command: it ends with the test, even if that is killed. Not so what a demonstration
# leaves running.
sub with_us { return ($ENV{T_STAGE} ? qw(setpriv --pdeathsig TERM) : ()) }

# Put before a command: it sees a small file system in this folder, and nobody else does.
sub with_small_disk {
    my ($folder, $size) = @_;
    return (qw(unshare -m --propagation private sh -c),
        'size=$0 folder=$1; shift; mount -t tmpfs -o "size=$size" x "$folder" && exec "$@"', $size, $folder);
}

# True where things can be done that need root, such as running Postfix.
sub is_root { return $> == 0 && !$ENV{T_NOT_ROOT} }

sub stage_dir {
    return $dir if $dir;
    my ($name) = $0 =~ m{([^/]+?)(?:\.t)?$};
    $dir = base_dir() . "/sallyport-t-$name-$$";
    return use_dir($dir);
}

# Where Postfix may pass through, and names of sockets stay short.
sub base_dir { return (grep { -d && -w } (is_root() ? '/run' : ()), $ENV{TMPDIR} // (), '/tmp')[0] }

sub use_dir {
    $dir = shift;
    remove_tree($dir);
    make_path($dir);
    chmod 0755, $dir;
    return $dir;
}

# A port that nobody has, below those that the kernel gives to clients.
sub port {
    my $name = shift // croak 'a port needs a name';
    return $port{$name} //= free_port();
}

sub free_port {
    $next_port //= 20000 + (($ENV{T_STAGE} // '') eq 'private' ? 0 : $$ % 240 * 50);
    for (1 .. 2000) {
        my $try = $next_port++;
        my $got = IO::Socket::INET->new(
            LocalAddr => '0.0.0.0', LocalPort => $try, Proto => 'tcp', Listen => 1, ReuseAddr => 1
        ) or next;
        return $try;
    }
    croak 'no free port';
}

# In a text: @port:NAME@, @dir@, and @NAME@ from what is given.
sub fill {
    my ($text, %with) = @_;
    my %all = (dir => stage_dir(), %with);
    $text =~ s/\@port:([\w-]+)\@/port($1)/ge;
    $text =~ s/\@([a-z][\w]*)\@/$all{$1} \/\/ croak "no value for \@$1\@"/ge;
    return $text;
}

# `thing` has stop(), which is called once, and dump() with what helps to see why.
sub started { my $thing = shift; push @started, $thing; return $thing }

# Leaves all running and the folder where it is: {name, pid} of what was started.
sub leave_running {
    $dir = undef;
    return map { {name => $_->{name}, pid => $_->{pid}} } splice @started;
}

sub stop_all {
    while (my $thing = pop @started) {
        eval { $thing->stop; 1 } or do { Test::More::diag($@); $failed_late = 1 };
        push @T::Stage::seen, $thing;
    }
    return;
}

sub all_done {
    stop_all();
    Test::More::done_testing();
    return;
}

# Waits until the code says yes; the result of it, or nothing when patience is at its end.
sub wait_for {
    my ($code, $seconds) = @_;
    my $until = now() + ($seconds // $PATIENCE);
    while (1) {
        my $got = $code->();
        return $got if $got;
        return if now() > $until;
        select undef, undef, undef, 0.02;
    }
}

sub now { require Time::HiRes; return Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) }

END {
    if ($$ == $owner) {
        my $status = $?;
        stop_all();
        my $well = $status == 0 && !$failed_late && Test::More->builder->is_passing;
        if ($well) {
            remove_tree($dir) if $dir && !$ENV{T_KEEP};
        } else {
            $_->dump for @T::Stage::seen;
            Test::More::diag("kept: $dir") if $dir;
        }
        $? = $status || ($well ? 0 : 1);
    }
}

1;

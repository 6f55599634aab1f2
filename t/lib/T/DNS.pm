# SPDX-License-Identifier: Apache-2.0
# T::DNS - a private name server (nsd) on loopback that knows all names, or says there are none.
#
#   my $dns = T::DNS->start(<<'Z');
#   example.test.      MX 10 mx.example.test.
#   mx.example.test.   A 127.0.0.21
#   Z
#   $dns->address                               # for name-server; also "127.0.0.1@@port:dns@"
#   $dns->zone($text);                          # other names from now on
#
# It is the root zone, unsigned; its SOA and NS are put in.
package T::DNS;
use v5.36;
use Carp qw(croak);
use File::Path qw(make_path);
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use T::Stage ();
use Test::More ();

my $serial = 0;

sub start {
    my ($class, $text, %o) = @_;
    my $name = $o{name} // 'dns';
    my $dir = T::Stage::stage_dir() . "/$name";
    make_path($dir);
    my $self = bless {dir => $dir, name => $name, port => T::Stage::port($name)}, $class;
    $self->write_zone($text);
    $self->write_conf;
    my ($nsd) = grep { -x } map { "$_/nsd" } '/usr/sbin', '/usr/local/sbin', split /:/, $ENV{PATH};
    $nsd // croak 'nsd is not installed';
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        POSIX::setsid();
        open STDOUT, '>', "$dir/out";
        open STDERR, '>&', \*STDOUT;
        exec T::Stage::with_us(), $nsd, '-d', '-c', "$dir/nsd.conf" or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    T::Stage::started($self);
    T::Stage::wait_for(sub { $self->serial_served == $serial }) or croak "nsd does not answer: $dir";
    return $self;
}

sub address { return "127.0.0.1\@$_[0]{port}" }

sub zone {
    my ($self, $text) = @_;
    $self->write_zone($text);
    kill 'HUP', $self->{pid};
    T::Stage::wait_for(sub { $self->serial_served == $serial }) or croak 'nsd did not take the zone';
    return;
}

sub write_zone {
    my ($self, $text) = @_;
    $serial++;
    open my $out, '>', "$self->{dir}/root.zone" or croak "root.zone: $!";
    print $out "\$ORIGIN .\n\$TTL 60\n@ SOA a.root. h.root. $serial 3600 600 86400 1\n@ NS a.root.\n",
        "a.root. A 127.0.0.1\n", T::Stage::fill($text);
    close $out or croak "root.zone: $!";
    return;
}

sub write_conf {
    my $self = shift;
    my $dir = $self->{dir};
    open my $out, '>', "$dir/nsd.conf" or croak "nsd.conf: $!";
    print $out <<"CONF";
server:
  ip-address: 127.0.0.1\@$self->{port}
  username: ""
  chroot: ""
  zonesdir: "$dir"
  pidfile: ""
  xfrdfile: "$dir/xfrd.state"
  zonelistfile: "$dir/zone.list"
  logfile: "$dir/log"
  database: ""
  server-count: 1
  rrl-ratelimit: 0
  zonefiles-check: yes
remote-control:
  control-enable: no
zone:
  name: .
  zonefile: root.zone
CONF
    close $out or croak "nsd.conf: $!";
    return;
}

# Asks for the root's SOA; its serial, 0 where no answer comes.
sub serial_served {
    my $self = shift;
    my $socket = IO::Socket::INET->new(Proto => 'udp', PeerAddr => '127.0.0.1', PeerPort => $self->{port})
        or return 0;
    send $socket, pack('n6 C n2', 0x5a5a, 0, 1, 0, 0, 0, 0, 6, 1), 0 or return 0;
    IO::Select->new($socket)->can_read(0.2) or return 0;
    defined recv $socket, my $answer, 512, 0 or return 0;
    # Question (5 bytes), then the answer: name, type, class, age, length, a.root, h.root, numbers.
    $answer =~ /\x01a\x04root\x00\x01h(?:\x04root\x00|[\xc0-\xff].)(.{4})/s or return 0;
    return unpack 'N', $1;
}

sub stop {
    my $self = shift;
    my $pid = delete $self->{pid} or return;
    kill 'TERM', $pid;
    waitpid $pid, 0;
    return;
}

sub dump {
    my $self = shift;
    for my $file ("$self->{dir}/out", "$self->{dir}/log") {
        open my $in, '<', $file or next;
        my @lines = <$in>;
        splice @lines, 0, @lines - 10 if @lines > 10;
        Test::More::diag("--- $file\n", map { "  $_" } @lines) if @lines;
    }
    return;
}

1;

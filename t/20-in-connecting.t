#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-in where the kernel takes little of it: the client hears what it is owed while the
# backend's connection comes about and does not, and nothing spins for want of being written.
use v5.36;
use lib 't/lib';
use Test::More;
use Fcntl qw(F_SETFD);
use IO::Socket::IP;
use IPC::Open2;
use T::Stage;
use T::CA;
use T::Peer;
use T::Run;

# More answers than the kernel holds, fewer than sallyport-in holds itself or lets be asked for.
use constant HELLOS => 90;
my $host = join '.', ('a' x 60) x 4;

# In our own network the kernel holds but little.
my @limits = map { "/proc/sys/net/ipv4/tcp_$_" } qw(wmem rmem);
plan skip_all => 'no network of its own' if $ENV{T_STAGE} ne 'private' || !-w $limits[0];
for my $limit (@limits) {
    open my $out, '>', $limit or die "$limit: $!";
    print $out '4096 4096 4096';
    close $out or die "$limit: $!";
}

# A backend that is there, but whose queue of connections is full: no connection comes about.
my $backend = IO::Socket::IP->new(LocalAddr => '127.0.0.1', LocalPort => port('mta'), Listen => 1) or die "listen: $@";
listen $backend, 0 or die "listen: $!";
my @waiting = map { IO::Socket::IP->new(PeerAddr => '127.0.0.1', PeerPort => port('mta'), Blocking => 0) } 1 .. 3;

# From whoever has it passed on, as systemd does: what a socket of our own may hold is larger.
my $door = IO::Socket::IP->new(LocalAddr => '127.0.0.1', LocalPort => port('in'), Listen => 16) or die "listen: $@";
fcntl $door, F_SETFD, 0 or die "fcntl: $!";
my @pass = ($^X, '-MPOSIX', '-e', 'POSIX::dup2(shift, 3); @ENV{qw(LISTEN_PID LISTEN_FDS)} = ($$, 1); exec @ARGV', fileno $door);

my $in = T::Run->start('sallyport-in', under => \@pass, host => $host, mx => T::CA->new->cert('mx.test')->{pem}, conf => <<'CONF');
host-name = @host@
smtp-listener 127.0.0.1:@port:in@ { }
smtp-listener 127.0.0.1:@port:smtps@ { tls = yes }
smtp-server-tls-certificate = @mx@
backend mta { server = "127.0.0.1:@port:mta@" connect-timeout = 300s }
source 0/0 { allow-starttls = yes }
drain-timeout = 1s
workers = 1
log-level = debug
CONF

my $c = T::Peer->connect(port('in'), rcvbuf => 2048);
$c->hear(qr/^220 /);
$c->send("HELO c.test\r\n" x HELLOS . "RCPT TO:<b\@b.test>\r\n");
$in->log_like(qr/phase is="connecting to the backend"/);
my $heard = 0;
while ($heard < HELLOS) {
    ($c->read_line(5) // last) =~ /^250 a{60}\./ or last;
    $heard++;
}
is($heard, HELLOS, 'all answers are heard before the backend is there');
$c->close;

# Of all processes, in ticks of the clock.
sub worked {
    my $sum = 0;
    for my $pid ($in->children) {
        open my $stat, '<', "/proc/$pid/stat" or next;
        my @fields = split ' ', <$stat>;
        $sum += $fields[13] + $fields[14];
    }
    return $sum;
}

subtest 'new keys asked for, and none read' => sub {
    my $pid = open2(my $out, my $to, "$ENV{T_BUILD}/t/tool/tlsodd", port('smtps'), 'key-thirst');
    like(readline $out, qr/^220 /, 'greeted');
    like(readline $out, qr/^\[sending\]/, 'and off it goes');
    my $rests = T::Stage::wait_for(sub {
        my $before = worked();
        select undef, undef, undef, 0.5;
        return worked() - $before < 5;
    }, 5);
    ok($rests, 'the worker rests until the client reads');
    kill 'KILL', $pid;
    waitpid $pid, 0;
    $in->log_like(qr/closed why=client-failed .*tls=TLSv1\.3/);
};
all_done();

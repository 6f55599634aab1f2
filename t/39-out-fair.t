#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out: a domain that hangs is nobody else's business, whatever it hangs at.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use IO::Socket::IP;
use T::DNS;
use T::Peer;
use T::Run;
use T::Sink;

my $dns = T::DNS->start(<<'Z', signed => 1);
deaf.test.    MX 10 deaf-mx.test.
deaf-mx.test. A 127.0.0.42
nodns.test.   MX 10 mx.test.
good.test.    MX 10 mx.test.
mx.test.      A 127.0.0.43
Z
$dns->breaks('MX nodns.test' => 'silent');
# It accepts, as the kernel does it, and says nothing.
my $silent = T::Peer->listen(port => port('mx'), addr => '127.0.0.41', queue => 1024);
# One whose queue is full: who connects hears nothing at all.
my $deaf = T::Peer->listen(port => port('mx'), addr => '127.0.0.42', queue => 1);
my @in_queue = map { IO::Socket::IP->new(PeerAddr => '127.0.0.42', PeerPort => port('mx'), Blocking => 0) } 1 .. 3;
my $sink = T::Sink->start(port => port('mx'), addr => '127.0.0.43');
my $out = T::Run->start('sallyport-out', dns => $dns->address, conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
workers = 1
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    use-starttls = no
    use-mta-sts = no
    max-smtp-out = 1
}
domain silent.test { smtp-hosts = "[127.0.0.41]" }
domain good.test { max-smtp-out = 20 }
CONF

sub client {
    my ($rcpt) = @_;
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->say('EHLO mta.test', 'MAIL FROM:<a@a.test>', ($rcpt ? "RCPT TO:<$rcpt>" : ()));
    $c->hear(qr/^250-/);
    $c->hear(qr/^250 /);
    return $c;
}

sub p99 {
    my @taken;
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/);
    for (1 .. 100) {
        my $from = T::Stage::now();
        $c->say('MAIL FROM:<a@a.test>', 'RCPT TO:<u@good.test>', 'DATA');
        $c->read_reply for 1 .. 2;
        $c->hear(qr/^354 /) if $_ == 1;
        $c->read_reply if $_ > 1;
        $c->send("x\r\n.\r\n");
        $c->read_reply =~ /^250 / or die 'not delivered';
        push @taken, T::Stage::now() - $from;
    }
    $c->close;
    return (sort { $a <=> $b } @taken)[98];
}

my $alone = p99();
my @hang;
push @hang, map { client("u$_\@silent.test") } 1 .. 61;
push @hang, client('u@deaf.test') for 1 .. 5;
push @hang, client('u@nodns.test') for 1 .. 5;
my $beside = p99();
note sprintf 'p99 alone %.1f ms, beside 71 that hang %.1f ms', $alone * 1000, $beside * 1000;
cmp_ok($beside, '<', 1, 'mail to another domain goes as ever');
is($sink->count, 200, 'all of it');

my $from = T::Stage::now();
my $late = client('late@silent.test');
$late->hear(qr/^451 4\.3\.2 Too many connections to the domain/, 'where too many wait already nobody is held up');
cmp_ok(T::Stage::now() - $from, '<', 5, 'it is said at once');
$out->log_like(qr/ not-reached why=busy domain=silent\.test /);

# The first who came is the first to go, when the one who has the place is gone.
my ($first, $second) = @hang[0, 1];
my $up = $silent->accept;
$first->close;
$up->hear_close;
my $next = $silent->accept;
$next->say('220 mx');
$next->hear(qr/^EHLO/);
$next->say('250 mx');
$next->hear(qr/^MAIL/);
$next->say('250 ok');
$next->hear(qr/^RCPT TO:<u2\@/, 'first come, first served');
$next->say('250 ok');
$second->hear(qr/^250 /);
$_->close for @hang, $late;
$out->log_like(qr{ closed why=client-left }, "who has given up is heard of") for @hang;
all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out: each time limit, on a server that falls silent where it counts. The limits are a
# second; all others are longer than the test waits.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use IO::Socket::IP;
use T::CA;
use T::Peer;
use T::Run;

my $crt = T::CA->new->cert('mx.test');
my %at  = (mx => '127.0.0.41', deaf => '127.0.0.42', second => '127.0.0.43');
my %mx  = map { $_ => T::Peer->listen(port => port('mx'), addr => $at{$_}, name => $_, queue => $_ eq 'deaf' ? 1 : 128, rcvbuf => 4096) } keys %at;
my @in_queue = map { IO::Socket::IP->new(PeerAddr => $at{deaf}, PeerPort => port('mx'), Blocking => 0) } 1 .. 3;
my $out = T::Run->start('sallyport-out', conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
workers = 1
tls-handshake-timeout = 1s
domain * {
    smtp-hosts = "[127.0.0.41]:@port:mx@"
    route-deadline = 60s
    use-starttls = no
    connection-idle-timeout = 0
}
domain connect.test { smtp-hosts = "[127.0.0.42]:@port:mx@" connect-timeout = 1s }
domain greeting.test { smtp-greeting-timeout = 3s }
domain ehlo.test { smtp-greeting-timeout = 3s }
domain starttls.test { smtp-greeting-timeout = 3s use-starttls = yes require-starttls = yes }
domain inside.test { smtp-greeting-timeout = 3s use-starttls = yes require-starttls = yes }
domain handshake.test { use-starttls = yes require-starttls = yes }
domain send.test { data-send-timeout = 1s }
domain final.test { smtp-data-termination-timeout = 1s }
domain idle.test { connection-idle-timeout = 1s }
domain route.test { route-deadline = 5s }
domain share.test {
    smtp-hosts = "[127.0.0.41]:@port:mx@; [127.0.0.43]:@port:mx@"
    route-deadline = 10s
}
CONF

sub ask {
    my ($domain) = @_;
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 /);
    $c->say("RCPT TO:<u\@$domain>");
    return $c;
}

# It is heard after a limit of so many seconds, and not at once.
sub hear_late {
    my ($c, $like, $from, $limit) = @_;
    $c->hear($like);
    my $taken = T::Stage::now() - $from;
    cmp_ok($taken, '>=', $limit - 0.1, 'not before its time');
    cmp_ok($taken, '<', $limit + 4, 'and not long after it');
    return;
}

my %begin = (
    connect   => sub { return },
    greeting  => sub { return $mx{mx}->accept },
    ehlo      => sub { my $s = $mx{mx}->accept; $s->say('220 mx'); $s->hear(qr/^EHLO/); return $s },
    starttls  => sub { my $s = $begin::of{ehlo}->(); $s->say('250-mx', '250 STARTTLS'); $s->hear(qr/^STARTTLS/); return $s },
    handshake => sub { my $s = $begin::of{starttls}->(); $s->say('220 go'); return $s },
    inside    => sub {
        my $s = $begin::of{ehlo}->();
        $s->say('250-mx', '250 STARTTLS');
        $s->starttls(server => 1, cert => $crt);
        $s->hear(qr/^EHLO/);
        return $s;
    },
);
%begin::of = %begin;
my %says = (connect => qr/^451 4\.4\.1 Cannot connect/, handshake => qr/^451 4\.7\.5 TLS handshake did not finish in time/);
for my $step (qw(connect greeting ehlo starttls handshake inside)) {
    subtest "silent at: $step" => sub {
        my $from = T::Stage::now();
        my $c = ask("$step.test");
        my $s = $begin{$step}->();
        hear_late($c, $says{$step} // qr/^451 4\.4\.2 No answer in time/, $from, $says{$step} ? 1 : 3);
        $c->close;
        $s->close if $s;
    };
}

# To the point where a message may go.
sub deliver {
    my ($domain) = @_;
    my $c = ask($domain);
    my $s = $begin{ehlo}->();
    $s->say('250 mx');
    for (qr/^MAIL/, qr/^RCPT/) { $s->hear($_); $s->say('250 ok') }
    $c->hear(qr/^250 /);
    $c->say('DATA');
    $s->hear(qr/^DATA/);
    $s->say('354 go');
    $c->hear(qr/^354 /);
    return ($c, $s);
}

subtest 'data-send-timeout: it takes no more of the message' => sub {
    my ($c, $s) = deliver('send.test');
    my $from = T::Stage::now();
    # Given up there, it is read to its end, as the mail server hears answers only then.
    $c->send(("x" x 78 . "\r\n") x 60_000 . ".\r\n");
    hear_late($c, qr/^451 4\.4\.2 /, $from, 1);
    $_->close for $c, $s;
};

subtest 'smtp-data-termination-timeout: no answer to the dot' => sub {
    my ($c, $s) = deliver('final.test');
    my $from = T::Stage::now();
    $c->send("x\r\n.\r\n");
    $s->hear_body;
    hear_late($c, qr/^451 4\.4\.2 /, $from, 1);
    $_->close for $c, $s;
};

subtest 'connection-idle-timeout' => sub {
    my ($c, $s) = deliver('idle.test');
    $c->send("x\r\n.\r\n");
    $s->hear_body;
    my $from = T::Stage::now();
    $s->say('250 ok');
    $c->hear(qr/^250 /);
    hear_late($s, qr/^QUIT$/, $from, 1);
    $_->close for $c, $s;
};

subtest 'route-deadline, over all that may last longer' => sub {
    my $from = T::Stage::now();
    my $c = ask('route.test');
    my $s = $mx{mx}->accept;
    $c->hear(qr/^451 4\.4\.2 /);
    my $taken = T::Stage::now() - $from;
    cmp_ok($taken, '>=', 4.9, 'its time');
    cmp_ok($taken, '<', 8, 'and no more');
    $_->close for $c, $s;
};

subtest 'route-deadline: who stalls has its share, and none of the next one\'s' => sub {
    my $from = T::Stage::now();
    my $c = ask('share.test');
    my $stalls = $mx{mx}->accept;
    my $s = $mx{second}->accept;
    my $taken = T::Stage::now() - $from;
    cmp_ok($taken, '>=', 4.5, 'half of it');
    cmp_ok($taken, '<', 9, 'and no more');
    $s->say('220 second');
    $s->hear(qr/^EHLO/);
    $s->say('250 second');
    for (qr/^MAIL/, qr/^RCPT/) { $s->hear($_); $s->say('250 ok') }
    $c->hear(qr/^250 /);
    $_->close for $c, $s, $stalls;
};

all_done();

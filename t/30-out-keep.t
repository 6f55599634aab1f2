#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out: connections that are kept, and how many there may be.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::DNS;
use T::Peer;
use T::Run;

my $crt = T::CA->new->cert('mx.test');
my $dns = T::DNS->start(<<'Z');
a.test.   MX 10 mx.test.
b.test.   MX 10 mx.test.
tls.test. MX 10 mx.test.
may.test. MX 10 mx.test.
one.test. MX 10 mx.test.
mx.test.  A 127.0.0.41
Z
my $mx = T::Peer->listen(port => port('mx'), addr => '127.0.0.41', name => 'mx');
my $out = T::Run->start('sallyport-out', dns => $dns->address, conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
workers = 1
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    use-starttls = no
    connection-idle-timeout = 60s
}
domain may.test { use-starttls = yes }
domain tls.test { use-starttls = yes  require-starttls = yes }
domain one.test { max-smtp-out = 1  route-deadline = 6s  ehlo-name = one.test  connection-idle-timeout = 1s }
CONF

sub ask {
    my ($rcpt, $c) = @_;
    if (!$c) {
        $c = T::Peer->connect(port('out'), name => 'mta');
        $c->hear(qr/^220 /);
        $c->talk('EHLO mta.test' => qr/^250-/);
    }
    $c->talk('MAIL FROM:<a@a.test>' => qr/^250 /);
    $c->say("RCPT TO:<$rcpt>");
    return $c;
}

sub greet {
    my (%o) = @_;
    my $s = $mx->accept;
    $s->say('220 mx ESMTP');
    $s->hear(qr/^EHLO /);
    $s->say('250-mx', ($o{tls} ? '250-STARTTLS' : ()), '250 PIPELINING');
    return $s unless $o{tls};
    $s->starttls(server => 1, cert => $crt);
    $s->hear(qr/^EHLO /);
    $s->say('250-mx', '250 PIPELINING');
    return $s;
}

sub envelope {
    my ($c, $s, $rcpt) = @_;
    $s->hear(qr/^MAIL FROM:<a\@a\.test>$/);
    $s->hear(qr/^RCPT TO:<\Q$rcpt\E>$/);
    $s->say('250 Ok', '250 Ok');
    $c->hear(qr/^250 /);
}

sub message {
    my ($c, $s) = @_;
    $c->say('DATA');
    $s->hear(qr/^DATA$/);
    $s->say('354 go');
    $c->hear(qr/^354 /);
    $c->send("x\r\n.\r\n");
    $s->hear_body;
    $s->say('250 Ok');
    $c->hear(qr/^250 /);
}

my $s;
subtest 'used again, in the same session and in the next' => sub {
    my $c = ask('u@a.test');
    $s = greet();
    envelope($c, $s, 'u@a.test');
    message($c, $s);
    ask('u@a.test', $c);
    envelope($c, $s, 'u@a.test');
    message($c, $s);
    $c->talk('QUIT' => qr/^221 /);
    $c = ask('v@a.test');
    envelope($c, $s, 'v@a.test');
    message($c, $s);
    $c->close;
};

subtest 'for another domain of the same server and the same demand' => sub {
    my $c = ask('u@b.test');
    envelope($c, $s, 'u@b.test');
    message($c, $s);
    $c->close;
};

subtest 'left in a transaction: RSET, and it is used again' => sub {
    my $c = ask('u@a.test');
    envelope($c, $s, 'u@a.test');
    $c->say('RSET');
    $c->hear(qr/^250 /);
    $s->hear(qr/^RSET$/);
    $s->say('250 Ok');
    # The answer to RSET must be in before it counts as free: who is heard twice was heard once behind it.
    $c->talk('NOOP' => qr/^250 /) for 1, 2;
    ask('u@a.test', $c);
    envelope($c, $s, 'u@a.test');
    message($c, $s);
    $c->close;
};

subtest 'never across demands: clear text is not for who must have TLS' => sub {
    my $c = ask('u@tls.test');
    my $t = greet(tls => 1);
    envelope($c, $t, 'u@tls.test');
    message($c, $t);
    $c->close;
    $s->hear_nothing(0.2, 'nothing on the clear one');
    $c = ask('u@may.test');
    my $m = greet(tls => 1);
    envelope($c, $m, 'u@may.test');
    message($c, $m);
    $c->close;
    $c = ask('u@tls.test');
    envelope($c, $t, 'u@tls.test');
    message($c, $t);
    $c->close;
};

subtest 'one that says 421 instead is made anew' => sub {
    my $c = ask('u@a.test');
    $s->hear(qr/^MAIL/);
    $s->hear(qr/^RCPT/);
    $s->say('421 4.4.2 Idle too long');
    $s->close;
    $s = greet();
    envelope($c, $s, 'u@a.test');
    message($c, $s);
    $c->close;
};

subtest 'one that was closed is not used' => sub {
    $s->close;
    my $c = ask('u@a.test');
    $s = greet();
    envelope($c, $s, 'u@a.test');
    message($c, $s);
    $c->close;
};

subtest 'what is said unasked ends it' => sub {
    $s->say('250 Ok');
    $s->hear_close;
};

subtest 'max-smtp-out: the second waits its turn' => sub {
    my $c = ask('u@one.test');
    my $one = greet();
    envelope($c, $one, 'u@one.test');
    my $d = ask('v@one.test');
    $mx->no_connection(0.3, 'no second connection');
    message($c, $one);
    envelope($d, $one, 'v@one.test');
    message($d, $one);
    $_->close for $c, $d;
    $one->hear(qr/^QUIT$/, 'connection-idle-timeout');
    $one->say('221 bye');
    $one->hear_close;
};

subtest 'max-smtp-out: who waits too long' => sub {
    my $c = ask('u@one.test');
    my $one = greet();
    envelope($c, $one, 'u@one.test');
    my $d = ask('v@one.test');
    $d->hear(qr/^451 4\.3\.2 /);
    message($c, $one);
    $_->close for $c, $d;
};

all_done();

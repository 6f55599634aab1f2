#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out: how often and how long a connection is used, and each moment at which one that
# was kept may turn out to be dead.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use IO::Socket::SSL;
use T::CA;
use T::DNS;
use T::Peer;
use T::Run;

my $crt = T::CA->new->cert('mx.test');
my $dns = T::DNS->start("a.test. MX 10 mx.test.\ntwo.test. MX 10 mx.test.\nold.test. MX 10 mx.test.\nonce.test. MX 10 mx.test.\nfull.test. MX 10 mx.test.\nmx.test. A 127.0.0.41\n");
my $mx  = T::Peer->listen(port => port('mx'), addr => '127.0.0.41', name => 'mx');
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
domain two.test { max-msg-per-connection = 2  ehlo-name = two.us }
domain old.test { max-connection-age = 1s  ehlo-name = old.us }
domain full.test { max-smtp-out = 1  ehlo-name = full.us }
domain once.test { use-starttls = yes  reuse-ssl-session = no  connection-idle-timeout = 0 }
CONF

sub ask {
    my ($domain) = @_;
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 /);
    $c->say("RCPT TO:<u\@$domain.test>");
    return $c;
}

sub greet {
    my (@offers) = @_;
    my $s = $mx->accept;
    $s->say('220 mx ESMTP');
    $s->hear(qr/^EHLO /);
    $s->say('250-mx', (map { "250-$_" } @offers), '250 PIPELINING');
    return $s;
}

sub envelope {
    my ($c, $s) = @_;
    $s->hear(qr/^MAIL FROM:<a\@a\.test>$/);
    $s->hear(qr/^RCPT TO:<u\@\w+\.test>$/);
    $s->say('250 Ok', '250 Ok');
    $c->hear(qr/^250 /);
    return;
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
    $c->close;
    return $s;
}

sub deliver {
    my ($domain, $s) = @_;
    my $c = ask($domain);
    $s //= greet();
    envelope($c, $s);
    return message($c, $s);
}

subtest 'max-msg-per-connection' => sub {
    my $s = deliver('two');
    deliver('two', $s);
    $s->hear(qr/^QUIT$/, 'after the second');
    $s->say('221 bye');
    $s->hear_close;
};

subtest 'max-connection-age' => sub {
    my $s = deliver('old');
    $s->hear(qr/^QUIT$/, 'before connection-idle-timeout');
    $s->say('221 bye');
    $s->hear_close;
};

subtest 'reuse-ssl-session = no' => sub {
    my $context = IO::Socket::SSL::SSL_Context->new(SSL_server => 1, SSL_cert_file => $crt->{cert},
        SSL_key_file => $crt->{plain}, SSL_session_id_context => 'mx', SSL_verify_mode => 0);
    for (1, 2) {
        my $c = ask('once');
        my $s = greet('STARTTLS');
        $s->starttls(server => 1, context => $context);
        $s->hear(qr/^EHLO /);
        $s->say('250 mx');
        $s->hear(qr/^MAIL/);
        $s->say('250 Ok');
        $s->hear(qr/^RCPT/);
        $s->say('250 Ok');
        $c->hear(qr/^250 /);
        ok(!$s->tls_resumed, 'a full handshake');
        message($c, $s);
    }
};

# What a connection that was kept does in place of an answer; then another takes its place, and the
# mail server hears nothing of it.
my %dies = (
    'at MAIL'             => sub { $_[0]->hear(qr/^MAIL/) },
    'at RCPT'             => sub { $_[0]->hear(qr/^MAIL/); $_[0]->hear(qr/^RCPT/); $_[0]->say('250 Ok') },
    'at RCPT, by 421'     => sub { $_[0]->hear(qr/^MAIL/); $_[0]->hear(qr/^RCPT/); $_[0]->say('250 Ok', '421 4.4.2 Too long') },
    'in half an answer'   => sub { $_[0]->hear(qr/^MAIL/); $_[0]->send('250 O') },
);
for my $when (sort keys %dies) {
    for my $how ('close', 'reset') {
        next if $how eq 'reset' && $when =~ /421/; # the word would be lost
        subtest "dead $when: $how" => sub {
            my $s = deliver('a');
            my $c = ask('a');
            $dies{$when}->($s);
            $s->$how;
            my $next = greet();
            envelope($c, $next);
            message($c, $next);
            $next->close;
        };
    }
}

subtest 'dead while it waits, and at RSET' => sub {
    my $s = deliver('a');
    $s->close;
    my $next = deliver('a');
    my $c = ask('a');
    envelope($c, $next);
    $c->talk('RSET' => qr/^250 /);
    $next->hear(qr/^RSET$/);
    $next->reset;
    my $third = greet_of($c);
    message($c, $third);
    $third->close;
};

sub greet_of {
    my ($c) = @_;
    $c->talk('MAIL FROM:<a@a.test>' => qr/^250 /);
    $c->say('RCPT TO:<u@a.test>');
    my $s = greet();
    envelope($c, $s);
    return $s;
}

# A server may take no more than so many messages of a session, as OpenSMTPD does, and says 4xx to the
# next MAIL: it comes to a new one, and the mail server hears nothing of it.
sub tired {
    my ($s) = @_;
    $s->hear(qr/^MAIL/);
    $s->hear(qr/^RCPT/);
    $s->say('452 4.3.0 Too many messages sent');
    return;
}

subtest 'a session that has had its share' => sub {
    my ($c, $d) = (ask('a'), ask('a'));
    my ($s, $other) = (greet(), greet());
    envelope($c, $s);
    envelope($d, $other);
    message($d, $other);
    message($c, $s); # which comes before the other from now on
    $c = ask('a');
    tired($s);
    my $next = greet();
    envelope($c, $next);
    message($c, $next);
    $s->say('503 5.5.1 No MAIL');
    $s->hear(qr/^QUIT$/, 'when it has answered');
    $s->say('221 bye');
    $s->hear_close;
    $_->close for $next, $other;
};

subtest 'a session that has had its share, where there may be one' => sub {
    my $s = deliver('full');
    my $c = ask('full');
    tired($s);
    $s->hear_close('it gives way');
    my $next = greet();
    envelope($c, $next);
    message($c, $next);
    $next->close;
};

subtest 'a 4xx on the new one is the answer' => sub {
    my $s = deliver('full');
    my $c = ask('full');
    tired($s);
    my $next = greet();
    tired($next);
    $c->hear(qr/^452 4\.3\.0 Too many messages sent /);
    $mx->no_connection(0.1, 'nobody else is called');
    $_->close for $c, $s, $next;
};

# Once somebody was accepted the mail server has heard of it: it hears of the end, too.
for my $how ('close', 'reset') {
    subtest "dead at DATA, and in the message: $how" => sub {
        my $s = deliver('a');
        my $c = ask('a');
        envelope($c, $s);
        $c->say('DATA');
        $s->hear(qr/^DATA$/);
        $s->$how;
        $c->hear(qr/^451 4\.4\.2 Connection lost /);
        $mx->no_connection(0.1, 'before 354: nobody else is called');
        $c->close;
        $s = deliver('a');
        $c = ask('a');
        envelope($c, $s);
        $c->say('DATA');
        $s->hear(qr/^DATA$/);
        $s->say('354 go');
        $c->hear(qr/^354 /);
        $s->$how;
        $c->send("x\r\n.\r\n");
        $c->hear(qr/^451 4\.4\.2 Connection lost in the message /);
        $mx->no_connection(0.1, 'nor behind it');
        $c->close;
    };
}

all_done();

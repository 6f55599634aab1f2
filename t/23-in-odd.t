#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-in and clients that do with TLS and TCP what is allowed, seldom or forbidden.
use v5.36;
use lib 't/lib';
use Test::More;
use IPC::Open2;
use T::Stage;
use T::CA;
use T::Peer;
use T::Run;

my $ca  = T::CA->new;
my $mta = T::Peer->listen(port => port('mta'), name => 'mta');
my $in  = T::Run->start(
    'sallyport-in',
    mx   => $ca->cert('mx.test')->{pem},
    conf => <<'CONF');
smtp-listener 127.0.0.1:@port:in@ { }
smtp-listener 127.0.0.1:@port:smtps@ { tls = yes }
smtp-server-tls-certificate = {"@mx@", ""}
smtp-server-tls-min-protocol = TLSv1.2
backend mta { server = "127.0.0.1:@port:mta@" identity = proxy-v1 }
workers = 1
source 0/0 { allow-starttls = yes }
CONF

# The mail server's side of being called, up to EHLO.
sub called {
    my $s = $mta->accept(head => 1);
    $s->say('220 mta.test ESMTP');
    $s->hear(qr/^EHLO /);
    $s->say('250-mta.test', '250 PIPELINING');
    return $s;
}

# Starts an oddity (t/tool/tlsodd.c); what it printed comes from said().
sub odd {
    my ($what) = @_;
    my $pid = open2(my $out, my $in, "$ENV{T_BUILD}/t/tool/tlsodd", port('smtps'), $what);
    return {pid => $pid, out => $out, in => $in};
}

sub said {
    my ($odd) = @_;
    my $text = do { local $/; readline $odd->{out} };
    waitpid $odd->{pid}, 0;
    return $text =~ s/\r//gr;
}

subtest 'new keys in the middle' => sub {
    my $odd = odd('key-update');
    my $s   = called();
    $s->hear(qr/^QUIT$/);
    $s->close;
    like(said($odd), qr/^220 .*^250 PIPELINING\n221 .*\[updated\]/ms, 'answers come in new keys');
    $in->log_like(qr/closed why=quit .*tls=TLSv1\.3/);
};

subtest 'new keys, asked for time and again' => sub {
    my @took; # one of three, as the others may be the machine's
    while (@took < 3) {
        $in->log_mark;
        my $odd = odd('key-flood');
        like(readline($odd->{out}), qr/^220 /,     'greeted');
        like(readline($odd->{out}), qr/^\[sent\]$/, 'all at one go');
        my $since = T::Stage::now();
        T::Peer->connect(port('in'))->hear(qr/^220 /, 'another client');
        push @took, T::Stage::now() - $since;
        like(said($odd), qr/^\[closed\]$/m);
        $in->log_like(qr/closed why=client-failed .*broke="new keys without end"/);
    }
    cmp_ok((sort { $a <=> $b } @took)[0], '<', 0.3, 'who is served meanwhile');
};

subtest 'the same with a byte of data behind each thousand' => sub {
    my $odd = odd('key-heaps');
    like(said($odd), qr/^\[sent\]\n\[closed\]$/m, 'comes to its end');
    $in->log_like(qr/closed why=client-failed .*broke="new keys without end"/);
};

subtest 'renegotiation' => sub {
    my $odd = odd('renegotiate');
    like(said($odd), qr/\A220 .*\n\[refused\]\n\z/, 'refused');
    $in->log_like(qr/closed why=client-\w+ .*tls=TLSv1\.2/);
};

subtest 'records of one byte' => sub {
    my $odd = odd('drops');
    my $s   = called();
    $s->hear(qr/^NOOP$/);
    $s->say('250 Ok');
    $s->hear(qr/^QUIT$/);
    $s->close;
    like(said($odd), qr/\[dropped\]/, 'make the same commands');
    $in->log_like(qr/closed why=quit /);
};

for my $kind ('half-close', 'half-close-1.2') {
    subtest "$kind: no more to say, but all ears" => sub {
        my $odd = odd($kind);
        my $s   = called();
        $s->hear(qr/^$_/) for qw(NOOP RSET VRFY);
        $s->say('250 2.0.0 Noop', '250 2.0.0 Reset', '252 2.0.0 Someone');
        like(said($odd), qr/Noop\n250 2\.0\.0 Reset\n252 2\.0\.0 Someone\n\[close_notify\]/, 'every answer comes, and that it was the last (RFC 8446, 6.1)');
        $s->hear_close;
        $in->log_like(qr/closed why=client-left /);
    };
}

subtest 'half-closed in the clear' => sub {
    my $c = T::Peer->connect(port('in'));
    $c->hear(qr/^220 /);
    $c->send("HELO c.test\r\nMAIL FROM:<a\@a.test>\r\n");
    my $s = $mta->accept(head => 1);
    $s->say('220 mta.test ESMTP');
    $s->hear(qr/^[EH]E?[HL]LO? c\.test$/);
    $s->say('250 mta.test');
    $s->hear(qr/^MAIL /);
    $c->half_close;
    $s->say('250 2.1.0 Ok');
    $c->hear(qr/^250 proxy\.test/);
    $c->hear(qr/^250 2\.1\.0 Ok/);
    $c->hear_close;
    $s->hear_close('without a word in the name of the client');
    $in->log_like(qr/closed why=client-left /);
};

subtest 'clear text behind the end of TLS' => sub {
    my $odd = odd('clear-after-close');
    my $s   = called();
    $s->hear_close('the mail server hears nothing of it');
    like(said($odd), qr/^250 PIPELINING\n\[close/m, 'nor is it answered');
    $in->log_like(qr/closed why=client-/);
};

# Message content is complete at the lone dot and at nothing else.
for my $end (qw(close reset half_close)) {
    subtest "a message cut short by $end" => sub {
        my $c = T::Peer->connect(port('smtps'), tls => {name => 'mx.test', ca => $ca});
        $c->hear(qr/^220 /);
        $c->say('EHLO c.test');
        my $s = called();
        $c->hear(qr/^250-/);
        $c->say('MAIL FROM:<a@a.test>', 'RCPT TO:<b@b.test>', 'DATA');
        $s->hear(qr/^$_/) for qw(MAIL RCPT DATA);
        $s->say('250 Ok', '250 Ok', '354 Go');
        $c->hear(qr/^250 /) for 1 .. 2;
        $c->hear(qr/^354 /);
        $c->send("Subject: x\r\n\r\nhalf a mess");
        $s->hear_bytes(length "Subject: x\r\n\r\nhalf a mess");
        $c->$end;
        $s->hear_close('no dot, no end');
        $in->log_like(qr/closed why=client-\w+ .*messages=0/);
    };
}
all_done();

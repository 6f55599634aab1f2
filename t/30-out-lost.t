#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out when somebody goes away, is slow, is killed, or is told to read its file again.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::Csv;
use T::DNS;
use T::Peer;
use T::Run;
use T::Spool;

my $dns = T::DNS->start(<<'Z');
two.test.      MX 10 mx1.two.test.
two.test.      MX 20 mx2.two.test.
mx1.two.test.  A 127.0.0.51
mx2.two.test.  A 127.0.0.52
Z
my %at = (mx1 => '127.0.0.51', mx2 => '127.0.0.52');
my %mx = map { $_ => T::Peer->listen(port => port('mx'), addr => $at{$_}, name => $_, rcvbuf => 4096) } keys %at;
my $conf = <<'CONF';
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
acct-file "@dir@/acct.csv" { records = {d, b, t} record-fields d { fields = {"*", sessionId} } }
spool-directory = "@dir@/spool"
workers = 1
drain-timeout = 20s
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    use-starttls = no
    connection-idle-timeout = 0
    smtp-data-termination-timeout = 5s
    data-send-timeout = 5s
}
CONF
# Where the program has a sanitizer, that keeps what was freed: this much of it.
my $out = T::Run->start(
    'sallyport-out',
    dns    => $dns->address,
    conf   => $conf,
    expect => qr/role=worker|reload-failed/,
    env    => {ASAN_OPTIONS => join ':', grep { $_ } $ENV{ASAN_OPTIONS}, 'quarantine_size_mb=1'});
my $spool = stage_dir() . '/spool';
my $count = 0;

# Up to 354 on both sides: (mail server, server, recipient).
sub begin {
    my $rcpt = 'u' . ++$count . '@two.test';
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 /);
    $c->say("RCPT TO:<$rcpt>");
    my $s = $mx{mx1}->accept;
    $s->say('220 mx ESMTP');
    $s->hear(qr/^EHLO /);
    $s->say('250-mx', '250 PIPELINING');
    $s->hear(qr/^MAIL /);
    $s->hear(qr/^RCPT /);
    $s->say('250 Ok', '250 Ok');
    $c->hear(qr/^250 /);
    $c->say('DATA');
    $s->hear(qr/^DATA$/);
    $s->say('354 go');
    $c->hear(qr/^354 /);
    return ($c, $s, $rcpt);
}

sub outcome {
    my ($rcpt) = @_;
    my ($row) = spool_wait($spool, sub { $_->{rcpt} eq $rcpt && $_->{do} ne 'intent' });
    return $row // {};
}

subtest 'closed after the final dot: 451, t, and nobody else is asked' => sub {
    my ($c, $s, $rcpt) = begin();
    $c->send("x\r\n.\r\n");
    $s->hear_body;
    my ($intent) = spool_wait($spool, sub { $_->{rcpt} eq $rcpt && $_->{do} eq 'intent' });
    is($intent->{type}, 't', 'the intent was there before the dot went out');
    $s->close;
    $c->hear(qr/^451 4\.4\.2 /);
    my $row = outcome($rcpt);
    is("$row->{do} $row->{type}", 'outcome t');
    like($row->{dsnStatus}, qr/^4\.4\.2/);
    $mx{mx2}->no_connection(0.2);
    $c->talk('NOOP' => qr/^250 /);
    $c->close;
};

subtest 'no answer to the final dot' => sub {
    my ($c, $s, $rcpt) = begin();
    $c->send("x\r\n.\r\n");
    $s->hear_body;
    $c->hear(qr/^451 4\.4\.2 /);
    is(outcome($rcpt)->{type}, 't');
    $c->close;
};

subtest 'closed in the message' => sub {
    my ($c, $s, $rcpt) = begin();
    $c->send("x\r\n");
    $s->hear_line(qr/^x$/);
    $s->close;
    is(outcome($rcpt)->{type}, 't');
    $c->send("y\r\n.\r\n");
    $c->hear(qr/^451 4\.4\.2 /);
    $mx{mx2}->no_connection(0.2);
    $c->close;
};

subtest 'the mail server goes away in the message: no dot of ours' => sub {
    my ($c, $s) = begin();
    $c->send("x\r\n");
    $s->hear_line(qr/^x$/);
    $c->close;
    $s->hear_close('closed, and nothing said');
};

subtest 'the mail server goes away after the final dot: the outcome is written' => sub {
    my ($c, $s, $rcpt) = begin();
    $c->send("x\r\n.\r\n");
    $s->hear_body;
    $c->reset;
    $out->log_mark;
    $s->say('250 2.0.0 Taken');
    is(outcome($rcpt)->{type}, 'd');
    $out->log_like(qr/closed why=client-left/);
};

subtest 'bare CR, LF and NUL become spaces' => sub {
    my ($c, $s) = begin();
    $c->send("a\nb\rc\0d\r\n\n.\n\r.\r\n.\r\n");
    is($s->hear_body, "a b c d\r\n .  .\r\n", 'nobody can see an end in it');
    $s->say('250 Ok');
    $c->hear(qr/^250 /);
    $c->close;
};

subtest '10 MB to a slow reader: memory is bounded' => sub {
    my ($c, $s) = begin();
    my $before = $out->memory;
    my $line = ('x' x 998) . "\r\n";
    my $whole = 10 * 1024 * 1024;
    my ($sent, $heard) = (0, 0);
    my $piece = $line x 64;
    my $most = 0;
    while ($heard < $whole) {
        $sent += $c->send_some(substr($piece, $sent % length $line), 0) if $sent < $whole;
        my $now = $out->memory - $before;
        $most = $now if $now > $most;
        my $part = $s->hear_bytes(32768 < $whole - $heard ? 32768 : $whole - $heard);
        $heard += length $part;
    }
    cmp_ok($most, '<', 4 * 1024 * 1024, "at most $most bytes more");
    $c->reset;
    $s->close;
};

subtest 'a reader that stands still' => sub {
    my ($c, $s, $rcpt) = begin();
    $c->send_some("x" x 70 . "\r\n", 0) for 1 .. 3;
    my $line = ('x' x 998) . "\r\n";
    my $sent = $c->send_some($line x 20000, 0.5);
    cmp_ok($sent, '<', 20_000_000, 'the mail server is held up');
    is(outcome($rcpt)->{type}, 't', 'and then the server is given up');
    $c->reset;
    $s->close;
};

subtest 'reload in the middle of a message: it goes on, and new ones come in' => sub {
    my ($c, $s, $rcpt) = begin();
    $c->send("x\r\n");
    $out->configure($conf);
    $out->log_mark;
    $out->signal('HUP');
    $out->log_like(qr/ reloaded generation=2/);
    my ($d, $t, $other) = begin();
    $d->send("y\r\n.\r\n");
    $t->hear_body;
    $t->say('250 Ok');
    $d->hear(qr/^250 /);
    $c->send(".\r\n");
    $s->hear_body;
    $s->say('250 Ok');
    $c->hear(qr/^250 /, 'the old one');
    $c->hear(qr/^421 /, 'and goodbye');
    is(outcome($_)->{type}, 'd') for $rcpt, $other;
    $out->log_like(qr/generation-gone generation=1/);
    $d->close;
};

subtest 'a reload with a mistake changes nothing' => sub {
    $out->configure("$conf\ndomain x.test { smtp-hosts = \"a..b\" }\n");
    $out->log_mark;
    $out->signal('HUP');
    $out->log_like(qr/smtp-hosts/);
    my ($c, $s) = begin();
    $c->reset;
    $s->close;
    $out->configure($conf);
};

subtest 'killed between the dot and the answer: the row is a t' => sub {
    my ($c, $s, $rcpt) = begin();
    $c->send("x\r\n.\r\n");
    $s->hear_body;
    my ($worker) = reverse $out->children_of('worker');
    $out->log_mark;
    kill 'KILL', $worker;
    $c->hear_close('the mail server hears no 250');
    $out->log_like(qr/child-started role=worker/);
    my ($d, $t) = begin();
    $d->reset;
    $t->close;
    my $acct = T::Run->start('sallyport-milter', dns => $dns->address, conf => $conf);
    my ($row) = csv_wait(stage_dir() . '/acct.csv', sub { $_->{rcpt} eq $rcpt });
    is($row->{type}, 't');
    like($row->{dsnStatus}, qr/^4\.4\.2/);
    my @rows = csv_wait(stage_dir() . '/acct.csv', sub { $_->{rcpt} =~ /^u(?:1|5)\@/ }, count => 2);
    is(join(' ', map { $_->{type} } sort { $a->{rcpt} cmp $b->{rcpt} } @rows), 't d', 'and the others as they were');
};

subtest 'SIGTERM: who has no transaction is told to go' => sub {
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/);
    $out->signal('TERM');
    $c->hear(qr/^421 4\.3\.2 /);
    $c->hear_close;
};

all_done();

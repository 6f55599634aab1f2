#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Time limits, ceilings, and peers that do not read: nobody holds a session for longer than it may,
# and none holds up the others.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Peer;
use T::Run;
use T::Sink;
use Time::HiRes qw(time);

my $ca  = T::CA->new;
my $mta = T::Peer->listen(port => port('mta'), name => 'mta', rcvbuf => 131072);
my $talker = T::Sink->start(port => port('talker'), head => 1, replies => [qr/^MAIL/ => '250 ' . 'x' x 490]);
# What a sanitizer keeps of freed memory would hide what is measured here.
my $in = T::Run->start('sallyport-in', env => {ASAN_OPTIONS => 'quarantine_size_mb=1'}, cert => $ca->cert('mx.test')->{pem}, conf => <<'CONF');
smtp-listener 127.0.0.1:@port:in@ { backend = mta }
smtp-listener 127.0.0.1:@port:smtps@ { tls = yes backend = mta }
smtp-listener 127.0.0.1:@port:patient@ { source = patient backend = mta }
smtp-listener 127.0.0.1:@port:talker-in@ { source = patient backend = talker }
smtp-server-tls-certificate = {"@cert@", ""}
tls-handshake-timeout = 1s
backend mta { server = "127.0.0.1:@port:mta@" identity = proxy-v1 reply-timeout = 3s }
backend talker { server = "127.0.0.1:@port:talker@" identity = proxy-v1 }
workers = 1
max-sessions = 600
source 0/0 { allow-starttls = yes smtp-command-timeout = 2s smtp-data-timeout = 2s }
source patient { allow-starttls = no smtp-command-timeout = 5m smtp-data-timeout = 5m }
CONF

sub called {
    my $s = ($_[0] // $mta)->accept(head => 1);
    $s->say('220 mta.test');
    $s->hear(qr/^EHLO/);
    $s->say('250-mta.test', '250-PIPELINING', '250 CHUNKING');
    return $s;
}

sub client {
    my ($port) = @_;
    my $c = T::Peer->connect(port($port));
    $c->hear(qr/^220 /);
    return $c;
}

# A client and the mail server, with a message about to come.
sub in_data {
    my ($port) = @_;
    my $c = client($port);
    $c->say('EHLO c.test', 'MAIL FROM:<a@a.test>', 'RCPT TO:<b@b.test>', 'DATA');
    my $s = called();
    for my $answer ('250 Ok', '250 Ok', '354 Go') {
        $s->hear(qr/^(?:MAIL|RCPT|DATA)/);
        $s->say($answer);
    }
    $c->hear($_) for qr/^250/, qr/^250/, qr/^250/, qr/^354/;
    return ($c, $s);
}

# After a second at least, and by no limit that is longer.
sub in_time {
    my ($began, $name, $most) = @_;
    my $took = time - $began;
    return ok($took > 0.8 && $took < ($most // 15), $name) || diag $took;
}

subtest 'a command has a deadline, however slowly it drips' => sub {
    my $began = time;
    my $c = client('in');
    my $said;
    for my $byte (split //, 'NOOP x') {
        $c->send($byte);
        last if defined($said = $c->read_line(0.5));
    }
    like($said // $c->read_line, qr/^421 4\.4\.2 /, 'enough');
    $c->hear_close;
    in_time($began, 'ended in time');
    $in->log_like(qr/closed why=timed-out doing="waiting for a command"/);
};

subtest 'a handshake that stalls, on either port' => sub {
    for my $port ('smtps', 'in') {
        my $began = time;
        my $c = T::Peer->connect(port($port));
        my $s;
        if ($port eq 'in') {
            $c->hear(qr/^220 /);
            $c->say('EHLO c.test');
            $s = called();
            $c->hear(qr/^250/);
            $began = time;
            $c->talk('STARTTLS' => qr/^220 /);
        }
        $c->send("\x16\x03\x01\x02\x00\x01");
        $c->hear_close;
        in_time($began, "$port: ended in time");
        $in->log_like(qr/closed why=timed-out doing="shaking hands"/);
    }
};

subtest 'a message that drips' => sub {
    my ($c, $s) = in_data('in');
    my $began = time;
    for (1 .. 10) {
        $c->send("x\r\n");
        last if defined $c->read_line(0.4);
    }
    $s->fill_until(sub { 0 });
    unlike($s->{in}, qr/^\.\r$/m, 'no dot of ours');
    in_time($began, 'ended in time');
    $in->log_like(qr/closed why=timed-out doing="hearing a message"/);
};

subtest 'a message that drips in chunks, each of them at once' => sub {
    my $c = client('in');
    $c->say('EHLO c.test', 'MAIL FROM:<a@a.test>', 'RCPT TO:<b@b.test>');
    my $s = called();
    for my $command (qw(MAIL RCPT)) {
        $s->hear(qr/^$command/);
        $s->say('250 Ok');
    }
    $c->hear($_) for (qr/^250/) x 3;
    my ($began, $said) = (time, '');
    for (1 .. 12) {
        $c->send("BDAT 1\r\nx");
        ($s->read_line // '') eq 'BDAT 1' or last;
        $s->fill_until(sub { length $_[0] });
        $s->{in} = '';
        $s->say('250 Ok');
        $c->hear(qr/^250 /);
        $said = $c->read_line(0.4) // next; # it drips
        last;
    }
    like($said || $c->read_line, qr/^421 4\.4\.2 /, 'enough');
    $c->hear_close;
    in_time($began, 'ended in time');
    $in->log_like(qr/closed why=timed-out doing="waiting for a command"/);
};

subtest 'a mail server that does not answer' => sub {
    my ($c, $s) = in_data('in');
    my $began = time;
    $c->send("x\r\n.\r\n");
    $s->hear_body;
    $c->hear(qr/^421 4\.3\.2 /, 'never 250');
    cmp_ok(time - $began, '>', 5.5, 'a message has twice the time of a command');
    $in->log_like(qr/closed why=backend-slow doing="waiting for the backend"/);
    $c = client('in');
    $began = time;
    $c->say('EHLO c.test', 'MAIL FROM:<a@a.test>');
    $s = called();
    $c->hear($_) for qr/^250/, qr/^421 4\.3\.2 /;
    in_time($began, 'a command has half of that', 5.5);
    $in->log_like(qr/closed why=backend-slow doing="waiting for the backend"/);
};

sub worker_memory {
    my ($pid) = $in->children;
    open my $status, '<', "/proc/$pid/status" or die;
    return (map { /^VmHWM:\s+(\d+)/ ? $1 : () } <$status>)[0];
}

subtest '20 MB against a mail server that reads slowly' => sub {
    my ($c, $s) = in_data('patient');
    my $line = ('x' x 98) . "\r\n";
    my $message = $line x 209_715;
    my $before = worker_memory();
    my $taken = $c->send_some($message, 1);
    cmp_ok($taken, '<', 16 << 20, 'the client is slowed down: more than the sockets hold is not taken');
    my $got = '';
    while (length $got < length($message) + 3) {
        my $more = length($message) - $taken;
        $taken += $c->send_some(substr($message, $taken, 1 << 20), 0.02) if $more > 0;
        $c->send(".\r\n"), $taken++ if $taken == length $message;
        $s->fill_until(sub { length $_[0] }, 5) or last;
        $got .= substr $s->{in}, 0, length $s->{in}, '';
    }
    ok($got eq "$message.\r\n", 'all of it came, as it was') or diag length $got;
    $s->say('250 Ok');
    $c->hear(qr/^250 /);
    cmp_ok(worker_memory() - $before, '<', 6 << 10, 'and memory did not grow with it');
    $c->close;
};

subtest 'a client that does not read' => sub {
    my $c = T::Peer->connect(port('talker-in'), rcvbuf => 4096);
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/^250/);
    my $before = worker_memory();
    $c->send_some("MAIL FROM:<a\@a.test>\r\n" x 200_000, 1);
    my $asked = 0;
    ok(T::Stage::wait_for(sub {
        my $last = $asked;
        select undef, undef, undef, 2;
        $asked = () = $talker->log_text =~ /C: MAIL/g;
        return $asked == $last;
    }), 'who does not read is not heard');
    cmp_ok($asked, '<', 100_000, 'or not to the end');
    cmp_ok(worker_memory() - $before, '<', 6 << 10, 'and costs no memory');
    $c->reset;
    my ($out) = $in->log_like(qr/closed .* out=\d{4,} /) =~ / out=(\d+)/;
    cmp_ok($out, '<', 300_000, 'nor much in the kernel');
};

subtest 'half closed: all is answered, then the end' => sub {
    my $c = T::Peer->connect(port('patient'));
    $c->say('EHLO c.test', 'NOOP', 'NOOP');
    $c->half_close;
    my $s = called();
    for (1 .. 2) {
        $s->hear(qr/^NOOP$/);
        $s->say('250 Ok');
    }
    $c->hear($_) for qr/^220/, qr/^250-proxy/, qr/^250 Ok/, qr/^250 Ok/;
    $c->hear_close;
    $s->hear_close;
};

subtest '500 sessions at once, and then too many' => sub {
    my $before = worker_memory();
    my @all = map { T::Peer->connect(port('patient'), name => "c$_") } 1 .. 500;
    is(scalar(grep { ($_->read_reply // '') =~ /^220 / } @all), 500, 'all are greeted');
    $_->send("HELO c.test\r\nNOOP\r\n") for @all[0 .. 9];
    cmp_ok((worker_memory() - $before) / 500, '<', 24, 'a session costs a few KB');
    my @more = map { T::Peer->connect(port('patient')) } 1 .. 110;
    my @said = map { $_->read_reply // '' } @more;
    ok((grep { /^421 4\.3\.2 proxy\.test Too many/ } @said), 'beyond max-sessions: 421');
    $in->log_like(qr/closed why=crowded client=127\.0\.0\./);
    $_->close for @more;
    $_->send("QUIT\r\n") for @all[10 .. 499];
    is(scalar(grep { ($_->read_reply // '') =~ /^221 / } @all[10 .. 499]), 490, 'all are heard');
    $_->close for @all;
};

# 128: room for the other side of 32 sessions. Without that room the idle ones would hold all
# descriptors, and whoever says something would get nowhere.
subtest 'few descriptors: who is let in can be served' => sub {
    my $free = T::Peer->listen(port => port('free'), name => 'free');
    my $few = T::Run->start('sallyport-in', under => [qw(prlimit --nofile=128:128)], conf => <<'CONF');
smtp-listener 127.0.0.1:@port:few@ { }
backend mta { server = "127.0.0.1:@port:free@" identity = proxy-v1 }
workers = 1
CONF
    my @all = map { T::Peer->connect(port('few'), name => "f$_") } 1 .. 60;
    my @in = grep { ($_->read_reply // '') =~ /^220 / } @all;
    is(scalar @in, 32, 'half of them are let in');
    $_->say('EHLO c.test') for @in;
    my @served = map { called($free) } @in;
    is(scalar(grep { ($_->read_reply // '') =~ /^250/ } @in), 32, 'and all of these are served');
    $_->close for @all, @served;
};
all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out over LMTP: several domains in one transaction, by hand and from a real Postfix.
use v5.36;
use lib 't/lib';
use Test::More;
use IO::Socket::UNIX;
use T::Stage;
use T::Csv;
use T::DNS;
use T::Mta;
use T::Peer;
use T::Postfix;
use T::Run;
use T::Sink;
use T::Spool;

my %at = (b => '127.0.0.61', c => '127.0.0.62', d => '127.0.0.63');
my $dns = T::DNS->start(join '', map { "$_.test. MX 10 mx.$_.test.\nmx.$_.test. A $at{$_}\n" } sort keys %at);
my %mx = map { $_ => T::Peer->listen(port => port('mx'), addr => $at{$_}, name => $_, rcvbuf => 4096) } keys %at;
my $conf = <<'CONF';
relay-listener 127.0.0.1:@port:out@ { protocol = lmtp }
relay-listener [::1]:@port:six@ { protocol = lmtp }
relay-listener unix:@dir@/lmtp { protocol = lmtp socket-mode = 0666 allow = {192.0.2.1} }
name-server = "@dns@"
acct-file "@dir@/acct.csv" { records = {d, b, t} }
spool-directory = "@dir@/spool"
workers = 1
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    use-starttls = no
    connection-idle-timeout = 0
    smtp-data-termination-timeout = 5s
    data-send-timeout = 5s
}
CONF
my $out = T::Run->start(
    'sallyport-out',
    dns  => $dns->address,
    conf => $conf,
    env  => {ASAN_OPTIONS => join ':', grep { $_ } $ENV{ASAN_OPTIONS}, 'quarantine_size_mb=1'});
my $spool = stage_dir() . '/spool';
my $count = 0;

sub hello {
    my ($c) = @_;
    $c->hear(qr/^220 \S+ LMTP /);
    $c->talk('LHLO mta.test' => qr/^250-.*PIPELINING.*ENHANCEDSTATUSCODES/s, 'MAIL FROM:<a@a.test>' => qr/^250 /);
    return $c;
}

sub mta { return hello(T::Peer->connect(port('out'), name => 'mta')) }

# One recipient at each of the domains, up to its answer: (servers).
sub rcpt {
    my ($c, $user, @domains) = @_;
    my @servers;
    for my $d (@domains) {
        $c->say("RCPT TO:<$user\@$d.test>");
        my $s = $mx{$d}->accept;
        $s->say("220 mx.$d.test ESMTP");
        $s->hear(qr/^EHLO /);
        $s->say('250-mx', '250 PIPELINING');
        $s->hear(qr/^MAIL /);
        $s->hear(qr/^RCPT /);
        $s->say('250 Ok', '250 Ok');
        $c->hear(qr/^250 /);
        push @servers, $s;
    }
    return @servers;
}

# Up to 354 everywhere: (mail server, user, servers).
sub begin {
    my @domains = @_;
    my ($c, $user) = (mta(), 'u' . ++$count);
    my @servers = rcpt($c, $user, @domains);
    $c->say('DATA');
    $_->hear(qr/^DATA$/) for @servers;
    $_->say('354 go') for @servers;
    $c->hear(qr/^354 /);
    return ($c, $user, @servers);
}

sub outcome {
    my ($rcpt) = @_;
    my ($row) = spool_wait($spool, sub { $_->{rcpt} eq $rcpt && $_->{do} ne 'intent' });
    return $row // {type => 'none', dsnStatus => ''};
}

subtest 'taken, refused and put off: an answer and a row each' => sub {
    my ($c, $user, @s) = begin(qw(b c d));
    $c->send("x\r\n.\r\n");
    is($_->hear_body, "x\r\n", 'the message is the same everywhere') for @s;
    spool_wait($spool, sub { $_->{rcpt} =~ /^$user\@/ && $_->{do} eq 'intent' }, 3);
    $s[2]->say('452 4.2.2 Full');
    $s[1]->say('550 5.7.1 Spam');
    is(outcome("$user\@$_->[0].test")->{type}, $_->[1], "$_->[0] has its row") for [d => 't'], [c => 'b'];
    $c->hear_nothing(0.2, 'and no answer comes before the first one');
    $s[0]->say('250 2.0.0 Taken');
    $c->hear(qr/^250 2\.0\.0 Taken \[mx\.b\.test /);
    $c->hear(qr/^550 5\.7\.1 Spam \[mx\.c\.test /);
    $c->hear(qr/^452 4\.2\.2 Full \[mx\.d\.test /);
    is(outcome("$user\@b.test")->{type}, 'd');
    $c->talk('QUIT' => qr/^221 /);
};

subtest 'one stalls after its dot: the others are heard in time, and nobody hears it twice' => sub {
    my ($c, $user, @s) = begin(qw(b c));
    my $since = time;
    $c->send("x\r\n.\r\n");
    $_->hear_body for @s;
    $s[1]->say('250 2.0.0 Taken');
    is(outcome("$user\@c.test")->{type}, 'd', 'the row of the other is there at once');
    $c->hear(qr/^451 4\.4\.2 /);
    $c->hear(qr/^250 2\.0\.0 Taken /);
    cmp_ok(time - $since, '<', 10, 'after the limit for one, not for each');
    is(outcome("$user\@b.test")->{type}, 't');
    $mx{$_}->no_connection(0.1) for qw(b c);
    $c->talk('NOOP' => qr/^250 /);
    $c->close;
};

subtest 'one refuses in the middle: its own words, and the other has the message' => sub {
    my ($c, $user, @s) = begin(qw(b c));
    $c->send("x\r\n");
    $_->hear_line(qr/^x$/) for @s;
    $s[0]->say('552 5.3.4 Too big');
    $s[0]->close;
    is(outcome("$user\@b.test")->{type}, 'b');
    $c->send("y\r\n.\r\n");
    is($s[1]->hear_body, "y\r\n");
    $s[1]->say('250 Ok');
    $c->hear(qr/^552 5\.3\.4 Too big /);
    $c->hear(qr/^250 /);
    $c->close;
};

subtest 'refused in the middle and reset, while we have much to send' => sub {
    my ($c, $user, $s) = begin('b');
    $c->send_some(join("", ("x" x 998 . "\r\n") x 2000), 0.3);
    $s->say('554 5.7.1 No more of this');
    $s->close; # unread bytes are there: a reset
    is(outcome("$user\@b.test")->{dsnDiag}, 'smtp;554 5.7.1 No more of this');
    $c->reset;
};

subtest 'one is lost in the message, the client too: the rest hears no dot' => sub {
    my ($c, $user, @s) = begin(qw(b c));
    $c->send("x\r\n");
    $_->hear_line(qr/^x$/) for @s;
    $s[0]->close;
    is(outcome("$user\@b.test")->{type}, 't');
    $c->close;
    $s[1]->hear_close('closed, and nothing said');
};

subtest 'the client goes after its dot: every outcome is written' => sub {
    my ($c, $user, @s) = begin(qw(b c));
    $c->send("x\r\n.\r\n");
    $_->hear_body for @s;
    $c->reset;
    $s[1]->say('250 Ok');
    $s[0]->say('250 Ok');
    is(outcome("$user\@$_.test")->{type}, 'd') for qw(b c);
};

subtest '20 MB to two, one of them slow: both have it all, and memory is bounded' => sub {
    my ($c, $user, @s) = begin(qw(b c));
    my $before = $out->memory;
    my $piece = (('x' x 998) . "\r\n") x 64;
    my ($whole, $sent, $most) = (320 * length $piece, 0, 0);
    my @heard = (0, 0);
    while ($heard[0] < $whole || $heard[1] < $whole) {
        $sent += $c->send_some(substr($piece, $sent % length $piece), 0) if $sent < $whole;
        my $now = $out->memory - $before;
        $most = $now if $now > $most;
        for my $i (0, 1) { # the second takes what the first does, a quarter at a time
            my $left = $whole - $heard[$i];
            my $want = $i ? 8192 : 32768;
            next if !$i && $heard[0] > $heard[1]; # it must wait, as the message does
            $heard[$i] += length $s[$i]->hear_bytes($want < $left ? $want : $left) if $left;
        }
    }
    $c->send(".\r\n");
    is($_->hear_body, '') for @s;
    cmp_ok($most, '<', 4 * 1024 * 1024, "at most $most bytes more");
    $_->say('250 Ok') for @s;
    $c->hear(qr/^250 /) for @s;
    is(outcome("$user\@$_.test")->{type}, 'd') for qw(b c);
    is(outcome("$user\@c.test")->{dlvSize}, $whole);
    $c->close;
};

subtest 'one that stands still while others wait is cut before its dot, and they go on' => sub {
    my ($c, $user, @s) = begin(qw(b c));
    my $line = ('x' x 998) . "\r\n";
    my ($sent, $heard, $whole) = (0, 0, 20_000_000);
    while ($heard < $whole) { # the first never reads
        $sent += $c->send_some(substr($line x 64, $sent % 1000, 60_000), 0) if $sent < $whole;
        my $want = $sent - $heard < 32768 ? $sent - $heard : 32768;
        last if $sent >= $whole && $want == 0;
        my $ready = IO::Select->new($s[1]{socket})->can_read(0.05);
        next if !$ready || $want == 0;
        sysread $s[1]{socket}, my $got, $want or last;
        $heard += length $got;
    }
    cmp_ok($heard, '>=', $whole, 'the other has had it all');
    is(outcome("$user\@b.test")->{type}, 't', 'and the first is given up');
    $c->send("\r\n.\r\n");
    $s[1]->hear_body;
    $s[1]->say('250 Ok');
    $c->hear(qr/^451 4\.4\.2 /);
    $c->hear(qr/^250 /);
    $_->close for $c, $s[0];
};

subtest 'IPv6' => sub {
    my $c = hello(T::Peer->connect(port('six'), to => '::1', name => 'mta'));
    my ($s) = rcpt($c, 'six', 'b');
    $c->talk('QUIT' => qr/^221 /);
    $s->hear(qr/^QUIT/);
    $s->close;
};

subtest 'a unix socket: who may connect may hand over, and the log says who it is' => sub {
    $out->log_mark;
    my $socket = IO::Socket::UNIX->new(Peer => stage_dir() . '/lmtp') or die "connect: $!";
    my $c = hello(T::Peer->wrap($socket, 'mta'));
    my ($s) = rcpt($c, 'unix', 'b');
    $c->say('DATA');
    $s->hear(qr/^DATA/);
    $s->say('354 go');
    $c->hear(qr/^354 /);
    $c->send("x\r\n.\r\n");
    $s->hear_body;
    $s->say('250 Ok');
    $c->hear(qr/^250 /);
    like(outcome('unix@b.test')->{srcMta}, qr/^mta\.test \(127\.0\.0\.1\)$/, 'it is here, and that is its address');
    $_->close for $c, $s;
    $out->log_like(qr{ closed .* listener=unix:\S+/lmtp uid=$< pid=$$ });
    $out->configure($conf);
    $out->log_mark;
    $out->signal('HUP');
    $out->log_like(qr/ reloaded generation=2/);
    $out->log_like(qr/generation-gone generation=1/);
    $c = hello(T::Peer->wrap(IO::Socket::UNIX->new(Peer => stage_dir() . '/lmtp'), 'mta'));
    $c->talk('QUIT' => qr/^221 /);
};

$_->{socket}->close for values %mx;

SKIP: {
    my $why = T::Postfix::why_not();
    skip $why, 1 if $why;
    subtest 'from a real Postfix: sent, bounced and deferred in one go' => sub {
        my %says = (b => '250 2.0.0 Taken', c => '550 5.7.1 Spam', d => '452 4.2.2 Full');
        my %sink = map { $_ => T::Sink->start(port => port('mx'), addr => $at{$_}, replies => [qr/^\.$/ => $says{$_}]) } keys %says;
        chmod 0711, stage_dir();
        my $mta = T::Postfix->start('mta', services => [['plain', port('mta')]],
            main => {default_transport => 'lmtp:inet:127.0.0.1:' . port('out'), lmtp_send_xforward_command => 'yes'});
        my $c = T::Peer->connect(port('mta'), name => 'user');
        $c->hear(qr/^220 /);
        $c->talk('EHLO user.test' => qr/^250/);
        $c->mail(from => 'a@a.test', rcpt => [map { "pf\@$_.test" } qw(b c d)]);
        $mta->log_like(qr/to=<pf\@\Q$_->[0]\E\.test>.*status=$_->[1]/) for [b => 'sent'], [c => 'bounced'], [d => 'deferred'];
        is(outcome("pf\@$_->[0].test")->{type}, $_->[1]) for [b => 'd'], [c => 'b'], [d => 't'];
        my @rows = grep { ($_->{rcpt} // '') =~ /^pf\@/ && $_->{do} ne 'intent' } spool_rows($spool);
        is(scalar @rows, 3, 'one row each');
        isnt($rows[0]{queueId}, '', 'with the queue id');
        is(scalar(keys %{{map { ($_->{key} // '') =~ s/\.\d+\z//r => 1 } @rows}}), 1, 'of one transaction');
        $mta->reload(default_transport => 'lmtp:unix:' . stage_dir() . '/lmtp');
        $c->mail(from => 'a@a.test', rcpt => 'path@b.test');
        $mta->log_like(qr/to=<path\@b\.test>.*status=sent/, 'and at a unix socket');
        $_->stop for values %sink;
        $mta->stop;
    };

    subtest 'one stalls after its dot, behind a Postfix that has no more patience than it needs' => sub {
        my $stalls = T::Peer->listen(port => port('mx'), addr => $at{b}, name => 'stalls');
        my %sink = map { $_ => T::Sink->start(port => port('mx'), addr => $at{$_}) } qw(c d);
        my $mta = T::Postfix->start('mta2', services => [['plain', port('mta')]],
            main => {default_transport => 'lmtp:inet:127.0.0.1:' . port('out'), lmtp_send_xforward_command => 'yes', lmtp_data_done_timeout => '14s'});
        my $c = T::Peer->connect(port('mta'), name => 'user');
        $c->hear(qr/^220 /);
        $c->talk('EHLO user.test' => qr/^250/);
        $c->mail(from => 'a@a.test', rcpt => [map { "stall\@$_.test" } qw(b c d)]);
        my $serve = sub {
            my $s = $stalls->accept;
            $s->say('220 mx.b.test ESMTP');
            $s->hear(qr/^EHLO /);
            $s->say('250 mx');
            for my $line (qr/^MAIL/, qr/^RCPT/) { $s->hear($line); $s->say('250 Ok') }
            $s->hear(qr/^DATA/);
            $s->say('354 go');
            $s->hear_body;
            return $s;
        };
        my $first = $serve->();
        $mta->log_like(qr/to=<stall\@b\.test>.*status=deferred \(.*451 4\.4\.2/, 'the one that stalled is to come again');
        $mta->log_like(qr/to=<stall\@$_\.test>.*status=sent/, "$_ is not delayed beyond its time") for qw(c d);
        T::Stage::wait_for(sub { $mta->flush; IO::Select->new($stalls->{socket})->can_read(0.5) });
        my $again = $serve->();
        $again->say('250 2.0.0 Taken');
        $mta->log_like(qr/to=<stall\@b\.test>.*status=sent/, 'by itself');
        $mta->wait_queue_empty;
        is($sink{$_}->count, 1, "$_ was sent to once") for qw(c d);
        my @rows = grep { ($_->{rcpt} // '') =~ /^stall\@/ && $_->{do} ne 'intent' } spool_rows($spool);
        is(join(' ', sort map { substr($_->{rcpt}, 6, 1) . $_->{type} } @rows), 'bd bt cd dd', 'in the accounts, too');
        $_->close for $first, $again;
        $stalls->{socket}->close;
        $_->stop for values %sink;
    };
}
all_done();

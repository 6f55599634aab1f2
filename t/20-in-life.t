#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The life of sallyport-in: what is checked before it starts, workers that are killed, reloads, and the
# records that it leaves for the accountant.
use v5.36;
use lib 't/lib';
use IO::Socket::INET;
use JSON::PP;
use Test::More;
use T::Stage;
use T::CA;
use T::Peer;
use T::Run;
use T::Sink;

my $ca   = T::CA->new;
my $sink = T::Sink->start(port => port('mta'), head => 1, replies => [qr/^RCPT TO:<no\@/ => '550 5.1.1 no such user', qr/^\.\z/ => '250 2.0.0 Ok: queued as 4ABCDEF']);
my $conf = <<'CONF';
smtp-listener 127.0.0.1:@port:in@ { }
smtp-listener 127.0.0.1:@port:smtps@ { tls = yes }
smtp-server-tls-certificate = {"@cert@", ""}
backend mta { server = "127.0.0.1:@port:mta@" identity = proxy-v2 }
workers = 2
source 0/0 { allow-starttls = yes }
acct-file "/nowhere/acct.csv" { records = {r} }
CONF

sub client {
    my $c = T::Peer->connect(port('in'), from => '127.0.0.5', @_);
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/^250/);
    return $c;
}

subtest 'mistakes are found before it starts' => sub {
    my %mistakes = (
        "smtp-listener 127.0.0.1:1 { tls = yes }\nbackend mta { }\n" => qr/conf:\d+: tls: there is no certificate/,
        "smtp-listener 127.0.0.1:1 { }\nbackend mta { }\nsmtp-server-tls-certificate = {\"/nowhere.pem\", \"\"}\n" => qr{conf:\d+: .*/nowhere\.pem},
        "backend mta { }\n" => qr/conf: no smtp-listener/,
        "backend mta { }\n" . join('', map { "smtp-listener 127.0.0.1:$_ { }\n" } 1 .. 65) => qr/conf:\d+: smtp-listener: more than 64 of them/,
    );
    for my $text (sort keys %mistakes) {
        my $run = T::Run->prepare('sallyport-in', conf => $text);
        my ($status, $said) = $run->outcome('-t');
        is($status, 1, 'exit status 1');
        like($said, $mistakes{$text}, 'one line says where and what');
    }
    my $run = T::Run->prepare('sallyport-in', conf => $conf, cert => $ca->cert('mx.test')->{pem});
    my ($status, $said) = $run->outcome('-t');
    is($status, 0, 'what is right passes') or diag $said;
};

my $in = T::Run->start('sallyport-in', conf => $conf, cert => $ca->cert('mx.test')->{pem},
    expect => qr/child-died|child-again|reload-failed|error: /);

# The records of one segment of the spool, oldest first.
sub records {
    my @records;
    for my $path (sort glob "$in->{dir}/spool/*") {
        next if -d $path;
        open my $file, '<', $path or next;
        push @records, map { decode_json($_) } grep { /^\{.*\}\n\z/ } <$file>;
    }
    return @records;
}

subtest 'records' => sub {
    my $c = T::Peer->connect(port('smtps'), from => '127.0.0.6', tls => {name => 'mx.test', ca => $ca});
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/^250/, 'MAIL FROM:<a@a.test> RET=HDRS ENVID=e1' => qr/^250/,
        'RCPT TO:<one@b.test> ORCPT=rfc822;orig@b.test' => qr/^250/, 'RCPT TO:<no@b.test>' => qr/^550/,
        'RCPT TO:<two@b.test>' => qr/^250/, 'DATA' => qr/^354/);
    is(scalar(records()), 0, 'nothing before the mail server has it');
    $c->send("x\r\n.\r\n");
    $c->hear(qr/^250 2\.0\.0 Ok: queued as 4ABCDEF/);
    my @r = records();
    is(@r, 2, 'a record for each recipient that was accepted, before the client heard 250');
    my $text = encode_json($r[0]);
    like($text, qr/"\Q$_\E"/, "$_ is in it")
        for 'received', 'a@a.test', 'one@b.test', 'rfc822;orig@b.test', 'e1', 'smtp', 'c.test (127.0.0.6)', '127.0.0.6',
        '127.0.0.1', '{default}', '4ABCDEF', 'TLSv1.3', 'mx.test', '0/0', 'sink.test';
    my ($session) = $text =~ /"([^"]+)\.1\.1"/;
    ok($session, 'its key is session, message, recipient');
    like(encode_json($r[1]), qr/"\Q$session\E\.1\.2".*two\@b\.test|two\@b\.test.*"\Q$session\E\.1\.2"/, 'and the next');
    $c->talk('QUIT' => qr/^221 /);
    $in->log_like(qr/ $session closed why=quit .*messages=1/, 'the session has that name in the log');
};

subtest 'a worker is killed' => sub {
    my @old = $in->children_of('worker');
    is(@old, 2, 'two workers');
    my @clients = map { client() } 1 .. 8;
    # That of the two with the fewest sessions, so that the other has some.
    my %sockets = map { my $pid = $_; $pid => scalar grep { (readlink($_) // '') =~ /^socket/ } glob "/proc/$pid/fd/*" } @old;
    kill 'KILL', (sort { $sockets{$a} <=> $sockets{$b} } @old)[0];
    $in->log_like(qr/ child-started role=worker /, 'another takes its place');
    my $alive = 0;
    for my $c (@clients) {
        $c->send("NOOP\r\n");
        $alive++ if ($c->read_reply // '') =~ /^250/;
    }
    cmp_ok($alive, '>', 0, 'sessions of the other worker go on') or diag $alive;
    is(scalar($in->children_of('worker')), 2, 'two workers again');
    for (1 .. 8) {
        my $c = client();
        $c->mail(from => 'a@a.test', rcpt => 'b@b.test');
        $c->talk('QUIT' => qr/^221 /);
    }
};

subtest 'reload: no session is cut, nobody is refused' => sub {
    my $open = client();
    $open->talk('MAIL FROM:<a@a.test>' => qr/^250/, 'RCPT TO:<kept@b.test>' => qr/^250/);
    for my $turn (1 .. 2) {
        $in->log_mark;
        $in->signal('HUP');
        my @callers = map { T::Peer->connect(port('in'), name => "caller$turn.$_") } 1 .. 30;
        is(scalar(grep { ($_->read_reply // '') =~ /^220 / } @callers), 30, 'all who call meanwhile are greeted');
        $in->log_like(qr/ reloaded /);
        $_->close for @callers;
    }
    $open->talk('DATA' => qr/^354/);
    $open->send("x\r\n.\r\n");
    $open->hear(qr/^250 /, 'a session from before both reloads');
    ok((grep { encode_json($_) =~ /kept\@b\.test/ } records()), 'and it is recorded');
    $open->talk('QUIT' => qr/^221 /);
};

subtest 'a reload that is wrong changes nothing' => sub {
    $in->log_mark;
    $in->configure($conf =~ s/\@cert\@/\/nowhere.pem/r);
    $in->signal('HUP');
    $in->log_like(qr{/nowhere\.pem}, 'it says why');
    my $c = T::Peer->connect(port('smtps'), tls => {name => 'mx.test', ca => $ca});
    $c->hear(qr/^220 /, 'the old one serves on');
    $c->talk('QUIT' => qr/^221 /);
};
subtest 'who drains leaves the port' => sub {
    my $left = <<'CONF';
smtp-listener 127.0.0.1:@port:left@ { }
smtp-listener 127.0.0.1:@port:gone@ { }
backend mta { server = "127.0.0.1:@port:mta@" identity = proxy-v2 }
workers = 1
CONF
    my $one = T::Run->start('sallyport-in', conf => $left);
    my $call = sub { my $c = T::Peer->connect(port('left')); $c->hear(qr/^220 /); return $c };
    my $is_refused = sub { !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => port(shift), Timeout => 5) };
    my $answers = sub { $_[0]->talk('EHLO c.test' => qr/^250/, 'NOOP' => qr/^250/) };

    my $first = $call->();
    $one->configure($left =~ s/^.*gone.*\n//mr);
    $one->signal('HUP');
    $one->log_like(qr/ reloaded /);
    ok(T::Stage::wait_for(sub { $is_refused->('gone') }), 'a listener that is no more: nobody is left waiting in its queue');

    $one->kill_hard;
    ok(T::Stage::wait_for(sub { $is_refused->('left') }), 'the master is killed: the workers leave the port');
    $one->restart;
    my $second = $call->();
    $answers->($_) for $first, $second;
    $_->talk('QUIT' => qr/^221 /) for $first, $second;

    my $third = $call->();
    $one->signal('TERM');
    ok(T::Stage::wait_for(sub { $is_refused->('left') }), 'and so it is when it stops');
    $answers->($third);
    $third->talk('QUIT' => qr/^221 /);
};
all_done();

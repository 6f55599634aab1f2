#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Several servers behind one listener: which of them a session goes to, what becomes of dead ones and of
# sessions that lose theirs; unix sockets, and TLS to the mail server.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Peer;
use T::Postfix;
use T::Run;
use T::Sink;

my $ca = T::CA->new;
my $in;

sub start {
    my ($backend, %o) = @_;
    my $interval = delete $o{interval} // '5m';
    my $rules = delete $o{rules} // '';
    my $conf = <<"CONF";
smtp-listener 127.0.0.1:\@port:in@ { }
smtp-listener 127.0.0.1:\@port:tls@ { source = tls }
smtp-server-tls-certificate = {"\@cert@", ""}
backend mta { check-interval = $interval $backend }
source tls { allow-starttls = yes }
$rules
workers = 1
CONF
    $in = T::Run->start('sallyport-in', cert => $ca->cert('mx.test')->{pem}, conf => $conf, %o);
    return $in;
}

# What the test plays hears clients only.
sub quietly { return start(@_, interval => 0) }

sub client {
    my ($port, %o) = @_;
    my $c = T::Peer->connect(port($port // 'in'), from => '127.0.0.5', %o);
    $c->hear(qr/^220 /);
    return $c;
}

sub greeted {
    my $c = client(@_);
    $c->talk('EHLO c.test' => qr/^250/);
    return $c;
}

sub mailed {
    my ($server, $name) = @_;
    my $c = greeted();
    $c->mail(from => 'a@a.test', rcpt => 'b@b.test');
    $c->talk(QUIT => qr/^221 /);
    $c->close;
    return $in->log_like(qr/closed why=quit .*server="?\Q$server\E"? /, $name);
}

# Since it began; what is said before it serves is in there, too.
sub logged {
    my ($like, $name) = @_;
    return ok(T::Stage::wait_for(sub { $in->log_text =~ $like }), $name // "the log has $like");
}

sub at { return '127.0.0.1:' . port($_[0]) }

# Up to EHLO, from the mail server's side.
sub called {
    my ($mta, %o) = @_;
    my $s = $mta->accept(head => 1, %o);
    $s->say('220 mta.test');
    $s->hear(qr/^EHLO/);
    $s->say('250-mta.test', '250 PIPELINING');
    return $s;
}

subtest 'a dead server rests, and comes back when it answers us' => sub {
    my $two = T::Sink->start(port => port('two'), head => 1);
    start('server = {127.0.0.1:@port:one@, 127.0.0.1:@port:two@} rest-time = 1s');
    logged(qr/server-dead backend=mta server=\S+:@{[port('one')]} said="Connection refused"/, 'it is known before the first client');
    mailed(at('two'), 'the other one serves');
    like($two->log_text, qr/^(\d+) for itself\n.*^\1 C: EHLO proxy\.test$/ms, 'we called, for ourselves');
    unlike($two->log_text, qr/^1 C: (?!EHLO|QUIT)/m, 'and asked for nothing');
    my $one = T::Sink->start(port => port('one'), head => 1);
    $in->log_like(qr/server-alive backend=mta server=\S+:@{[port('one')]}/);
    mailed(at('one'), 'it is the first again');
    like($one->log_text, qr/^1 for itself$/m, 'we came first, not a client');
    $one->stop;
    mailed(at('two'), 'gone again: the session of a client goes on with the other');
    $in->log_like(qr/server-dead backend=mta server=\S+:@{[port('one')]}/);
    $_->stop for $in, $two;
};

subtest 'one that hangs, one that is too busy, one that says no' => sub {
    my $hangs = T::Peer->listen(port => port('hangs'));
    my $busy  = T::Sink->start(port => port('busy'), head => 1, greeting => '421 4.3.2 busy.test Too busy');
    my $good  = T::Sink->start(port => port('good'), head => 1);
    quietly('server = {127.0.0.1:@port:hangs@, 127.0.0.1:@port:busy@, 127.0.0.1:@port:good@} greeting-timeout = 3s');
    my $began = T::Stage::now();
    mailed(at('good'), 'the third serves');
    cmp_ok(T::Stage::now() - $began, '>', 2.8, 'the first had its time');
    logged(qr/server-dead backend=mta server=\S+:@{[port('hangs')]} said="it takes too long"/);
    mailed(at('good'), 'again');
    like($in->log_text, qr/moves=1 /, 'and the first is passed over');
    $good->stop;
    my $c = client();
    $c->say('EHLO c.test');
    $c->hear(qr/^421 4\.3\.2 proxy\.test Mail server not available/, 'where none is left');
    $c->close;
    $in->log_like(qr/closed why=backend-\S+ .*moves=2 /);
    $in->stop;
    quietly('server = {127.0.0.1:@port:good@, 127.0.0.1:@port:busy@}');
    $c = client();
    $c->say('EHLO c.test');
    $c->hear(qr/^421 4\.3\.2 busy\.test Too busy$/, 'the last one\'s words are the answer');
    $c->close;
    $in->log_like(qr/closed why=backend-refused .*server=\S+:@{[port('busy')]} moves=1 .*said="421 4\.3\.2 busy\.test/);
    $_->stop for $in, $busy;
    $hangs->close;
};

subtest 'a session whose server dies' => sub {
    my ($one, $two) = map { T::Peer->listen(port => port($_), name => $_) } 'dies', 'lives';
    quietly('server = {127.0.0.1:@port:dies@, 127.0.0.1:@port:lives@}');
    my $c = client();
    $c->say('EHLO c.test');
    my $s = called($one);
    $c->hear(qr/^250-proxy\.test/);
    $_->close for $s, $one;
    $c->say('MAIL FROM:<a@a.test>');
    $s = called($two);
    is($s->{head}{src}, '127.0.0.5', 'the next one learns who the client is');
    is($s->{head}{sport}, $c->local_port, 'and its port');
    $s->hear(qr/^MAIL FROM:<a\@a\.test>$/);
    $s->say('250 2.1.0 Ok');
    $c->hear(qr/^250 2\.1\.0 Ok$/);
    $s->reset;
    $c->hear(qr/^421 4\.3\.2 /, 'not after MAIL');
    $c->hear_close;
    $in->log_like(qr/closed why=backend-left .*server=\S+:@{[port('lives')]} moves=1 /);
    my $visit = called($two);
    ok($visit->{head}{local}, 'it is in doubt, and called by ourselves');
    $visit->hear(qr/^QUIT$/);
    $visit->close;

    $c = client();
    $c->say('EHLO c.test');
    $s = called($two);
    $c->hear(qr/^250/);
    $s->say('421 4.4.2 mta.test idle for too long');
    $s->close;
    $c->hear_nothing(0.3, 'an idle server may close');
    $c->say('MAIL FROM:<a@a.test>');
    $s = called($two);
    $s->hear(qr/^MAIL/);
    $c->reset;
    $s->hear_close('a client that was reset leaves nobody behind');
    $in->log_like(qr/closed why=client-failed /);
    $in->stop;
    $two->close;
};

# Its state, and the processor time that it took so far, in clock ticks.
sub process {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/stat" or die "stat: $!";
    my ($state, @rest) = split ' ', <$in> =~ s/.*\) //r;
    return ($state, $rest[10] + $rest[11]);
}

subtest 'whose connection breaks as the client says goodbye' => sub {
    quietly('server = 127.0.0.1:@port:mta@');
    my $mta = T::Peer->listen(port => port('mta'), name => 'mta');
    my $c   = client();
    $c->say('EHLO c.test');
    my $s = $mta->accept(head => 1);
    $s->say('220 mta.test');
    $s->hear(qr/^EHLO /);
    $s->say('250 mta.test');
    $c->hear(qr/^250[ -]/);
    my ($worker) = $in->children_of('worker');
    my $before = (process($worker))[1];
    kill STOP => $worker;
    ok(T::Stage::wait_for(sub { (process($worker))[0] eq 'T' }), 'the worker stands still');
    $c->say('QUIT');
    $s->reset;
    kill CONT => $worker;
    $c->hear(qr/^221 /);
    $in->log_like(qr/closed why=quit /);
    cmp_ok((process($worker))[1] - $before, '<', 50, 'the session is over at once, and no loop that takes the processor until it is');
    $mta->close;
    $in->stop;
};

subtest 'the fewest sessions' => sub {
    my %sink = map { $_ => T::Sink->start(port => port($_), head => 1) } 'a', 'b', 'c';
    quietly('server = {127.0.0.1:@port:a@, 127.0.0.1:@port:b@, 127.0.0.1:@port:c@} balance = least-connections');
    my @clients = map { greeted() } 1 .. 9;
    my $sessions = sub { scalar(() = $sink{$_[0]}->log_text =~ / for 127\.0\.0\.5$/mg) };
    is($sessions->($_), 3, "three of nine go to $_") for sort keys %sink;
    for (0, 3, 6) { $clients[$_]->talk(QUIT => qr/^221 /); $clients[$_]->close; $in->log_like(qr/closed why=quit/) }
    my @more = map { greeted() } 1 .. 3;
    is($sessions->('a'), 6, 'those that went make room for others');
    $_->close for @more, @clients[1, 2, 4, 5, 7, 8];
    $_->stop for $in, values %sink;
};

subtest 'what is shown before TLS is what all of them have' => sub {
    my $one = T::Sink->start(port => port('k1'), head => 1, keywords => ['PIPELINING', 'SIZE 100', 'DSN', 'AUTH PLAIN CRAM-MD5']);
    my $two = T::Sink->start(port => port('k2'), head => 1, keywords => ['PIPELINING', 'SIZE 90', 'AUTH CRAM-MD5 LOGIN', 'VRFY']);
    start('server = {127.0.0.1:@port:k1@, 127.0.0.1:@port:k2@}');
    T::Stage::wait_for(sub { $one->log_text =~ /C: QUIT/ && $two->log_text =~ /C: QUIT/ }) or fail('they were not called');
    my $c = client('tls');
    my $shown = $c->talk('EHLO c.test' => qr/^250-proxy\.test/);
    is(join(' ', sort $shown =~ /^250[- ](\S.*)/mg), 'AUTH CRAM-MD5 PIPELINING SIZE 90 STARTTLS proxy.test', 'before TLS');
    unlike($one->log_text . $two->log_text, qr/for 127\.0\.0\.5/, 'and nobody was called for it');
    $c->starttls(name => 'mx.test', ca => $ca);
    like($c->talk('EHLO c.test' => qr/^250/), qr/DSN/, 'after it what this one has');
    $c->close;
    $_->stop for $in, $one, $two;
};

subtest 'a unix socket' => sub {
    my $path = stage_dir() . '/mta.sock';
    my $sink = T::Sink->start(path => $path, head => 1);
    start("server = \"unix:$path\"");
    mailed("unix:$path", 'mail goes there');
    like($sink->log_text, qr/ for 127\.0\.0\.5$/m, 'with the client\'s address');
    is($sink->count, 1, 'and arrives');
    $sink->stop;
    my $c = client();
    $c->talk('EHLO c.test' => qr/^421 4\.3\.2 /);
    $c->close;
    $in->log_like(qr/closed why=backend-connect .*broke="Connection refused"/);
    $in->stop;
};

subtest 'TLS to the mail server' => sub {
    my ($good, $other) = ($ca->cert('mta.test'), T::CA->new->cert('mta.test'));
    my $late = $ca->cert('mta.test', from => -20, days => -10);
    my $ours = $ca->cert('proxy.test', use => 'client');
    my $name = 'tls-name = mta.test tls-ca-file = "@ca@"';
    my @rows = (
        ['STARTTLS', {cert => $good}, "use-tls = starttls $name", undef],
        ['from the first byte', {cert => $good, tls => 1}, "use-tls = immediate $name", undef],
        ['identity in the clear, before it', {cert => $good, tls => 1}, "use-tls = immediate identity = proxy-v1 $name", undef],
        ['our certificate is shown', {cert => $good, ask_client => 1, ca => $ca}, "use-tls = starttls $name tls-certificate = \"\@ours@\"", undef, qr/ TLS TLSv1.3 \S+ proxy\.test$/m],
        ['another name will do for tls-verify = ca', {cert => $ca->cert('other.test')}, 'use-tls = starttls tls-verify = ca tls-ca-file = "@ca@"', undef],
        ['any certificate for tls-verify = none', {cert => $other}, 'use-tls = starttls tls-verify = none', undef],
        ['another name', {cert => $ca->cert('other.test')}, "use-tls = starttls $name", 'its certificate is not for tls-name'],
        ['another CA', {cert => $other}, "use-tls = starttls $name", 'its certificate comes from no CA of tls-ca-file'],
        ['another CA, from the first byte', {cert => $other, tls => 1}, "use-tls = immediate $name", 'its certificate comes from no CA of tls-ca-file'],
        ['out of date', {cert => $late}, "use-tls = starttls tls-verify = ca tls-ca-file = \"\@ca@\"", 'its certificate is out of date'],
        ['not offered', {}, "use-tls = starttls $name", ''],
    );
    for my $row (@rows) {
        my ($title, $sink_is, $option, $broke, $seen) = @$row;
        my $sink = T::Sink->start(port => port('secure'), head => 1, %$sink_is);
        quietly("server = 127.0.0.1:\@port:secure@ $option", ca => $ca->file, ours => $ours->{pem}, name => "in-$title" =~ s/\W+/-/gr);
        if (defined $broke) {
            my $c = client();
            $c->say('EHLO c.test');
    $c->hear(qr/^421 4\.3\.2 /, $title);
            $c->close;
            $in->log_like($broke ? qr/closed why=backend-tls .*broke="\Q$broke\E"/ : qr/closed why=backend-tls .*said="250 sink\.test/, "$title: the log says why");
            unlike($sink->log_text, qr/C: (?!EHLO|STARTTLS)/, 'nothing was said there');
        } else {
            mailed(at('secure'), $title);
            like($sink->log_text, $seen // qr/ TLS TLSv1.3 /, 'over TLS');
        }
        $_->stop for $in, $sink;
    }
};

subtest 'a server whose certificate is wrong rests, another serves' => sub {
    my $bad  = T::Sink->start(port => port('bad'), head => 1, cert => T::CA->new->cert('mta.test'));
    my $good = T::Sink->start(port => port('well'), head => 1, cert => $ca->cert('mta.test'));
    start('server = {127.0.0.1:@port:bad@, 127.0.0.1:@port:well@} use-tls = starttls tls-name = mta.test tls-ca-file = "@ca@"', ca => $ca->file);
    logged(qr/server-dead backend=mta server=\S+:@{[port('bad')]} said="its certificate comes from no CA of tls-ca-file"/);
    mailed(at('well'), 'the other serves');
    unlike($in->log_text, qr/moves=/, 'at once');
    $_->stop for $in, $bad, $good;
};
subtest 'EHLO is answered by what another client heard, for ten seconds and while the server is there' => sub {
    my $mta = T::Sink->start(port => port('mta'), head => 1);
    my $calls = sub { scalar(() = $mta->log_text =~ /for 127\.0\.0\.5$/mg) };
    my $looks_in = sub { my $c = greeted(); $c->talk(QUIT => qr/^221 /); $c->close };
    quietly('server = 127.0.0.1:@port:mta@', rules => 'source 0/0 { allow-auth = no }');
    $looks_in->() for 1 .. 3;
    is($calls->(), 1, 'the first asked');
    my $c = greeted();
    $mta->stop;
    $c->talk('MAIL FROM:<a@a.test>' => qr/^421 4\.3\.2 /);
    $c->close;
    $c = client();
    $c->talk('EHLO c.test' => qr/^421 4\.3\.2 /);
    $c->close;
    $mta = T::Sink->start(port => port('mta'), head => 1);
    my $began = T::Stage::now();
    $looks_in->() for 1 .. 2;
    is($calls->(), 1, 'back again: the first asked');
    T::Stage::wait_for(sub { select undef, undef, undef, 0.5; $looks_in->(); $calls->() > 1 }, 45);
    my $took = T::Stage::now() - $began;
    ok($took > 8 && $took < 16, "asked anew after $took s");
    $_->stop for $in, $mta;
};

subtest 'a server that tells each client something else is asked each time' => sub {
    my $mta = T::Peer->listen(port => port('mta'), name => 'mta');
    my ($n, @said) = (0, 'DSN', 'VRFY', 'DSN');
    quietly('server = 127.0.0.1:@port:mta@', rules => 'source 0/0 { allow-auth = no }');
    for my $offer (@said) {
        my $c = client();
        $c->say('EHLO c.test');
        my $asked = $n++ == 0;
        if (!$asked) {
            $c->hear(qr/^250/);
            $c->say('MAIL FROM:<a@a.test>');
        }
        my $s = $mta->accept(head => 1);
        $s->say('220 mta.test');
        $s->hear(qr/^EHLO/);
        $s->say('250-mta.test', "250 $offer");
        if (!$asked) {
            $s->hear(qr/^MAIL/);
            $s->say('250 2.1.0 Ok');
        }
        $c->hear(qr/^250/);
        $c->talk(QUIT => qr/^221 /); # who loses its server makes all others ask
        $_->close for $c, $s;
    }
    $in->log_like(qr/ offers-vary backend=mta server=\S+:@{[port('mta')]}/);
    for (1 .. 2) {
        my $c = client();
        $c->say('EHLO c.test');
        my $s = called($mta);
        like($c->read_reply, qr/PIPELINING/, 'asked');
        $_->close for $c, $s;
    }
    $in->stop;
    $mta->close;
};

subtest 'identity none: only where the probe was well, and over TLS' => sub {
    my $open = T::Sink->start(port => port('open'), cert => $ca->cert('mta.test'), replies => [qr/^MAIL/ => '250 2.1.0 Ok']);
    my $shut = T::Sink->start(port => port('shut'), cert => $ca->cert('mta.test'), replies => [qr/^RCPT TO:.*invalid/ => '554 5.7.1 Relay access denied']);
    quietly('server = {127.0.0.1:@port:open@, 127.0.0.1:@port:shut@} identity = none use-tls = starttls tls-name = mta.test tls-ca-file = "@ca@"',
        ca => $ca->file, expect => qr/probe-failed/);
    like($in->log_text, qr/probe-failed level=error backend=mta server=\S+:@{[port('open')]} why="it relays for everybody"/, 'an open relay is found');
    like($in->log_text, qr/probe-passed backend=mta server=\S+:@{[port('shut')]}/, 'and one that is none');
    unlike($open->log_text, qr/^1 C: MAIL(?s:.*)^1 TLS/m, 'the probe goes over TLS, too');
    mailed(at('shut'), 'which serves');
    $_->stop for $in, $open, $shut;
};

SKIP: {
    my $why = T::Postfix::why_not();
    skip $why, 1 if $why;
    subtest 'Postfix takes our own calls for what they are' => sub {
        my $postfix = T::Postfix->start('mta', services => [['haproxy', port('haproxy')]]);
        for my $identity ('proxy-v1', 'proxy-v2') {
            $postfix->log_mark;
            start(sprintf 'server = {127.0.0.1:@port:haproxy@, 127.0.0.1:@port:nobody@} identity = %s', $identity);
            logged(qr/server-dead .*:@{[port('nobody')]}/);
            $postfix->log_like(qr/disconnect from \S*\[127\.0\.0\.1\].* ehlo=1 quit=1 commands=2$/, "$identity: EHLO and QUIT, from this machine");
            unlike($in->log_text, qr/server-dead .*:@{[port('haproxy')]}/, 'it is alive');
            $in->stop;
        }
        unlike($postfix->log_text, qr/warning: haproxy/, 'and has nothing against the header');
    };
}
all_done();

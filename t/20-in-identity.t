#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# How the mail server learns who the client is, and what happens when it does not want to.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Peer;
use T::Postfix;
use T::Run;
use T::Sink;

my $ca  = T::CA->new;
my $mta = T::Peer->listen(port => port('mta'), name => 'mta');

sub start {
    my ($backend, %o) = @_;
    my $conf = <<"CONF";
smtp-listener 127.0.0.1:\@port:in@ { }
smtp-listener 127.0.0.1:\@port:smtps@ { tls = yes }
smtp-server-tls-certificate = {"\@cert@", ""}
backend mta { $backend }
workers = 1
CONF
    return T::Run->start('sallyport-in', cert => $ca->cert('mx.test')->{pem}, conf => $conf, %o);
}

sub client {
    my $c = T::Peer->connect(port('in'), from => '127.0.0.5', @_);
    $c->hear(qr/^220 /);
    $c->say('EHLO c.test');
    return $c;
}

subtest 'PROXY v2 tells of TLS' => sub {
    my $in = start('server = "127.0.0.1:@port:mta@" identity = proxy-v2');
    my $c = T::Peer->connect(port('smtps'), from => '127.0.0.6', tls => {name => 'mx.test', ca => $ca});
    $c->hear(qr/^220 /);
    $c->say('EHLO c.test');
    my $s = $mta->accept(head => 1);
    is($s->{head}{version}, 2, 'version 2');
    is($s->{head}{src}, '127.0.0.6', "the client's address");
    is($s->{head}{sport}, $c->local_port, 'and its port');
    is($s->{head}{dport}, port('smtps'), 'and where it came in');
    ok($s->{head}{tlv}{0x20}, 'the TLV of TLS');
    like($s->{head}{tlv}{0x20}, qr/TLSv1\.3/, 'with the protocol');
    is($s->{head}{tlv}{0x02}, 'mx.test', 'SNI as authority');
    $s->hear_nothing(0.2, 'no EHLO before the greeting');
    $s->say('554 5.7.1 not you');
    $c->hear(qr/^554 5\.7\.1 not you$/);
    $c->close;
    $in->log_like(qr/closed why=backend-refused .*said="554 5\.7\.1 not you"/);
    $in->stop;
};

subtest 'XCLIENT' => sub {
    my $in = start('server = "127.0.0.1:@port:mta@" identity = xclient', expect => qr/identity-not-taken/);
    my $c = client();
    my $s = $mta->accept;
    $s->say('220 mta.test');
    $s->hear(qr/^EHLO c\.test$/);
    $s->say('250-mta.test', '250 XCLIENT NAME ADDR PORT');
    $s->hear(qr/^XCLIENT NAME=\[UNAVAILABLE\] PORT=\d+ ADDR=127\.0\.0\.5$/);
    $s->hear_nothing(0.2, 'nothing is sent before the answer');
    $s->say('220 mta.test');
    $s->hear(qr/^EHLO c\.test$/);
    $s->say('250 mta.test');
    $c->hear(qr/^250 proxy\.test$/);
    $c->close;
    $s->hear_close;

    for my $no (['250 mta.test'], ['250-mta.test', '250 XCLIENT ADDR'], ['502 what']) {
        $c = client();
        $s = $mta->accept;
        $s->say('220 mta.test');
        $s->hear(qr/^EHLO/);
        $s->say(@$no);
        if (@$no > 1) {
            $s->hear(qr/^XCLIENT ADDR=/);
            $s->say('550 5.7.0 insufficient authorization');
        }
        $c->hear(qr/^421 4\.3\.2 /);
        $c->close;
        $s->hear_close('no mail without identity');
        $in->log_like(qr/identity-not-taken level=error backend=mta server=\S+ said="?.+ remedy=.*XCLIENT/);
    }
    $in->stop;
};

subtest 'none: the probe comes first' => sub {
    my $in = T::Run->prepare('sallyport-in', expect => qr/probe-failed/, conf => <<'CONF');
smtp-listener 127.0.0.1:@port:in@ { }
backend mta { server = "127.0.0.1:@port:mta@" identity = none backend-source = 127.0.0.77 }
workers = 1
CONF
    $in->launch;
    my $no = '554 5.7.1 Relay access denied';
    my $probed = sub {
        my @replies = @_;
        my $s = $mta->accept;
        is($s->peer_addr, '127.0.0.77', 'from backend-source');
        $s->say('220 mta.test');
        $s->hear(qr/^EHLO proxy\.test$/);
        $s->say('250 mta.test');
        $s->hear(qr/^MAIL FROM:<probe\@proxy\.test>$/);
        $s->say('250 Ok');
        for my $to ('probe@relay-test.invalid', 'nobody-for-relay-test@mta.test', 'probe%relay-test.invalid@mta.test', '"probe@relay-test.invalid"@mta.test',
            '@mta.test:probe@relay-test.invalid', 'relay-test.invalid!probe@mta.test') {
            last if !@replies;
            $s->hear(qr/^RCPT TO:<\Q$to\E>$/);
            $s->say(shift @replies);
        }
        $s->hear(qr/^QUIT$/, 'never DATA');
        $s->close;
    };
    $probed->('250 2.1.5 Ok');
    $in->log_like(qr/probe-failed level=error backend=mta .*why="it relays for everybody" asked="RCPT TO:<probe\@relay-test\.invalid>" said="250 2\.1\.5 Ok/);
    my $c = T::Peer->connect(port('in'));
    $c->hear(qr/^421 4\.3\.2 /, 'an open relay is not served');
    $c->close;
    local $T::Stage::PATIENCE = 30;
    $probed->(($no) x 6);
    $in->log_like(qr/probe-passed backend=mta .*said="554 5\.7\.1 Relay access denied"/);
    $c = client();
    my $s = $mta->accept;
    is($s->peer_addr, '127.0.0.77', 'clients are shown from backend-source, too');
    $s->close;
    $c->close;

    # A reload is a new beginning: nobody is served by it before it has seen for itself.
    $in->signal('HUP');
    $probed->(($no) x 6);
    $in->log_like(qr/probe-passed backend=mta/, 'asked anew after a reload');
    $in->log_like(qr/reloaded /);
    $in->stop;
};

subtest 'none: each of several servers is asked' => sub {
    my @no = (qr/^RCPT TO:<(?!b\@mta\.test)/ => '554 5.7.1 Relay access denied');
    my $open = T::Sink->start(port => port('open'));
    my $safe = T::Sink->start(port => port('safe'), replies => \@no);
    my $in = start('server = {"127.0.0.1:@port:open@", "127.0.0.1:@port:safe@"} identity = none', expect => qr/probe-failed/);
    like($in->log_text, qr/probe-failed level=error backend=mta server=127\.0\.0\.1:@{[port('open')]} /, 'one relays');
    like($in->log_text, qr/probe-passed backend=mta server=127\.0\.0\.1:@{[port('safe')]} /, 'the other does not');
    my $c = T::Peer->connect(port('in'));
    $c->hear(qr/^220 /);
    $c->say('EHLO c.test');
    $c->hear(qr/^250/);
    $c->mail(from => 'a@x.test', rcpt => 'b@mta.test', like => qr/^250/);
    $c->talk('QUIT' => qr/^221 /);
    $c->close;
    is($safe->count, 1, 'and gets the mail');
    is($open->count, 0, 'which the first one never sees');
    $in->stop;
    $_->stop for $open, $safe;
};

subtest 'a mail server that is not there' => sub {
    my $in = start('server = "127.0.0.1:@port:nobody@" identity = proxy-v1');
    my $c = client();
    $c->hear(qr/^421 4\.3\.2 /);
    $c->close;
    $in->log_like(qr/closed why=backend-connect .*broke="Connection refused"/);
    $in->stop;
};

SKIP: {
    my $why = T::Postfix::why_not();
    skip $why, 1 if $why;
    subtest 'Postfix' => sub {
        my $postfix = T::Postfix->start('mta', services => [['haproxy', port('haproxy')], ['xclient', port('xclient')], ['plain', port('plain')]]);
        for my $identity ('proxy-v1', 'proxy-v2', 'xclient') {
            my $in = start(sprintf 'server = "127.0.0.1:@port:%s@" identity = %s', $identity =~ s/-v\d//r =~ s/proxy/haproxy/r, $identity);
            my $c = client(from => '127.0.0.55');
            $c->hear(qr/^250-proxy\.test/);
            $postfix->log_mark;
            $c->mail(from => 'a@x.test', rcpt => 'b@mta.test', like => qr/^250 .*queued as/);
            $c->talk('QUIT' => qr/^221 /);
            $postfix->log_like(qr/client=unknown\[127\.0\.0\.55\]/, "$identity: Postfix logs the true address");
            $c->close;
            $in->stop;
        }
        # It does not expect a header: that is garbage to it, and no session comes of it.
        my $in = start('server = "127.0.0.1:@port:plain@" identity = proxy-v1', expect => qr/identity-not-taken/);
        my $c = client();
        $c->hear(qr/^421 4\.3\.2 /);
        $in->log_like(qr/closed why=backend-/);
        $c->close;
        $in->stop;
    };
}
all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out towards scripted servers: what of TLS is asked, demanded, and done without.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use IO::Socket::SSL;
use T::CA;
use T::DNS;
use T::Peer;
use T::Run;
use T::Spool;

my $ca  = T::CA->new;
my %crt = map { $_ => $ca->cert("mx.$_.test") } qw(may need name);
my $us  = $ca->cert('out.test', use => 'client');
my $dns = T::DNS->start(<<'Z');
may.test.     MX 10 mx.may.test.
mx.may.test.  A 127.0.0.21
need.test.    MX 10 mx.need.test.
mx.need.test. A 127.0.0.22
name.test.    MX 10 mx.name.test.
mx.name.test. A 127.0.0.23
off.test.     MX 10 mx.may.test.
break.test.   MX 10 mx.break.test.
mx.break.test. A 127.0.0.24
stall.test.   MX 10 mx.stall.test.
mx.stall.test. A 127.0.0.25
must.test.    MX 10 mx.stall.test.
Z
my %mx = (may => '127.0.0.21', need => '127.0.0.22', name => '127.0.0.23',
    break => '127.0.0.24', stall => '127.0.0.25');
$mx{$_} = T::Peer->listen(port => port('mx'), addr => $mx{$_}, name => $_) for keys %mx;

my $out = T::Run->start(
    'sallyport-out',
    us   => $us->{pem},
    ca   => $ca->file,
    dns  => $dns->address,
    conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
acct-file @dir@/acct.csv { }
spool-directory = "@dir@/spool"
workers = 1
tls-handshake-timeout = 5s
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    connection-idle-timeout = 0
}
domain need.test { require-starttls = yes  smtp-client-certificate = {"@us@", ""}  smtp-tls-offload = yes }
domain name.test { require-starttls = yes  smtp-tls-verify = name  smtp-tls-ca-file = "@ca@" }
domain must.test { require-starttls = yes }
domain off.test { use-starttls = no }
CONF

# 6 and 31: IPPROTO_TCP, TCP_ULP. need.test wants the kernel's TLS.
my $there = setsockopt IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . port('out')), 6, 31, 'tls';
is($out->log_text =~ / no-ktls why="this kernel has none" / ? 1 : 0, $there ? 0 : 1, 'where the kernel lacks it, that is said');

# The mail server's side, up to its RCPT.
sub hand_over {
    my ($domain) = @_;
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 proxy\.test ESMTP/);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 2\.1\.0 /);
    $c->say("RCPT TO:<b\@$domain.test>");
    return $c;
}

sub greet {
    my ($server, @offers) = @_;
    my $s = $server->accept;
    $s->say('220 mx ESMTP');
    $s->hear(qr/^EHLO proxy\.test$/);
    $s->say('250-mx', (map { "250-$_" } @offers), '250 PIPELINING');
    return $s;
}

# The rest of a message, on both sides; the answer is what the mail server hears.
sub deliver {
    my ($c, $s) = @_;
    $s->hear(qr/^MAIL FROM:<a\@a\.test>$/);
    $s->hear(qr/^RCPT TO:<b\@\w+\.test>$/);
    $s->say('250 2.1.0 Ok', '250 2.1.5 Ok');
    $c->hear(qr/^250 2\.1\.5 Ok \[mx\.\w+\.test 127\.0\.0\.\d+\]$/);
    $c->say('DATA');
    $s->hear(qr/^DATA$/);
    $s->say('354 go');
    $c->hear(qr/^354 /);
    $c->send("Subject: x\r\n\r\n..dot\r\n.\r\n");
    is($s->hear_body, "Subject: x\r\n\r\n..dot\r\n", 'the message, as it was');
    $s->say('250 2.0.0 Ok: taken');
    $c->hear(qr/^250 2\.0\.0 Ok: taken \[mx\.\w+\.test 127\.0\.0\.\d+\]$/);
    $c->talk('QUIT' => qr/^221 /);
    $s->hear(qr/^QUIT$/);
    $s->say('221 bye');
}

sub row {
    my ($type, $domain, $nth) = @_;
    my @found = spool_wait(stage_dir() . '/spool', sub { $_->{type} eq $type && $_->{rcpt} eq "b\@$domain.test" && $_->{do} ne 'intent' }, $nth // 1);
    ok(@found >= ($nth // 1), "a $type row of $domain") or return {};
    return $found[($nth // 1) - 1];
}

subtest 'may: offered, and used' => sub {
    my $c = hand_over('may');
    my $s = greet($mx{may}, 'STARTTLS');
    $s->starttls(server => 1, cert => $crt{may});
    is($s->tls_sni, 'mx.may.test', 'SNI');
    $s->hear(qr/^EHLO proxy\.test$/, 'again, inside');
    $s->say('250-mx', '250 PIPELINING');
    deliver($c, $s);
    my $row = row(d => 'may');
    is($row->{dlvTlsPolicy}, 'may');
    is($row->{dlvTlsPolicyResult}, 'met');
    like($row->{dlvTlsProtocol}, qr/^TLSv1\.[23]$/);
    ok($row->{dlvTlsCipher}, 'a cipher');
    is($row->{dsnMta}, 'mx.may.test (127.0.0.21)');
    is($row->{dlvDestinationIp}, '127.0.0.21');
    is($row->{dlvTlsError} // '', '');
};

subtest 'may: not offered, in the clear on the same connection' => sub {
    my $c = hand_over('may');
    my $s = greet($mx{may});
    deliver($c, $s);
    my $row = row(d => 'may', 2);
    is($row->{dlvTlsPolicyResult}, 'clear');
    is($row->{dlvTlsProtocol} // '', '');
    is($row->{dlvTlsError}, 'starttls-not-offered');
};

subtest 'may: refused, in the clear on the same connection' => sub {
    my $c = hand_over('may');
    my $s = greet($mx{may}, 'STARTTLS');
    $s->hear(qr/^STARTTLS$/);
    $s->say('454 4.7.0 Not now');
    deliver($c, $s);
    is(row(d => 'may', 3)->{dlvTlsError}, 'starttls-refused');
};

# What broke is not tried again for a while, so each of these has a server of its own.
subtest 'may: the handshake breaks, a new connection in the clear' => sub {
    my $c = hand_over('break');
    my $s = greet($mx{break}, 'STARTTLS');
    $s->hear(qr/^STARTTLS$/);
    $s->say('220 go');
    $s->hear_bytes(1);
    $s->send("\x15\x03\x01\x00\x02\x02\x28"); # alert: handshake_failure
    my $again = greet($mx{break}, 'STARTTLS');
    deliver($c, $again);
    my $row = row(d => 'break');
    is($row->{dlvTlsError}, 'handshake');
    is($row->{dlvTlsPolicyResult}, 'clear');
};

subtest 'may: the handshake stalls, a new connection in the clear' => sub {
    my $c = hand_over('stall');
    my $s = greet($mx{stall}, 'STARTTLS');
    $s->hear(qr/^STARTTLS$/);
    $s->say('220 go');
    my $again = greet($mx{stall}, 'STARTTLS');
    deliver($c, $again);
    is(row(d => 'stall')->{dlvTlsError}, 'handshake-stalled');
};

subtest 'may: the next message is in the clear at once' => sub {
    for my $how (['break', 'handshake'], ['stall', 'handshake-stalled']) {
        my ($domain, $error) = @$how;
        my $c = hand_over($domain);
        my $s = greet($mx{$domain}, 'STARTTLS');
        deliver($c, $s);
        my $row = row(d => $domain, 2);
        is($row->{dlvTlsError}, $error);
        is($row->{dlvTlsPolicyResult}, 'clear');
    }
};

subtest 'but not that of a domain that demands TLS of the same server' => sub {
    my $c = hand_over('must');
    my $s = greet($mx{stall}, 'STARTTLS');
    $s->starttls(server => 1, cert => $ca->cert('mx.stall.test'));
    $s->hear(qr/^EHLO proxy\.test$/);
    $s->say('250-mx', '250 PIPELINING');
    deliver($c, $s);
    is(row(d => 'must')->{dlvTlsPolicyResult}, 'met');
};

subtest 'and then it is known to work' => sub {
    my $c = hand_over('stall');
    my $s = greet($mx{stall}, 'STARTTLS');
    $s->starttls(server => 1, cert => $ca->cert('mx.stall.test'));
    $s->hear(qr/^EHLO proxy\.test$/);
    $s->say('250-mx', '250 PIPELINING');
    deliver($c, $s);
    is(row(d => 'stall', 3)->{dlvTlsPolicyResult}, 'met');
};

subtest 'may: plaintext behind the 220 is never rewarded' => sub {
    my $c = hand_over('may');
    my $s = greet($mx{may}, 'STARTTLS');
    $s->hear(qr/^STARTTLS$/);
    $s->say('220 go', '250-mx', '250 PIPELINING');
    $s->hear_close;
    $c->hear(qr/^451 4\.7\.5 .*\[mx\.may\.test 127\.0\.0\.21\]$/);
    my $row = row(t => 'may');
    is($row->{dlvTlsError}, 'starttls-injected');
    is($row->{dlvTlsPolicyResult}, 'failed');
    $c->close;
};

subtest 'a session is resumed' => sub {
    my $context = IO::Socket::SSL::SSL_Context->new(
        SSL_server => 1, SSL_cert_file => $crt{may}{cert}, SSL_key_file => $crt{may}{plain},
        SSL_session_id_context => 'mx', SSL_verify_mode => 0);
    for my $nth (4, 5) {
        my $c = hand_over('may');
        my $s = greet($mx{may}, 'STARTTLS');
        $s->starttls(server => 1, context => $context);
        $s->hear(qr/^EHLO proxy\.test$/);
        $s->say('250-mx', '250 PIPELINING');
        deliver($c, $s);
        is(row(d => 'may', $nth)->{dlvTlsResumed}, $nth == 5 ? 'yes' : 'no');
    }
};

subtest 'use-starttls no: not even asked' => sub {
    my $c = hand_over('off');
    my $s = greet($mx{may}, 'STARTTLS');
    deliver($c, $s);
    is(row(d => 'off')->{dlvTlsPolicy}, 'none');
};

subtest 'require-starttls with our certificate' => sub {
    my $c = hand_over('need');
    my $s = greet($mx{need}, 'STARTTLS');
    $s->starttls(server => 1, cert => $crt{need}, ask_client => 1, ca => $ca);
    is($s->tls_peer, 'out.test', 'our certificate');
    $s->hear(qr/^EHLO/);
    $s->say('250-mx', '250 PIPELINING');
    deliver($c, $s);
    my $row = row(d => 'need');
    is($row->{dlvTlsPolicy}, 'encrypt');
    is($row->{dlvTlsClientCert}, $us->{pem});
    is($row->{domainRule}, 'need.test');
};

for my $how (['not offered', 'starttls-not-offered', '4.7.4'], ['broken', 'handshake', '4.7.5'],
    ['stalled', 'handshake-stalled', '4.7.5'], ['refused', 'starttls-refused', '4.7.4']) {
    my ($name, $error, $status) = @$how;
    state $nth = 0;
    $nth++;
    subtest "require-starttls: $name is deferred, nothing in the clear" => sub {
        my $c = hand_over('need');
        my $s = greet($mx{need}, $name eq 'not offered' ? () : 'STARTTLS');
        if ($name ne 'not offered') {
            $s->hear(qr/^STARTTLS$/);
            $s->say($name eq 'refused' ? '454 4.7.0 no' : '220 go');
            $s->hear_bytes(1), $s->send("\x15\x03\x01\x00\x02\x02\x28") if $name eq 'broken';
        }
        $c->hear(qr/^451 \Q$status\E .*\[mx\.need\.test 127\.0\.0\.22\]$/);
        $mx{need}->no_connection(0.2, 'no second connection');
        unlike(join("\n", $s->told), qr/MAIL|RCPT|b\@need/, 'no word of the mail');
        is(row(t => 'need', $nth)->{dlvTlsError}, $error);
        $c->close;
    };
}

subtest 'verify name: the right one' => sub {
    my $c = hand_over('name');
    my $s = greet($mx{name}, 'STARTTLS');
    $s->starttls(server => 1, cert => $crt{name});
    $s->hear(qr/^EHLO/);
    $s->say('250-mx', '250 PIPELINING');
    deliver($c, $s);
    my $row = row(d => 'name');
    is($row->{dlvTlsPolicy}, 'verify');
    is($row->{dlvTlsVerify}, 'ok');
};

my %bad = (
    'another name' => ['certificate-host-mismatch', $crt{may}],
    'expired'      => ['certificate-expired', $ca->cert('mx.name.test', from => -20, days => -10)],
    'another CA'   => ['certificate-not-trusted', T::CA->new->cert('mx.name.test')],
);
my $nth = 0;
for my $name (sort keys %bad) {
    subtest "verify name: $name is deferred" => sub {
        my ($error, $crt) = @{$bad{$name}};
        my $c = hand_over('name');
        my $s = greet($mx{name}, 'STARTTLS');
        $s->starttls(server => 1, cert => $crt);
        $c->hear(qr/^451 4\.7\.5 /);
        unlike(join("\n", $s->told), qr/MAIL|RCPT/, 'no word of the mail');
        my $row = row(t => 'name', ++$nth);
        is($row->{dlvTlsError}, $error);
        is($row->{dlvTlsPolicyResult}, 'failed');
        $c->close;
    };
}

subtest 'where a handshake failed, no session that was kept is tried again' => sub {
    my $context = IO::Socket::SSL::SSL_Context->new(
        SSL_server => 1, SSL_cert_file => $crt{need}{cert}, SSL_key_file => $crt{need}{plain},
        SSL_session_id_context => 'mx', SSL_verify_mode => 0);
    my $secure = sub {
        my $s = greet($mx{need}, 'STARTTLS');
        $s->starttls(server => 1, context => $context);
        $s->hear(qr/^EHLO /);
        $s->say('250-mx', '250 PIPELINING');
        return $s;
    };
    my @two = map { [hand_over('need'), $secure->()] } 1, 2;
    deliver(@$_) for @two;
    my $c = hand_over('need');
    my $s = greet($mx{need}, 'STARTTLS');
    $s->hear(qr/^STARTTLS$/);
    $s->say('220 go');
    $s->hear_bytes(1);
    $s->send("\x15\x03\x01\x00\x02\x02\x28");
    $c->hear(qr/^451 4\.7\.5 /);
    $c->close;
    $c = hand_over('need');
    $s = $secure->();
    ok(!$s->tls_resumed, 'a full handshake, though another session was there');
    deliver($c, $s);
};

all_done();

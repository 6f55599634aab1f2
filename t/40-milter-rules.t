#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-milter in a real Postfix that does its own TLS: source rules at MAIL, receipts.
use v5.36;
use lib 't/lib';
use MIME::Base64 qw(encode_base64);
use Test::More;
use T::Stage;
use T::CA;
use T::Csv;
use T::Peer;
use T::Postfix;
use T::Run;

T::Postfix->or_skip_all;
my $ca = T::CA->new;
my $csv = stage_dir() . '/acct.csv';
my $milter = T::Run->start('sallyport-milter', csv => $csv, conf => <<'CONF');
milter-listener inet:@port:milter@@127.0.0.1 { }
source 0/0 { }
source 127.0.0.5 {
    require-starttls = yes
}
source 127.0.0.6 {
    require-auth = yes
}
source 127.0.0.9 {
    require-auth = yes
    report-only = {require-auth}
}
source 127.0.0.7 {
    require-starttls-before-auth = yes
    allow-unencrypted-plain-auth = yes
}
acct-file "@csv@" {
    records = {r}
    record-fields r { fields = {"*", rcvSmtpUser, rcvTlsProtocol, rcvTlsCipher, rcvTlsVerify, rcvTlsClientSubject, sourceRule, sourceReport, queueId, sessionId} }
}
CONF
my $mta = T::Postfix->start('mta',
    services => [['certs', port('mta')], ['xclient', port('xclient')]],
    cert => $ca->cert('mta.test'), ca => $ca, users => {alice => 'wonderland'},
    main => {smtpd_milters => 'inet:127.0.0.1:' . port('milter')},
);
my $login = encode_base64("\0alice\@mta.test\0wonderland", '');

sub client {
    my ($from, %o) = @_;
    my $c = T::Peer->connect(port($o{port} // 'mta'), from => $from);
    $c->hear(qr/^220 /);
    $c->talk("EHLO $from.test" => qr/^250/);
    return $c;
}

sub send_mail {
    my ($c, @rcpts) = @_;
    $c->talk('MAIL FROM:<a@x.test> ENVID=env+2B1' => qr/^250 /);
    $c->talk("RCPT TO:<$_> ORCPT=rfc822;$_" => qr/^250 /) for @rcpts;
    $c->talk('DATA' => qr/^354 /);
    return $c->talk("Subject: x\r\nX-Job: job\r\n\t$rcpts[0]\r\n\r\nHello\r\n." => qr/^250 /);
}

# Source rules.
my $c = client('127.0.0.5');
$c->talk('MAIL FROM:<a@x.test>' => qr/^530 5\.7\.0 Must issue a STARTTLS/);
$c->talk('MAIL FROM:<a@x.test>' => qr/^530 5\.7\.0/);
$c->starttls(name => 'mta.test', ca => $ca);
# Without a second EHLO: the facts are asked for at MAIL.
send_mail($c, 'tls@one.test');
$c->say('QUIT');

$c = client('127.0.0.6');
$c->talk('MAIL FROM:<a@x.test>' => qr/^530 5\.7\.0 Authentication required/);
$c->talk("AUTH PLAIN $login" => qr/^235 /);
$c->talk('MAIL FROM:<a@x.test>' => qr/^538 5\.7\.11/);
$c->say('QUIT');

$c = client('127.0.0.6');
$c->starttls(name => 'mta.test', ca => $ca);
$c->talk('EHLO again.test' => qr/^250/);
$c->talk("AUTH PLAIN $login" => qr/^235 /);
send_mail($c, 'auth@one.test', 'auth@two.test');
$c->say('QUIT');

$c = client('127.0.0.7');
$c->talk("AUTH PLAIN $login" => qr/^235 /);
$c->talk('MAIL FROM:<a@x.test>' => qr/^530 5\.7\.0 Must issue a STARTTLS command before AUTH/);
$c->say('QUIT');

# A client certificate that Postfix has verified.
my $cert = $ca->cert('client.test', use => 'client');
$c = client('127.0.0.8');
$c->starttls(name => 'mta.test', ca => $ca, cert => $cert);
send_mail($c, 'cert@one.test');

# Only reported: it passes, the record says so, and each session one line.
like($milter->log_text, qr/report-only source=127\.0\.0\.9 .*line=\d+/, 'a warning at the start');
my $reported = client('127.0.0.9');
send_mail($reported, 'reported@one.test');
$reported->talk('MAIL FROM:<b@x.test>' => qr/^250 /);
$reported->say('QUIT');
$milter->log_like(qr/would-refuse rule=require-auth source=127\.0\.0\.9/, 'what would be refused');

# Given up, refused, and taken: only the last has a receipt.
$c->talk('MAIL FROM:<a@x.test>' => qr/^250 /);
$c->talk('RCPT TO:<given@up.test>' => qr/^250 /);
$c->talk('RSET' => qr/^250 /);
send_mail($c, 'after@rset.test');
$c->say('QUIT');

# XCLIENT: the session starts again, with another client.
$c = client('127.0.0.1', port => 'xclient');
$c->talk('XCLIENT NAME=c.test ADDR=127.0.0.5 PORT=99' => qr/^220 /);
$c->talk('EHLO c.test' => qr/^250/);
$c->talk('MAIL FROM:<a@x.test>' => qr/^530 5\.7\.0/);
$c->say('QUIT');

my %row = map { $_->{rcpt} => $_ } csv_wait($csv, sub { 1 }, count => 6);
is(join(' ', sort keys %row), 'after@rset.test auth@one.test auth@two.test cert@one.test reported@one.test tls@one.test',
    'what was taken has a receipt, and nothing else');
is(scalar(csv_rows($csv)), 6, 'one each');
my $r = $row{'tls@one.test'};
is($r->{type}, 'r', 'a receipt');
is($r->{orig}, 'a@x.test', 'its sender');
is($r->{orcpt}, 'rfc822;tls@one.test', 'its ORCPT');
is($r->{envId}, 'env+1', 'its ENVID');
is($r->{jobId}, 'job tls@one.test', 'its X-Job, unfolded');
is($row{'after@rset.test'}{jobId}, 'job after@rset.test', 'each its own');
is($r->{srcMta}, '127.0.0.5.test (127.0.0.5)', 'who brought it');
is($r->{rcvSourceIp}, '127.0.0.5', 'from where');
is($r->{rcvDestinationIp}, '127.0.0.1', 'to where');
is($r->{rcvTlsProtocol}, 'TLSv1.3', 'TLS without a second EHLO');
like($r->{rcvTlsCipher}, qr/^TLS_/, 'its cipher');
is($r->{sourceRule}, '127.0.0.5', 'its rule');
ok($mta->has_logged(qr/\Q$r->{queueId}\E: client=/), 'the queue id is Postfix\'s');
is($row{'auth@two.test'}{rcvSmtpUser}, 'alice@mta.test', 'the login');
is($row{'auth@one.test'}{queueId}, $row{'auth@two.test'}{queueId}, 'recipients of one message');
is($row{'cert@one.test'}{rcvTlsClientSubject}, 'client.test', 'the verified subject');
is($row{'cert@one.test'}{rcvTlsVerify}, 'ok', 'which was verified');
is($row{'tls@one.test'}{rcvTlsClientSubject}, '', 'none without a certificate');
is($row{'reported@one.test'}{sourceReport}, 'require-auth', 'what was only reported');
is($r->{sourceReport}, '', 'nothing of the others');
$mta->log_unlike(qr/malformed reply|milter.*(?:error|warning)/i, 'Postfix has nothing against the milter');
$milter->log_like(qr/refused code=530/, 'a refusal is logged');
all_done();

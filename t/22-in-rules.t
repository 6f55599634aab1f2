#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Source rules on real sockets: which sections hold for whom, for both families; what {auth} changes; and
# rules that are reported only.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Peer;
use T::Run;
use T::Sink;

my $ca = T::CA->new;
my $sink = T::Sink->start(port => port('mta'), head => 1, keywords => ['PIPELINING', 'AUTH PLAIN CRAM-MD5'],
    replies => [qr/^AUTH PLAIN/ => '235 2.7.0 welcome', qr/^AUTH/ => '535 5.7.8 no']);
my $in = T::Run->start('sallyport-in', cert => $ca->cert('mx.test')->{pem}, conf => <<'CONF');
smtp-listener 127.0.0.1:@port:in@ { proxy-protocol-from = {127.0.0.1} }
smtp-listener 127.0.0.1:@port:named@ { proxy-protocol-from = {127.0.0.1} source = submission }
smtp-server-tls-certificate = {"@cert@", ""}
backend mta { server = "127.0.0.1:@port:mta@" identity = proxy-v2 }
workers = 2
acct-file "/nowhere/acct.csv" { records = {r} }
source 10.1.9.0/24 { smtp-command-timeout = 1s }
source 10/8 { smtp-service = no }
source 0/0 { allow-starttls = no allow-unencrypted-plain-auth = yes }
source 10.1.0.0/16 {
    smtp-service = yes
    require-auth = yes
    report-only = {require-auth}
}
source 10.2.0.0/16 { smtp-service = yes allow-auth = no }
source 2001:db8::/32 { allow-starttls = yes require-starttls = yes }
source 2001:db8:1::/48 { require-starttls = no allow-unencrypted-plain-auth = no }
source 2001:db8:1:1::/64 { require-starttls-before-auth = yes }
source 2001:db8:2::/48 { report-only = {require-starttls} }
source {auth} { smtp-command-timeout = 1s }
source submission { smtp-service = yes require-auth = yes }
CONF

sub from {
    my ($address, $port) = @_;
    return T::Peer->connect(port($port // 'in'), name => $address,
        head => {src => $address, dst => $address =~ /:/ ? '2001:db8::25' : '192.0.2.25'});
}

# Who, where; what EHLO shows; and what is answered to what.
my @cases = (
    ['192.0.2.7', 'in', qr/^250[- ]AUTH PLAIN CRAM-MD5/m, 'MAIL FROM:<a@a.test>' => qr/^250/],
    ['192.0.2.7', 'in', qr/\A(?!.*STARTTLS)/s, 'STARTTLS' => qr/^502 5\.5\.1/],
    ['10.1.2.3', 'in', qr/AUTH/, 'MAIL FROM:<a@a.test>' => qr/^250/],
    ['::ffff:10.1.2.3', 'in', qr/AUTH/, 'MAIL FROM:<a@a.test>' => qr/^250/],
    ['10.2.2.3', 'in', qr/\A(?!.*AUTH)/s, 'AUTH PLAIN AGEAYg==' => qr/^503 5\.5\.1/],
    ['192.0.2.7', 'named', qr/AUTH/, 'MAIL FROM:<a@a.test>' => qr/^530 5\.7\.0/],
    ['10.1.2.3', 'named', qr/AUTH/, 'MAIL FROM:<a@a.test>' => qr/^530 5\.7\.0/],
    ['2001:db8::1', 'in', qr/STARTTLS/, 'MAIL FROM:<a@a.test>' => qr/^530 5\.7\.0/],
    ['2001:db8::1', 'in', qr/STARTTLS/, 'NOOP' => qr/^250/],
    ['2001:db8:1::1', 'in', qr/AUTH CRAM-MD5/, 'MAIL FROM:<a@a.test>' => qr/^250/],
    ['2001:db8:1::1', 'in', qr/\A(?!.*PLAIN)/s, 'AUTH PLAIN AGEAYg==' => qr/^538 5\.7\.11/],
    ['2001:db8:1:1::1', 'in', qr/\A(?!.*AUTH)/s, 'AUTH CRAM-MD5' => qr/^530 5\.7\.0/],
    ['2001:db8:2::1', 'in', qr/STARTTLS/, 'MAIL FROM:<a@a.test>' => qr/^250/],
    ['2001:db7:ffff::1', 'in', qr/\A(?!.*STARTTLS)/s, 'MAIL FROM:<a@a.test>' => qr/^250/],
);
{   # What the mail server offers is known after this one.
    my $c = from('192.0.2.9');
    $c->hear(qr/^220 /);
    $c->talk('EHLO first.test' => qr/^250/);
    $c->talk('QUIT' => qr/^221/);
}
for my $case (@cases) {
    my ($address, $port, $shown, $said, $answer) = @$case;
    subtest "$address, $port: $said" => sub {
        my $c = from($address, $port);
        $c->hear(qr/^220 /);
        $c->talk('EHLO c.test' => $shown);
        $c->talk($said => $answer);
        $c->talk('QUIT' => qr/^221 /);
    };
}

subtest 'no service' => sub {
    for my $address ('10.9.9.9', '::ffff:10.9.9.9') {
        my $c = from($address);
        $c->hear(qr/^521 proxy\.test does not accept mail from you/);
        $c->hear_close;
        $in->log_like(qr/closed why=no-service .*client=10\.9\.9\.9:\d+ .*rule=10\/8/);
    }
    my $c = from('10.9.9.9', 'named');
    $c->hear(qr/^220 /, 'but the listener\'s own section overrides the network');
    $c->talk('QUIT' => qr/^221 /);
};

subtest 'time for a command, by network' => sub {
    my $c = from('10.1.9.1');
    $c->hear(qr/^220 /);
    $c->hear(qr/^421 4\.4\.2 /);
    $in->log_like(qr/closed why=timed-out doing="waiting for a command" .*rule=10\.1\.9\.0\/24/);
};

subtest 'who has logged in has the rules of {auth}' => sub {
    my $c = from('192.0.2.7');
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/AUTH/);
    $c->hear_nothing(1.3, 'there is time before');
    $c->talk('AUTH PLAIN AGEAYg==' => qr/^235 /);
    $c->hear(qr/^421 4\.4\.2 /, 'and little after');
    $in->log_like(qr/closed why=timed-out .*rule=\{auth\}/);
};

subtest 'reported only' => sub {
    like($in->log_text, qr/report-only source=10\.1\.0\.0\/16 .*line=\d+/, 'a warning at the start');
    my $c = from('10.1.2.3');
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/^250/);
    $c->mail(from => 'a@a.test', rcpt => 'reported@b.test');
    $c->mail(from => 'a@a.test', rcpt => 'reported@b.test');
    $c->talk('QUIT' => qr/^221 /);
    my $closed = $in->log_like(qr/closed why=quit .*reported=require-auth times=2 /);
    my ($id) = $closed =~ /(\S+) closed/;
    is(scalar(() = $in->log_text =~ /^\S+ \Q$id\E would-refuse rule=require-auth source=10\.1\.0\.0\/16$/mg), 1, 'one line for the session');
    my $records = join '', map { open my $f, '<', $_; local $/; <$f> // '' } grep { -f } glob "$in->{dir}/spool/*";
    is(scalar(() = $records =~ /"rcpt":"reported\@b\.test".*"sourceReport":"require-auth"/g), 2, 'and the records say so');
};
all_done();

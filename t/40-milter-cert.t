#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# verify-client-certificate and sender-domain at the milter: in a real Postfix that does its own TLS,
# and behind sallyport-in, where the milter comes to what the proxy came to, and holds off who
# found a way around it.
use v5.36;
use lib 't/lib';
use File::Path qw(make_path);
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
my %cert = (
    named => $ca->cert('mail.partner.test', use => 'client'),
    good => $ca->cert('other.test', use => 'client'),
    himself => $ca->self_signed('mail.partner.test'),
    stranger => T::CA->new->cert('mail.partner.test', use => 'client'),
);
my $dir = stage_dir();
make_path("$dir/run", "$dir/spool");
my %o = (
    dir => $dir, csv => "$dir/acct.csv", ca => $ca->file, cert => $ca->cert('mta.test')->{pem},
    print => T::CA->fingerprint($cert{good}),
    rules => <<'CONF');
source 0/0 { allow-starttls = yes allow-unencrypted-plain-auth = yes }
source 127.0.0.2 { verify-client-certificate = required }
source 127.0.0.3 { verify-client-certificate = optional }
source 127.0.0.4 { verify-client-certificate = required report-only = verify-client-certificate }
source 127.0.0.5 { verify-client-certificate = required client-certificate-fingerprints = {"@print@"} }
source lax { verify-client-certificate = optional }
source {auth} { report-only = verify-client-certificate }
sender-domain "[*.]tls.test" { }
sender-domain partner.test { certificate-names = mail.partner.test }
sender-domain printed.test { certificate-fingerprints = "@print@" }
sender-domain never.test { allow-authenticated = no certificate-names = nobody.test }
sender-domain watched.test { certificate-names = nobody.test report-only = yes }
CONF
$o{rules} =~ s/\@print\@/$o{print}/g;
my $milter = T::Run->start('sallyport-milter', %o, conf => <<'CONF');
run-directory = "@dir@/run"
spool-directory = "@dir@/spool"
@rules@
milter-listener inet:@port:direct@@127.0.0.1 { }
milter-listener inet:@port:behind@@127.0.0.1 { behind-proxy = yes }
acct-file "@csv@" {
    records = {r}
    record-fields r { fields = {rcpt, rcvTlsVerify, rcvTlsClientSubject, sourceReport} }
}
CONF
my $behind = 'smtpd_milters=inet:127.0.0.1:' . port('behind');
like($milter->log_text, qr/fingerprints-unknown source=127\.0\.0\.5 .*option=client-certificate-fingerprints/, 'a warning at the start');
like($milter->log_text, qr/fingerprints-unknown sender-domain=printed\.test /, 'for both');
my $mta = T::Postfix->start('mta',
    services => [['certs', port('mta')], ['haproxy', port('back'), split /=/, $behind], ['plain', port('around'), split /=/, $behind]],
    cert => $ca->cert('mta.test'), ca => $ca, users => {alice => 'wonderland'},
    main => {smtpd_milters => 'inet:127.0.0.1:' . port('direct')},
);
my $in = T::Run->start('sallyport-in', %o, conf => <<'CONF');
run-directory = "@dir@/run"
spool-directory = "@dir@/spool"
@rules@
workers = 1
smtp-server-tls-certificate = {"@cert@", ""}
smtp-server-tls-ca-file = "@ca@"
smtp-listener 127.0.0.1:@port:in@ { }
smtp-listener 127.0.0.1:@port:lax@ { source = lax }
backend mta { server = "127.0.0.1:@port:back@" identity = proxy-v2 }
acct-file "@csv@" { }
CONF

my $login = encode_base64("\0alice\@mta.test\0wonderland", '');

# A client at `port` that shows `cert` in TLS (without: 'none'; in the clear: 'clear').
sub client {
    my ($port, $from, $cert, %c) = @_;
    my $c = T::Peer->connect(port($port), from => $from);
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/^250/);
    if ($cert ne 'clear') {
        $c->starttls(name => 'mta.test', ca => $ca, $cert eq 'none' ? () : (cert => $cert{$cert}));
        $c->talk('EHLO c.test' => qr/^250/);
    }
    $c->talk("AUTH PLAIN $login" => qr/^235 /) if $c{login};
    return $c;
}

my $certificate = qr/^530 5\.7\.0 A valid client certificate is required/;
my $domain = qr/^550 5\.7\.1 Mail from this domain needs a client certificate/;
my $another = qr/^550 5\.7\.1 Mail from this domain needs another client certificate/;
my $clear = qr/^550 5\.7\.1 Mail from this domain must come over TLS/;

# Where, from, certificate, who, what the answer to MAIL is.
my @cases = (
    (map { my $port = $_; map { [$port, @$_] } (
        ['127.0.0.2', 'clear', 'a@x.test', qr/^530 5\.7\.0 Must issue a STARTTLS/],
        ['127.0.0.2', 'none', 'a@x.test', $certificate],
        ['127.0.0.2', 'himself', 'a@x.test', $certificate],
        ['127.0.0.2', 'stranger', 'a@x.test', $certificate],
        ['127.0.0.2', 'good', 'a@x.test', qr/^250 /],
        ['127.0.0.2', 'none', 'a@x.test', qr/^250 /, login => 1],
        ['127.0.0.3', 'himself', 'a@x.test', qr/^250 /],
        ['127.0.0.4', 'none', 'a@x.test', qr/^250 /],
        ['127.0.0.9', 'clear', 'a@sub.tls.test', $clear],
        ['127.0.0.9', 'clear', 'a@sub.tls.test', qr/^250 /, login => 1],
        ['127.0.0.9', 'none', 'a@sub.tls.test', qr/^250 /],
        ['127.0.0.9', 'none', 'a@partner.test', $domain],
        ['127.0.0.9', 'himself', 'a@partner.test', $domain],
        ['127.0.0.9', 'stranger', 'a@partner.test', $domain],
        ['127.0.0.9', 'named', 'a@never.test', $port eq 'in' ? $domain : $another],
        ['127.0.0.9', 'none', 'a@never.test', $domain, login => 1],
        ['127.0.0.9', 'none', 'a@watched.test', qr/^250 /],
        ['127.0.0.9', 'clear', '', qr/^250 /],
        ['127.0.0.9', 'clear', 'a', qr/^553 5\.1\.7 /],
        ['127.0.0.9', 'clear', '"a@x.test"@tls.test', $clear],
        ['127.0.0.9', 'clear', '@x.test:a@tls.test', $clear],
        ['127.0.0.9', 'clear', '"a b"@x.test', qr/^250 /],
        ['127.0.0.9', 'clear', '"a\\"@tls.test"@x.test', qr/^250 /],
    ) } qw(mta in)),
    ['mta', '127.0.0.9', 'named', 'a@partner.test', qr/^250 /],
    ['mta', '127.0.0.9', 'good', 'a@partner.test', $another],
    # A fingerprint is not told.
    ['mta', '127.0.0.5', 'good', 'a@x.test', qr/^530 5\.7\.0 .*\(not-listed\)$/],
    ['mta', '127.0.0.9', 'good', 'a@printed.test', $another],
    ['in', '127.0.0.5', 'good', 'a@x.test', qr/^250 /],
    ['in', '127.0.0.5', 'named', 'a@x.test', qr/^530 5\.7\.0 .*\(not-listed\)$/],
    # What the proxy compared, the milter does not know, and does not refuse.
    ['in', '127.0.0.3', 'named', 'a@partner.test', qr/^250 /],
    ['in', '127.0.0.3', 'good', 'a@partner.test', $another],
    ['in', '127.0.0.3', 'good', 'a@printed.test', qr/^250 /],
    ['in', '127.0.0.3', 'stranger', 'a@partner.test', qr/^550 5\.7\.1 .*\(untrusted\)$/],
    # What the listener says holds there, too.
    ['lax', '127.0.0.2', 'none', 'a@x.test', qr/^250 /],
    # Around the proxy there is no TLS.
    ['around', '127.0.0.2', 'clear', 'a@x.test', qr/^530 5\.7\.0 Must issue a STARTTLS/],
    ['around', '127.0.0.9', 'clear', 'a@tls.test', $clear],
    ['around', '127.0.0.9', 'clear', 'a@x.test', qr/^250 /],
);

# One session for all that the same client says.
my (%session, @order);
for (@cases) {
    my ($port, $from, $cert, $sender, $answer, %c) = @$_;
    my $key = join ' ', $port, $from, $cert, $c{login} ? 'logged in' : ();
    push @order, $key unless $session{$key};
    push @{$session{$key}{mails}}, [$sender, $answer];
    $session{$key}{client} = [$port, $from, $cert, %c];
}
for my $key (@order) {
    subtest $key => sub {
        my $c = client(@{$session{$key}{client}});
        $c->talk("MAIL FROM:<$_->[0]>" => $_->[1], 'RSET' => qr/^250 /) for @{$session{$key}{mails}};
        $c->talk('QUIT' => qr/^221 /);
        $c->close;
    };
}

subtest 'STARTTLS forgets a login, and what {auth} said' => sub {
    my $c = client('mta', '127.0.0.2', 'clear', login => 1);
    $c->talk('MAIL FROM:<a@x.test>' => qr/^250 /, 'RSET' => qr/^250 /);
    $c->starttls(name => 'mta.test', ca => $ca);
    $c->talk('EHLO c.test' => qr/^250/, 'MAIL FROM:<a@x.test>' => $certificate, 'QUIT' => qr/^221 /);
    $c->close;
};

# Only reported: it passes, and the record says so.
$milter->log_like(qr/would-refuse rule=verify-client-certificate source=127\.0\.0\.4/, 'what would be refused');
for (['127.0.0.4', 'himself', 'a@x.test', 'verify-client-certificate', ''], ['127.0.0.9', 'named', 'a@watched.test', 'sender-domain', 'ok'],
    ['127.0.0.9', 'named', 'a@partner.test', '', 'ok']) {
    my ($from, $cert, $sender, $reported, $word) = @$_;
    my $c = client('mta', $from, $cert);
    $c->mail(from => $sender, rcpt => "$cert-$sender");
    $c->talk('QUIT' => qr/^221 /);
    my ($row) = csv_wait($o{csv}, sub { $_->{rcpt} eq "$cert-$sender" });
    is($row->{sourceReport}, $reported, "$sender: recorded: $reported");
    is($row->{rcvTlsVerify}, $word, 'and whether the certificate holds');
    is($row->{rcvTlsClientSubject}, $word ? 'mail.partner.test' : '', 'and whose it is');
}
all_done();

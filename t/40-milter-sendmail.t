#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-milter in a real Sendmail that does its own TLS: client certificates and sender-domain by
# the macros that it gives.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Debian 'sendmail';
use T::Stage;
use T::CA;
use T::Csv;
use T::Mta;
use T::Peer;
use T::Run;
use T::Sendmail;

T::Mta->or_skip_all;
my $ca = T::CA->new;
my $own = $ca->cert('mx.test');
my %cert = (
    named => $ca->cert('mail.partner.test', use => 'client'),
    good => $ca->cert('other.test', use => 'client'),
    himself => $ca->self_signed('mail.partner.test'),
);
my $csv = stage_dir() . '/acct.csv';
my $milter = T::Run->start('sallyport-milter', csv => $csv, conf => <<'CONF');
milter-listener inet:@port:milter@@127.0.0.1 { }
source 127.0.0.2 { verify-client-certificate = required }
source 127.0.0.3 { require-starttls = yes }
sender-domain partner.test { certificate-names = mail.partner.test }
acct-file "@csv@" {
    records = {r}
    record-fields r { fields = {rcpt, rcvTlsVerify, rcvTlsClientSubject} }
}
CONF
my %keys = map { ("/etc/mail/$_->[0].pem" => T::Mta->slurp($_->[1])) } [ca => $ca->file], [cert => $own->{cert}], [key => $own->{key}];
my $mta = T::Sendmail->start('sendmail', port => port('mta'), keys => \%keys, mc => <<"MC");
define(`confCACERT_PATH', `/etc/mail')dnl
define(`confCACERT', `/etc/mail/ca.pem')dnl
define(`confSERVER_CERT', `/etc/mail/cert.pem')dnl
define(`confSERVER_KEY', `/etc/mail/key.pem')dnl
INPUT_MAIL_FILTER(`sallyport', `S=inet:@{[port('milter')]}\@127.0.0.1, F=T')dnl
MC

my $certificate = qr/^530 5\.7\.0 A valid client certificate is required \((?:none|FAIL)\)$/;
my $domain = qr/^550 5\.7\.1 <a\@partner\.test>\.\.\. Mail from this domain needs a client certificate/;
my $another = qr/^550 5\.7\.1 <a\@partner\.test>\.\.\. Mail from this domain needs another client certificate/;
for (
    ['127.0.0.2', 'clear', 'a@x.test', qr/^530 5\.7\.0 Must issue a STARTTLS/],
    ['127.0.0.2', 'none', 'a@x.test', $certificate],
    ['127.0.0.2', 'himself', 'a@x.test', $certificate],
    ['127.0.0.2', 'good', 'a@x.test', qr/^250 /],
    ['127.0.0.3', 'clear', 'a@x.test', qr/^530 5\.7\.0 Must issue a STARTTLS/],
    ['127.0.0.3', 'none', 'a@x.test', qr/^250 /],
    ['127.0.0.9', 'none', 'a@partner.test', $domain],
    ['127.0.0.9', 'himself', 'a@partner.test', $domain],
    ['127.0.0.9', 'good', 'a@partner.test', $another],
    ['127.0.0.9', 'named', 'a@partner.test', qr/^250 /],
) {
    my ($from, $cert, $sender, $answer) = @$_;
    my $c = T::Peer->connect(port('mta'), from => $from, name => "$from $cert");
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/^250/);
    $c->starttls(name => 'mx.test', ca => $ca, $cert eq 'none' ? () : (cert => $cert{$cert})) if $cert ne 'clear';
    $c->talk('EHLO c.test' => qr/^250/, "MAIL FROM:<$sender>" => $answer);
    $c->talk("RCPT TO:<b\@mx.test>" => qr/^250 /, 'DATA' => qr/^354 /, "Subject: x\r\n\r\nHello\r\n." => qr/^250 /) if $cert eq 'named';
    $c->talk('QUIT' => qr/^221 /);
    $c->close;
}
my ($row) = csv_wait($csv, sub { $_->{rcpt} eq 'b@mx.test' });
is($row->{rcvTlsVerify}, 'ok', 'recorded: it holds');
like($row->{rcvTlsClientSubject}, qr/CN=mail\.partner\.test$/, 'and whose it is');
all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-milter behind sallyport-in: TLS facts come from the session table, by whichever way
# the mail server sees the client; no entry means no TLS; receipts are the proxy's alone.
use v5.36;
use lib 't/lib';
use File::Path qw(make_path);
use Test::More;
use T::Stage;
use T::CA;
use T::Csv;
use T::Peer;
use T::Postfix;
use T::Run;

T::Postfix->or_skip_all;
my $ca = T::CA->new;
my $dir = stage_dir();
my $csv = "$dir/acct.csv";
make_path("$dir/run", "$dir/spool");
my %o = (dir => $dir, csv => $csv, cert => $ca->cert('mx.test')->{pem});

# The proxy offers TLS, and the milter demands it: so it is seen who says what.
my $milter = T::Run->start('sallyport-milter', %o, conf => <<'CONF');
run-directory = "@dir@/run"
spool-directory = "@dir@/spool"
milter-listener inet:@port:milter@@127.0.0.1 {
    behind-proxy = yes
}
source 0/0 {
    require-starttls = yes
}
acct-file "@csv@" {
    records = {r}
    record-fields r { fields = {"*", rcvTlsProtocol, queueId, sessionId} }
}
CONF
my $in = <<'CONF';
run-directory = "@dir@/run"
spool-directory = "@dir@/spool"
smtp-listener 127.0.0.1:@port:v2@ { backend = v2 }
smtp-listener 127.0.0.1:@port:v1@ { backend = v1 }
smtp-listener 127.0.0.1:@port:x@ { backend = x }
smtp-server-tls-certificate = {"@cert@", ""}
backend v2 {
    server = "127.0.0.1:@port:haproxy@"
    identity = proxy-v2
}
backend v1 {
    server = "127.0.0.1:@port:haproxy@"
    identity = proxy-v1
}
backend x {
    server = "127.0.0.1:@port:xclient@"
    identity = xclient
}
source 0/0 {
    allow-starttls = yes
}
acct-file "@csv@" { }
CONF
my $mta = T::Postfix->start('mta',
    services => [['haproxy', port('haproxy')], ['xclient', port('xclient')]],
    main => {
        smtpd_milters => 'inet:127.0.0.1:' . port('milter'), smtpd_relay_restrictions => 'reject_unauth_destination',
        smtpd_recipient_restrictions => 'reject_unauth_destination', mynetworks => '127.0.0.1/32',
    },
);

sub greeted {
    my $c = T::Peer->connect(port(shift), from => '127.0.0.5', @_);
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/^250/);
    return $c;
}

sub with_tls {
    my $c = greeted(shift);
    $c->starttls(name => 'mx.test', ca => $ca);
    $c->talk('EHLO c.test' => qr/^250/);
    return $c;
}

my $proxy = T::Run->start('sallyport-in', %o, conf => $in);
for my $way (qw(v2 v1 x)) {
    my $c = with_tls($way);
    $c->talk('MAIL FROM:<a@x.test>' => qr/^250 /, "RCPT TO:<$way\@mta.test>" => qr/^250 /, 'DATA' => qr/^354 /,
        "Subject: x\r\n\r\nHello\r\n." => qr/^250 /, 'QUIT' => qr/^221 /);
    $c = greeted($way);
    $c->talk('MAIL FROM:<a@x.test>' => qr/^530 5\.7\.0 Must issue a STARTTLS/, 'QUIT' => qr/^221 /);
}

# Around the proxy, with its way of saying who the client is.
my $c = greeted('haproxy', head => {src => '127.0.0.5', src_port => 1234, dst => '127.0.0.1', dst_port => port('v2')});
$c->talk('MAIL FROM:<a@x.test>' => qr/^530 5\.7\.0/);

# The proxy stops and starts: its table is made anew, and the milter finds it.
$proxy->stop;
$proxy = T::Run->start('sallyport-in', %o, conf => $in);
$c = with_tls('v2');
$c->talk('MAIL FROM:<a@x.test>' => qr/^250 /, 'RCPT TO:<anew@mta.test>' => qr/^250 /, 'DATA' => qr/^354 /,
    "Subject: x\r\n\r\nHello\r\n." => qr/^250 /, 'QUIT' => qr/^221 /);

my %row = map { $_->{rcpt} => $_ } csv_wait($csv, sub { 1 }, count => 4);
is(join(' ', sort keys %row), 'anew@mta.test v1@mta.test v2@mta.test x@mta.test', 'a receipt of each');
is(scalar(csv_rows($csv)), 4, 'and one only');
like($row{'v2@mta.test'}{rcvTlsProtocol}, qr/^TLSv1/, 'with the TLS of the client');
$milter->log_like(qr/^\S+ \Q$row{'v2@mta.test'}{sessionId}\E closed client=127\.0\.0\.5:\d+ tls=TLSv1/,
    'the milter logs the session by the proxy\'s name for it');
all_done();

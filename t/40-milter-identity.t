#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# However the mail server sees a client, its milter finds the TLS facts of that session: by PROXY
# header (also over a unix socket), by XCLIENT, by the client's own address, or by none but ours; IPv4, IPv6, and behind a load
# balancer. The delivery's record says it, too.
use v5.36;
use lib 't/lib';
use File::Path qw(make_path);
use Test::More;
use T::Stage;
use T::CA;
use T::Csv;
use T::Far;
use T::Head;
use T::Peer;
use T::Postfix;
use T::Run;
use T::Sink;

T::Postfix->or_skip_all;
my $ca = T::CA->new;
my $dir = stage_dir();
my $csv = "$dir/acct.csv";
make_path("$dir/run", "$dir/spool");
my %o = (dir => $dir, csv => $csv, cert => $ca->cert('mx.test')->{pem});

# The proxy offers TLS, the milter demands it: so what it answers shows what it found.
my $milter = T::Run->start('sallyport-milter', %o, conf => <<'CONF');
run-directory = "@dir@/run"
spool-directory = "@dir@/spool"
milter-listener inet:@port:milter@@127.0.0.1 { behind-proxy = yes }
source 0/0 { require-starttls = yes }
acct-file "@csv@" {
    records = {r, d}
    record-fields r { fields = {"*", rcvTlsProtocol, rcvTlsCipher, rcvTlsVerify, rcvTlsSni, sessionId} }
    record-fields d { fields = {"*", rcvTlsProtocol, rcvTlsCipher, rcvTlsVerify, rcvTlsSni, rcvSourceIp} }
}
CONF
my $sink = T::Sink->start(port => port('mx'));
my $out = T::Run->start('sallyport-out', %o, conf => <<'CONF');
run-directory = "@dir@/run"
spool-directory = "@dir@/spool"
relay-listener 127.0.0.1:@port:out@ { hand-over = smarthost }
domain * { smtp-hosts = "[127.0.0.1]:@port:mx@" allow-private-destinations = yes }
acct-file "@csv@" { }
workers = 1
CONF

my %backend = (
    v1 => 'server = "127.0.0.1:@port:haproxy@" identity = proxy-v1',
    v2 => 'server = "127.0.0.1:@port:haproxy@" identity = proxy-v2',
    xclient => 'server = "127.0.0.1:@port:xclient@" identity = xclient',
    transparent => 'server = "127.0.0.1:@port:plain@" identity = transparent',
    transparent6 => 'server = "[::1]:@port:plain@" identity = transparent',
    unix1 => 'server = "unix:@dir@/mta/queue/public/sallyport" identity = proxy-v1',
    unix2 => 'server = "unix:@dir@/mta/queue/public/sallyport" identity = proxy-v2',
    none => 'server = "127.0.0.1:@port:plain@" identity = none backend-source = 127.0.0.77',
);
my $conf = '';
for my $name (sort keys %backend) {
    $conf .= "smtp-listener 127.0.0.1:\@port:in-$name\@ { backend = $name proxy-protocol-from = 127.0.0.9 }\n"
        . "smtp-listener [::1]:\@port:in-$name\@ { backend = $name }\nbackend $name { $backend{$name} }\n";
}
$conf .= <<'CONF';
run-directory = "@dir@/run"
spool-directory = "@dir@/spool"
smtp-server-tls-certificate = {"@cert@", ""}
source 0/0 { allow-starttls = yes }
acct-file "@csv@" { }
workers = 1
CONF
my $mta = T::Postfix->start('mta',
    services => [['haproxy', port('haproxy')], ['xclient', port('xclient')], ['plain', port('plain')], ['plain', port('plain'), addr => '[::1]']],
    master => ['sallyport unix n - n - - smtpd', '  -o smtpd_upstream_proxy_protocol=haproxy'],
    main => {
        smtpd_milters => 'inet:127.0.0.1:' . port('milter'), smtpd_relay_restrictions => 'reject_unauth_destination',
        smtpd_recipient_restrictions => 'reject_unauth_destination', mynetworks => '127.0.0.1/32',
        local_transport => 'smtp:[127.0.0.1]:' . port('out'), smtp_send_xforward_command => 'yes',
    },
);
chmod 0711, "$dir/mta/queue/public"; # a worker that stays root passes no more doors than others
# What this mail server answers to clients far away stays here (sallyport-in(8)).
T::Far::here('rule', 'add', 'from', '127.0.0.1', 'ipproto', 'tcp', 'sport', port('plain'), 'lookup', 100);
T::Far::here('route', 'add', 'local', 'default', 'dev', 'lo', 'table', 100);
my $proxy = T::Run->start('sallyport-in', %o, conf => $conf);

my %from = (
    v4 => {to => '127.0.0.1', from => '127.0.0.5'},
    v6 => {to => '::1', from => '::1'},
    balanced => {to => '127.0.0.1', from => '127.0.0.9', head => {src => '192.0.2.7', dst => '192.0.2.1', dport => 25}},
    balanced6 => {to => '127.0.0.1', from => '127.0.0.9', head => {src => '2001:db8::7', dst => '2001:db8::1', dport => 25}},
);

sub greeted {
    my ($identity, $from) = @_;
    my $c = T::Peer->connect(port("in-$identity"), %{$from{$from}});
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/^250/);
    return $c;
}

# identity, client, the address that the record must have, and that Postfix knows it by.
my @ways;
for my $identity (qw(v1 v2 xclient unix1 unix2)) {
    push @ways, [$identity, 'v4', '127.0.0.5', '127.0.0.5'], [$identity, 'v6', '::1', '::1'],
        [$identity, 'balanced', '192.0.2.7', '192.0.2.7'], [$identity, 'balanced6', '2001:db8::7', '2001:db8::7'];
}
push @ways, ['transparent', 'v4', '127.0.0.5', '127.0.0.5'], ['transparent', 'balanced', '192.0.2.7', '192.0.2.7'],
    ['transparent6', 'v6', '::1', '::1'], map { ['none', @$_, '127.0.0.77'] } ['v4', '127.0.0.5'], ['v6', '::1'], ['balanced', '192.0.2.7'];

for my $way (@ways) {
    my ($identity, $from, $address, $seen) = @$way;
    my $c = greeted($identity, $from);
    $mta->log_mark;
    $c->starttls(name => 'mx.test', ca => $ca);
    $c->talk('EHLO c.test' => qr/^250/, 'MAIL FROM:<a@x.test>' => qr/^250 /, "RCPT TO:<$identity-$from\@mta.test>" => qr/^250 /,
        'DATA' => qr/^354 /, "Subject: x\r\n\r\nHello\r\n." => qr/^250 /, 'QUIT' => qr/^221 /);
    $mta->log_like(qr/client=unknown\[\Q$seen\E\]/, "$identity, $from: Postfix sees $seen");
    $milter->log_like(qr/ closed client=\[?\Q$address\E\]?:\d+ tls=TLSv1\.3 /, 'the milter knows the client and its TLS');
    $c = greeted($identity, $from);
    $c->talk('MAIL FROM:<a@x.test>' => qr/^530 5\.7\.0 Must issue a STARTTLS/, 'QUIT' => qr/^221 /);
}
$mta->wait_queue_empty;
csv_wait($csv, sub { 1 }, count => 2 * @ways);
my %row = map { ("$_->{type} $_->{rcpt}" => $_) } csv_rows($csv);
for my $way (@ways) {
    my ($identity, $from, $address) = @$way;
    for my $type (qw(r d)) {
        my $row = $row{"$type $identity-$from\@mta.test"};
        is(join(' ', map { $_ // '' } @$row{qw(rcvTlsProtocol rcvTlsCipher rcvTlsVerify rcvTlsSni rcvSourceIp)}),
            "TLSv1.3 TLS_AES_128_GCM_SHA256 none mx.test $address", "$identity, $from: the record $type");
    }
}
is(scalar(csv_rows($csv)), 2 * @ways, 'two of each message');
all_done();

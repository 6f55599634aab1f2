#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport check and a real Postfix: set up as the manual says, and in the ways that go wrong.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Cli;
use T::DNS;
use T::Postfix;

T::Postfix->or_skip_all;
T::Stage::add_foreign(); # 198.51.100.1
my $ca = T::CA->new;
my $cert = $ca->cert('mx.test', days => 90)->{pem};
my %services = (
    haproxy => ['haproxy'], xclient => ['xclient'], plain => ['plain'],
    open => ['haproxy', mynetworks => '0.0.0.0/0 [::]/0'],
    everywhere => ['haproxy', addr => '0.0.0.0'],
    tls => ['haproxy', smtpd_tls_auth_only => 'yes'],
    noauth => ['haproxy', smtpd_sasl_auth_enable => 'no', smtpd_tls_security_level => 'none'],
    quick => ['haproxy', smtpd_timeout => '30s'],
    milter => ['haproxy', smtpd_milters => 'inet:127.0.0.1:1', milter_default_action => 'accept'],
    block => ['haproxy', smtpd_client_restrictions => 'check_client_access inline:{192.0.2.1=REJECT}'],
);
for my $service (values %services) { splice @$service, 1, 0, smtpd_tls_security_level => 'none' if !grep { /^smtpd_tls/ } @$service }
my $dns = T::DNS->start("a.test. A 127.0.0.9\n");
my $postfix = T::Postfix->start('mta', cert => $ca->cert('mta.test'), users => {alice => 'secret'},
    services => [map { my ($kind, @o) = @{$services{$_}}; [$kind, port($_), @o] } sort keys %services]);

sub check {
    my ($service, %o) = @_;
    my $identity = $o{identity} // 'proxy-v2';
    my $port = port($service);
    return T::Cli::outcome('check', env => {MAIL_CONFIG => $o{config} // $postfix->{etc}}, conf => <<"CONF");
host-name = mx.test
max-sessions = 1000
smtp-listener 127.0.0.1:\@port:in@ { }
smtp-listener [::1]:\@port:in@ { }
smtp-server-tls-certificate = {"$cert", ""}
backend mta { server = "127.0.0.1:$port" identity = $identity reply-timeout = 10s }
source 0/0 { allow-starttls = yes require-auth = yes }
acct-file @{[stage_dir()]}/acct.csv { }
CONF
}

sub finds {
    my ($got, $status, $pattern, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($got->{status}, $status, "$name: status $status") or diag($got->{err});
    return like($got->{out}, $pattern, $name);
}

sub is_quiet {
    my ($got, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($got->{status}, 0, "$name: status 0");
    return unlike($got->{out}, qr/^(?!ok: )./m, "$name: nothing found") || diag($got->{err});
}

for my $right (['haproxy', 'proxy-v2'], ['haproxy', 'proxy-v1'], ['xclient', 'xclient']) {
    $postfix->log_mark;
    my $got = check($right->[0], identity => $right->[1]);
    is_quiet($got, $right->[1]);
    is(scalar(() = $got->{out} =~ /^ok: .*Recipient address rejected: Access denied, as (?:192\.0\.2\.1|2001:db8::1) by/mg), 2, 'for strangers of both kinds');
    $postfix->log_like(qr/reject: RCPT from unknown\[192\.0\.2\.1\]/, 'Postfix saw them');
    $postfix->log_like(qr/reject: RCPT from unknown\[2001:db8::1\]: .*to=<relay-test\.invalid!probe\@/, 'to the last form');
}
finds(check('open'), 1, qr/^error: backend mta \S+: it relays for everybody \(RCPT TO:<probe\@relay-test\.invalid>: 250 2\.1\.5 Ok, as 192\.0\.2\.1 .*mynetworks/m, 'open mynetworks');
finds(check('plain', identity => 'none'), 1, qr/^error: .*it relays for everybody .*identity none\); .*backend-source/m, 'loopback is trusted');
finds(check('plain', identity => $_), 1, qr/^error: .*it does not take the identity .*smtpd_upstream_proxy_protocol=haproxy/m, "$_ is garbage to it") for qw(proxy-v1 proxy-v2);
finds(check('plain', identity => 'xclient'), 1, qr/^error: .*it does not take the identity .*smtpd_authorized_xclient_hosts/m, 'XCLIENT not offered');
finds(check('haproxy', identity => 'none'), 1, qr/^error: .*it turns us away \(421 4\.3\.0 .*say identity = proxy-v2/m, 'it waits for a header');
finds(check('block'), 1, qr/^error: .*does not show that it refuses to relay \(.*Client host rejected/m, 'another refusal comes first');
finds(check('everywhere'), 1, qr/^warning: .*open at another address, too, .*\(198\.51\.100\.1:\d+\)/m, 'port on all addresses');
finds(check('tls'), 1, qr/^error: .*behind its own STARTTLS only.*smtpd_tls_auth_only/m, 'AUTH behind TLS');
finds(check('tls'), 1, qr/^note: .*it offers STARTTLS/m, 'and STARTTLS is noted');
finds(check('noauth'), 1, qr/^error: .*it offers no AUTH, and a rule requires it.*smtpd_sasl_auth_enable/m, 'no AUTH');
finds(check('quick'), 0, qr/^note: .*hangs up on slow clients before we do \(smtpd_timeout = 30s, smtp-command-timeout = 300s\)/m, 'time limits');
is_quiet(check('quick', config => '/nonexistent'), 'nothing is said of a Postfix that is not known');
finds(check('milter'), 1, qr/^warning: .*comes twice \(milter_content_timeout = 300s, reply-timeout = 10s\)/m, 'milters that take longer');
$postfix->reload(enable_long_queue_ids => 'no');
finds(check('haproxy'), 1, qr/^warning: .*queue ids are short .*enable_long_queue_ids=yes/m, 'short queue ids');
$postfix->log_unlike(qr/ DATA /, 'nothing was sent');
is(scalar $postfix->queue, 0, 'and nothing is queued');

# --- a Postfix that hands over to sallyport-out
sub hands {
    my ($way, $main, %o) = @_;
    my $out = port('out');
    my %listener = (map => "relay-listener 127.0.0.1:$out { hand-over = transport-map map = \"127.0.0.1:@{[port('map')]}\" local-domains = {mta.test, localhost} }",
        smtp => "relay-listener 127.0.0.1:$out { }", lmtp => "relay-listener 127.0.0.1:$out { protocol = lmtp }");
    my %to = (map => {transport_maps => "socketmap:inet:127.0.0.1:@{[port('map')]}:transport"}, smtp => {relayhost => "[127.0.0.1]:$out", smtp_destination_recipient_limit => 1},
        lmtp => {default_transport => "lmtp:inet:127.0.0.1:$out"});
    my $etc = stage_dir() . '/hands-' . ++$o{serial}->$*;
    mkdir $etc or die $!;
    my %all = (compatibility_level => '3.6', mydestination => 'mta.test, localhost', smtp_send_xforward_command => 'yes', lmtp_send_xforward_command => 'yes',
        enable_long_queue_ids => 'yes', %{$to{$way}}, %$main);
    open my $cf, '>', "$etc/main.cf" or die $!;
    print $cf map { "$_ = $all{$_}\n" } sort keys %all;
    close $cf or die $!;
    open my $master, '>', "$etc/master.cf" or die $!;
    print $master map { "$_ unix - - n - - $_\n" } qw(smtp lmtp);
    close $master or die $!;
    return T::Cli::outcome('check', env => {MAIL_CONFIG => $etc}, conf => join "\n", 'host-name = mx.test', 'name-server = "' . $dns->address . '"',
        $listener{$way}, 'domain * { use-dane = off ' . ($o{domain} // '') . ' }', "acct-file @{[stage_dir()]}/acct.csv { }", '');
}
my $serial = 0;
my @is = (serial => \$serial);
is_quiet(hands($_, {}, @is), "handed over by $_, as the page has it") for qw(map smtp lmtp);
for my $row (
    ['map', {smtp_tls_security_level => 'encrypt'}, 1, qr/^error: Postfix, to relay-listener \S+: it demands TLS of sallyport-out.*\(smtp_tls_security_level = encrypt\); /m],
    ['map', {smtp_tls_security_level => 'dane'}, 0, qr/\A\z/],
    ['lmtp', {lmtp_tls_security_level => 'verify'}, 1, qr/^error: .*\(lmtp_tls_security_level = verify\)/m],
    ['map', {smtp_send_xforward_command => 'no'}, 1, qr/^warning: .*does not say its queue id: .*\(smtp_send_xforward_command = no\)/m],
    ['lmtp', {smtp_send_xforward_command => 'no', lmtp_send_xforward_command => 'no'}, 1, qr/^warning: .*\(lmtp_send_xforward_command = no\)/m],
    ['map', {enable_long_queue_ids => 'no'}, 1, qr/^warning: .*queue ids are short/m],
    ['map', {mydestination => '$myhostname, localhost', myhostname => 'Mail.mta.test', relay_domains => 'r.test, hash:/x, Mail.mta.test'}, 1,
        qr/^error: .*local-domains does not name: .*\(Mail\.mta\.test r\.test\); add them/m],
    ['smtp', {smtp_destination_recipient_limit => 50}, 1, qr/^warning: .*several domains into one transaction.*\(smtp_destination_recipient_limit = 50\)/m],
    ['map', {smtp_rcpt_timeout => '100s'}, 1, qr/^warning: .*\(smtp_rcpt_timeout = 100s, route-deadline = 240s\)/m],
    ['lmtp', {lmtp_data_done_timeout => '100s'}, 1, qr/^warning: .*sends what was taken again \(lmtp_data_done_timeout = 100s, smtp-data-termination-timeout = 540s\)/m],
    ['smtp', {relayhost => '[192.0.2.1]', smtp_tls_security_level => 'encrypt'}, 0, qr/\A\z/],
) {
    my ($way, $main, $status, $pattern) = @$row;
    my $got = hands($way, $main, @is);
    finds($got, $status, $pattern, join ', ', $way, map { "$_ = $main->{$_}" } sort keys %$main);
    is(scalar(split /\n/, $got->{out}), $status, 'and nothing else') or diag($got->{out});
}
all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Each column of each type, by name: a client with all that one can have hands a message in, which
# is delivered to one recipient, refused for another, deferred for a third. What is not named below is empty.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Csv;
use T::Peer;
use T::Run;
use T::Sink;

my $dir = stage_dir();
mkdir "$dir/$_" or die $! for qw(spool state);
my $csv = "$dir/acct.csv";
my $ca  = T::CA->new;
my ($us, $client, $far) = ($ca->cert('mx.test'), $ca->cert('client.test', use => 'client'), $ca->cert('mx.far.test'));

# All columns, as the program's own list has them.
open my $list, '<', ($ENV{T_SOURCE} // '.') . '/common/tell/column.def' or die $!;
my @columns = map { /^COLUMN\((\w+),/ ? $1 : () } <$list>;
cmp_ok(scalar @columns, '>=', 50, 'the list of columns');
my $all = join ', ', @columns;
my %o = (dir => $dir, csv => $csv, us => $us->{pem}, ca => $ca->file, all => $all);
my $common = <<'CONF';
spool-directory = "@dir@/spool"
state-directory = "@dir@/state"
workers = 1
acct-file "@csv@" {
    records = {d, b, t, r}
    record-fields d { fields = {@all@} }
    record-fields b { fields = {@all@} }
    record-fields t { fields = {@all@} }
    record-fields r { fields = {@all@} }
    user-string = "node 7"
    map-header-to-field = {"d header_X-Pool vmtaPool", "r header_X-Pool vmtaPool"}
}
CONF
my $mta = T::Sink->start(port => port('mta'), head => 1, greeting => '220 mta.test', keywords => ['AUTH PLAIN', 'DSN', 'PIPELINING'],
    replies => [qr/^AUTH/ => '235 2.7.0 ok', qr/^\.$/ => '250 2.0.0 Ok: queued as 4F2A9B']);
my $mx = T::Sink->start(addr => '127.0.0.21', port => port('mx'), cert => $far, keywords => ['8BITMIME', 'DSN', 'PIPELINING', 'SIZE 1000'],
    replies => [qr/^RCPT TO:<no@/ => "550-5.1.1 No such\n550 5.1.1 person", qr/^RCPT TO:<later@/ => '451 4.7.1 Later', qr/^\.$/ => '250 2.0.0 taken']);
my $milter = T::Run->start('sallyport-milter', %o, conf => $common);
my $in = T::Run->start('sallyport-in', %o, conf => $common . <<'CONF');
smtp-listener 127.0.0.1:@port:in@ { }
smtp-server-tls-certificate = {"@us@", ""}
smtp-server-tls-ca-file = "@ca@"
backend mta { server = "127.0.0.1:@port:mta@" }
source 127.0.0.5 { allow-starttls = yes allow-auth = yes verify-client-certificate = optional }
source 127.0.0.6 { allow-starttls = yes require-starttls = yes require-auth = yes report-only = {require-starttls, require-auth} }
CONF
my $out = T::Run->start('sallyport-out', %o, conf => $common . <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
domain far.test {
    smtp-hosts = "[127.0.0.21]:@port:mx@"
    require-starttls = yes
    smtp-tls-verify = ca
    smtp-tls-ca-file = "@ca@"
    smtp-client-certificate = {"@us@", ""}
    source-address = 127.0.0.33
}
CONF

my $text = "Subject: x\r\nX-Job: job 7\r\nX-Pool: pool 9\r\n\r\nHello\r\n.";
my $time = qr/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+0000$/;
my $id = qr/^[0-9A-Z]{10,24}$/;

# What a row says: texts or patterns by name, all else nothing.
sub says ($row, $name, %like) {
    subtest $name => sub {
        ok($row, 'it is there') or return;
        is(join(' ', sort keys %$row), join(' ', sort @columns), 'all columns');
        for my $column (@columns) {
            my $like = $like{$column} // '';
            ref $like ? like($row->{$column}, $like, $column) : is($row->{$column}, $like, $column);
        }
    };
    return;
}

# It comes in.
my $c = T::Peer->connect(port('in'), from => '127.0.0.5');
$c->hear(qr/^220 /);
$c->talk('EHLO before.test' => qr/STARTTLS/);
$c->starttls(name => 'mx.test', ca => $ca, cert => $client);
$c->talk('EHLO c.test' => qr/AUTH/);
$c->auth_plain('alice', 'secret');
$c->talk('MAIL FROM:<a@a.test> ENVID=env+2B1' => qr/^250/, 'RCPT TO:<B@far.test> ORCPT=rfc822;old+2Bb@b.test' => qr/^250/,
    DATA => qr/^354/, $text => qr/^250/);
my $cipher = $c->tls_cipher;
$c->talk(QUIT => qr/^221/);
$c->close;
my %came = (srcType => 'smtp', srcMta => 'c.test (127.0.0.5)', rcvSourceIp => '127.0.0.5', rcvDestinationIp => '127.0.0.1', rcvSmtpUser => 'alice',
    rcvTlsProtocol => 'TLSv1.3', rcvTlsCipher => $cipher, rcvTlsGroup => qr/^(?:x25519|secp\d+r1|X25519MLKEM768)$/i, rcvTlsVerify => 'ok',
    rcvTlsClientSubject => qr/client\.test/, rcvTlsClientFingerprint => T::CA->fingerprint($client), rcvTlsSni => 'mx.test', sourceRule => '127.0.0.5');
my %both = (timeLogged => $time, orig => 'a@a.test', orcpt => 'rfc822;old+b@b.test', envId => 'env+1', vmta => '{default}', jobId => 'job 7', userString => 'node 7',
    queueId => '4F2A9B', sessionId => $id);
my ($r) = csv_wait($csv, sub { $_->{type} eq 'r' });
says($r, 'a receipt', type => 'r', %both, %came, rcpt => 'B@far.test', vmtaPool => 'pool 9');

# It goes out.
my $m = T::Peer->connect(port('out'), from => '127.0.0.9');
$m->hear(qr/^220 /);
$m->talk('EHLO mta.test' => qr/XFORWARD/, 'XFORWARD IDENT=4F2A9B' => qr/^250/, 'MAIL FROM:<a@a.test> ENVID=env+2B1' => qr/^250/);
my %answer = (B => qr/^250/, no => qr/^550/, later => qr/^451/);
$m->talk("RCPT TO:<$_\@far.test> ORCPT=rfc822;old+2Bb\@b.test" => $answer{$_}) for qw(B no later);
$m->talk(DATA => qr/^354/, $text => qr/^250/, QUIT => qr/^221/);
$m->close;
my %went = (%came, %both, timeQueued => $time, totalSecondsQueued => qr/^\d$/, dsnMta => '127.0.0.21 (127.0.0.21)', dlvType => 'smtp', dlvSourceIp => '127.0.0.33',
    dlvDestinationIp => '127.0.0.21', dlvEsmtpAvailable => '8BITMIME,DSN,PIPELINING,SIZE', queue => 'far.test/{default}', dlvTlsProtocol => 'TLSv1.3',
    dlvTlsCipher => qr/^TLS_AES_/, dlvTlsCipherBits => qr/^(?:128|256)$/, dlvTlsGroup => $came{rcvTlsGroup}, dlvTlsResumed => 'no', dlvTlsVerify => 'ok',
    dlvTlsPolicy => 'verify', dlvTlsPolicyResult => 'met', dlvTlsPeerName => qr/mx\.far\.test/, dlvTlsPeerFingerprint => T::CA->fingerprint($far),
    dlvTlsClientCert => $us->{pem}, dlvTlsPolicyText => 'no-policy-found', dlvTlsPolicyDomain => 'far.test', domainRule => 'far.test', dlvSessionId => $id);
my %row = map { $_->{type} => $_ } csv_wait($csv, sub { $_->{type} ne 'r' }, count => 3);
says($row{d}, 'a delivery', %went, type => 'd', rcpt => 'B@far.test', dsnAction => 'relayed', dsnStatus => '2.0.0 (success)',
    dsnDiag => 'smtp;250 2.0.0 taken', dlvSize => qr/^[1-9]\d+$/, vmtaPool => 'pool 9');
says($row{b}, 'a bounce', %went, type => 'b', rcpt => 'no@far.test', dsnAction => 'failed', dsnStatus => '5.1.1 (bad destination mailbox address)',
    dsnDiag => 'smtp;550 5.1.1 No such; person', bounceCat => 'bad-mailbox');
says($row{t}, 'a deferral', %went, type => 't', rcpt => 'later@far.test', dsnAction => 'delayed', dsnStatus => '4.7.1 (delivery not authorized)',
    dsnDiag => 'smtp;451 4.7.1 Later', bounceCat => 'policy-related');

# What a source's report-only let pass.
$c = T::Peer->connect(port('in'), from => '127.0.0.6');
$c->hear(qr/^220 /);
$c->talk('EHLO c.test' => qr/^250/);
$c->mail(from => 'a@a.test', rcpt => 'c@far.test');
$c->close;
($r) = csv_wait($csv, sub { $_->{rcpt} eq 'c@far.test' });
is($r->{sourceReport}, 'require-starttls require-auth', 'rules that were broken');
is($r->{sourceRule}, '127.0.0.6', 'of which source');
is($_->{dlvSessionId}, $row{d}{dlvSessionId}, 'one session') for $row{b}, $row{t};
is($row{d}{timeQueued}, [csv_rows($csv)]->[0]{timeLogged}, 'queued when it came');
all_done();

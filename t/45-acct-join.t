#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# One row says how a message came in and how it went out: clients come to sallyport-in before a real
# Postfix and a real Exim, or to a real Sendmail with the milter; sallyport-out delivers for all of
# them, and one accountant joins.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Debian qw(exim sendmail);
use T::Stage;
use T::CA;
use T::Csv;
use T::Exim;
use T::Mta;
use T::Peer;
use T::Postfix;
use T::Run;
use T::Sendmail;
use T::Sink;

T::Mta->or_skip_all;
T::Postfix->or_skip_all;
my $ca = T::CA->new;
my $cert = $ca->cert('mx.test', names => ['postfix.test']);
my $dir = stage_dir();
my $csv = "$dir/acct.csv";
mkdir "$dir/$_" or die $! for qw(spool state);

# The far servers: one with TLS, one without. later@ is refused until the gate is open.
package Gated { our @ISA = 'T::Sink'; sub scripted ($self, $line) { return $line =~ /^RCPT TO:<later/i && !-e "$dir/open" ? '451 4.7.1 Later' : $self->SUPER::scripted($line) } }
my @refuse = (replies => [qr/^RCPT TO:<nobody@/ => '550 5.1.1 No such person']);
my $tls = Gated->start(addr => '127.0.0.21', port => port('far'), cert => $ca->cert('mx.tls.test'), @refuse);
my $clear = Gated->start(addr => '127.0.0.22', port => port('far'));

my $common = <<'CONF';
spool-directory = "@dir@/spool"
state-directory = "@dir@/state"
workers = 1
source 127.0.0.0/8 { allow-starttls = yes }
source 127.0.0.5 { allow-starttls = yes, allow-auth = yes, allow-unencrypted-plain-auth = yes }
acct-file "@csv@" {
    records = {r, d, b, t}
    record-fields r { fields = {"*", rcvSmtpUser, rcvTlsProtocol, sourceRule, queueId, sessionId} }
    record-fields d { fields = {"*", rcvSourceIp, rcvSmtpUser, rcvTlsProtocol, rcvTlsCipher, sourceRule, dlvTlsProtocol, dlvTlsPolicy, dlvTlsPolicyResult, domainRule, queueId, sessionId, totalSecondsQueued} }
    record-fields b { fields = {"*", rcvSourceIp, rcvTlsProtocol, sourceRule, queueId} }
    record-fields t { fields = {"*", rcvSourceIp, rcvSmtpUser, rcvTlsProtocol, sourceRule, queueId} }
}
CONF
my %o = (dir => $dir, csv => $csv, cert => $cert->{pem});
my $milter = T::Run->start('sallyport-milter', %o, conf => $common . <<'CONF');
milter-listener inet:@port:milter@@127.0.0.1 { set-envid = yes }
CONF
my $out = T::Run->start('sallyport-out', %o, conf => $common . <<'CONF');
relay-listener 127.0.0.1:@port:lmtp@ { protocol = lmtp }
relay-listener 127.0.0.1:@port:auth@ { queue-id = auth }
relay-listener 127.0.0.1:@port:topmost@ { queue-id = received }
relay-listener 127.0.0.1:@port:unsaid@ { queue-id = {} }
domain tls.test { smtp-hosts = "[127.0.0.21]:@port:far@" require-starttls = yes }
domain clear.test { smtp-hosts = "[127.0.0.22]:@port:far@" use-starttls = yes }
CONF
my $postfix = T::Postfix->start('postfix', services => [['haproxy', port('postfix')]], users => {alice => 'secret'}, main => {
    default_transport => 'lmtp:inet:127.0.0.1:' . port('lmtp'), lmtp_send_xforward_command => 'yes', enable_long_queue_ids => 'no',
    virtual_alias_maps => 'inline:{ { list@postfix.test = one@tls.test, two@clear.test } }', smtpd_sasl_auth_enable => 'yes',
    minimal_backoff_time => '1s',
});
my $keys = {map { ("/etc/mail/$_->[0].pem" => T::Mta->slurp($_->[1])) } [ca => $ca->file], [cert => $cert->{cert}], [key => $cert->{key}]};
my $sendmail = T::Sendmail->start('sendmail', port => port('sendmail-in'), access => "Connect:127.0.0.7 OK\nTo:tls.test RELAY\n", deliver => 1, keys => $keys, mc => <<"MC");
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
define(`RELAY_MAILER_ARGS', `TCP \$h @{[port('lmtp')]}')dnl
MODIFY_MAILER_FLAGS(`RELAY', `+z')dnl
define(`confCACERT_PATH', `/etc/mail')dnl
define(`confCACERT', `/etc/mail/ca.pem')dnl
define(`confSERVER_CERT', `/etc/mail/cert.pem')dnl
define(`confSERVER_KEY', `/etc/mail/key.pem')dnl
INPUT_MAIL_FILTER(`sallyport', `S=inet:@{[port('milter')]}\@127.0.0.1, F=T')dnl
MC
sub route ($name, $match) {
    return (<<"ROUTER", <<"TRANSPORT");
$name:
  driver = manualroute
  condition = \${if match{\$local_part}{$match}}
  route_list = * 127.0.0.1
  self = send
  transport = $name
ROUTER
$name:
  driver = smtp
  port = @{[port($name)]}
  allow_localhost
  multi_domain = false
  hosts_avoid_tls = *
TRANSPORT
}
my @routes = ([route(topmost => '^topmost')], [route(unsaid => '^unsaid')], [route(auth => '')]);
$routes[2][1] .= "  authenticated_sender = \$message_exim_id\n  authenticated_sender_force = true\n";
my $exim = T::Exim->start('exim', conf => 'local_interfaces = <; 127.0.0.1.' . port('exim') . "\nhosts_proxy = 127.0.0.1\ntls_advertise_hosts =\n",
    auth => <<'AUTH', routers => join('', map { $_->[0] } @routes), transports => join '', map { $_->[1] } @routes);
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{alice}}{eq{$auth3}{secret}}}}
  server_set_id = $auth2
AUTH
my %in = map {
    $_ => T::Run->start('sallyport-in', %o, name => $_, conf => $common . <<"CONF")
smtp-listener 127.0.0.1:\@port:$_-in\@ { }
smtp-server-tls-certificate = {"\@cert\@", ""}
backend $_ {
    server = "127.0.0.1:\@port:$_\@"
    identity = proxy-v2
}
CONF
} qw(postfix exim);
$in{front} = T::Run->start('sallyport-in', %o, name => 'front', conf => $common . <<'CONF');
smtp-listener 127.0.0.1:@port:front-in@ { }
smtp-server-tls-certificate = {"@cert@", ""}
backend sendmail {
    server = "127.0.0.1:@port:sendmail-in@"
    identity = none
    backend-source = 127.0.0.7
}
CONF

# One message; `tls` and `user` say how the client comes.
sub bring ($mta, %m) {
    my $c = T::Peer->connect(port("$mta-in"), from => $m{from} // '127.0.0.5');
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/^250/);
    $c->starttls(name => 'mx.test', ca => $ca), $c->talk('EHLO c.test' => qr/^250/) if $m{tls} // 1;
    $c->auth_plain($m{user}, 'secret') if $m{user};
    $c->talk("MAIL FROM:<$m{sender}>" => qr/^250/);
    $c->talk("RCPT TO:<$_>" => qr/^250/) for @{$m{to}};
    $c->talk('DATA' => qr/^354/, "Subject: x\r\n\r\nHello\r\n." => qr/^250/, 'QUIT' => qr/^221/);
    return $c->close;
}

sub row ($type, $rcpt, $like = sub { 1 }) {
    my ($row) = csv_wait($csv, sub { $_->{type} eq $type && $_->{rcpt} eq $rcpt && $like->() });
    ok($row, "$type $rcpt") or diag(T::Mta->slurp($csv));
    return $row // {};
}

# How it came and how it went, side by side; (FROM, TLS, RULE) and (TLS, POLICY, RESULT, RULE).
sub is_joined ($row, $came, $went = undef) {
    is_deeply([@$row{qw(rcvSourceIp rcvTlsProtocol sourceRule)}], $came, '... says how it came');
    is_deeply([@$row{qw(dlvTlsProtocol dlvTlsPolicy dlvTlsPolicyResult domainRule)}], $went, '... and how it went') if $went;
    return;
}
my @by_tls = ('127.0.0.5', 'TLSv1.3', '127.0.0.5');
my @in_tls = ('TLSv1.3', 'encrypt', 'met', 'tls.test');
my @in_clear = ('', 'may', 'clear', 'clear.test');

# Postfix: several recipients at several domains, one by an alias; by someone who logged in.
bring('postfix', user => 'alice@postfix.test', sender => 'alice@postfix.test', to => ['b@tls.test', 'later@clear.test', 'list@postfix.test', 'nobody@tls.test']);
my $d = row('d', 'b@tls.test');
is_joined($d, \@by_tls, \@in_tls);
is($d->{rcvSmtpUser}, 'alice@postfix.test', '... who had logged in');
is($d->{srcMta}, 'c.test (127.0.0.5)', '... and who brought it');
is_joined(row('d', 'one@tls.test'), \@by_tls, \@in_tls);
is_joined(row('d', 'two@clear.test'), \@by_tls, \@in_clear);
is_joined(row('b', 'nobody@tls.test'), \@by_tls);
my $t = row('t', 'later@clear.test');
is_joined($t, \@by_tls);
is($t->{rcvSmtpUser}, 'alice@postfix.test', '... and who had logged in');
is($_->{queueId}, $d->{queueId}, 'one message') for $t, row('r', 'b@tls.test');

# Its short id comes again, and another host has the same: neither is taken for it.
sub remember ($number, %r) {
    my $path = sprintf '%s/spool/%016d-%s-%06d.received', $dir, $number, "test$number", 1;
    open my $f, '>', "$path.new" or die $!;
    my %what = (do => 'received', key => "k$number", type => 'r', rcpt => "r$number\@x.test", rcvTlsProtocol => 'SSLv3', %r);
    my $at = delete $what{at};
    print $f '{', join(',', (map { qq("$_":"$what{$_}") } sort keys %what), qq("at":$at)), "}\n";
    close $f;
    return rename "$path.new", $path;
}
remember(1, at => time - 3600, host => 'postfix.test', queueId => $t->{queueId});
remember(2, at => time, host => 'other.test', queueId => $t->{queueId});
row('r', $_) for 'r1@x.test', 'r2@x.test';
open my $gate, '>', "$dir/open" or die $!;
T::Stage::wait_for(sub { $postfix->flush; csv_rows($csv); grep { $_->{type} eq 'd' && $_->{rcpt} eq 'later@clear.test' } csv_rows($csv) });
my $later = row('d', 'later@clear.test');
is_joined($later, \@by_tls, \@in_clear);
is($later->{timeQueued}, $t->{timeQueued}, '... since when it was queued');
cmp_ok($later->{totalSecondsQueued}, '>=', 0, '... and for how long');

# In the clear, and without a login.
bring('postfix', from => '127.0.0.6', tls => 0, sender => 'c@x.test', to => ['plain@tls.test']);
is_joined(row('d', 'plain@tls.test'), ['127.0.0.6', '', '127.0.0.0/8'], \@in_tls);

# A bounce that Postfix made: it came from nobody.
bring('postfix', from => '127.0.0.6', sender => 'd@clear.test', to => ['nobody@tls.test']);
my $made = row('d', 'd@clear.test');
is($made->{orig}, '', 'a bounce has no sender');
is_joined($made, ['', '', ''], \@in_clear);
like($made->{srcMta}, qr/postfix/, '... and came from the mail server itself');

# Exim says its id in AUTH=, or has it in its Received field only.
bring('exim', user => 'alice', sender => 'a@x.test', to => ['e1@tls.test', 'topmost@tls.test', 'unsaid@tls.test']);
is_joined(row('d', $_), \@by_tls, \@in_tls) for 'e1@tls.test', 'topmost@tls.test';
is(row('d', 'topmost@tls.test')->{rcvSmtpUser}, 'alice', '... who had logged in');
my $unsaid = row('d', 'unsaid@tls.test');
is($unsaid->{queueId}, '', 'what nobody says is not known');
is_joined($unsaid, ['', '', ''], \@in_tls);

# Sendmail with the milter, in one LMTP transaction.
bring('sendmail', sender => 'a@x.test', to => ['s1@tls.test', 's2@clear.test']);
is_joined(row('d', 's1@tls.test'), \@by_tls, \@in_tls);
is_joined(row('d', 's2@clear.test'), \@by_tls, \@in_clear);

# The same Sendmail behind sallyport-in, though its milter-listener is not behind-proxy: both say how
# the message came, each by what it saw, in a session of its own.
bring('front', sender => 'a@x.test', to => ['twice@tls.test']);
is(row('d', 'twice@tls.test')->{dlvTlsProtocol}, 'TLSv1.3', '... once');
my @twice = sort { $a->{rcvTlsProtocol} cmp $b->{rcvTlsProtocol} } csv_wait($csv, sub { $_->{type} eq 'r' && $_->{rcpt} eq 'twice@tls.test' }, count => 2);
is(scalar(@twice), 2, 'two r rows') or diag(T::Mta->slurp($csv));
is_joined($twice[0], ['127.0.0.7', '', '127.0.0.0/8']);
is_joined($twice[1], \@by_tls);
is($twice[0]{queueId}, $twice[1]{queueId}, '... of one message');
isnt($twice[0]{sessionId}, $twice[1]{sessionId}, '... told apart by the session');
is(scalar(grep { $_->{type} eq 'd' && $_->{rcpt} eq 'twice@tls.test' } csv_rows($csv)), 1, '... and one d row');

# Each other message and recipient came once.
my %r;
$r{"$_->{rcpt} $_->{queueId}"}++ for grep { $_->{type} eq 'r' && $_->{rcpt} ne 'twice@tls.test' } csv_rows($csv);
is_deeply([grep { $r{$_} > 1 } sort keys %r], [], 'no reception has two rows');
all_done();

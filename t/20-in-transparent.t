#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# identity transparent: the mail server sees the client's own address. Three networks: the world, where
# the client is; this one, with sallyport-in; and one where the mail server is, which sends all that
# is not for its own network back here.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::Cli;
use T::Far;
use T::Peer;
use T::Printed;
use T::Run;
use T::Sink;

T::Far::or_skip_all();
my $world = T::Far->new('world', near => ['192.0.2.1/24', '2001:db8::1/64'], far => ['192.0.2.7/24', '2001:db8::7/64']);
my $there = T::Far->new('mta', near => ['10.9.0.1/24', 'fd00:9::1/64'], far => ['10.9.0.2/24', 'fd00:9::2/64']);
$there->ip('route', 'add', 'default', 'via', '10.9.0.1');
$there->ip('-6', 'route', 'add', 'default', 'via', 'fd00:9::1');

# As doc/inbound has it: what the mail server answers to clients is ours to hear.
my $page = T::Printed::blocks('Who the mail server takes the client for');
for my $family ('-4', '-6') {
    for my $line (split /\n/, T::Printed::fit($page->{'at each start of the machine'}, '')) {
        my ($ip, @words) = split ' ', $line =~ s/eth1/$there->device/er;
        T::Far::here($family, @words);
    }
}
my $mta4 = $there->inside(sub { T::Peer->listen(addr => '10.9.0.2', port => port('25'), name => 'mta') });
my $mta6 = $there->inside(sub { T::Peer->listen(addr => 'fd00:9::2', port => port('25'), name => 'mta6') });
my $conf = <<'CONF';
smtp-listener 192.0.2.1:@port:in@ { backend = mta }
smtp-listener [2001:db8::1]:@port:in@ { backend = mta6 }
smtp-listener 192.0.2.1:@port:mixed@ { backend = mta6 }
@printed@
backend mta6 { server = "[fd00:9::2]:@port:25@" identity = transparent }
workers = 1
CONF
$conf =~ s/\@printed\@/T::Printed::fit($page->{'sallyport.conf, transparent to another machine'}, '')/e;
my $in = T::Run->start('sallyport-in', user => 'nobody', conf => $conf);

sub capabilities {
    my $run = shift;
    my ($worker) = $run->children;
    open my $status, '<', "/proc/$worker/status" or die "status: $!";
    return {map { /^(\w+):\s+(.*)$/ } <$status>};
}

for my $way (['192.0.2.1', '192.0.2.7', $mta4], ['2001:db8::1', '2001:db8::7', $mta6]) {
    my ($to, $from, $mta) = @$way;
    my $c = $world->inside(sub { T::Peer->connect(port('in'), to => $to) });
    $c->hear(qr/^220 /);
    $c->say('EHLO c.test');
    my $s = $mta->accept;
    is($s->peer_addr, $from, "the mail server sees $from");
    $s->say('220 mta.test');
    $s->hear(qr/^EHLO c\.test$/);
    $s->say('250 mta.test');
    $c->hear(qr/^250 proxy\.test$/);
    $c->close;
    $s->close;
}

my $has = capabilities($in);
is($has->{$_}, '0000000000002000', "a worker has CAP_NET_RAW and nothing else: $_") for qw(CapEff CapPrm);
is($has->{$_}, '0' x 16, "and $_ is empty") for qw(CapInh CapAmb);
is((split ' ', $has->{Uid})[1], (getpwnam 'nobody')[2], 'as the user');

# A client of IPv4 cannot be shown to a mail server on IPv6.
my $c = $world->inside(sub { T::Peer->connect(port('mixed'), to => '192.0.2.1') });
$c->hear(qr/^220 /);
$c->talk('EHLO c.test' => qr/^421 4\.3\.2 /);
$c->close;
$in->log_like(qr/closed why=backend-connect .*broke="the client's address is of the other IP version"/);
$in->stop;

# sallyport check shows itself as a stranger, too.
T::Far::here('-4', 'rule', 'add', 'iif', $there->device, 'ipproto', 'tcp', 'sport', port('sink'), 'lookup', 100);
my $sink = $there->inside(sub { T::Sink->start(addr => '10.9.0.2', port => port('sink'), replies => [qr/^RCPT/ => '550 relay not permitted']) });
my $got = T::Cli::outcome('check', conf => <<'CONF');
smtp-listener 192.0.2.1:@port:in@ { }
backend mta { server = "10.9.0.2:@port:sink@" identity = transparent }
max-sessions = 1000
CONF
is($got->{status}, 0, 'sallyport check') or diag($got->{err});
like($got->{out}, qr/^ok: .*relay not permitted, as 192\.0\.2\.1 by identity transparent/m, 'as a stranger');
like($got->{out}, qr/^note: .*it is on another machine/m, 'and it says what it cannot see');
like($sink->log_text, qr/^1 from 192\.0\.2\.1$/m, 'as the mail server sees');

# Without the capability there is no start; without the need, no capability.
my $poor = T::Run->prepare('sallyport-in', under => ['setpriv', '--bounding-set', '-net_raw,-net_admin'], conf => $conf);
my ($status, $said) = $poor->outcome;
is($status, 1, 'no start without the capability');
like($said, qr/conf:\d+: identity: transparent needs CAP_NET_RAW; start as root, or choose proxy-v2$/, 'it says what is missing');
$in = T::Run->start('sallyport-in', user => 'nobody', conf => $conf =~ s/transparent/proxy-v2/gr);
is(capabilities($in)->{CapPrm}, '0' x 16, 'no capability without transparent');
$in->stop;

# The client's address is the only one to connect from.
($status, $said) = T::Run->prepare('sallyport-in', conf => $conf =~ s/transparent/transparent backend-source = 10.9.0.1/gr)->outcome('-t');
is($status, 1, 'a source beside it is a mistake');
like($said, qr/conf:\d+: .*backend-source.*leave it out/, 'with its remedy');
all_done();

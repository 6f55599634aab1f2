#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out: which of a server's addresses is tried, for how long, and which of ours it sees.
# Needs root, for a machine on another network.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::DNS;
use T::Far;
use T::Peer;
use T::Run;

T::Far::or_skip_all();
my $far = T::Far->new('mx', near => ['192.0.2.1/24', '192.0.2.7/24', '2a00:9::7/64', '2a00:9::1/64'],
    far => ['192.0.2.2/24', '2a00:9::2/64']);
# What is sent there is lost: a neighbour whom nobody is.
T::Far::here('-6', 'neigh', 'add', '2a00:9::dead', 'lladdr', '02:00:00:00:00:99', 'dev', $far->device, 'nud', 'permanent');
my $dns = T::DNS->start(<<'Z');
both.test.  MX 10 both-mx.test.
v6.test.    MX 10 both-mx.test.
both-mx.test. A 192.0.2.2
both-mx.test. AAAA 2a00:9::2
dark.test.  MX 10 dark-mx.test.
dark-mx.test. A 192.0.2.2
dark-mx.test. AAAA 2a00:9::dead
away.test.  MX 10 away-mx.test.
away-mx.test. A 192.0.2.2
away-mx.test. AAAA 2a01::1
only.test.  MX 10 dead-mx.test.
only.test.  MX 20 both-mx.test.
dead-mx.test. AAAA 2a00:9::dead
Z
my ($v4, $v6) = map {
    my $at = $_;
    $far->inside(sub { T::Peer->listen(port => port('mx'), addr => $at, name => "mx-$at") })
} '192.0.2.2', '2a00:9::2';
my $conf = <<'CONF';
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
workers = 1
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    use-starttls = no
    use-mta-sts = no
}
domain only.test { connect-timeout = 3s }
domain from.test { smtp-hosts = "both-mx.test" source-address = "192.0.2.7 2a00:9::7" ehlo-name = seven.test }
domain from4.test { smtp-hosts = "both-mx.test" source-address = 192.0.2.7 }
domain from6.test { smtp-hosts = "[192.0.2.2]" source-address = "2a00:9::7" }
domain lost.test { smtp-hosts = "both-mx.test" source-address = "192.0.2.77" }
CONF
my $out = T::Run->start('sallyport-out', dns => $dns->address, conf => $conf,
    ready => qr/source-not-ours domain=lost\.test address=192\.0\.2\.77 remedy="mail for the domain waits/);
my $text = $out->log_text;
unlike($text, qr/source-not-ours (?!domain=lost)/, 'and of no other');

sub ask {
    my ($domain) = @_;
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 /);
    my $from = T::Stage::now();
    $c->say("RCPT TO:<u\@$domain>");
    return ($c, $from);
}

# The server hears of the recipient; seconds until it was called, and the client and the server.
sub reach {
    my ($domain, $mx) = @_;
    my ($c, $from) = ask($domain);
    my $s = $mx->accept;
    my $taken = T::Stage::now() - $from;
    $s->say('220 mx');
    my $ehlo = $s->hear(qr/^EHLO /);
    $s->say('250 mx');
    for (qr/^MAIL/, qr/^RCPT TO:<u\@\Q$domain\E>/) { $s->hear($_); $s->say('250 ok') }
    $c->hear(qr/^250 /);
    return ($taken, $c, $s, $ehlo);
}

sub leave { $_->close for @_; return }

# Of three times, as each may be the machine's.
sub least {
    my ($domain) = @_;
    return (sort { $a <=> $b } map { my ($taken, @ends) = (reach($domain, $v4))[0 .. 2]; leave(@ends); $taken } 1 .. 3)[0];
}

my ($taken, $c, $s, $ehlo) = reach('both.test', $v6);
is($s->peer_addr, '2a00:9::1', 'IPv6 first');
$v4->no_connection(0.2, 'and no second connection beside it');
leave($c, $s);

($taken, $c, $s) = reach('dark.test', $v4);
cmp_ok($taken, '>=', 1.9, 'an IPv6 address that does not answer has two seconds');
cmp_ok($taken, '<', 10, 'not connect-timeout');
leave($c, $s);
cmp_ok(least('dark.test'), '<', 1.5, 'and for the next message it comes last');
cmp_ok(least('away.test'), '<', 1.5, 'a network that is not there costs nothing');

($taken, $c, $s) = reach('only.test', $v6);
cmp_ok($taken, '>=', 2.9, 'a server without IPv4 has connect-timeout');
leave($c, $s);

($taken, $c, $s, $ehlo) = reach('from.test', $v6);
is($s->peer_addr, '2a00:9::7', 'source-address of the family');
is($ehlo, 'EHLO seven.test', 'ehlo-name of the rule');
# Kept for whoever comes from there, and for nobody else.
$c->say('RSET');
$s->hear(qr/^RSET/);
$s->say('250 ok');
$c->hear(qr/^250 /);
my (undef, $d, $t, $as) = reach('v6.test', $v6);
is($t->peer_addr, '2a00:9::1', 'a connection from another address is made');
is($as, 'EHLO proxy.test', 'with our own name');
leave($c, $s, $d, $t);

($taken, $c, $s) = reach('from4.test', $v4);
is($s->peer_addr, '192.0.2.7', 'source-address of one family alone: that comes first');
leave($c, $s);
($taken, $c, $s) = reach('from6.test', $v4);
is($s->peer_addr, '192.0.2.1', 'for the other one it is as it comes');
leave($c, $s);

($c) = ask('lost.test');
$s = $v6->accept;
$s->close;
$c->hear(qr/^451 4\.4\.2 /, 'an address that is not ours: the other family is tried, too');
leave($c);
$out->log_like(qr/ not-reached why=source-address domain=lost\.test .*address=192\.0\.2\.2:/, 'and it is said');

# Without an IPv6 address of its own this machine tries IPv4 first.
T::Far::here('-6', 'address', 'del', "$_/64", 'dev', $far->device) for '2a00:9::1', '2a00:9::7';
$out->log_mark;
$out->signal('HUP');
$out->log_like(qr/ reloaded /);
($taken, $c, $s) = reach('both.test', $v4);
leave($c, $s);
my ($since) = $out->log_text =~ / reloaded (.*)/s;
unlike($since, qr/ not-reached /, 'and nobody waits for IPv6');
all_done();

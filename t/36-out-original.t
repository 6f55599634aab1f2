#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# hand-over = original-destination: a mail server calls the servers of the world by itself, and netfilter
# brings its connections here: REDIRECT on this machine, TPROXY from another. Three networks: this one; the
# world, where the servers are; and another machine with a mail server.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::DNS;
use T::Far;
use T::Peer;
use T::Printed;
use T::Run;
use T::Through;

T::Far::or_skip_all();
my $user = (getpwnam 'nobody')[2];
my @servers = ('198.51.100.21', '198.51.100.22', '2001:db8:5::21');
my $world = T::Far->new('world', near => ['198.51.100.1/24', '2001:db8:5::1/64'], far => [map { /:/ ? "$_/64" : "$_/24" } @servers]);
my $mta = T::Far->new('mta', near => ['10.9.0.1/24', 'fd00:9::1/64'], far => ['10.9.0.2/24', 'fd00:9::2/64']);
$mta->ip($_, 'route', 'add', 'default', 'via', $_ eq '-4' ? '10.9.0.1' : 'fd00:9::1') for '-4', '-6';
$world->ip('-4', 'route', 'add', 'default', 'via', '198.51.100.1');

my $ca = T::CA->new;
my $dns = T::DNS->start(<<'Z');
two.test.      MX 10 mx1.two.test.
two.test.      MX 20 mx2.two.test.
mx1.two.test.  A 198.51.100.21
mx1.two.test.  AAAA 2001:db8:5::21
mx2.two.test.  A 198.51.100.22
one.test.      MX 10 mx.one.test.
mx.one.test.   A 198.51.100.21
Z
my %mx = map { my $addr = $_; $addr => $world->inside(sub { T::Peer->listen(addr => $addr, port => port('25'), name => $addr) }) } @servers;

# As doc/handover has it.
my $page = T::Printed::blocks('Netfilter', 'handover');
sub rules {
    my $block = shift;
    my $text = T::Printed::fit($page->{$block}, '') =~ s/\bskuid _sallyport\b/skuid $user/gr =~ s/"eth1"/'"' . $mta->device . '"'/ger;
    open my $nft, '|-', 'nft', '-f', '-' or die "nft: $!";
    print $nft $text;
    return close $nft ? $text : die "nft: $text";
}

sub start {
    my ($block, %o) = @_;
    my $conf = T::Printed::fit($page->{$block}, '') . T::Stage::fill(<<'CONF', dns => $dns->address, ca => $ca->file) . ($o{more} // '');
name-server = "@dns@"
workers = 2
domain * { allow-private-destinations = yes  connection-idle-timeout = 0  smtp-tls-ca-file = "@ca@" }
CONF
    return T::Run->start('sallyport-out', user => 'nobody', conf => $conf =~ s/^user = .*\n//mr);
}

sub envelope {
    my ($c, $to) = @_;
    $c->hear(qr/^220 proxy\.test ESMTP sallyport-out/);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 2\.1\.0 /);
    $c->say('RCPT TO:<' . ($to // 'b@two.test') . '>');
    return $c;
}

# The server's side; with a certificate it goes on in TLS.
sub answer {
    my ($mx, $cert) = @_;
    my $s = $mx->accept;
    $s->say('220 mx ESMTP');
    $s->hear(qr/^EHLO proxy\.test$/);
    $s->say('250-mx', ($cert ? '250-STARTTLS' : ()), '250 PIPELINING');
    return $s unless $cert;
    $s->starttls(server => 1, cert => $cert);
    return $s;
}

sub deliver {
    my ($c, $s, $shown) = @_;
    if ($s->{tls}) {
        $s->hear(qr/^EHLO/);
        $s->say('250-mx', '250 PIPELINING');
    }
    through($c, $s, shown => $shown);
    $s->hear(qr/^QUIT$/);
    $s->say('221 bye');
    $c->talk('QUIT' => qr/^221 /);
    return;
}

sub call { my ($to, %o) = @_; return T::Peer->connect(port($o{port} // '25'), to => $to, name => 'mta') }
my %name = ('198.51.100.21' => 'mx1.two.test', '198.51.100.22' => 'mx2.two.test', '2001:db8:5::21' => 'mx1.two.test');

subtest 'REDIRECT on this machine' => sub {
    rules('nft, on the machine itself');
    my $out = start('sallyport.conf, on the machine itself', more => "domain two.test { require-starttls = yes  smtp-tls-verify = name }\n");
    for my $to (@servers) {
        my $c = envelope(call($to));
        deliver($c, answer($mx{$to}, $ca->cert($name{$to})), "$name{$to} $to");
        $_->no_connection(0.05) for grep { $_ != $mx{$to} } values %mx;
    }
    my $c = envelope(call('198.51.100.21'));
    answer($mx{'198.51.100.21'}, $ca->cert('mx2.two.test'));
    $c->hear(qr/^451 4\.7\.5 .*another name.*\[mx1\.two\.test 198\.51\.100\.21\]$/, 'the certificate is for the other server');
    $c->close;
    $c = envelope(call('198.51.100.22'));
    answer($mx{'198.51.100.22'});
    $c->hear(qr/^451 4\.7\.4 .*\[mx2\.two\.test 198\.51\.100\.22\]$/, 'and no TLS is no delivery');
    $c->close;
    for my $to ('127.0.0.1', '::1') {
        $c = call($to, port => '10027');
        $c->hear(qr/^554 5\.7\.1 /, 'called itself');
        $c->hear_close;
        $c->close;
        $out->log_like(qr/not-taken why=not-redirected .*remedy=".*redirect the mail server/);
    }
    $out->stop;
};

subtest 'an address that none of the servers has' => sub {
    my $out = start('sallyport.conf, on the machine itself');
    $world->ip('address', 'add', '198.51.100.23/24', 'dev', 'wire');
    my $mx = $world->inside(sub { T::Peer->listen(addr => '198.51.100.23', port => port('25'), name => 'other') });
    my $c = envelope(call('198.51.100.23'));
    deliver($c, answer($mx, $ca->cert('x.test')), '198.51.100.23');
    $c = envelope(call('198.51.100.24'));
    $c->hear(qr/^451 4\.4\.1 .*\[198\.51\.100\.24\]$/, 'or nobody');
    $c->close;
    $out->stop;
    my $demand = '{ require-starttls = yes  smtp-tls-verify = name }';
    $out = start('sallyport.conf, on the machine itself', more => "domain two.test $demand\ndomain one.test $demand\n");
    $c = envelope(call('198.51.100.23'));
    answer($mx, $ca->cert('mx1.two.test'));
    $c->hear(qr/^451 4\.7\.5 .*\[198\.51\.100\.23\]$/, 'it has no name that could be proven');
    $c->close;
    $c = envelope(call('198.51.100.23'), 'b@one.test');
    deliver($c, answer($mx, $ca->cert('mx.one.test')), 'mx.one.test 198.51.100.23');
    $c = envelope(call('198.51.100.23'), 'b@one.test');
    answer($mx, $ca->cert('x.test'));
    $c->hear(qr/^451 4\.7\.5 .*another name.*\[mx\.one\.test 198\.51\.100\.23\]$/, 'where the domain has one server, that must be proven');
    $c->close;
    $out->stop;
};

# The exception for our user is missing: what we send comes back to us.
subtest 'caught again' => sub {
    system('nft', 'flush', 'ruleset') == 0 or die 'nft';
    my $all = T::Printed::fit($page->{'nft, on the machine itself'}, '') =~ s/ *meta skuid _sallyport accept\n//r;
    open my $nft, '|-', 'nft', '-f', '-' or die "nft: $!";
    print $nft $all;
    close $nft or die "nft: $all";
    my $out = start('sallyport.conf, on the machine itself');
    my $c = envelope(call('198.51.100.21'));
    $c->hear(qr/^451 4\.4\.6 .*\[mx1\.two\.test 198\.51\.100\.21\]$/, 'is noticed');
    $c->close;
    $out->log_like(qr/not-reached why=caught-again /);
    $_->no_connection(0.1) for values %mx;
    system('nft', 'flush', 'ruleset') == 0 or die 'nft';
    $out->stop;
};

subtest 'TPROXY from another machine' => sub {
    rules('nft, in the way of another machine');
    for (split /\n/, T::Printed::fit($page->{'at each start of that machine'}, '')) { system($_) == 0 or die $_ }
    my $out = start('sallyport.conf, in the way of another machine');
    for my $to (@servers) {
        my $c = envelope($mta->inside(sub { call($to) }));
        deliver($c, answer($mx{$to}, $ca->cert($name{$to})), "$name{$to} $to");
    }
    my $c = T::Peer->connect(port('10027'), from => '10.9.0.1', name => 'mta');
    $c->hear(qr/^554 5\.7\.1 /, 'called itself');
    $c->hear_close;
    $c->close;
    $out->log_like(qr/not-taken why=not-redirected .*remedy=".*TPROXY/);
    $c = call('127.0.0.1', port => '10027');
    $c->hear(qr/^554 5\.7\.1 proxy\.test takes no mail from you$/, 'from a network that is not listed');
    $c->hear_close;
    $c->close;
    my ($worker) = $out->children;
    open my $status, '<', "/proc/$worker/status" or die $!;
    like(join('', <$status>), qr/^CapEff:\s+0+$/m, 'no worker has a capability for it');
    $out->stop;
};

my ($status, $said) = T::Run->prepare('sallyport-out', under => ['setpriv', '--bounding-set', '-net_raw,-net_admin'], conf => T::Printed::fit($page->{'sallyport.conf, in the way of another machine'}, '') =~ s/^user = .*\n//mr)->outcome;
is($status, 1, 'no start without the capability');
like($said, qr/listening for TPROXY: .*root or CAP_NET_RAW/, 'it says what is missing');
all_done();

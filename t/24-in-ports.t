#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every port that calls may have is in use towards somebody else: a mail server that takes a header is called
# all the same. Another's milter may ask as soon as it is called, and must not find who had the port before.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::Far;
use T::Peer;
use T::Run;

T::Far::or_skip_all();
open my $range, '>', '/proc/sys/net/ipv4/ip_local_port_range' or die "ports: $!";
print $range "40000 40015\n";
close $range or die "ports: $!";

my $mta = T::Peer->listen(port => port('mta'), name => 'mta');
my $other = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => port('other'), Listen => 64) or die "other: $@";
my @calls;
while (my $call = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => port('other'))) { push @calls, $call }
is(scalar @calls, 16, 'there is no port left towards the other');
is(IO::Socket::IP->new(LocalHost => '127.0.0.1', Proto => 'tcp', Listen => 1), undef, 'nor one to bind to');

my $in = T::Run->start('sallyport-in', conf => <<'CONF');
smtp-listener 127.0.0.1:@port:proxy-v1@ { backend = proxy-v1 }
smtp-listener 127.0.0.1:@port:proxy-v2@ { backend = proxy-v2 }
smtp-listener 127.0.0.1:@port:xclient@ { backend = xclient }
smtp-listener 127.0.0.1:@port:source@ { backend = source }
backend proxy-v1 { server = "127.0.0.1:@port:mta@" identity = proxy-v1 }
backend proxy-v2 { server = "127.0.0.1:@port:mta@" identity = proxy-v2 }
backend xclient { server = "127.0.0.1:@port:mta@" identity = xclient }
backend source { server = "127.0.0.1:@port:mta@" identity = proxy-v2 backend-source = 127.0.0.1 }
workers = 1
CONF

for my $how (qw(proxy-v1 proxy-v2 source)) {
    my $c = T::Peer->connect(port($how), from => '127.0.0.5');
    $c->hear(qr/^220 /);
    $c->say('EHLO c.test');
    my $s = $mta->accept(head => 1);
    is($s->peer_addr, '127.0.0.1', "$how: the mail server is called");
    $s->say('220 mta.test');
    $s->hear(qr/^EHLO c\.test$/);
    $s->say('250 mta.test');
    $c->hear(qr/^250[ -]proxy\.test$/);
    $_->close for $c, $s;
}
my $c = T::Peer->connect(port('xclient'), from => '127.0.0.5');
$c->hear(qr/^220 /);
$c->talk('EHLO c.test' => qr/^421 4\.3\.2 /);
$c->close;
$in->log_like(qr/closed why=backend-connect .*broke="Address already in use"/);
all_done();

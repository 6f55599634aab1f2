#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Mail for many domains whose name servers are silent holds up no other domain's.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::DNS;
use T::Peer;
use T::Run;
use T::Sink;
use Time::HiRes qw(time);

my @silent = map { "silent$_.test" } 1 .. 300;
my $dns = T::DNS->start("zone good.test unsigned\ngood.test. MX 10 mx.good.test.\nmx.good.test. A 127.0.0.31\n", signed => 1);
$dns->breaks(map { ("MX $_" => 'silent', "TXT _mta-sts.$_" => 'silent') } @silent);
T::Sink->start(port => port('mx'), addr => '127.0.0.31');
my $out = T::Run->start('sallyport-out', dns => $dns->address, expect => qr/role=facts/, conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
workers = 1
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    use-starttls = no
}
CONF

sub ask {
    my ($domain) = @_;
    my $c = T::Peer->connect(port('out'), name => $domain);
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 /);
    $c->say("RCPT TO:<b\@$domain>");
    return $c;
}

my @waiting = map { ask($_) } @silent;
my $at = time;
my $c = ask('good.test');
$c->hear(qr/^250 /);
cmp_ok(time - $at, '<', 5, 'mail whose servers are known soon goes');
$_->hear_nothing(0) for @waiting[0, -1];
$_->close for @waiting, $c;
all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# starttls-memory: a domain that has shown TLS and now offers none is refused, also after a restart,
# until `sallyport forget` says that it gave TLS up.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Cli;
use T::Peer;
use T::Run;

my $ca = T::CA->new;
my $cert = $ca->cert('mx.test');
my $dir = stage_dir();
my $conf = <<"CONF";
state-directory = "$dir/state"
workers = 1
relay-listener 127.0.0.1:\@port:out\@ { }
domain * { smtp-hosts = "[127.0.0.1]:\@port:mx\@" connection-idle-timeout = 0 starttls-memory = 30d }
domain lax.test { starttls-memory = 0 }
CONF
mkdir "$dir/state" or die $!;
my $mx = T::Peer->listen(port => port('mx'), name => 'mx');
my $out = T::Run->start('sallyport-out', conf => $conf);

# Hands one recipient over; what MAIL was heard in, "tls" or "clear", or the refusal.
sub offer ($domain, $tls) {
    my $c = T::Peer->connect(port('out'), name => $domain);
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250/, 'MAIL FROM:<a@a.test>' => qr/^250 /);
    $c->say("RCPT TO:<b\@$domain>");
    my $s = $mx->accept;
    $s->say('220 mx');
    $s->hear(qr/^EHLO/);
    $s->say($tls ? "250-mx\r\n250 STARTTLS" : '250 mx');
    if ($tls) {
        $s->starttls(server => 1, cert => $cert);
        $s->hear(qr/^EHLO/);
        $s->say('250 mx');
    }
    my $line = $s->read_line // '';
    if ($line =~ /^MAIL/) {
        $s->say('250 2.1.0 Ok');
        $s->hear(qr/^RCPT/);
        $s->say('250 2.1.5 Ok');
    }
    my $answer = $c->hear(qr/^[245]/);
    $c->close;
    $s->close;
    return $answer =~ /^250/ && $line =~ /^MAIL/ ? $tls ? 'tls' : 'clear' : $answer;
}

my $file = "$dir/sallyport.conf";
open my $to, '>', $file or die "$file: $!";
print $to $conf =~ s/\@port:(\w+)\@/port($1)/ger;
close $to or die "$file: $!";
sub forget (@args) { return T::Cli::outcome('forget', file => $file, args => \@args) }

my $gone = qr/^451 4\.7\.4 TLS was there before and now is not offered/;
is(offer('new.test', 0), 'clear', 'who never showed TLS is served in the clear');
is(offer('far.test', 1), 'tls', 'a domain shows TLS');
like(offer('far.test', 0), $gone, 'and is not served without any more');
like(offer('FAR.test', 0), $gone, 'however it is written');
is(offer('far.test', 1), 'tls', 'but with');
is(offer('new.test', 0), 'clear', 'others are not concerned');
is(offer('lax.test', 1), 'tls', 'without the option nothing is remembered');
is(offer('lax.test', 0), 'clear', 'and nothing refused');
$out->stop;
$out = T::Run->start('sallyport-out', name => 'again', conf => $conf);
like(offer('far.test', 0), $gone, 'it is remembered over a restart');
my $said = forget('far.TEST');
is($said->{status}, 0, 'it is forgotten') or diag explain $said;
like($said->{out}, qr/^far\.test: forgotten: that it has shown TLS/, 'and that is said');
is(offer('far.test', 0), 'clear', 'the running program knows at once');
$said = forget('far.test');
is($said->{status}, 1, 'there is nothing more to forget');
is(forget()->{status}, 64, 'a domain has to be said');
is(forget('no domain')->{status}, 64, 'a real one');
all_done();

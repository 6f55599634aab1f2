#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A sallyport-out whose master was killed left its port taken as long as a session went on.
use v5.36;
use lib 't/lib';
use IO::Socket::INET;
use Test::More;
use T::Stage;
use T::Peer;
use T::Run;

my $out = T::Run->start('sallyport-out', conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
workers = 1
CONF
my $is_refused = sub { !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => port('out'), Timeout => 5) };

my $first = T::Peer->connect(port('out'));
$first->hear(qr/^220 /);
$out->kill_hard;
ok(T::Stage::wait_for($is_refused), 'its children leave the port');
$out->restart;
my $second = T::Peer->connect(port('out'));
$second->hear(qr/^220 /, 'which another has');
$_->talk('EHLO mta.test' => qr/^250/, 'QUIT' => qr/^221 /) for $first, $second;
all_done();

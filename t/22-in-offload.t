#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# tls-offload: all is as without it, by the kernel where it has kTLS; and what TLS has to do without is said at the start.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Peer;
use T::Run;

my $ca  = T::CA->new;
my $mta = T::Peer->listen(port => port('mta'), name => 'mta');
my $conf = <<'CONF';
smtp-listener 127.0.0.1:@port:smtps@ { tls = yes }
smtp-server-tls-certificate = {"@mx@", ""}
smtp-server-tls-offload = @offload@
backend mta { server = "127.0.0.1:@port:mta@" }
workers = 1
source 0/0 { allow-starttls = yes }
CONF
my @as = (mx => $ca->cert('mx.test')->{pem}, conf => $conf);

# 6 and 31: IPPROTO_TCP, TCP_ULP.
my $door = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die $!;
my $there = setsockopt IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $door->sockport), 6, 31, 'tls';
# How many connections of ours the kernel has encrypted for, up to now.
sub offloaded {
    open my $in, '<', '/proc/net/tls_stat' or return 0;
    return (map { /^TlsTxSw\s+(\d+)/ ? $1 : () } <$in>)[0] // 0;
}
note 'this kernel has ', $there ? 'kTLS' : 'none';

subtest 'asked for' => sub {
    my $in = T::Run->start('sallyport-in', @as, offload => 'yes');
    my $no = qr/ no-ktls why="this kernel has none" then="tls-offload does nothing: OpenSSL encrypts"$/m;
    is($in->log_text =~ $no ? 1 : 0, $there ? 0 : 1, 'it is said where the kernel lacks it');
    $in->log_unlike(qr/no-key-schedule/, 'and no more than that');
    for my $version (qw(TLSv1_2 TLSv1_3)) {
        my $c = T::Peer->connect(port('smtps'), tls => {name => 'mx.test', ca => $ca, version => $version});
        $c->hear(qr/^220 /);
        $c->say('EHLO c.test');
        my $s = $mta->accept(head => 1);
        $s->say('220 mta.test ESMTP');
        $s->hear(qr/^EHLO c\.test$/);
        my @much = map { sprintf '250-X%04d %s', $_, 'x' x 60 } 1 .. 20;
        $s->say('250-mta.test', '250 PIPELINING');
        $c->hear(qr/^250-proxy\.test/);
        $c->say('MAIL FROM:<a@a.test>', 'RCPT TO:<b@b.test>', 'DATA');
        $s->hear(qr/^MAIL FROM:<a\@a\.test>$/);
        $s->hear(qr/^RCPT TO:<b\@b\.test>$/);
        $s->hear(qr/^DATA$/);
        $s->say('250 Ok', '250 Ok', '354 Go');
        $c->hear(qr/^250 Ok$/) for 1 .. 2;
        $c->hear(qr/^354 Go$/);
        my $text = join '', map { "$_: " . 'y' x 70 . "\r\n" } 1 .. 3000;
        $c->send("$text.\r\n");
        is($s->hear_body, $text, 'the message is as it was');
        $s->say((map { s/^250-X/250-2.0.0 /r } @much), '250 2.0.0 Ok: queued');
        $c->hear(qr/\A250-2\.0\.0 0001 x+\n.*^250-2\.0\.0 0020 x+\n250 2\.0\.0 Ok: queued\z/ms);
        $c->talk('QUIT' => qr/^221 /);
        $c->hear_close;
        $s->hear(qr/^QUIT$/);
        $s->close;
        $in->log_like(qr/closed why=quit .*tls=@{[$version =~ tr{_}{.}r]} /);
    }
    is(offloaded(), $there ? 2 : 0, 'by the kernel where it can');
    $in->stop;
};

subtest 'not asked for' => sub {
    my $in = T::Run->start('sallyport-in', @as, offload => 'no');
    $in->log_unlike(qr/no-ktls/, 'it is not missed');
    $in->stop;
};

# What asks for the key schedule is between two parts of OpenSSL, and another version may do so otherwise.
subtest 'another OpenSSL than the one that it was built with' => sub {
    my $in = T::Run->start('sallyport-in', @as, offload => 'no', env => {
        LD_PRELOAD => "$ENV{T_BUILD}/t/tool/otherssl.so",
        ASAN_OPTIONS => join ':', grep { $_ } $ENV{ASAN_OPTIONS}, 'verify_asan_link_order=0'});
    like($in->log_text, qr/ no-key-schedule why="OpenSSL has another minor version than the one this was built with" /, 'is said');
    my $c = T::Peer->connect(port('smtps'), tls => {name => 'mx.test', ca => $ca});
    $c->hear(qr/^220 /, 'and goes on by itself');
    $c->talk('QUIT' => qr/^221 /);
    $c->hear_close;
    $in->stop;
};
all_done();

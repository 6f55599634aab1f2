#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What passes of messages on real sockets: big chunks, chunks that are cut, messages that outgrow
# max-message-size. The rules in detail are t/dialog/in-bdat*.dlg and in-too-big.dlg.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Peer;
use T::Run;

my $ca  = T::CA->new;
my $mta = T::Peer->listen(port => port('mta'));
my $in  = T::Run->start('sallyport-in', cert => $ca->cert('mx.test')->{pem}, conf => <<'CONF');
workers = 1
smtp-listener 127.0.0.1:@port:in@ { tls = yes }
smtp-server-tls-certificate = {"@cert@", ""}
backend mta { server = "127.0.0.1:@port:mta@" identity = proxy-v1 }
source 0/0 { max-message-size = 1m }
CONF

# A client and a mail server in a transaction with a recipient.
sub transaction {
    my $c = T::Peer->connect(port('in'), tls => {name => 'mx.test', ca => $ca});
    $c->hear(qr/^220 /);
    $c->say('EHLO c.test');
    my $s = $mta->accept(head => 1);
    $s->say('220 mta');
    $s->hear(qr/^EHLO /);
    $s->say('250-mta', '250-SIZE 5000000', '250 CHUNKING');
    $c->hear(qr{SIZE 1048576\b.*^250 CHUNKING}ms);
    for my $line ('MAIL FROM:<a@a.test>', 'RCPT TO:<b@b.test>') {
        $c->say($line);
        $s->hear(qr/^\Q$line\E/);
        $s->say('250 Ok');
        $c->hear(qr/^250 /);
    }
    return ($c, $s);
}

my $text = ('x' x 78 . "\r\n") x 6000;

subtest 'a chunk of half a megabyte' => sub {
    my ($c, $s) = transaction();
    $c->send('BDAT ' . length($text) . " LAST\r\n");
    $s->hear(qr/^BDAT 480000 LAST\z/);
    for my $at (0 .. 15) {
        $c->send(substr $text, $at * 30000, 30000);
        is($s->hear_bytes(30000), substr($text, $at * 30000, 30000), "piece $at");
    }
    $s->say('250 Ok');
    $c->hear(qr/^250 Ok/);
    $_->close for $c, $s;
};

subtest 'a client that goes in the middle of a chunk' => sub {
    my ($c, $s) = transaction();
    $c->send("BDAT 1000 LAST\r\nonly that\r\n");
    $s->hear(qr/^BDAT 1000 LAST\z/);
    $s->hear(qr/^only that\z/);
    $c->close;
    $s->hear_close('the mail server sees the end, and no more octets');
    $s->close;
    $in->log_like(qr/closed why=client-(?:left|failed)/);
};

subtest 'a message that outgrows its limit' => sub {
    my ($c, $s) = transaction();
    $c->say('DATA');
    $s->hear(qr/^DATA/);
    $s->say('354 go');
    $c->hear(qr/^354 /);
    for my $at (0 .. 34) {
        $c->send(substr $text, 0, 30000);
        $s->hear_bytes(30000) if $at < 34;
    }
    $s->fill_until(sub { 0 });
    ok($s->{ended}, 'the mail server is left');
    unlike($s->{in}, qr/^\.\r?$/m, 'without a dot');
    $c->send(substr $text, 0, 30000) for 1 .. 20;
    $c->send(".\r\n");
    $c->hear(qr/^552 5\.3\.4 /);
    $c->hear_close;
    $_->close for $c, $s;
    $in->log_like(qr/closed why=too-big/);
};

all_done();

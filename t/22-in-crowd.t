#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Slow clients by the thousand: they do not slow the others, and the mail server sees none of them.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Peer;
use T::Run;
use T::Sink;
use Time::HiRes qw(time);

# Descriptors for the crowd here, and two for each of them there.
my ($files) = `sh -c 'ulimit -n'` =~ /^(\d+)/;
my $many = !defined $files || $files >= 5000 ? 2000 : int($files / 3);
my $ca = T::CA->new;
my $sink = T::Sink->start(port => port('mta'), head => 1);
my $in = T::Run->start('sallyport-in', cert => $ca->cert('mx.test')->{pem}, conf => <<'CONF');
smtp-listener 127.0.0.1:@port:in@ { }
smtp-listener 127.0.0.1:@port:smtps@ { tls = yes }
smtp-server-tls-certificate = {"@cert@", ""}
backend mta { server = "127.0.0.1:@port:mta@" identity = proxy-v2 }
workers = 2
tls-handshake-timeout = 5m
source 0/0 { allow-starttls = yes }
CONF

sub one_message {
    my $began = time;
    my $c = T::Peer->connect(port('in'), from => '127.0.0.5');
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/STARTTLS/);
    $c->starttls(name => 'mx.test', ca => $ca);
    $c->talk('EHLO c.test' => qr/^250/);
    $c->mail(from => 'a@a.test', rcpt => 'b@b.test');
    $c->talk('QUIT' => qr/^221 /);
    return time - $began;
}

sub median { return (sort { $a <=> $b } @_)[@_ / 2] }

# The capabilities of the mail server are known from then on, in both workers.
my $alone = median(map { one_message() } 1 .. 9);
my $seen = () = $sink->log_text =~ / for 127\.0\.0\.5$/mg;

my %crowd = map { $_ => [] } qw(drip tls starttls);
for my $n (1 .. $many) {
    my $kind = (qw(drip tls starttls drip))[$n % 4];
    my $c = T::Peer->connect(port($kind eq 'tls' ? 'smtps' : 'in'), name => "$kind$n", from => '127.0.0.66');
    push @{$crowd{$kind}}, $c;
}
my @drip = @{$crowd{drip}};
$_->read_reply for @drip;
$_->send("\x16\x03\x01\x02\x00\x01") for @{$crowd{tls}};
for my $c (@{$crowd{starttls}}) {
    $c->read_reply;
    $c->send("EHLO slow.test\r\n");
}
$_->read_reply for @{$crowd{starttls}};
$_->send("STARTTLS\r\n") for @{$crowd{starttls}};
is(scalar(grep { ($_->read_reply // '') =~ /^220 / } @{$crowd{starttls}}), scalar @{$crowd{starttls}}, 'all of the crowd are in');

# A byte of each between the messages.
my @text  = split //, 'EHLO sloo';
my @hello = split //, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc";
my @took;
for my $n (0 .. $#text) {
    $_->send($text[$n])  for @drip;
    $_->send($hello[$n]) for @{$crowd{starttls}};
    push @took, one_message();
}
my $among = median(@took);
note sprintf 'a session alone %.0f ms, among %d slow ones %.0f ms', 1000 * $alone, $many, 1000 * $among;
cmp_ok($among, '<', 5 * $alone + 0.25, 'a session among them takes no longer');

my $text = $sink->log_text;
unlike($text, qr/127\.0\.0\.66/, 'the mail server has seen none of them');
is(scalar(() = $text =~ / for 127\.0\.0\.5$/mg), $seen + @text, 'only those who had something to say');
is(scalar(() = $in->log_text =~ /closed .*client=127\.0\.0\.66/g), 0, 'and nobody was cut off');

# They go all at once; those who come then are served.
$_->reset for map { @$_ } values %crowd;
cmp_ok((sort { $a <=> $b } map { one_message() } 1 .. 3)[0], '<', 5 * $alone + 2, 'so it goes on when they leave');
all_done();

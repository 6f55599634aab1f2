#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The one line in which a session is told; and that the manual has a word on all that is in it.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Head;
use T::Peer;
use T::Run;

sub slurp { my $path = shift; open my $from, '<', $path or die "$path: $!"; local $/; return scalar <$from> }

my $ca  = T::CA->new;
my $mta = T::Peer->listen(port => port('mta'), name => 'mta');
my $in  = T::Run->start('sallyport-in', cert => $ca->cert('mx.test')->{pem}, conf => <<'CONF');
smtp-listener 127.0.0.1:@port:in@ { proxy-protocol-from = 127.0.0.9 }
smtp-server-tls-certificate = {"@cert@", ""}
backend mta { server = "127.0.0.1:@port:mta@" identity = proxy-v1 }
source 0/0 { allow-starttls = yes require-auth = yes report-only = {require-auth} }
workers = 1
CONF

my $c = T::Peer->connect(port('in'), from => '127.0.0.9', head => {src => '192.0.2.7', sport => 4321, dst => '192.0.2.1', dport => 25});
$c->hear(qr/^220 /);
$c->talk('HELO c.test' => qr/^250 /);
$c->starttls(name => 'mx.test', ca => $ca);
$c->say('EHLO c.test');
my $s = $mta->accept(head => 1);
$s->say('220 mta.test');
$s->hear(qr/^EHLO /);
$s->say('250 mta.test');
$c->hear(qr/^250/);
for my $pair (['MAIL FROM:<a@x.test>', '250 Ok'], ['RCPT TO:<b@y.test>', '250 Ok'], ['DATA', '354 Go']) {
    $c->say($pair->[0]);
    $s->hear(qr/^\Q$pair->[0]\E$/);
    $s->say($pair->[1]);
    $c->hear(qr/^\Q$pair->[1]\E$/);
}
$c->send("Hello\r\n.\r\n");
$s->hear_body;
$s->say('250 Ok');
$c->hear(qr/^250 Ok$/);
$c->say('QUIT');
$s->hear(qr/^QUIT$/);
$s->close;
$c->hear(qr/^221 /);
$c->close;

my $seconds = qr/\d+(?:\.\d{1,3})?/;
my $line = $in->log_like(qr/^\S+ \S+ closed /);
like($line, qr{ closed why=quit doing="waiting for a command" client=192\.0\.2\.7:4321 via=127\.0\.0\.9:\d+ listener=192\.0\.2\.1:25 rule=0/0 },
    'who, where, which rule');
like($line, qr{ reported=require-auth times=1 helo=c\.test }, 'what was only reported');
like($line, qr{ tls=TLSv1\.3 cipher=TLS_AES_128_GCM_SHA256 bits=128 group=[\w-]+ sni=mx\.test verify=none backend=mta }, 'TLS');
my %value = $line =~ /(\w+)=(?|"((?:[^"\\]|\\.)*)"|(\S*))/g;
is($value{messages}, 1, 'messages');
my $heard = "HELO c.test\r\nSTARTTLS\r\nEHLO c.test\r\nMAIL FROM:<a\@x.test>\r\nRCPT TO:<b\@y.test>\r\nDATA\r\nHello\r\n.\r\nQUIT\r\n";
is($value{in}, length $heard, 'bytes of the client, without the header of the load balancer');
like($value{out}, qr/^[1-9]\d+$/, 'bytes to it');
like($value{$_}, qr/^$seconds$/, "$_=$value{$_}") for qw(handshake first seconds);
cmp_ok($value{first}, '<=', $value{seconds}, 'the first command is a part of it');
cmp_ok($value{handshake}, '>', 0, 'a handshake takes time');

# A session of which there is less to say says less.
$c = T::Peer->connect(port('in'), from => '127.0.0.5');
$c->hear(qr/^220 /);
$c->close;
unlike($in->log_like(qr/ closed why=client-left /), qr/ (?:via|tls|handshake|first|helo|reported|said|broke)=/, 'nothing of what is not there');

open my $manual, '<', "$ENV{T_SOURCE}/proxy-in/sallyport-in.log.5" or die "the manual: $!";
my %told = map { $_ => 1 } map { /^\.It ([a-z][a-z ,-]*)$/ ? split(/ , /, $1) : () } <$manual>;
my $code = join '', map { slurp($_) } split /\n/, `find '$ENV{T_SOURCE}/proxy-in' -name '*.c'`;
my %event = map { $_ => 1 } $code =~ /log_say\([^,]*,\s*[^,]*,\s*"([^"]+)"/g;
delete $event{closed}; # what the page begins with
cmp_ok(scalar keys %event, '>', 6, 'words of other lines');
ok($told{$_}, "the manual tells of $_") for sort keys %value, keys %event;
$in->stop;
all_done();

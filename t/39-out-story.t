#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out: what the log tells of a session.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Peer;
use T::Run;
use T::Sink;

my $ca = T::CA->new;
my $tls = T::Sink->start(port => port('tls'), addr => '127.0.0.41', cert => $ca->cert('mx.test'),
    replies => [qr/^RCPT TO:<no/ => '550 5.1.1 nobody', qr/^RCPT TO:<later/ => '450 4.2.1 later']);
my $out = T::Run->start('sallyport-out', ca => $ca->file, conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
relay-listener 127.0.0.1:@port:closed@ { allow = {192.0.2.1} }
workers = 1
domain tls.test {
    smtp-hosts = "[127.0.0.41]:@port:tls@"
    require-starttls = yes
    smtp-tls-verify = ca
    smtp-tls-ca-file = "@ca@"
}
domain none.test { smtp-hosts = "[127.0.0.42]:@port:tls@" }
CONF

sub client {
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/);
    return $c;
}

my $listener = '127\.0\.0\.1:' . port('out');
my $at = '127\.0\.0\.41:' . port('tls');
for my $reused ('', 'reused=yes ') {
    my $c = client();
    $c->talk('MAIL FROM:<a@a.test>' => qr/^250 /, 'RCPT TO:<no@tls.test>' => qr/^550 /,
        'RCPT TO:<later@tls.test>' => qr/^450 /, 'RCPT TO:<u@tls.test>' => qr/^250 /,
        'RCPT TO:<v@tls.test>' => qr/^250 /, 'DATA' => qr/^354 /);
    $c->send("x\r\n.\r\n")->hear(qr/^250 /);
    $c->talk('QUIT' => qr/^221 /);
    $c->close;
    $out->log_like(qr/ closed why=quit client=127\.0\.0\.1 listener=$listener helo=mta\.test domain=tls\.test rule=tls\.test address=$at policy=verify tls=TLSv1\.[23] cipher=\S+ verify=ok ${reused}servers=1 transactions=1 delivered=2 deferred=1 bounced=1 bytes=\d+ seconds=[\d.]+$/,
        'a session with a message' . ($reused && ', over a connection that was kept'));
}

my $c = client();
$c->talk('MAIL FROM:<a@a.test>' => qr/^250 /, 'RCPT TO:<u@none.test>' => qr/^451 4\.4\.1 /);
$c->close;
$out->log_like(qr/ closed why=client-left doing="waiting for a command" .* domain=none\.test rule=none\.test address=127\.0\.0\.42:\d+ policy=may fail=connect not-reached=1 transactions=1 deferred=1 bytes=/,
    'one whose server was not reached');

$c = T::Peer->connect(port('out'), name => 'mta');
$c->hear(qr/^220 /);
$c->close;
$out->log_like(qr/ closed why=client-left doing="waiting for a command" client=127\.0\.0\.1 listener=$listener transactions=0 bytes=0 seconds=/,
    'one that says nothing');

$c = T::Peer->connect(port('closed'), name => 'mta');
$c->hear(qr/^5/);
$c->close;
$out->log_like(qr/ closed why=not-allowed client=/, 'one that may not');

# All words are in the manual.
my $source = $ENV{T_SOURCE} // '.';
sub text { open my $in, '<', "$source/$_[0]" or die "$_[0]: $!"; local $/; return scalar <$in> }
my $page = text('proxy-out/sallyport-out.log.5');
for my $word (text('proxy-out/reason.def') =~ /^REASON\(\w+, "([^"]+)"/mg) {
    like($page, qr/^\.It (?:.* , )?\Q$word\E(?: |$)/m, "$word is in the manual") if $word ne 'none';
}
my %fails = text('common/rule/fail.def') =~ /^FAIL\(\w+, "([^"]+)", "(\d{3} [\d.]+) /mg;
ok(keys %fails > 30, 'ways to fail');
like($page, qr/^\.It \Q$_\E\n\Q$fails{$_}\E: /m, "$_ is, with its code") for sort keys %fails;
my $code = join '', map { text($_) } split /\n/, `cd '$source' && find proxy-out -name '*.c'`;
my @events = $code =~ /log_say\([^,]*,\s*[^,]*,\s*"([^"]+)"/g;
ok(@events > 20, 'words of log lines');
like($page, qr/^\.It (?:.* , )?\Q$_\E(?: |$)/m, "$_, a log line") for @events;
all_done();

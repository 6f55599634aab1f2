#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A server that does not want us says why, and the log says it too.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::Peer;
use T::Run;

my $mx = T::Peer->listen(port => port('mx'), addr => '127.0.0.31', name => 'mx');
my $out = T::Run->start('sallyport-out', conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
domain * { use-starttls = yes }
domain a.test { smtp-hosts = "[127.0.0.31]:@port:mx@" }
domain tls.test {
    smtp-hosts = "[127.0.0.31]:@port:mx@"
    require-starttls = yes
}
CONF

sub ask {
    my $domain = shift;
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250/, 'MAIL FROM:<s@home.test>' => qr/^250 /);
    $c->say("RCPT TO:<a\@$domain>");
    return ($c, $mx->accept);
}

my ($c, $s) = ask('a.test');
$s->say('554-5.7.1 You are listed,', "554 see \x1bhttps://block.test/?ip=127.0.0.1");
$c->hear(qr/^451 4\.3\.2 /);
$out->log_like(qr/not-reached why=greeting .*said="554 5\.7\.1 You are listed,.*see \?https:/, 'the greeting');

($c, $s) = ask('tls.test');
$s->say('220 mx');
$s->hear(qr/^EHLO/);
$s->say('250-mx', '250 STARTTLS');
$s->hear(qr/^STARTTLS$/);
$s->say('454 4.7.0 TLS is away today');
$c->hear(qr/^451 4\.7\.4 /);
$out->log_like(qr/not-reached why=starttls-refused .*said="454 4\.7\.0 TLS is away today"/, 'the answer to STARTTLS');
all_done();

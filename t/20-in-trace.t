#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# add-received-header: each message begins with a line that says who brought it, and over which TLS.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Peer;
use T::Postfix;
use T::Run;

my $ca  = T::CA->new;
my $mta = T::Peer->listen(port => port('mta'), name => 'mta');
my $in  = T::Run->start('sallyport-in', cert => $ca->cert('mx.test')->{pem}, conf => <<'CONF');
smtp-listener 127.0.0.1:@port:in@ { }
smtp-listener [::1]:@port:in6@ { }
smtp-server-tls-certificate = {"@cert@", ""}
backend mta { server = "127.0.0.1:@port:mta@" }
source 0/0 { allow-starttls = yes allow-unencrypted-plain-auth = yes add-received-header = yes }
source 127.0.0.66 { add-received-header = no }
workers = 1
CONF
my $date = qr/[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} 20\d\d \d\d:\d\d:\d\d \+0000/;

# The mail server's side of a session, up to its answer to EHLO.
sub called {
    my $s = $mta->accept(head => 1);
    $s->say('220 mta.test');
    $s->hear(qr/^EHLO /);
    $s->say('250-mta.test', '250-SMTPUTF8', '250 AUTH PLAIN');
    return $s;
}

# One message; what the mail server, which is called for it if need be, heard between 354 and the dot.
sub message {
    my ($c, $s, %o) = @_;
    for my $line ('MAIL FROM:<a@x.test>' . ($o{params} // ''), 'RCPT TO:<b@y.test>') {
        $c->say($line);
        $s //= called();
        $s->hear(qr/^\Q$line\E$/);
        $s->say('250 Ok');
        $c->hear(qr/^250 /);
    }
    $c->say('DATA');
    $s->hear(qr/^DATA$/);
    $s->say('354 Go ahead');
    $c->hear(qr/^354 /);
    $c->send("Subject: x\r\n\r\nHello\r\n.\r\n");
    my $heard = $s->hear_body;
    $s->say('250 Ok');
    $c->hear(qr/^250 /);
    return $heard;
}

my $c = T::Peer->connect(port('in'), from => '127.0.0.5');
$c->hear(qr/^220 /);
$c->talk('HELO c.test' => qr/^250 /);
like(message($c), qr/\AReceived: from c\.test \(unknown \[127\.0\.0\.5\]\)\r\n\tby proxy\.test \(sallyport\) with SMTP\r\n\tid (\w+);\r\n\t$date\r\nSubject: x\r\n\r\nHello\r\n\z/,
    'in the clear');
$c->close;

$c = T::Peer->connect(port('in'), from => '127.0.0.5');
$c->hear(qr/^220 /);
$c->talk('EHLO c.test' => qr/^250/);
$c->starttls(name => 'mx.test', ca => $ca);
$c->say('EHLO c(\\.test');
my $s = called();
$c->hear(qr/^250/);
$c->say('AUTH PLAIN AGEAYg==');
$s->hear(qr/^AUTH PLAIN AGEAYg==$/);
$s->say('235 2.7.0 Welcome');
$c->hear(qr/^235 /);
my $tls = qr/\(using TLSv1\.3 with cipher TLS_AES_128_GCM_SHA256 \(128 bits\)\r\n\t key exchange [\w-]+\r\n\t no client certificate\)/;
my $first = message($c, $s);
like($first, qr/\AReceived: from c\?\?\.test \(unknown \[127\.0\.0\.5\]\)\r\n\t$tls\r\n\tby proxy\.test \(sallyport\) with ESMTPSA\r\n\tid \w+;\r\n/, 'TLS and a login');
my ($id) = $first =~ /\tid (\w+);/;
like(message($c, $s, params => ' SMTPUTF8'), qr/\AReceived: .* with UTF8SMTPSA\r\n\tid $id;\r\n\t$date\r\nSubject/s, 'the next message has one, too');
like(message($c, $s), qr/\AReceived: .* with ESMTPSA\r\n\tid $id;/s, 'in UTF-8 or not, each by itself');
$c->close;
$in->log_like(qr/^\S+ $id closed /, "by the session's name in the log");

$c = T::Peer->connect(port('in6'), to => '::1', from => '::1');
$c->hear(qr/^220 /);
$c->talk('EHLO c.test' => qr/^250/);
like(message($c), qr/\AReceived: from c\.test \(unknown \[IPv6:::1\]\)\r\n/, 'IPv6');
$c->close;

$c = T::Peer->connect(port('in'), from => '127.0.0.66');
$c->hear(qr/^220 /);
$c->talk('EHLO c.test' => qr/^250/);
is(message($c), "Subject: x\r\n\r\nHello\r\n", 'not where the source has it off');
$c->close;
$in->stop;

SKIP: {
    my $why = T::Postfix->why_not;
    skip $why, 1 if $why;
    subtest 'Postfix keeps it below its own, by DATA and by BDAT' => sub {
        my $postfix = T::Postfix->start('postfix', services => [['haproxy', port('haproxy')]],
            main => {smtpd_client_restrictions => 'check_client_access static:HOLD', smtpd_discard_ehlo_keywords => ''});
        my $run = T::Run->start('sallyport-in', conf => <<'CONF');
smtp-listener 127.0.0.1:@port:before@ { }
backend mta { server = "127.0.0.1:@port:haproxy@" }
source 0/0 { add-received-header = yes }
CONF
        my $text = "Subject: x\r\n\r\nHello\r\n";
        for my $how (["DATA" => qr/^354 /, "$text." => qr/^250 .*queued as/], ['BDAT ' . length($text) . " LAST\r\n" . substr($text, 0, -2) => qr/^250 .*queued as/]) {
            my $client = T::Peer->connect(port('before'));
            $client->hear(qr/^220 /);
            $client->talk('EHLO c.test' => qr/CHUNKING/, 'MAIL FROM:<a@x.test>' => qr/^250 /, 'RCPT TO:<b@postfix.test>' => qr/^250 /);
            my @steps = @$how;
            my $answer;
            while (my ($say, $hear) = splice @steps, 0, 2) {
                $client->say($say);
                $answer = $client->hear($hear);
            }
            my ($queued) = $answer =~ /queued as (\w+)/;
            like($postfix->command('postcat', '-q', $queued),
                qr/^Received: from c\.test \(unknown .*by postfix\.test \(Postfix\).*^Received: from c\.test \(unknown \[127\.0\.0\.1\]\)\n\tby proxy\.test \(sallyport\) with ESMTP\n\tid \w+;\n\t$date\nSubject: x\n.*^Hello\n/ms,
                "after $how->[0]" =~ s/\r.*//sr);
            $client->talk('QUIT' => qr/^221 /);
            $client->close;
        }
        $run->stop;
    };
}
all_done();

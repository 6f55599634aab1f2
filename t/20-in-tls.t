#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-in between a client and a scripted mail server: TLS both ways in, rules, SNI.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Peer;
use T::Run;

my $ca  = T::CA->new;
my $mta = T::Peer->listen(port => port('mta'), name => 'mta');
my $in  = T::Run->start(
    'sallyport-in',
    mx   => $ca->cert('mx.test')->{pem},
    mail => $ca->cert('mail.test')->{pem},
    conf => <<'CONF');
smtp-listener 127.0.0.1:@port:in@ { }
smtp-listener 127.0.0.1:@port:smtps@ { tls = yes }
smtp-listener 127.0.0.1:@port:nowhere@ { source = blocked }
smtp-server-tls-certificate = {"@mx@", ""}
smtp-server-tls-certificate = {"@mail@", ""}
backend mta { server = "127.0.0.1:@port:mta@" identity = proxy-v1 }
workers = 1
source 0/0 { allow-starttls = yes  require-starttls-before-auth = yes }
source 127.0.0.9 { require-starttls = yes }
source blocked { smtp-service = no }
CONF

# The mail server's side of being called: PROXY header, greeting, EHLO.
sub called {
    my ($src) = @_;
    my $s = $mta->accept(head => 1);
    is($s->{head}{src}, $src, "the mail server knows $src");
    $s->say('220 mta.test ESMTP');
    $s->hear(qr/^EHLO c\.test$/);
    $s->say('250-mta.test', '250-PIPELINING', '250-STARTTLS', '250-XCLIENT NAME ADDR', '250-SIZE 99', '250 AUTH PLAIN CRAM-MD5');
    return $s;
}

subtest 'STARTTLS' => sub {
    my $c = T::Peer->connect(port('in'), from => '127.0.0.5');
    $c->hear(qr/^220 proxy\.test ESMTP$/);
    $mta->no_connection(0.2, 'nobody is called for a greeting');
    $c->say('EHLO c.test');
    my $s = called('127.0.0.5');
    my $view = $c->hear(qr/\A250-proxy\.test\n250-PIPELINING\n250-SIZE 99\n250 STARTTLS\z/);
    $c->talk('AUTH PLAIN AGFsaWNlAHNlY3JldA==' => qr/^530 5\.7\.0 /);
    $c->starttls(name => 'mx.test', ca => $ca);
    $s->hear(qr/^QUIT$/, 'the first call');
    $s->hear_close;
    $c->say('EHLO c.test');
    $s = called('127.0.0.5');
    $c->hear(qr/\A250-proxy\.test\n250-PIPELINING\n250-SIZE 99\n250 AUTH PLAIN CRAM-MD5\z/);
    $c->say('AUTH PLAIN AGFsaWNlAHNlY3JldA==');
    $s->hear(qr/^AUTH PLAIN AGFsaWNlAHNlY3JldA==$/);
    $s->say('235 2.7.0 Ok');
    $c->hear(qr/^235 /);
    $c->say('QUIT');
    $s->hear(qr/^QUIT$/);
    $c->hear(qr/^221 /);
    $c->hear_close;
    $s->say('221 Bye');
    $s->close;
    $in->log_like(qr/closed why=quit .*client=127\.0\.0\.5:\d+ .*rule=0\/0 helo=c\.test tls=TLSv1\.3 cipher=TLS_\S+ bits=\d+ group=\S+ sni=mx\.test/);
    $in->log_unlike(qr/AGFsaWNl/, 'credentials are not logged');
};

subtest 'what was learnt answers the next EHLO, and implicit TLS' => sub {
    my $c = T::Peer->connect(port('in'), from => '127.0.0.6');
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/SIZE 99.*STARTTLS/s);
    $mta->no_connection(0.2, 'nobody is called for EHLO before STARTTLS');
    $c->talk('QUIT' => qr/^221 /);
    $c->hear_close;
    $in->log_like(qr/closed why=quit .*client=127\.0\.0\.6/);

    $c = T::Peer->connect(port('smtps'), from => '127.0.0.6', tls => {name => 'mail.test', ca => $ca});
    is($c->tls_peer, 'mail.test', 'the certificate is chosen by name');
    $c->hear(qr/^220 proxy\.test/);
    $c->say('EHLO c.test');
    my $s = called('127.0.0.6');
    $c->hear(qr/\A(?!.*STARTTLS).*AUTH PLAIN/s);
    $c->talk('STARTTLS' => qr/^503 /);
    $c->say('MAIL FROM:<a@a.test>', 'RCPT TO:<b@b.test>', 'DATA');
    $s->hear(qr/^MAIL FROM:<a\@a\.test>$/);
    $s->hear(qr/^RCPT TO:<b\@b\.test>$/);
    $s->hear(qr/^DATA$/);
    $s->say('250 Ok', '250 Ok', '354 Go');
    $c->hear(qr/^250 /) for 1 .. 2;
    $c->hear(qr/^354 /);
    $c->send("Subject: x\r\n\r\n..dot\r\n.\r\n");
    is($s->hear_body, "Subject: x\r\n\r\n..dot\r\n", 'the message is as it was');
    $s->say('250 2.0.0 Ok: queued as 4ABC');
    $c->hear(qr/^250 2\.0\.0 Ok: queued as 4ABC$/);
    $c->close;
    $s->hear_close('the mail server sees the client go');
    $in->log_like(qr/closed why=client-left .*messages=1/);
};

subtest 'rules by address and by listener' => sub {
    my $c = T::Peer->connect(port('in'), from => '127.0.0.9');
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^530 5\.7\.0 /, 'NOOP' => qr/^250 /);
    $c->close;
    $c = T::Peer->connect(port('nowhere'));
    $c->hear(qr/^521 proxy\.test /);
    $c->hear_close;
    $in->log_like(qr/closed why=no-service .*rule=blocked/);
    $mta->no_connection(0.1, 'the mail server saw neither');
};

subtest 'plain text behind STARTTLS' => sub {
    my $c = T::Peer->connect(port('in'));
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/STARTTLS/);
    $c->send("STARTTLS\r\nMAIL FROM:<evil\@a.test>\r\n");
    $c->hear(qr/^503 5\.5\.0 /);
    $c->hear_close;
    $in->log_like(qr/closed why=foreign/);
    $mta->no_connection(0.1, 'the mail server heard nothing of it');
};

subtest 'a handshake that fails' => sub {
    my $c = T::Peer->connect(port('smtps'));
    $c->send("EHLO c.test\r\n" x 20);
    $c->hear_close if !defined $c->read_line(2);
    $in->log_like(qr/closed why=handshake doing="shaking hands" .*broke=/);
};

# By OpenSSL's own client: the tests' one does not keep sessions of a socket that was there before.
subtest 'tickets: the second session is resumed' => sub {
    for my $version ('-tls1_2', '-tls1_3') {
        my $file = stage_dir() . "/session$version";
        for my $turn (["-sess_out", 'New'], ["-sess_in", 'Reused']) {
            my $said = `printf 'QUIT\\r\\n' | openssl s_client -ign_eof $version -connect 127.0.0.1:@{[port("smtps")]} $turn->[0] $file 2>&1`;
            like($said, qr/^$turn->[1], /m, "$version $turn->[0]: $turn->[1]");
        }
    }
    $in->log_like(qr/tls=TLSv1\.2 .*resumed=yes/);
    $in->log_like(qr/tls=TLSv1\.3 .*resumed=yes/);
};

subtest 'who says goodbye to TLS and leaves before his answers' => sub {
    my $c = T::Peer->connect(port('smtps'), tls => {}, from => '127.0.0.16');
    $c->hear(qr/^220 /);
    $c->say('EHLO c.test');
    my $s = called('127.0.0.16');
    $c->hear(qr/^250/);
    $c->say('MAIL FROM:<a@a.test>', map { "RCPT TO:<b$_\@b.test>" } 1 .. 9);
    $s->hear(qr/^MAIL /);
    $c->close;
    my $closed = sub { $in->log_text =~ /closed why=\S+ .*client=127\.0\.0\.16:/ };
    for (1 .. 10) { # the first answer goes; to the next there is nobody
        last if T::Stage::wait_for($closed, 0.1);
        eval { $s->say('250 2.1.0 Ok'); 1 } or last;
    }
    ok(T::Stage::wait_for($closed), 'the session is over, and does not turn on a broken connection');
    $s->close;
};
all_done();

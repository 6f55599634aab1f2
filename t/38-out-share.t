#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out: an OpenSMTPD takes a hundred messages of a session, and answers the next MAIL with 452.
# That message goes there on a new connection, and the mail server hears nothing of it.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Debian qw(opensmtpd);
use T::Stage;
use T::DNS;
use T::Mta;
use T::OpenSMTPD;
use T::Peer;
use T::Run;

T::Mta->or_skip_all;
my $far = T::OpenSMTPD->start('opensmtpd', port => port('far'));
my $dns = T::DNS->start("mx.test. MX 10 far.test.\nfar.test. A 127.0.0.1\n");
my $out = T::Run->start('sallyport-out', dns => $dns->address, conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
workers = 1
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:far@
    use-starttls = no
}
CONF

my $c = T::Peer->connect(port('out'), name => 'mta');
$c->hear(qr/^220 /);
$c->talk('EHLO mta.test' => qr/^250-/);
my @answers;
for my $n (1 .. 205) {
    # As Postfix does, all before the message in one go; one by one for the last hundred.
    my @ask = ("MAIL FROM:<a$n\@a.test>", 'RCPT TO:<b@mx.test>', 'DATA');
    my @heard = $n <= 105 ? do { $c->say(@ask); map { $c->read_line } @ask } : map { $c->say($_); $c->read_line } @ask;
    $c->send("Subject: $n\r\n\r\nx\r\n.\r\n");
    push @answers, grep { !/^(?:250|354) / } @heard, $c->read_line;
}
is_deeply(\@answers, [], 'none is put off');
$c->talk('QUIT' => qr/^221 /);
is(scalar $far->wait_taken(205), 205, 'it took all of them');
my $said = () = $far->log_text =~ /failed-command command="MAIL FROM.*452 /g;
is($said, 2, 'and twice said that a session has had its share');
my $sessions = () = $far->log_text =~ / smtp connected address=127\.0\.0\.1 /g;
is($sessions, 3, 'so there were three sessions; what it tells itself is local');
$out->stop;
all_done();

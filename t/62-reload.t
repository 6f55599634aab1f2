#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# All three programs are reloaded again and again under load: no session is cut, nobody refused.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::Csv;
use T::Postfix;
use T::Traffic;
use T::Trio;

T::Postfix->or_skip_all;
my $trio = T::Trio->start;
my $slow = $trio->client('smtp', '127.0.0.15');
$slow->hear(qr/^220 /);
$slow->talk('EHLO slow.test' => qr/STARTTLS/, 'MAIL FROM:<zoe@away.test>' => qr/^250 /,
    'RCPT TO:<alice@home.test>' => qr/^250 /, 'DATA' => qr/^354 /);
$slow->send("Subject: I take my time\r\n\r\nfirst half\r\n");
my $traffic = T::Traffic->start($trio, senders => 4, messages => 20);
for my $turn (1 .. 4) {
    ok($traffic->wait_accepted($turn * 15), $turn * 15 . ' messages are accepted');
    my @callers;
    for my $program (qw(in out milter)) {
        $trio->{$program}->log_mark;
        $trio->{$program}->signal('HUP');
        push @callers, map { $trio->client('smtp', '127.0.0.16') } 1 .. 10;
    }
    $_->hear(qr/^220 /) for @callers;
    $trio->{$_}->log_like(qr/ reloaded /, "sallyport-$_ reloads", seconds => 30) for qw(in out milter);
}
$traffic->finish;
is_deeply([$traffic->troubles], [], 'no sender was cut or refused');
is($traffic->accepted, 80, 'all messages were accepted');
$slow->send("second half\r\n.\r\n");
$slow->hear(qr/^250 /, 'a message that was begun before them all');
$slow->talk('QUIT' => qr/^221 /);
ok($trio->{mta}->wait_queue_empty(60), 'all is delivered');
my @rows = csv_wait($trio->{csv}, sub { $_->{type} eq 'd' }, count => 80);
is(@rows, 80, 'and in the accounts, once');
my %once = map { $_->{rcpt} => 1 } @rows;
is(keys %once, 80, 'each');
all_done();

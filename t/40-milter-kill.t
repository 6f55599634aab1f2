#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SIGKILL to the milter and to the accountant in the middle of traffic: what Postfix took has its
# receipt, and none twice; a reload cuts no session on a socket file.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::Csv;
use T::Peer;
use T::Postfix;
use T::Run;

T::Postfix->or_skip_all;
my $csv = stage_dir() . '/sallyport-milter/state/acct.csv';
my $milter = T::Run->start('sallyport-milter', user => 'postfix', csv => $csv, dir => stage_dir(), conf => <<'CONF');
milter-listener "unix:@dir@/sallyport-milter/run/milter" { }
acct-file "@csv@" {
    records = {r}
    record-fields r { fields = {rcpt, queueId, sessionId} }
}
CONF
my $mta = T::Postfix->start('mta',
    services => [['plain', port('mta')]],
    main => {smtpd_milters => 'unix:' . stage_dir() . '/sallyport-milter/run/milter', milter_connect_timeout => '5s'},
);

sub greeted {
    my $c = T::Peer->connect(port('mta'));
    $c->read_reply;
    $c->say('EHLO c.test');
    $c->read_reply;
    return $c;
}

# Says each line; the first reply that is no yes ends it.
sub try_mail {
    my ($c, $rcpt) = @_;
    for my $line ('MAIL FROM:<a@x.test>', "RCPT TO:<$rcpt>", 'DATA', "Subject: x\r\n\r\nHello\r\n.") {
        $c->say($line);
        my $reply = $c->read_reply // return '';
        return $reply if $reply !~ /^[23]/;
    }
    return '250';
}

my (%taken, %tries);
my $killed = 0;
for my $i (1 .. 60) {
    my $rcpt = "n$i\@one.test";
    # Again and again, as a mail server does by its queue.
    my $taken = T::Stage::wait_for(sub { $tries{$rcpt}++; try_mail(greeted(), $rcpt) eq '250' });
    $taken{$rcpt} = 1 if $taken;
    next if $i % 6;
    my ($pid) = $milter->children_of($i % 12 ? 'accountant' : 'milter');
    $killed += kill 'KILL', $pid if $pid;
}
is(scalar keys %taken, 60, 'all mail was taken in the end');
ok($killed >= 8, 'children were killed on the way') or diag $killed;
my @rows = csv_wait($csv, sub { $_->{rcpt} eq 'n60@one.test' });
my %rows;
push @{$rows{$_->{rcpt}}}, $_ for csv_rows($csv);
is(join(' ', grep { !$rows{$_} } sort keys %taken), '', 'each has its receipt');
my %seen;
is(join(' ', grep { $seen{$_}++ } map { "$_->{queueId}/$_->{rcpt}" } csv_rows($csv)), '', 'none is there twice');
is(join(' ', grep { @{$rows{$_}} > 1 && $tries{$_} == 1 } sort keys %rows), '',
    'and more than one only where it was tried more than once');

# A reload: the session that is open goes on with the old child, the next has the new one.
ok(T::Stage::wait_for(sub { try_mail(greeted(), 'before@one.test') eq '250' }), 'the last one killed is back');
my $c = greeted();
my ($old) = $milter->children_of('milter');
$c->talk('MAIL FROM:<a@x.test>' => qr/^250 /);
$milter->signal('HUP');
my $new = T::Stage::wait_for(sub { my ($new) = grep { $_ != $old } $milter->children_of('milter'); $new });
ok($new, 'a new child after the reload');
my $next = T::Stage::wait_for(sub { try_mail(greeted(), 'next@one.test') eq '250' });
ok($next, 'a new session is served');
ok((grep { $_ == $old } $milter->children_of('milter')), 'the old child is still there');
$c->talk('RCPT TO:<kept@one.test>' => qr/^250 /, 'DATA' => qr/^354 /, "x\r\n." => qr/^250 /);
ok(csv_wait($csv, sub { $_->{rcpt} eq 'kept@one.test' }), 'the session that was open has its receipt');
$c->talk('QUIT' => qr/^221 /);
ok(T::Stage::wait_for(sub { !grep { $_ == $old } $milter->children_of('milter') }), 'then the old child goes');
$milter->{expect} = qr/signal=9|child-gone/;
all_done();

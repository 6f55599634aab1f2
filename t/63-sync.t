#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sync = reply: what was answered is on the disk before it was answered; and what is done where
# that cannot be.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::DNS;
use T::Peer;
use T::Power;
use T::Run;
use T::Spool;

my $power = T::Power->on;
my $disk = $power->disk;
my $dns = T::DNS->start("two.test. MX 10 mx1.two.test.\nmx1.two.test. A 127.0.0.51\n"
    . "one.test. MX 10 mx1.one.test.\nmx1.one.test. A 127.0.0.52\n");
my %mx = map { $_->[0] => T::Peer->listen(port => port('mx'), addr => $_->[1], name => $_->[0]) }
    ['two.test', '127.0.0.51'], ['one.test', '127.0.0.52'];
my $conf = <<"CONF";
relay-listener 127.0.0.1:\@port:out\@ { queue-id = {xforward} }
relay-listener 127.0.0.1:\@port:lmtp\@ { protocol = lmtp }
name-server = "\@dns\@"
acct-file "$disk/csv/one.csv" { }
acct-file "$disk/csv/acct.csv" { records = {d, b, t} sync = \@sync\@ }
spool-directory = "$disk/spool"
state-directory = "$disk/state"
sync-interval = \@interval\@
workers = 1
domain * {
    allow-private-destinations = yes
    default-smtp-port = \@port:mx\@
    use-starttls = no
    connection-idle-timeout = 0
}
CONF
my %fill = (dns => $dns->address, sync => 'reply', interval => '1h');
my $out = T::Run->start('sallyport-out', %fill, conf => $conf, env => $power->env, expect => qr/ not-synced | child-died /);
my $count = 0;

sub call {
    my (%o) = @_;
    my $c = T::Peer->connect(port($o{lmtp} ? 'lmtp' : 'out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk($o{lmtp} ? ('LHLO mta.test' => qr/^250-/) : ('EHLO mta.test' => qr/^250-/));
    return $c;
}

# A recipient that the server has taken.
sub rcpt {
    my ($c, $rcpt) = @_;
    $c->say("RCPT TO:<$rcpt>");
    my $s = $mx{$rcpt =~ s/.*@//r}->accept;
    $s->say('220 mx ESMTP');
    $s->hear(qr/^EHLO /);
    $s->say('250-mx', '250 PIPELINING');
    $s->hear(qr/^MAIL /);
    $s->hear(qr/^RCPT /);
    $s->say('250 Ok', '250 Ok');
    $c->hear(qr/^250 /);
    return $s;
}

sub data {
    my ($s) = @_;
    $s->hear(qr/^DATA$/);
    return $s->say('354 go');
}

# Up to 354 on both sides: (server, recipient).
sub begin {
    my ($c, $rcpt) = @_;
    $rcpt //= 'u' . ++$count . '@two.test';
    $c->talk('MAIL FROM:<a@a.test>' => qr/^250 /);
    my $s = rcpt($c, $rcpt);
    $c->say('DATA');
    data($s);
    $c->hear(qr/^354 /);
    return ($s, $rcpt);
}

sub finish {
    my ($c, $s, $says) = @_;
    $c->send("x\r\n.\r\n");
    $s->hear_body;
    return $s->say($says // '250 Taken');
}

sub is_written {
    my ($rcpt) = @_;
    return spool_wait("$disk/spool", sub { $_->{rcpt} eq $rcpt && $_->{do} eq 'outcome' });
}

# What a power cut would leave of the spool: outcomes of this recipient.
sub kept {
    my ($rcpt) = @_;
    my $text = join "\n", map { T::Run::log_text({log => $_}) } glob "$disk/../kept/file-*";
    my %of = map { ($_ => 1) } $text =~ /^\{"do":"intent","key":"([^"]+)".*"\Q$rcpt\E"/mg;
    return scalar grep { $of{$_} } $text =~ /^\{"do":"outcome","key":"([^"]+)"/mg;
}

for my $case (['250 2.0.0 Taken', qr/^250 2\.0\.0 Taken/], ['451 4.3.0 Later', qr/^451 4\.3\.0 Later/],
    ['554 5.6.0 Never', qr/^554 5\.6\.0 Never/]) {
    my ($says, $heard) = @$case;
    subtest "'$says' is heard once it is on the disk, and no earlier" => sub {
        my $c = call();
        my ($s, $rcpt) = begin($c);
        $power->hold;
        $c->send("x\r\n.\r\nNOOP\r\nQUIT\r\n");
        $s->hear_body;
        $s->say($says);
        ok(is_written($rcpt), 'it is written');
        $c->hear_nothing(0.3);
        $power->release;
        $c->hear($heard);
        is(kept($rcpt), 1, 'and on the disk');
        $c->hear(qr/^250 /, 'what was said behind it comes behind it');
        $c->hear(qr/^221 /);
        $s->close;
    };
}

subtest 'a refusal of DATA is heard once it is on the disk' => sub {
    my $c = call();
    $c->talk('MAIL FROM:<a@a.test>' => qr/^250 /);
    my $s = rcpt($c, 'data@two.test');
    $power->hold;
    $c->say('DATA');
    $s->hear(qr/^DATA$/);
    $s->say('554 5.7.1 Never');
    ok(spool_wait("$disk/spool", sub { $_->{rcpt} eq 'data@two.test' && $_->{do} ne 'intent' }), 'it is written');
    $c->hear_nothing(0.3);
    $power->release;
    $c->hear(qr/^554 5\.7\.1 Never/);
    $_->close for $c, $s;
};

subtest 'those who come while the disk is busy' => sub {
    my @c = map { call() } 1 .. 5;
    $power->hold;
    my @of = map { [begin($_)] } @c;
    finish($c[$_], $of[$_][0]) for 0 .. 4;
    ok(is_written($_->[1])) for @of;
    $c[4]->hear_nothing(0.1);
    $power->release;
    $_->hear(qr/^250 Taken/) for @c;
    is(kept($_->[1]), 1, "$_->[1] is on the disk") for @of;
    $_->close for @c, map { $_->[0] } @of;
};

subtest 'LMTP: each recipient hears when its own record is on the disk' => sub {
    my $c = call(lmtp => 1);
    $c->talk('MAIL FROM:<a@a.test>' => qr/^250 /);
    my ($p, $q) = map { rcpt($c, $_) } 'p@two.test', 'q@one.test';
    $c->say('DATA');
    data($_) for $p, $q;
    $c->hear(qr/^354 /);
    $c->send("x\r\n.\r\n");
    $_->hear_body for $p, $q;
    $p->say('250 Taken by p');
    $c->hear(qr/^250 Taken by p/);
    $power->hold;
    $q->say('250 Taken by q');
    $c->hear_nothing(0.3);
    $power->release;
    $c->hear(qr/^250 Taken by q/);
    is(kept('q@one.test'), 1);
    $_->close for $c, $p, $q;
};

subtest 'the mail server leaves meanwhile: nothing breaks' => sub {
    my $c = call();
    my ($s, $rcpt) = begin($c);
    $power->hold;
    finish($c, $s);
    ok(is_written($rcpt));
    $c->reset;
    $power->release;
    $out->log_like(qr/closed why=client-left/);
    $s->close;
};

sub segments { my @all = glob "$disk/spool/*"; return scalar @all }

subtest 'the disk fails: 451, and what comes later goes into another segment' => sub {
    my $c = call();
    my ($s) = begin($c);
    my $before = segments();
    $power->fail;
    finish($c, $s);
    $c->hear(qr/^451 4\.3\.0 /, 'not what the server said');
    $s->close;
    $out->log_like(qr/ not-synced .*why="Input\/output error"/);
    $power->mend;
    ($s, my $rcpt) = begin($c);
    finish($c, $s);
    $c->hear(qr/^250 Taken/);
    is(kept($rcpt), 1, 'and that is on the disk');
    is(segments(), $before + 1, 'in a segment of its own');
    $_->close for $c, $s;
};

subtest 'the syncer is killed: who waits hears 451, and the next one is served' => sub {
    my $c = call();
    my ($s, $rcpt) = begin($c);
    $power->hold;
    finish($c, $s);
    ok(is_written($rcpt));
    $c->hear_nothing(0.1);
    $out->log_mark;
    kill 'KILL', $out->children_of('syncer');
    $c->hear(qr/^451 4\.3\.0 /);
    $power->release;
    $s->close;
    $out->log_like(qr/ child-started role=syncer /);
    ($s, $rcpt) = begin($c);
    finish($c, $s);
    $c->hear(qr/^250 Taken/);
    is(kept($rcpt), 1);
    $_->close for $c, $s;
};

subtest 'what did not reach the disk is not remembered as sent' => sub {
    my $twice = sub {
        my ($says) = @_;
        my $c = call();
        $c->talk('XFORWARD IDENT=4ABCDE' => qr/^250 /);
        my ($s) = begin($c, 'again@two.test');
        finish($c, $s, $says);
        return ($c, $s);
    };
    $power->fail;
    my ($c, $s) = $twice->('250 Taken');
    $c->hear(qr/^451 4\.3\.0 /);
    $_->close for $c, $s;
    $power->mend;
    ($c, $s) = $twice->('250 Taken again');
    $c->hear(qr/^250 Taken again/, 'the server was asked again');
    $_->close for $c, $s;
};
$out->stop;

# T::Peer's backend needs no PROXY header here.
subtest 'coming in: the 250 waits for the r row; a disk that fails does not make mail come twice' => sub {
    my $mta = T::Peer->listen(port => port('mta'), name => 'backend');
    my $in = T::Run->start('sallyport-in', env => $power->env, expect => qr/ not-synced | not-recorded /, conf => <<"CONF");
smtp-listener 127.0.0.1:\@port:in\@ { }
backend mta { server = "127.0.0.1:\@port:mta\@" identity = proxy-v1 }
acct-file "$disk/csv/in.csv" { records = {r} sync = reply }
spool-directory = "$disk/spool"
state-directory = "$disk/state"
sync-interval = 1h
workers = 1
CONF
    my $c = T::Peer->connect(port('in'), name => 'client');
    $c->hear(qr/^220 /);
    $c->say('EHLO c.test');
    my $b = $mta->accept;
    $b->hear_line(qr/^PROXY TCP4 /);
    $b->say('220 mta');
    $b->hear(qr/^EHLO /);
    $b->say('250-mta', '250 PIPELINING');
    $c->hear(qr/^250/);
    my $send = sub {
        my ($rcpt) = @_;
        $c->say('MAIL FROM:<a@a.test>', "RCPT TO:<$rcpt>", 'DATA');
        $b->hear(qr/^MAIL /);
        $b->say('250 Ok');
        $b->hear(qr/^RCPT /);
        $b->say('250 Ok');
        $b->hear(qr/^DATA/);
        $b->say('354 go');
        $c->hear($_) for qr/^250 /, qr/^250 /, qr/^354 /;
        $c->send("x\r\n.\r\nNOOP\r\n");
        $b->hear_body;
        $b->say('250 2.0.0 Ok: queued as 4ABC');
        ok(spool_wait("$disk/spool", sub { $_->{rcpt} eq $rcpt && $_->{do} eq 'received' }), 'it is written');
    };
    my $kept = sub { return scalar grep { T::Run::log_text({log => $_}) =~ /"received".*"$_[0]"/ } glob "$disk/../kept/file-*" };
    $power->hold;
    $send->('u@in.test');
    $c->hear_nothing(0.3);
    $power->release;
    $c->hear(qr/^250 2\.0\.0 Ok: queued as 4ABC/);
    is($kept->('u@in.test'), 1, 'and on the disk');
    $b->hear(qr/^NOOP/);
    $b->say('250 Ok');
    $c->hear(qr/^250 /);
    $power->fail;
    $send->('v@in.test');
    $c->hear(qr/^250 2\.0\.0 Ok: queued as 4ABC/, 'the mail server has it');
    $power->mend;
    $in->log_like(qr/ not-recorded .*disk/);
    is($kept->('v@in.test'), 0);
    $power->hold;
    $b->hear(qr/^NOOP/);
    $b->say('250 Ok');
    $c->hear(qr/^250 /);
    $send->('w@in.test');
    $c->reset;
    $power->release;
    $in->log_like(qr/ closed why=/, 'who left meanwhile is let go');
    $b->close;
    $in->stop;
};

subtest 'interval: nobody waits, and a moment later it is on the disk' => sub {
    my $every = T::Run->start('sallyport-out', %fill, sync => 'interval', interval => '1s', conf => $conf, env => $power->env);
    my $c = call();
    for my $segment ('new', 'grown') {
        my ($s, $rcpt) = begin($c);
        finish($c, $s);
        $c->hear(qr/^250 Taken/);
        ok(T::Stage::wait_for(sub { kept($rcpt) }), "it is on the disk: a $segment segment");
        $s->close;
    }
    $c->close;
    $every->stop;
    my $last = T::Run->start('sallyport-out', %fill, sync => 'interval', interval => '1h', conf => $conf, env => $power->env);
    $c = call();
    my ($s, $rcpt) = begin($c);
    finish($c, $s);
    $c->hear(qr/^250 Taken/);
    $_->close for $c, $s;
    $last->stop;
    is(kept($rcpt), 1, 'what came since the last time is, too, when it stops');
};

subtest 'none: nothing is synced, and nobody is there to do it' => sub {
    my $never = T::Run->start('sallyport-out', %fill, sync => 'none', conf => $conf, env => $power->env);
    my $c = call();
    my ($s, $rcpt) = begin($c);
    finish($c, $s);
    $c->hear(qr/^250 Taken/);
    is(kept($rcpt), 0);
    is_deeply([$never->children_of('syncer')], [], 'no syncer');
    $_->close for $c, $s;
    $never->stop;
};

all_done();

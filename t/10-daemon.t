#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Master and children, shown by t/tool/toy: start, restart, reload, drain, stop.
use strict;
use warnings;
use lib "$ENV{T_SOURCE}/t/lib";
use Test::More;
use T::Toy;

subtest 'what it is called with' => sub {
    my $t = T::Toy->new;
    for (
        [0,  qr/^toy: serves no mail\n.*--sample/s, '--help'],
        [0,  qr/^toy \d+\.\d+/,                     '--version'],
        [0,  qr/./,                                 '--sample'],
        [0,  qr/./,                                 '--manual'],
        [64, qr/^toy: --frobnicate is not an option; .*\n\z/, '--frobnicate'],
        [64, qr/^toy: -x is not an option; .*\n\z/, '-x'],
        [64, qr/^toy: -c needs a value; .*\n\z/,    '-c'],
        [64, qr/^toy: now is not an option; .*\n\z/, '-t', 'now'],
      )
    {
        my ($status, $says, @args) = @$_;
        my ($got, $text) = $t->call(@args);
        is($got, $status, "@args ends with $status");
        like($text, $says, "@args: what it says");
    }
};

subtest 'the check' => sub {
    my $t = T::Toy->new;
    my ($status, $text) = $t->call('-t', '-c', $t->file);
    is($status, 0, 'a right one');
    is($text, "toy discarded mark=1\n" . $t->file . ": configuration is right\n",
        'is said to be right');
    ok(!-e $t->folder . '/run', 'nothing is made by it');
    for (
        ['no-such-option = 1',        qr/^toy: .*no-such-option.*\n\z/],
        ['host-name = "bad-prepare"', qr/^toy: host-name: bad\ntoy: host-name: very bad\n\z/],
        ['user = "no-such-user"',     qr/^toy: user no-such-user: no such user.*\n\z/],
      )
    {
        $t->configure($_->[0]);
        ($status, $text) = $t->call('-t', '-c', $t->file);
        is($status, 1, "$_->[0]: status");
        like($text, $_->[1], "$_->[0]: a line for each mistake");
    }
    ($status, $text) = $t->call('-t', '-c', $t->folder . '/none');
    is($status, 1, 'no file');
    like($text, qr/^toy: .*none.*\n\z/, 'is said in one line');
};

subtest 'start and stop' => sub {
    my $t = T::Toy->new->start;
    my $run = $t->folder . '/run';
    is($t->pid_file, $t->pid, 'the pid file names the master');
    is(sprintf('%o', (stat $run)[2] & 07777), '1770', 'the run folder is made');
    is(sprintf('%o', (stat $t->folder . '/state')[2] & 07777), '750', 'and the state folder');
    my $one = $t->session;
    is($one->{name}, 'one', 'it serves');
    isnt($one->{pid}, $t->pid, 'by a child');
    $one->close;
    $t->signal('TERM');
    is($t->status, 0, 'it ends well');
    ok(!-e "$run/toy.pid", 'the pid file is gone');
    like($t->log, qr/stopped status=0\n\z/, 'the last line says so');
    like($t->log, qr/child-gone role=worker.*child-gone role=worker.*ends role=reader/s,
        'who serves others goes last');
};

subtest 'a start that fails' => sub {
    for (
        ['host-name = "bad-prepare"', qr/^toy: host-name: bad\ntoy: host-name: very bad$/m],
        ['host-name = "bad-child"',   qr/^toy: a child died before it was ready$/m],
        ['host-name = "bad-scribe"',  qr/^toy: a child died before it was ready$/m],
        ['no-such-option = 1',        qr/^toy: .*no-such-option/m],
      )
    {
        my $t = T::Toy->new($_->[0])->launch;
        is($t->status, 1, "$_->[0]: status");
        like($t->log, $_->[1], "$_->[0]: why");
        ok(!-e $t->folder . '/run/toy.pid', 'no pid file stays');
    }
    my $t = T::Toy->new->start;
    my ($status, $text) = $t->call('-c', $t->file);
    is($status, 1, 'a second instance is refused');
    my $pid = $t->pid;
    like($text, qr/^toy: toy runs already, as process $pid .*\n\z/, 'and told why');
    is($t->session->{name}, 'one', 'the first one does not mind');
};

subtest 'a child that dies is started again, with a pause that grows' => sub {
    my $t = T::Toy->new->start;
    my ($slot, $pid);
    for my $pause (0, 1, 2) {
        # The same child's slot each time: the other worker lives on.
        my $s;
        do { $s = $t->session } while (defined $slot && $s->{slot} != $slot);
        isnt($s->{pid}, $pid // 0, 'another child');
        ($slot, $pid) = @$s{qw(slot pid)};
        kill KILL => $pid;
        $t->until(qr/child-died level=error role=worker generation=1 slot=$slot pid=$pid signal=9/);
        $t->until(qr/buried mark=1 slot=$slot/);
        ok($t->until(qr/child-again role=worker slot=$slot seconds=$pause\n/), "after $pause s");
        $t->until(qr/child-started role=worker generation=1 slot=$slot/) if $pause < 2;
    }
    $t->signal('TERM');
    is($t->status, 0, 'one that waits for its turn does not hold up the end');
};

subtest 'a reload' => sub {
    my $t   = T::Toy->new->start;
    my $old = $t->session;
    $t->configure('host-name = "two"');
    $t->signal('HUP');
    $t->until(qr/prepared mark=2 before=1/);
    $t->until(qr/reloaded generation=2/);
    my $new = $t->session;
    is($new->{name}, 'two', 'new sessions see the new configuration');
    isnt($new->{slot}, $old->{slot}, 'in a slot of their own');
    is($old->ask('who')->{name}, 'one', 'an old session goes on under the old one');
    like($t->log, qr/ends role=scribe name=one.*child-gone role=scribe.*begins role=scribe name=two/s, 'exclusive roles follow');
    $old->close;
    $t->until(qr/discarded mark=1/);
    is($new->ask('who')->{name}, 'two', 'the new one goes on');
    $new->close;
    $t->signal('TERM');
    is($t->status, 0, 'it ends well');
};

subtest 'a reload that fails' => sub {
    my $t   = T::Toy->new->start;
    my $old = $t->session;
    for (
        ['no-such-option = 1',        qr/reload-failed level=error why=".*no-such-option/],
        ['host-name = "bad-prepare"', qr/reload-failed level=error why="host-name: bad"\n.*why="host-name: very bad"/],
        ['run-directory = "/var"',    qr/reload-failed level=error why="run-directory cannot change/],
        ['host-name = "bad-child"',   qr/reload-failed level=error why="a new child died.*discarded mark=2\n/s],
      )
    {
        $t->configure($_->[0]);
        $t->signal('HUP');
        ok($t->until($_->[1]), "$_->[0]: is said");
        is($t->session->{name}, 'one', 'the old one stays');
    }
    is($old->ask('who')->{name}, 'one', 'old sessions too');
    $t->configure('host-name = "two"');
    $t->signal('HUP');
    ok($t->until(qr/reloaded/), 'once it is right it is taken');
    unlike($t->log, qr/generation=1 slot=\d+ pid=\d+ (signal|exit=[1-9])/, 'no old child was ended');
};

subtest 'reloads leave no descriptors behind' => sub {
    my $t    = T::Toy->new->start;
    my $open = sub { my @fds = glob '/proc/' . $t->pid . '/fd/*'; return scalar @fds };
    my $had  = $open->();
    for my $n (2 .. 4) {
        $t->signal('HUP');
        $t->until(qr/reloaded generation=$n/);
        $t->until(qr/generation-gone generation=@{[$n - 1]}/);
    }
    is($open->(), $had, 'the master has as many as before');
};

subtest 'generations that drain are counted' => sub {
    my $t = T::Toy->new->start;
    my @old;
    for my $n (2 .. 4) {
        push @old, $t->session;
        $t->signal('HUP');
        $t->until(qr/reloaded generation=$n/);
    }
    $t->signal('HUP');
    ok($t->until(qr/reload-waits/), 'a reload too many waits');
    my %slots = map { $_->{slot} => 1 } @old, $t->session;
    is(scalar keys %slots, 4, 'no slot is shared');
    $old[0]->close;
    ok($t->until(qr/generation-gone generation=1.*reloaded generation=5/s), 'until one is gone');
    is($old[1]->ask('who')->{name}, 'one', 'the others go on');
};

subtest 'stopping' => sub {
    my $t = T::Toy->new->start;
    my $s = $t->session;
    $t->signal('TERM');
    $t->until(qr/stopping how=drain/);
    $t->until(qr/draining slot=$s->{slot}/);
    ok(!$t->knock, 'nobody new is let in');
    is($s->ask('who')->{name}, 'one', 'the session goes on');
    $s->close;
    is($t->status, 0, 'then it ends');

    $t = T::Toy->new->start;
    $s = $t->session;
    $t->signal('TERM');
    $t->until(qr/stopping how=drain/);
    $t->signal('TERM');
    is($t->status, 0, 'asked twice it ends at once');
    like($t->log, qr/child-gone role=worker .*signal=15/, 'by SIGTERM');

    $t = T::Toy->new('drain-timeout = 1')->start;
    $s = $t->session;
    $s->ask('deaf');
    $t->signal('INT');
    is($t->status, 0, 'a child that does not listen');
    like($t->log, qr/pid=$s->{pid} signal=15/, 'is ended after drain-timeout');
};

subtest 'a master that is killed' => sub {
    my $t = T::Toy->new->start;
    my $s = $t->session;
    $t->signal('KILL');
    $t->until(qr/draining slot=$s->{slot}/);
    is($s->ask('who')->{name}, 'one', 'its children finish their sessions');
    $s->close;
    ok($t->until_all_gone, 'and go');
    ok(-e $t->folder . '/run/toy.pid', 'the pid file stays');
    $t->start;
    is($t->session->{name}, 'one', 'and is in nobody\'s way');
};

subtest 'the background' => sub {
    my $t = T::Toy->new->launch('-b');
    is($t->status, 0, 'the caller may go on');
    like($t->log, qr/ready generation=1/, 'once everything serves');
    isnt($t->pid_file, $t->pid, 'by another process');
    is($t->session->{name}, 'one', 'it serves');
    kill TERM => $t->pid_file;
    ok($t->until_all_gone, 'and ends');
    like($t->log, qr/stopped status=0\n\z/, 'well');

    $t = T::Toy->new('host-name = "bad-child"')->launch('-b');
    is($t->status, 1, 'if not, the caller is told');
    like($t->log, qr/^toy: a child died before it was ready$/m, 'why');
};

subtest 'the service manager' => sub {
    my $t = T::Toy->new;
    $t->listen_to_notify;
    $t->start;
    is($t->notified, 'READY=1', 'ready');
    $t->signal('HUP');
    like($t->notified, qr/^RELOADING=1\nMONOTONIC_USEC=\d+$/, 'reloading');
    is($t->notified, 'READY=1', 'ready again');
    $t->signal('TERM');
    is($t->notified, 'STOPPING=1', 'stopping');
    is($t->status, 0, 'stopped');
};

subtest 'privileges' => sub {
    plan skip_all => 'only root has privileges to give up' if $>;
    my $t = T::Toy->new('user = nobody')->start;
    my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
    my %child = $t->proc($t->session->{pid});
    my %master = $t->proc($t->pid);
    is($child{Uid}, join("\t", ($uid) x 4), 'a child is the user');
    is($child{Gid}, join("\t", ($gid) x 4), 'and the group');
    is($child{Groups} =~ s/\s+$//r, $gid, 'and in no other');
    is($child{$_}, '0' x 16, "$_ is empty") for qw(CapInh CapPrm CapEff CapAmb);
    is($child{NoNewPrivs}, 1, 'and can gain none');
    # DAC_READ_SEARCH, KILL, SETGID, SETUID, NET_BIND_SERVICE, NET_RAW, CHOWN
    is($master{CapEff}, '00000000000024e5', 'the master keeps seven') ;
    is($master{CapBnd}, '00000000000024e5', 'and can gain no other');
    is((stat $t->folder . '/state')[4], $uid, 'the state folder is the user\'s');
    is((stat $t->folder . '/run')[4], 0, 'the run folder the master\'s');
    $t->configure('user = nobody', 'host-name = "two"');
    $t->signal('HUP');
    ok($t->until(qr/reloaded/), 'it can still reload');
    $t->signal('TERM');
    is($t->status, 0, 'and end');
    ok(!-e $t->folder . '/run/toy.pid', 'and take its pid file away');
    unlike($t->log, qr/children-are-root/, 'there is nothing to warn of');
};

subtest 'children that stay root' => sub {
    plan skip_all => 'only root has privileges to keep' if $>;
    my $t = T::Toy->new->start;
    $t->signal('TERM');
    is($t->status, 0, 'ended');
    like($t->log, qr/children-are-root/, 'are warned of');
};

done_testing;

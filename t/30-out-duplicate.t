#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# duplicate-memory: the remote server has said 250 and the mail server is gone before it heard. It
# comes again under the same queue id, and hears the remembered reply: one delivery, one d row.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::Csv;
use T::Peer;
use T::Run;

my $dir = stage_dir();
mkdir "$dir/$_" or die $! for qw(spool state);
my %o = (dir => $dir, csv => "$dir/acct.csv");
my $common = <<'CONF';
spool-directory = "@dir@/spool"
state-directory = "@dir@/state"
acct-file "@csv@" {
    records = {d, b, t}
    record-fields d { fields = {type, rcpt, queueId} }
    record-fields b { fields = {type, rcpt, queueId} }
    record-fields t { fields = {type, rcpt, queueId} }
}
CONF
my $accountant = T::Run->start('sallyport-milter', %o, conf => $common);
my $mx = T::Peer->listen(port => port('mx'), name => 'mx');
my $conf = $common . <<'CONF';
workers = 1
relay-listener 127.0.0.1:@port:out@ { }
relay-listener 127.0.0.1:@port:deaf@ { queue-id = {} }
relay-listener 127.0.0.1:@port:lmtp@ { protocol = lmtp }
domain * { smtp-hosts = "[127.0.0.1]:@port:mx@" use-starttls = no connection-idle-timeout = 0 }
CONF
my $out = T::Run->start('sallyport-out', %o, conf => $conf, expect => qr/child-died|not-recalled/);
my $message = "Received: by mta.test id X; now\r\nSubject: once\r\n\r\nHello\r\n..dot\r\n";

sub mta ($id, %o) {
    my $c = T::Peer->connect(port($o{port} // 'out'), name => "mta $id");
    $c->hear(qr/^220 /);
    $c->talk(($o{port} // '') eq 'lmtp' ? 'LHLO mta.test' : 'EHLO mta.test' => qr/XFORWARD/, "XFORWARD IDENT=$id" => qr/^250 /);
    $c->talk("MAIL FROM:<@{[$o{from} // 'a@a.test']}>" => qr/^250 /);
    return $c;
}

# The remote server takes what there is.
sub greet ($recipients) {
    my $s = $mx->accept;
    $s->say('220 mx');
    $s->hear(qr/^EHLO/);
    $s->say('250 mx');
    for my $verb ('MAIL', ('RCPT') x $recipients) {
        $s->hear(qr/^$verb/);
        $s->say('250 2.0.0 Ok');
    }
    return $s;
}

# Delivered, and the answer is not heard.
sub send_unheard ($id, $how, @rcpt) {
    my $c = mta($id);
    $c->say("RCPT TO:<$_>") for @rcpt;
    my $s = greet(scalar @rcpt);
    $c->hear(qr/^250 /) for @rcpt;
    $c->say('DATA');
    $s->hear(qr/^DATA/);
    $s->say('354 go');
    $c->hear(qr/^354 /);
    $c->say("$message.");
    $s->hear_body;
    $how->($c, $s);
    $s->close;
    return;
}

sub hang_up ($c, $s) {
    $c->close;
    $out->log_mark;
    $s->say('250 2.0.0 Taken as 4711');
    $out->log_like(qr/answer-unheard/);
    csv_wait($o{csv}, sub { $_->{type} eq 'd' });
    return;
}

sub send_again ($id, $text, $answer, @rcpt) {
    my $c = mta($id);
    $c->talk("RCPT TO:<$_>" => qr/^250 2\.1\.5 Ok, remembered/) for @rcpt;
    $c->talk('DATA' => qr/^354 /, "$text." => $answer, 'QUIT' => qr/^221 /);
    $c->close;
    return;
}

my $taken = qr/^250 2\.0\.0 Taken as 4711 \[127\.0\.0\.1\]/;
sub rows ($id) { return scalar grep { $_->{type} eq 'd' && $_->{queueId} eq $id } csv_rows($o{csv}) }
sub wait_row ($id) { return csv_wait($o{csv}, sub { $_->{type} eq 'd' && $_->{queueId} eq $id }) }

subtest 'the connection is cut' => sub {
    send_unheard('CUT1', \&hang_up, 'b@b.test');
    wait_row('CUT1');
    send_again('CUT1', $message, $taken, 'b@b.test');
    $out->log_like(qr/sent-before .*recipients=1/);
    send_again('CUT1', $message, $taken, 'b@b.test');
    is(rows('CUT1'), 1, 'one d row');
};

# Taken; then one of our processes is killed, and the mail server is gone before it hears.
sub killed ($role, $id) {
    return sub ($c, $s) {
        $s->say('250 2.0.0 Taken as 4711');
        wait_row($id);
        my ($pid) = reverse $out->log_text =~ /role=$role .*pid=(\d+)/g;
        kill 'KILL', $pid;
        $c->close;
        $out->log_like(qr/child-started role=$role .*slot=0 pid=(?!$pid)/);
    };
}

subtest 'killed right after it spoke' => sub {
    send_unheard('KILL1', killed('worker', 'KILL1'), 'b@b.test', 'c@b.test');
    send_again('KILL1', $message, $taken, 'b@b.test', 'c@b.test');
    is(rows('KILL1'), 2, 'one d row for each');
};

subtest 'the facts process is killed, too' => sub {
    send_unheard('FACTS1', killed('facts', 'FACTS1'), 'b@b.test');
    send_again('FACTS1', $message, $taken, 'b@b.test');
    is(rows('FACTS1'), 1, 'one d row');
};

# One message up to its answer; the connection stays. `s` is the server's side.
sub send_one ($c, @rcpt) {
    $c->say("RCPT TO:<$_>") for @rcpt;
    my $s = greet(scalar @rcpt);
    $c->hear(qr/^250 2\.0\.0 Ok/, 'it goes to the server') for @rcpt;
    $c->say('DATA');
    $s->hear(qr/^DATA/);
    $s->say('354 go');
    $c->hear(qr/^354 /);
    $c->say("$message.");
    $s->hear_body;
    $s->say('250 2.0.0 Taken as 4711');
    $c->hear(qr/^250 2\.0\.0 Taken/);
    return $s->close;
}

# The mail server is gone, and comes again, before the remote server has answered.
sub comes_too_early ($id) {
    my $c = mta($id);
    $c->talk('RCPT TO:<b@b.test>' => qr/^451 4\.4\.2 Sent before/, 'RCPT TO:<b@b.test>' => qr/^451 4\.4\.2 /, 'DATA' => qr/^503 /, 'QUIT' => qr/^221 /);
    return $c->close;
}

sub goes_to_the_server ($id) {
    my $c = mta($id);
    send_one($c, 'b@b.test');
    return $c->close;
}

subtest 'an answer that is awaited: taken' => sub {
    send_unheard('EARLY1', sub ($c, $s) {
        $c->close;
        comes_too_early('EARLY1');
        $out->log_like(qr/still-awaited .*recipients=\d/);
        is(rows('EARLY1'), 0, 'no row yet');
        $s->say('250 2.0.0 Taken as 4711');
        wait_row('EARLY1');
    }, 'b@b.test', 'c@b.test');
    send_again('EARLY1', $message, $taken, 'b@b.test', 'c@b.test');
    is(rows('EARLY1'), 2, 'one d row for each');
};

for (['refused for now', 'EARLY2', '451 4.7.1 Later'], ['refused', 'EARLY3', '550 5.7.1 No'], ['lost', 'EARLY4']) {
    my ($name, $id, $answer) = @$_;
    subtest "an answer that is awaited: $name" => sub {
        send_unheard($id, sub ($c, $s) {
            $c->close;
            comes_too_early($id);
            $answer ? $s->say($answer) : $s->close;
            csv_wait($o{csv}, sub { $_->{type} ne 'd' && $_->{queueId} eq $id });
        }, 'b@b.test');
        goes_to_the_server($id);
        wait_row($id);
        is(rows($id), 1, 'one d row');
    };
}

subtest 'an answer that is awaited: the worker and the facts process are killed' => sub {
    send_unheard('EARLY5', sub ($c, $s) {
        $c->close;
        comes_too_early('EARLY5');
        for my $role (qw(worker facts)) {
            my ($pid) = reverse $out->log_text =~ /role=$role .*pid=(\d+)/g;
            kill 'KILL', $pid;
            $out->log_like(qr/child-started role=$role .*slot=0 pid=(?!$pid)/);
        }
    }, 'b@b.test');
    comes_too_early('EARLY5');
};

subtest 'another message under the same id' => sub {
    send_unheard('OTHER1', \&hang_up, 'b@b.test');
    wait_row('OTHER1');
    send_again('OTHER1', $message =~ s/Hello/Hallo/r, qr/^451 4\.3\.0 /, 'b@b.test');
    $out->log_like(qr/not-sent-before /);
    my $c = mta('OTHER1');
    $c->say('RCPT TO:<b@b.test>');
    greet(1)->close;
    $c->hear(qr/^250 2\.0\.0 Ok/, 'it is forgotten, and goes to the server');
    $c->close;
};

subtest 'who is not remembered goes his way, in a transaction of his own' => sub {
    send_unheard('MIX1', \&hang_up, 'b@b.test');
    wait_row('MIX1');
    my $c = mta('MIX1');
    $c->talk('RCPT TO:<b@b.test>' => qr/remembered/, 'RCPT TO:<c@b.test>' => qr/^452 4\.5\.3 /);
    $c->talk('DATA' => qr/^354 /, "$message." => $taken, 'MAIL FROM:<a@a.test>' => qr/^250 /);
    $c->say('RCPT TO:<c@b.test>');
    my $s = greet(1);
    $c->hear(qr/^250 2\.0\.0 Ok/);
    $c->close;
    $s->close;
};

subtest 'over LMTP each has his own answer' => sub {
    my $c = mta('MIX1', port => 'lmtp');
    $c->talk('XFORWARD IDENT=MIX1' => qr/^503/, 'RCPT TO:<b@b.test>' => qr/remembered/);
    $c->say('RCPT TO:<c@b.test>');
    my $s = greet(1);
    $c->hear(qr/^250 2\.0\.0 Ok/);
    $c->say('DATA');
    $s->hear(qr/^DATA/);
    $s->say('354 go');
    $c->hear(qr/^354 /);
    $c->say("$message.");
    $s->hear_body;
    $s->say('550 5.7.1 No');
    $c->hear($taken, 'the one that was delivered');
    $c->hear(qr/^550 5\.7\.1 No/, 'and the other');
    $c->close;
    $s->close;
};

subtest 'what has no id is not remembered' => sub {
    for (1 .. 2) {
        my $c = mta('DEAF1', port => 'deaf');
        send_one($c, 'b@b.test');
        $c->close;
    }
};

# What is said with the dot, or ahead (RFC 2920), may be said by who never hears the answer.
subtest 'who goes on to the next message has heard, and nobody else' => sub {
    my %goes = (
        QUIT1 => ['QUIT'],
        RSET1 => ['RSET', 'XFORWARD IDENT=RSET2', 'MAIL FROM:<a@a.test>'],
        SHUT1 => [],
        NEXT1 => 'next',
    );
    for my $id (sort keys %goes) {
        my $c = mta($id);
        $out->log_mark;
        send_one($c, 'b@b.test');
        if (ref $goes{$id}) { $c->talk($_ => qr/^2/) for @{$goes{$id}} }
        else {
            $c->talk('XFORWARD IDENT=NEXT2' => qr/^250/, 'MAIL FROM:<a@a.test>' => qr/^250/);
            send_one($c, 'c@b.test');
        }
        $c->close;
        like($out->log_like(qr/closed|answer-unheard/), qr/closed/, "$id: it has most likely heard");
    }
    my $c;
    T::Stage::wait_for(sub { # what is taken back is told a moment later
        $c->close if $c;
        $c = mta('NEXT1');
        $c->say('RCPT TO:<b@b.test>');
        IO::Select->new($mx->{socket}, $c->{socket})->can_read($T::Stage::PATIENCE);
        my $s = $mx->accept(maybe => 1, seconds => 0) or return $c->hear(qr/remembered/) && 0;
        $s->close;
        return 1;
    }) or fail('it is forgotten');
    $c->close;
    send_again($_, $message, $taken, 'b@b.test') for grep { ref $goes{$_} } sort keys %goes;
    for my $id (sort keys %goes) {
        wait_row($id);
        is(rows($id), 1, "$id: one d row");
    }
};

subtest 'nobody says what was sent: the mail server is to come again, and not to be doubled' => sub {
    my ($facts) = reverse $out->log_text =~ /role=facts .*pid=(\d+)/g;
    send_unheard('WAIT1', \&hang_up, 'b@b.test');
    wait_row('WAIT1');
    kill 'STOP', $facts;
    my $c = T::Peer->connect(port('out'), name => 'mta WAIT1');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/XFORWARD/, 'XFORWARD IDENT=WAIT1' => qr/^250 /);
    my $since = time;
    $c->say('MAIL FROM:<a@a.test>');
    mta('DEAF2', port => 'deaf')->close; # who has no sure id does not ask
    mta('WAIT2')->close; # nor does one under whose id nothing was told
    $c->hear(qr/^451 4\.3\.2 /, 'deferred');
    my $took = time - $since;
    ok($took >= 9 && $took <= 20, 'after 10 seconds') or diag $took;
    $out->log_like(qr/not-recalled .*queue-id=WAIT1/);
    kill 'CONT', $facts;
    $c->talk('MAIL FROM:<a@a.test>' => qr/^250 /, 'QUIT' => qr/^221 /);
    $c->close;
};

# All that a client of the mail server could vary.
subtest 'a hit wants the same id, sender, recipient and message' => sub {
    send_unheard('HIT1', \&hang_up, 'b@b.test');
    wait_row('HIT1');
    for (['HIT', {}, 'b@b.test'], ['HIT11', {}, 'b@b.test'], ['hit1', {}, 'b@b.test'], ['HIT1', {from => 'x@a.test'}, 'b@b.test'],
        ['HIT1', {}, 'bb@b.test'], ['HIT1', {}, 'b@c.test'], ['A' x 63, {}, 'b@b.test']) {
        my ($id, $with, $rcpt) = @$_;
        my $c = mta($id, %$with);
        $c->say("RCPT TO:<$rcpt>");
        greet(1)->close;
        $c->hear(qr/^250 2\.0\.0 Ok/, "goes to the server: $id @{[%$with]} $rcpt");
        $c->close;
    }
    send_again('HIT1', $message, $taken, 'b@b.test');
    is(rows('HIT1'), 1, 'one d row');
};

subtest 'over a restart' => sub {
    send_unheard('BOOT1', \&hang_up, 'b@b.test');
    wait_row('BOOT1');
    $out->stop;
    my $next = T::Run->start('sallyport-out', %o, name => 'next', conf => $conf);
    send_again('BOOT1', $message, $taken, 'b@b.test');
    is(rows('BOOT1'), 1, 'one d row');
};
all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Limits that hold over all workers: sessions of a client, of a listener, of all; failed logins. What
# a killed worker held comes back, and a reload forgets nothing.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Peer;
use T::Run;
use T::Sink;
use Time::HiRes qw(time);

my $ca = T::CA->new;
my $good = 'AGFsaWNlAHNlY3JldA==';
my $lost = 'AGFsaWNlAGxvc3Q=';
my $sink = T::Sink->start(port => port('mta'), head => 1, keywords => ['PIPELINING', 'AUTH PLAIN'],
    replies => [qr/^AUTH PLAIN \Q$good\E/ => '235 2.7.0 welcome', qr/^AUTH PLAIN \Q$lost\E/ => 'close', qr/^AUTH/ => '535 5.7.8 no']);
my $conf = <<'CONF';
smtp-listener 127.0.0.1:@port:in@ { }
smtp-listener 127.0.0.1:@port:smtps@ { tls = yes }
smtp-listener 127.0.0.1:@port:small@ { max-smtp-in = 4 }
smtp-listener 127.0.0.1:@port:patient@ { max-smtp-in = 2 await-slot = yes }
smtp-listener 127.0.0.1:@port:balanced@ { proxy-protocol-from = {127.0.0.1} }
smtp-server-tls-certificate = {"@cert@", ""}
backend mta { server = "127.0.0.1:@port:mta@" identity = proxy-v2 }
workers = 2
total-max-smtp-in = 40
drain-timeout = 1h
source 0/0 { allow-unencrypted-plain-auth = yes }
source 127.0.0.5 { max-connections-per-client = 3 }
source 127.0.0.6 { smtp-max-auth-failure-rate = 3/h }
source 127.0.0.7 { smtp-max-auth-failure-rate = 2/8s }
source 127.0.0.8 { smtp-max-auth-failure-rate = 1/h }
source 2001:db8::/32 { max-connections-per-client = 2 }
CONF
my $in = T::Run->start('sallyport-in', conf => $conf, cert => $ca->cert('mx.test')->{pem}, expect => qr/child-died/);

sub call { return T::Peer->connect(port(shift), @_) }

# So many calls, and which of them were let in.
sub crowd {
    my ($count, $port, @how) = @_;
    my @all = map { call($port, name => "c$_", @how) } 1 .. $count;
    my (@let_in, @said);
    for my $c (@all) {
        my $said = $c->read_reply // '';
        push @said, $said;
        if ($said =~ /^220 /) { push @let_in, $c } else { $c->close }
    }
    return (\@let_in, \@said);
}

sub leave {
    my @all = @_;
    $_->say('QUIT') for @all;
    $_->hear(qr/^221 /) for @all;
    $_->hear_close for @all;
    return;
}

subtest 'sessions of one client' => sub {
    my ($let_in, $said) = crowd(12, 'in', from => '127.0.0.5');
    is(scalar @$let_in, 3, 'three of twelve, over both workers');
    is(scalar(grep { /^421 4\.7\.0 proxy\.test Too many connections from your address/ } @$said), 9, 'the others are told why');
    $in->log_like(qr/closed why=client-crowded .*client=127\.0\.0\.5:\d+ .*rule=127\.0\.0\.5/);
    my $tls = call('smtps', from => '127.0.0.5');
    $tls->hear_close;
    my $other = call('in', from => '127.0.0.4');
    $other->hear(qr/^220 /, 'another client is let in');
    leave($other);
    leave(shift @$let_in);
    my $again = call('in', from => '127.0.0.5');
    $again->hear(qr/^220 /, 'who leaves makes room');
    leave(@$let_in, $again);
};

subtest 'an IPv6 client is its /64' => sub {
    my $v6 = sub ($address) { return (head => {version => 1, src => $address, dst => '2001:db8::25', sport => 99, dport => 25}) };
    my @two = map { call('balanced', $v6->("2001:db8:0:1::$_")) } 1, 2;
    $_->hear(qr/^220 /) for @two;
    my $third = call('balanced', $v6->('2001:db8:0:1:ffff::3'));
    $third->hear(qr/^421 4\.7\.0 /, 'a third address of the same /64');
    my $else = call('balanced', $v6->('2001:db8:0:2::1'));
    $else->hear(qr/^220 /, 'the next /64');
    leave(@two, $else);
};

subtest 'who awaits a slot' => sub {
    my @two = map { call('patient', name => "p$_") } 1, 2;
    $_->hear(qr/^220 /) for @two;
    my @waiting = map { call('patient', name => "w$_") } 1 .. 3;
    $_->hear_nothing(0.3) for $waiting[0];
    for my $c (@waiting) {
        leave(shift @two);
        my ($lucky) = grep { ($_->read_line // '') =~ /^220 / } $c;
        ok($lucky, 'one leaves, the next comes in');
        push @two, $c;
    }
    leave(@two);
};

subtest 'of a listener, and of all' => sub {
    my ($let_in, $said) = crowd(9, 'small');
    is(scalar @$let_in, 4, 'max-smtp-in');
    is(scalar(grep { /^421 4\.3\.2 proxy\.test Too many sessions/ } @$said), 5, 'the others are told so');
    $in->log_like(qr/closed why=crowded client=127\.0\.0\.1/);
    my ($rest) = crowd(50, 'in');
    is(scalar @$rest, 36, 'total-max-smtp-in counts all listeners, and nobody who only waited');
    leave(@$let_in, @$rest);
};

subtest 'all await a slot: of the total, and of a worker' => sub {
    for my $limit ('total-max-smtp-in = 1', 'max-sessions = 1') {
        my $one = T::Run->start('sallyport-in', conf => <<"CONF");
smtp-listener 127.0.0.1:\@port:one\@ { }
smtp-listener 127.0.0.1:\@port:never\@ { await-slot = no }
backend mta { server = "127.0.0.1:\@port:mta\@" identity = proxy-v2 }
workers = 1
$limit
smtp-await-slot = yes
CONF
        my ($first, $second) = map { call('one', name => "one$_") } 1, 2;
        $first->hear(qr/^220 /);
        $second->hear_nothing(0.2);
        call('never')->hear(qr/^421 4\.3\.2 /, 'a listener that says no is told at once');
        leave($first);
        $second->hear(qr/^220 /, "$limit: the second has waited for it");
        leave($second);
        $one->stop;
    }
};

subtest 'what a killed worker held comes back' => sub {
    my ($let_in) = crowd(3, 'in', from => '127.0.0.5');
    is(scalar @$let_in, 3, 'all places are taken');
    my @workers = $in->children_of('worker');
    kill 'KILL', @workers;
    $in->log_like(qr/child-started role=worker/) for @workers;
    T::Stage::wait_for(sub { $in->children_of('worker') == 2 });
    my ($again, $said);
    T::Stage::wait_for(sub {
        ($again, $said) = crowd(5, 'in', from => '127.0.0.5');
        return 1 if @$again == 3;
        $_->close for @$again;
        return;
    });
    is(scalar @$again, 3, 'as many as ever are let in');
    leave(@$again);
};

# A failed login, on a connection of its own.
sub mistyped {
    my ($from) = @_;
    my $c = call('in', from => $from);
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/^250/);
    $c->talk('AUTH PLAIN AGFsaWNlAGJhZA==' => qr/^535 /);
    return $c;
}

subtest 'failed logins' => sub {
    my $fine = mistyped('127.0.0.6');
    $fine->talk("AUTH PLAIN $good" => qr/^235 /);
    my @bad = map { mistyped('127.0.0.6') } 1, 2;
    $bad[0]->talk("AUTH PLAIN $good" => qr/^421 4\.7\.0 proxy\.test Too many failed logins/);
    $bad[0]->hear_close;
    $in->log_like(qr/closed why=failed-logins/);
    call('in', from => '127.0.0.6')->hear(qr/^421 4\.7\.0 proxy\.test Too many failed logins/);
    call('smtps', from => '127.0.0.6')->hear_close;
    $fine->say('NOOP');
    $fine->hear(qr/^250 /, 'who is in already stays');
    my $other = mistyped('127.0.0.9');
    leave($other, $fine, $bad[1]);
    is(scalar(() = $sink->log_text =~ /C: AUTH PLAIN AGFsaWNlAGJhZA==/g), 4, 'the mail server heard no more than these');
};

subtest 'a mail server that hangs up has refused nobody' => sub {
    for my $time (1, 2) {
        my $c = call('in', from => '127.0.0.8');
        $c->hear(qr/^220 /);
        $c->talk('EHLO c.test' => qr/^250/);
        $c->say("AUTH PLAIN $lost");
        $c->hear(qr/^421 4\.3\.2 /, "it is asked, time $time");
        $c->hear_close;
        $c->close;
        $in->log_like(qr/closed why=backend-left .*client=127\.0\.0\.8:/);
    }
    my $bad = mistyped('127.0.0.8');
    call('in', from => '127.0.0.8')->hear(qr/^421 4\.7\.0 /, 'a failure counts');
    leave($bad);
};

subtest 'the time is over' => sub {
    my $began = time;
    leave(mistyped('127.0.0.7'), mistyped('127.0.0.7'));
    call('in', from => '127.0.0.7')->hear(qr/^421 4\.7\.0 /);
    my $c;
    T::Stage::wait_for(sub {
        $c = call('in', from => '127.0.0.7');
        return ($c->read_reply // '') =~ /^220 /;
    });
    cmp_ok(time - $began, '>', 6.9, 'not before its time');
    leave($c);
};

subtest 'a reload forgets nothing' => sub {
    my ($old) = crowd(2, 'in', from => '127.0.0.5');
    my ($before) = crowd(2, 'patient');
    $in->signal('HUP');
    $in->log_like(qr/ reloaded /);
    my $patient = call('patient');
    $patient->hear_nothing(0.3);
    leave(shift @$before);
    $patient->hear(qr/^220 /, 'a slot of the generation before is one, too');
    leave(@$before, $patient);
    my ($new) = crowd(5, 'in', from => '127.0.0.5');
    is(scalar @$new, 1, 'sessions of both generations count together');
    call('in', from => '127.0.0.6')->hear(qr/^421 4\.7\.0 /, 'and so do failed logins');
    leave(@$old, @$new);
};
all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Processes are killed in the middle of traffic: nothing is lost, and the accounts are complete.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::Csv;
use T::Postfix;
use T::Traffic;
use T::Trio;

T::Postfix->or_skip_all;
my $trio = T::Trio->start(expect => qr/ child-died | child-again /);
my $traffic = T::Traffic->start($trio, senders => 4, messages => 50, pause => 0.02);

sub kill_children {
    my ($program, $role, $at) = @_;
    ok($traffic->wait_accepted($at), "$at messages are accepted");
    my @pids = $trio->{$program}->children_of($role);
    ok(kill('KILL', $pids[0]), "a $role of sallyport-$program is killed");
    $trio->{$program}->log_like(qr/ child-started role=$role /, "and another takes its place");
}

$trio->{$_}->log_mark for qw(in out milter);
kill_children('out', 'worker', 10);
kill_children('in', 'worker', 30);
kill_children('milter', 'milter', 50);
kill_children('milter', 'accountant', 70);
kill_children('out', 'facts', 90);
ok($traffic->wait_accepted(120), '120 messages are accepted');
$trio->{milter}->kill_hard;
pass('all of sallyport-milter is killed');
$trio->{milter}->restart;
$traffic->finish;
my @accepted = $traffic->accepted;
is(@accepted, 200, 'all senders got their messages accepted');

# What the kills left deferred goes out now.
ok(T::Stage::wait_for(sub { $trio->{mta}->flush; !$trio->{mta}->queue }, 60), 'the queue is empty');
my ($log, %sent) = $trio->{mta}->log_text;
$sent{$1}++ while $log =~ /to=<([^>]+\@friend\.test)>.*status=sent/g;
is_deeply([grep { !$sent{$_} } @accepted], [], 'each accepted message was delivered');

# Every 250 that Postfix heard from us is exactly one d row.
my @rows;
T::Stage::wait_for(sub { @rows = grep { $_->{type} eq 'd' } csv_rows($trio->{csv}); @rows >= keys %sent });
my %rows;
$rows{$_->{rcpt}}++ for @rows;
is_deeply(\%rows, \%sent, 'one d row for each delivery that Postfix knows of');
my %received;
$received{$_->{rcpt}}++ for grep { $_->{type} eq 'r' } csv_rows($trio->{csv});
is_deeply([grep { !$received{$_} } @accepted], [], 'an r row for each accepted message');
all_done();

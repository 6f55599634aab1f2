#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A worker that is slow to take its answers gets them all, once: many questions whose answers are
# large and known at once end neither its line nor anyone's mail.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::DNS;
use T::Https;
use T::Peer;
use T::Run;
use T::Sink;

my $ca = T::CA->new;
my $dns = T::DNS->start(<<'Z');
big.test. MX 10 mx.big.test.
mx.big.test. A 127.0.0.31
mta-sts.big.test. A 127.0.0.1
_mta-sts.big.test. TXT "v=STSv1; id=7;"
Z
my $https = T::Https->start(port => port('https'), ca => $ca);
$https->serve('big.test', body => "version: STSv1\nmode: testing\nmax_age: 86400\n" . join '', map { "mx: mx$_.big.test\n" } 1 .. 64);
T::Sink->start(port => port('mx'), addr => '127.0.0.31');
my $out = T::Run->start('sallyport-out', dns => $dns->address, ca => $ca->file, expect => qr/role=facts/, conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
mta-sts-port = @port:https@
mta-sts-ca-file = "@ca@"
mta-sts-allow-private = yes
workers = 1
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    use-dane = off
    max-smtp-out = 100
    route-deadline = 60s
}
CONF
my ($facts) = $out->children_of('facts');
my ($worker) = $out->children_of('worker');

sub ask {
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 /);
    $c->say('RCPT TO:<b@big.test>');
    return $c;
}

# The kernel's state of a process: S sleeps, T is stopped.
sub state_of {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/stat" or die "stat: $!";
    return (split ' ', <$in> =~ s/^.*\) //r)[0];
}

# How often it has gone to sleep.
sub sleeps {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/status" or die "status: $!";
    return map { /^voluntary_ctxt_switches:\s+(\d+)/ ? $1 : () } <$in>;
}

# Bytes that the worker has not read yet from those who hand over.
sub unread {
    open my $in, '<', "/proc/$worker/net/tcp" or die "tcp: $!";
    my $port = sprintf ':%04X', port('out');
    return grep { my @f = split; ($f[1] // '') =~ /$port$/ && $f[3] eq '01' && $f[4] !~ /:0+$/ } <$in>;
}

# The inode of its line to the facts process.
sub line {
    my %is = map { /\[(\d+)\]/ ? ($1 => 1) : () } map { readlink // '' } glob "/proc/$worker/fd/*";
    open my $in, '<', "/proc/$worker/net/unix" or die "unix: $!";
    return join ' ', map { my @f = split; $f[4] eq '0005' && $f[5] eq '03' && $is{$f[6]} ? $f[6] : () } grep { /^\w+:/ } <$in>;
}

sub stopped {
    my ($pid) = @_;
    kill 'STOP', $pid;
    T::Stage::wait_for(sub { state_of($pid) eq 'T' });
    return;
}

my $first = ask();
$first->hear(qr/^250 /);
$first->close;
$out->log_like(qr/sts-policy domain=big\.test result=fetched/, 'its policy is known');
my $line = line();
like($line, qr/^\d+$/, 'the worker has a line to who knows');
stopped($facts);
my @all = map { ask() } 1 .. 60;
stopped($worker);
my ($before) = sleeps($facts);
kill 'CONT', $facts;
T::Stage::wait_for(sub { (sleeps($facts))[0] > $before && state_of($facts) eq 'S' });
kill 'CONT', $worker;
my $well = 0;
for my $c (@all) {
    my $said = $c->read_reply // 'nothing';
    $well += $said =~ /^250 /;
    $c->close;
}
is($well, 60, 'all go');
is(line(), $line, 'and the line is the same');
all_done();

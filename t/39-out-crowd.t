#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out: more mail servers' connections than there may be, or than there are descriptors
# for, wait for their turn; and what an idle one weighs.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use IO::Select;
use IO::Socket::INET;
use T::Peer;
use T::Run;

sub out {
    my ($port, $more, @under) = @_;
    return T::Run->start('sallyport-out', under => \@under, expect => qr{accepting-pauses}, conf => <<"CONF");
relay-listener 127.0.0.1:\@port:$port\@ { }
workers = 1
$more
CONF
}

sub call {
    my ($port, $count) = @_;
    return map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => port($port)) // die "call: $@" } 1 .. $count;
}

# Which of them have been greeted, once so many are or nothing more comes.
sub greeted {
    my ($count, @all) = @_;
    my $select = IO::Select->new(@all);
    my @ready;
    T::Stage::wait_for(sub { @ready = $select->can_read(0.05); @ready >= $count });
    return @ready;
}

for (['max-sessions is reached', 'sessions', 'max-sessions = 20', 20],
    ['fewer descriptors than max-sessions', 'files', '', undef, 'prlimit', '--nofile=96:96']) {
    my ($name, $port, $more, $most, @under) = @$_;
    subtest $name => sub {
        my $out = out($port, $more, @under);
        my @all = call($port, 100);
        $out->log_like(qr/ accepting-pauses .*why=/);
        my @first = greeted($most // 1, @all);
        select undef, undef, undef, 0.3;
        @first = greeted($most // 1, @all);
        is(scalar @first, $most, 'so many are served') if $most;
        cmp_ok(scalar @first, '<', 50, 'the others wait');
        my $served = 0;
        while (@all and my @now = greeted(1, @all)) {
            my %now = map { fileno $_ => 1 } @now;
            @all = grep { !$now{fileno $_} } @all;
            $served += @now;
            $_->close for @now;
        }
        is($served, 100, 'and all are served, as others go');
        $out->stop;
    };
}

subtest 'thousands idle' => sub {
    my $out = out('idle', 'max-sessions = 3000', 'prlimit', '--nofile=8192:8192');
    my @all = call('idle', 500);
    is(scalar(greeted(500, @all)), 500, 'all are greeted');
    my $before = $out->memory;
    push @all, call('idle', 500);
    is(scalar(greeted(1000, @all)), 1000, 'and as many more');
    my $each = ($out->memory - $before) / 500;
    note sprintf '%.1f KB each', $each / 1024;
    cmp_ok($each, '<', 24576, 'an idle one is small, even with a sanitizer');
    $_->close for @all;
};

all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# bench/run gets to its end, with every figure: a little of the work, no judgement of speed.
use v5.36;
use Test::More;

my %figures = (
    in => {
        map({ ("in.$_" => [qw(bare_per_s per_s ratio)]) } qw(handshake message-4k megabyte)),
        'in.idle' => [qw(bare_bytes_per_session bytes_per_session sessions)],
        map({ ("in.latency-$_" => [qw(p50_ms p99_ms max_ms bare_p99_ms stall)]) } qw(starttls implicit)),
    },
    out => {map { ("out.message-$_" => [qw(us_per_message facts_us_per_message ratio per_s p99_ms)]) }
        qw(4k 4k-lmtp 4k-clear 10m 10m-clear)},
);

for my $which (sort keys %figures) {
    my $text = qx("$ENV{T_SOURCE}/bench/run" "$ENV{T_BUILD}" 0.1 $which 2>&1);
    is($?, 0, "$which: it ends well") or diag($text);
    for my $line (sort keys %{$figures{$which}}) {
        my ($got) = $text =~ /^\Q$line\E +(.*)$/m;
        ok($got, $line) or next;
        like($got, qr/(?:^| )$_=\S+/, "$line: $_") for @{$figures{$which}{$line}};
    }
}
done_testing;

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
    out => {'out.message-4k' => [qw(us_per_message bare_us_per_message per_s p99_ms)]},
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

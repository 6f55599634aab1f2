#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Load and sink understand each other, so that bench/run measures what it says.
use v5.36;
use File::Temp;
use IO::Socket::INET;
use IPC::Open2;
use Test::More;

my $dir = File::Temp->newdir;
is(system(qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj
      /CN=load.test -keyout), "$dir/key", '-out', "$dir/cert"), 0, 'a certificate');
umask 0077;
open my $both, '>', "$dir/both.pem" or die $!;
print $both do { local (@ARGV, $/) = "$dir/cert"; <> }, do { local (@ARGV, $/) = "$dir/key"; <> };
close $both;

sub numbers { return map { /^(\w+)=(\S+)$/ ? ($1, $2) : () } @_ }

for my $mode (qw(plain starttls implicit)) {
    my @secure = $mode eq 'plain' ? () : ('-t', $mode);
    my $port = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport;
    my $sink = open2(my $from, my $to, "$ENV{T_BUILD}/bench/sink", '-a', "127.0.0.1:$port", @secure,
        '-c', "$dir/both.pem");
    is(<$from>, "ready\n", "$mode: the sink listens");

    # Lengths around what one read brings, so that ends of messages fall on its edges.
    my ($messages, $bytes) = (0, 0);
    for my $size (0, 1000, 65536 .. 65545, 3_000_000) {
        my %got = numbers(qx($ENV{T_BUILD}/bench/load -a 127.0.0.1:$port @secure -s 4 -n 2 -m 3 -k $size));
        is($?, 0, "$mode: messages of $size bytes");
        is($got{messages}, 12, "$mode: all were taken");
        ok($got{session_p50_ms} > 0 && $got{session_p99_ms} <= $got{session_max_ms}, "$mode: times");
        $messages += 12;
        $bytes += 12 * $size;
    }
    my $socket = IO::Socket::INET->new("127.0.0.1:$port");
    if ($mode eq 'plain') {
        print $socket "PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\nNOOP\r\nQUIT\r\n";
        is(join('', <$socket>), "220 sink.test ESMTP\r\n250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n",
            'a PROXY header is passed over');
    }
    close $to;
    my %sum = numbers(<$from>);
    waitpid $sink, 0;
    is($?, 0, "$mode: the sink ends");
    is($sum{messages}, $messages, "$mode: and counted as many");
    cmp_ok($sum{bytes}, '>', $bytes, "$mode: and all their bytes");
}
done_testing;

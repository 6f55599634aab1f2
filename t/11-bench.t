#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Load and sink understand each other, so that bench/run measures what it says.
use v5.36;
use lib 't/lib';
use File::Temp;
use IO::Socket::INET;
use IPC::Open2;
use Test::More;
use T::Stage;

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
    for my $how (qw(-p -l), '-w 2 -f 4', '-e 1000', '-d', $mode eq 'plain' ? () : '-R') {
        my %got = numbers(qx($ENV{T_BUILD}/bench/load -a 127.0.0.1:$port @secure -s 4 -n 2 -m 3 $how));
        is($?, 0, "$mode: $how");
        is($got{messages}, 12, "$mode: $how: what counts is counted");
        is($got{resumed}, $how eq '-R' ? 4 : 0, "$mode: $how: resumed");
        $messages += $how =~ /w 2/ ? 20 : 12;
    }
    my $pid = open2(my $said, my $gate, "$ENV{T_BUILD}/bench/load", '-a', "127.0.0.1:$port", @secure,
        qw(-s 6 -n 2 -m 2 -w 1 -g));
    for my $word (qw(begin end)) {
        is(<$said>, "$word\n", "$mode: load says $word, and waits");
        print $gate "\n";
        $gate->flush;
    }
    is({numbers(<$said>)}->{messages}, 12, "$mode: what only warmed up does not count");
    waitpid $pid, 0;
    $messages += 18;
    for my $where (qw(ehlo message)) {
        my $holder = open2(my $word, my $end, "$ENV{T_BUILD}/bench/load", '-a', "127.0.0.1:$port", @secure,
            qw(-s 7 -n 2 -m 1 -i), $where);
        is(<$word>, "held=7\n", "$mode: sessions are held after $where");
        close $end;
        waitpid $holder, 0;
        is($?, 0, "$mode: until stdin ends");
        $messages += 7 if $where eq 'message';
    }
    my $socket = IO::Socket::INET->new("127.0.0.1:$port");
    if ($mode eq 'plain') {
        print $socket "PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\nNOOP\r\nQUIT\r\n";
        is(join('', <$socket>), "220 sink.test ESMTP\r\n250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n",
            'a PROXY header is passed over');
        is(system("$ENV{T_BUILD}/bench/load -a 127.0.0.1:$port -s 2 -R 2>/dev/null") >> 8, 1,
            'no session that could be resumed is a fault');
        is(system("$ENV{T_BUILD}/bench/load -a 127.0.0.1:$port -s 2 -t starttls 2>/dev/null") >> 8, 1,
            'so is another answer than the right one');
    }
    close $to;
    my %sum = numbers(<$from>);
    waitpid $sink, 0;
    is($?, 0, "$mode: the sink ends");
    is($sum{messages}, $messages, "$mode: and counted as many");
    cmp_ok($sum{bytes}, '>', $bytes, "$mode: and all their bytes");
}

# All play the same handshake: TLS 1.2 resumes at half the price, and nobody would see why.
{
    my $port = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport;
    my $server = open2(my $from, my $to, qw(openssl s_server -tls1_2 -accept), "127.0.0.1:$port",
        '-cert', "$dir/cert", '-key', "$dir/key");
    while (($_ = <$from>) !~ /^ACCEPT/) { }
    my $said = qx($ENV{T_BUILD}/bench/load -a 127.0.0.1:$port -t implicit -s 1 2>&1);
    is($? >> 8, 1, 'a server without TLS 1.3 is a fault');
    like($said, qr/^load: handshake: /m, 'which is said') or diag($said);
    kill TERM => $server;
    waitpid $server, 0;
}

# The floor in front of a sink, as a client sees it, and when messages do not fit into a socket.
{
    my ($at, $behind) = map { IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport } 1, 2;
    my $sink = open2(my $from, my $to, "$ENV{T_BUILD}/bench/sink", '-a', "127.0.0.1:$behind");
    is(<$from>, "ready\n", 'the sink listens');
    my $messages = 0;
    for my $mode (qw(implicit starttls)) {
        my $floor = open2(my $out, my $in, "$ENV{T_BUILD}/bench/floor", '-a', "127.0.0.1:$at", '-b',
            "127.0.0.1:$behind", '-c', "$dir/both.pem", $mode eq 'starttls' ? '-s' : ());
        is(<$out>, "ready\n", "floor, $mode: listens");
        for my $how ('-n 20 -s 100 -m 2', '-R -s 20', '-p -k 3000000 -n 4 -s 8', '-w 2 -s 5 -n 5 -m 5') {
            my %got = numbers(qx($ENV{T_BUILD}/bench/load -a 127.0.0.1:$at -t $mode $how));
            is($?, 0, "floor, $mode: $how");
            $messages += $got{messages} + ($how =~ /w 2/ ? 10 : 0);
        }
        close $in;
        waitpid $floor, 0;
        is($?, 0, "floor, $mode: ends");
    }
    close $to;
    is({numbers(<$from>)}->{messages}, $messages, 'floor: all of them came to the sink');
    waitpid $sink, 0;
}
done_testing;

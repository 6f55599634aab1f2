#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The facts process without descriptors: who calls waits, and it does not spin meanwhile.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use Socket;
use T::Run;

my $out = T::Run->start('sallyport-out', conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
name-server = "127.0.0.1@9"
workers = 1
domain * { use-dane = off }
CONF
my ($facts) = $out->children_of('facts');

# Its socket has no path, only a name that the kernel chose.
sub name_of {
    my ($pid) = @_;
    my %is = map { /\[(\d+)\]/ ? ($1 => 1) : () } map { readlink // '' } glob "/proc/$pid/fd/*";
    open my $in, '<', "/proc/$pid/net/unix" or die "unix: $!";
    my ($name) = map { my @f = split; $f[4] eq '0005' && $f[5] eq '01' && $is{$f[6]} && $f[7] ? $f[7] : () } grep { /^\w+:/ } <$in>;
    return "\0" . substr $name, 1;
}

# Ticks of the clock that it has worked.
sub worked {
    open my $in, '<', "/proc/$facts/stat" or die "stat: $!";
    my @f = split ' ', <$in> =~ s/^.*\) //r;
    return $f[11] + $f[12];
}

sub limit { return system 'prlimit', '--pid', $facts, "--nofile=$_[0]:" }

is(limit(3), 0, 'no descriptors for it');
socket my $s, AF_UNIX, SOCK_SEQPACKET, 0 or die "socket: $!";
ok(connect($s, pack_sockaddr_un(name_of($facts))), 'the call waits in the queue');
my $before = worked();
vec(my $in = '', fileno $s, 1) = 1;
is(select(my $ready = $in, undef, undef, 1), 0, 'nobody answers');
cmp_ok(worked() - $before, '<', 20, 'nor works in vain');
is(limit(1024), 0, 'descriptors again');
send $s, 'nonsense', 0;
is(select($ready = $in, undef, undef, 10), 1, 'it is heard');
is(sysread($s, my $said, 10), 0, 'and, as nonsense, hung up on');
all_done();

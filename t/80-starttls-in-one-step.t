#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A client's EHLO comes in one segment with the last of its handshake, and all of STARTTLS
# happens in one step of the session: nothing may wait for a socket that stays silent.
#
# The client and the sink share a processor with a worker of the least priority: whatever it
# writes is answered before it goes on, so that each of its reads finds something.
use v5.36;
use lib 't/lib';
use IPC::Open2;
use Test::More;
use T::CA;
use T::Run;
use T::Stage;

my ($cpu) = qx(taskset -cp $$) =~ /: (\d+)/ or die 'no processor is ours';
my @pinned = ('taskset', '-c', $cpu);
my $sink = open2(my $from, my $to, @pinned, "$ENV{T_BUILD}/bench/sink", '-a', '127.0.0.1:' . port('mta'));
is(<$from>, "ready\n", 'the sink listens');
my $in = T::Run->start('sallyport-in', mx => T::CA->new->cert('mx.test')->{pem}, conf => <<'CONF');
smtp-listener 127.0.0.1:@port:in@ { }
smtp-server-tls-certificate = {"@mx@", ""}
backend mta { server = "127.0.0.1:@port:mta@" identity = proxy-v2 }
workers = 1
source 0/0 { allow-starttls = yes }
CONF
my ($worker) = $in->children_of('worker');
is(system("taskset -cp $cpu $worker >/dev/null && renice -n 19 -p $worker >/dev/null"), 0,
    'the worker gives way');
my $load = "@pinned $ENV{T_BUILD}/bench/load -t starttls -s 300 -a 127.0.0.1:" . port('in');
like(qx($load), qr/^sessions=300\nfailed=0\n/, 'no session stands still');
close $to;
waitpid $sink, 0;
$in->stop;
done_testing;

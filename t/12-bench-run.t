#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# bench/run gets to its end with a figure of everybody who is here, and says who is not and who failed:
# a little of the work, no judgement of speed.
use v5.36;
use File::Temp;
use JSON::PP;
use Test::More;

my $dir = File::Temp->newdir;
my $json = "$dir/rows.jsonl";

sub run {
    my $said = qx("$ENV{T_SOURCE}/bench/run" --build "$ENV{T_BUILD}" --json "$json" --rounds 1 @_ 2>&1);
    return ($? >> 8, $said);
}

sub rows {
    open my $in, '<', $json or die $!;
    my @rows = map { decode_json($_) } <$in>;
    return grep { $_->{run} eq $rows[-1]{run} } @rows;
}

# Other peers drop privileges, which needs some.
my $all = $> == 0 ? '' : '--peers Bare,Floor,Sallyport';
my ($status, $said) = run('--only one-,out-each --scale 0.02', $all);
is($status, 0, 'all peers: it ends well') or diag($said);
my %figure;
$figure{$_->{peer}}{$_->{play}} = $_->{us} for grep { defined $_->{us} } rows();
my %away = map { $_->{peer} => 1 } grep { $_->{missing} } rows();
for my $peer ($all ? qw(Bare Floor Sallyport) : map { m{(\w+)\.pm$} } glob "$ENV{T_SOURCE}/bench/peer/*.pm") {
    if ($away{$peer}) { like($said, qr/^$peer is not here: /m, "$peer: the table says that it is not here") }
    else              { cmp_ok(scalar keys %{$figure{$peer} // {}}, '>', 0, "$peer: delivers") }
}
ok(exists $figure{Sallyport}{$_}, "Sallyport: $_") for qw(one-implicit one-starttls out-each);
cmp_ok($figure{$_}{'one-implicit'}, '>', 0, "$_: has a figure") for qw(Floor Sallyport);

my @cpu = qw(full-implicit full-starttls resumed-implicit resumed-starttls long long-pipelining mb turn-implicit
  turn-starttls sequence);
($status, $said) = run('--peers Floor,Sallyport --scale 0.02 --only', join(',', @cpu));
is($status, 0, 'all plays: it ends well') or diag($said);
for my $play (@cpu) {
    is(join(' ', sort map { $_->{peer} } grep { $_->{play} eq $play && $_->{us} > 0 && $_->{p99_ms} > 0 } rows()),
        'Floor Sallyport', $play);
}
my ($again) = qx("$ENV{T_SOURCE}/bench/run" --table "$json") =~ /^(\|.*\|)$/ms;
ok($again && index($said, $again) >= 0, 'the same table comes of the file');
like($said, qr/^\| session after session, implicit TLS \| p50 ms \| \S+ \| 1\.1 x Floor \S+ \| \S+ \| (?:yes|\*\*no\*\*) \|$/m,
    'which says what is reached') or diag($said);

($status, $said) = run('--peers Floor,Sallyport --scale 0.01 --only idle-ehlo-5000,idle-message-5000');
is($status, 0, 'memory: it ends well') or diag($said);
is(scalar(grep { $_->{kb_all} > 0 && $_->{sessions} == 50 } rows()), 4, 'memory of sessions that are held');

# One that takes connections and hangs up.
open my $broken, '>', "$dir/Broken.pm" or die $!;
print $broken <<'E';
package Peer::Broken;
use v5.36;
use IO::Socket::INET;
our @plays = qw(inbound);
sub is_here { '' }
sub version { '1' }
sub start {
    my $s = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1');
    my $pid = fork // die $!;
    if (!$pid) { $s->accept while 1 }
    return {implicit => $s->sockport, pids => sub { $pid }, stop => sub { kill KILL => $pid; waitpid $pid, 0 }};
}
1;
E
close $broken;
($status, $said) = run("--from $dir --peers Broken,Floor --only one-implicit --scale 0.02");
is($status, 1, 'a peer that does not deliver is a failure');
like($said, qr/^\| session with one 4 KB message, implicit TLS \| CPU us \| [\d.]+.* \| failed \|$/m, 'and the table says so') or diag($said);
like($said, qr/^failed: one-implicit, Broken: load failed, exit status 1/m, 'and why');
is((run('--only nothing'))[0] != 0, 1, 'a play that is not there is none');
is((run('--peers Nobody'))[0] != 0, 1, 'nor is a peer');
done_testing;

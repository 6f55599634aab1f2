#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# bench/run gets to its end with a figure of everybody who is here, and says who is not and who failed:
# a little of the work, no judgement of speed.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/../bench", 't/lib';
use Compare;
use File::Temp;
use JSON::PP;
use Test::More;
use T::Stage;

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
my ($status, $said) = run('--only one-implicit,called-resumed-starttls,out-each,mail-each,milter,acct-out --scale 0.02', $all);
is($status, 0, 'all peers: it ends well') or diag($said);
my %figure;
$figure{$_->{peer}}{$_->{play}} = $_->{us} for grep { defined $_->{us} } rows();
my %away = map { $_->{peer} => 1 } grep { $_->{missing} } rows();
for my $peer ($all ? qw(Bare Floor Sallyport) : map { m{(\w+)\.pm$} } glob "$ENV{T_SOURCE}/bench/peer/*.pm") {
    if ($away{$peer}) { like($said, qr/^$peer is not here: /m, "$peer: the table says that it is not here") }
    else              { cmp_ok(scalar keys %{$figure{$peer} // {}}, '>', 0, "$peer: delivers") }
}
ok(exists $figure{Sallyport}{$_}, "Sallyport: $_") for qw(one-implicit out-each acct-out);
cmp_ok($figure{$_}{'one-implicit'}, '>', 0, "$_: has a figure") for qw(Floor Sallyport);

my @cpu = qw(full-implicit full-starttls one-starttls resumed-implicit resumed-starttls long long-pipelining mb turn-implicit
  turn-starttls sequence);
($status, $said) = run('--peers Floor,Sallyport --scale 0.02 --only', join(',', @cpu));
is($status, 0, 'all plays: it ends well') or diag($said);
for my $play (@cpu) {
    is(join(' ', sort map { $_->{peer} } grep { $_->{play} eq $play && $_->{us} > 0 && $_->{p99_ms} > 0 } rows()),
        'Floor Sallyport', $play);
}
my ($again) = qx("$ENV{T_SOURCE}/bench/run" --table "$json") =~ /^(\|.*\|)$/ms;
ok($again && index($said, $again) >= 0, 'the same table comes of the file');
like($said, qr/^\| session after session, implicit TLS \| p50 ms \| \S+ \| 1\.1 x Floor \S+ \| \S+ \| 1 \| (?:yes|even|\*\*no\*\*) \|$/m,
    'which says what is reached') or diag($said);

($status, $said) = run('--peers Floor,Sallyport --scale 0.01 --only idle-ehlo-5000,idle-message-5000');
is($status, 0, 'memory: it ends well') or diag($said);
is(scalar(grep { $_->{kb_all} > 0 && $_->{sessions} == 50 } rows()), 4, 'memory of sessions that are held');

# What it makes of rows: each figure beside that of its own round, in whatever order they came.
sub table_of {
    my %us = @_;
    my @rows = map {
        my $peer = $_;
        map { {run => 'made', play => 'full-implicit', group => 'inbound', what => 'W', peer => $peer, version => '1',
            round => $_, us => $us{$peer}{$_}} } sort keys %{$us{$peer}};
    } sort keys %us;
    open my $out, '>', "$dir/made.jsonl" or die $!;
    print $out map { encode_json($_) . "\n" } reverse @rows;
    close $out;
    return scalar qx("$ENV{T_SOURCE}/bench/run" --table "$dir/made.jsonl");
}

sub figures { my $round = 0; return {map { ++$round => $_ } @_} }

my @goal = (
    # ours, hitch, hitch's cells and the verdict: at most 0.8
    ['the median of ratios, not the ratio of medians', [100, 500, 900], [200, 1000, 900], '0.8 x Hitch 900 | 0.50 ±0.00 | 3 | yes'],
    ['missed by less than the spread', [70, 82, 90], [100, 100, 100], '0.8 x Hitch 100 | 0.82 ±0.08 | 3 | even'],
    ['missed by more', [82, 83, 90], [100, 100, 100], '0.8 x Hitch 100 | 0.83 ±0.01 | 3 | **no**'],
    ['reached by less than the spread', [70, 79, 90], [100, 100, 100], '0.8 x Hitch 100 | 0.79 ±0.09 | 3 | yes'],
    ['rounds of one alone do not count', [50, 50, 500, 500, 500], [100, 100], '0.8 x Hitch 100 | 0.50 ±0.00 | 2 | yes'],
);
for (@goal) {
    my ($name, $ours, $theirs, $want) = @$_;
    my $table = table_of(Sallyport => figures(@$ours), Hitch => figures(@$theirs));
    like($table, qr/^\| W \| CPU us \| \S+ \| \Q$want\E \|$/m, $name) or diag($table);
}
my $table = table_of(Sallyport => figures((100) x 4), Hitch => figures((200) x 4), Nginx => figures(90, 90), Floor => figures((50) x 4));
like($table, qr/ 0\.8 x Hitch 200 .* yes \|$/m, 'the best is one that was there to the end, and no floor') or diag($table);
like($table, qr/\| 90\.0 ±0% \(2\) \|$/m, 'who was not is shown, with its rounds');
for (['always'  => [100, 100], [151, 151], 'Far'], ['once near' => [100, 100], [150, 400], ''],
    ['the best in one round, far in the other' => [100, 200], [400, 100], ''],
    ['near only in the last of four' => [(100) x 4], [(151) x 3, 150], ''], ['in none of four' => [(100) x 4], [(151) x 4], 'Far']) {
    my ($name, $near, $far, $leaves) = @$_;
    my @rows = map { my $r = $_; map { {peer => $_->[0], round => $r, us => $_->[1][$r]} } ['Near', $near], ['Far', $far],
        ['Floor', [(10) x @$near]], ['Sallyport', [(900) x @$near]] } 0 .. $#$near;
    is(join(' ', Compare::far_behind(\@rows, 'us', 1.5)), $leaves, "far behind: $name");
}

# Who leaves when. Their figures are made: what is asked of Tree grows with each question by the number of the processes
# asked for, so that a peer's figure is the number that it gives. So few sessions that nobody plays less for being slow.
my %times = (Best => 10, Near => 12, Third => 13, Second => 30, First => 80);
while (my ($name, $times) = each %times) {
    open my $peer, '>', "$dir/$name.pm" or die $!;
    print $peer <<"E";
package Peer::$name;
use v5.36;
require peer::Floor;
our \@plays = qw(inbound);
sub is_here { '' }
sub version { '1' }
my \$asked = 0;
{ no warnings 'redefine'; *Tree::cpu_us = sub { return ++\$asked * \@_ } }
sub start { my \$h = Peer::Floor::start(\@_); my (\$one) = \$h->{pids}->(); return {%\$h, pids => sub { (\$one) x $times }} }
1;
E
    close $peer;
}
($status, $said) = run("--rounds 5 --from $dir --peers", join(',', 'Floor', keys %times), '--only full-implicit --scale 0.01');
is($status, 0, 'peers of which some are far behind: it ends well') or diag($said);
my %rounds;
$rounds{$_->{peer}}++ for rows();
is(join(' ', map { "$_ $rounds{$_}" } sort keys %rounds), 'Best 5 First 1 Floor 5 Near 5 Second 2 Third 4',
    'who is far behind leaves after the first round, who is less so after the second or the fourth');

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

# What was mistyped, in one line that says what is right.
($status, $said) = run('--only full-implicit,nothing');
like($said, qr{^bench/run: no play begins with 'nothing': see bench/run --list$}, 'nor one beside one that is');
sub said { return scalar qx("$ENV{T_SOURCE}/bench/$_[0]" 2>&1) =~ s/\n\z//r }
for my $command (qq(run" --only full-implicit --json "$json" --build "$dir/none), qq(acct" "$dir/none)) {
    is(said($command), "bench: no build in '$dir/none': bench/sink is missing there. ./quickstart build makes one in build/demo",
        'no build');
}
for (['--bogus' => 'unknown option: bogus'], ['--rounds x' => 'value "x" invalid for option rounds (number expected)'],
    ['--rounds 0' => '--rounds is 1 or more'], ['--rounds -1' => '--rounds is 1 or more'], ['--scale 0' => '--scale is more than 0'],
    ["--from $dir/none" => "--from $dir/none: no such folder"], [QUICKLY => "'QUICKLY' is neither QUICK nor growth nor all"],
    ['growth QUICK' => "'QUICK' is one word too many"]) {
    my ($words, $why) = @$_;
    is_deeply([run($words)], [64, "bench/run: $why; bench/run --help says what there is\n"], $words);
}
like(said('run" --help "'), qr{\AWhat we cost.*^  bench/run \[QUICK .* ends here\.\z}ms, '--help');
is(said(qq(acct" "$ENV{T_BUILD}" $_ ")), 'bench/acct: [BUILD_FOLDER [SCALE [out|alone|in|instructions|all]]]', "bench/acct $_")
  for qw(x 1.x), '1 all', '1 wrong';

# bench/acct: the accountant's part is seen, though its batches are further apart than rounds are long.
my %part = said(qq(acct" "$ENV{T_BUILD}" 0.02 "in)) =~ /^acct\.in\.tls\.(\w+) +accountant_us=([\d.]+) /mg;
is(join(' ', sort keys %part), 'interval none reply without', 'bench/acct: all ways');
cmp_ok($part{$_}, '>', 0, "$_: the accountant's part") for qw(interval none reply);
cmp_ok($part{without}, '==', 0, 'without: none');
done_testing;

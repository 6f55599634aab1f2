#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# acct-file "|PROGRAM": rows reach a program at least once, whatever it does and whoever is killed;
# what may come twice is bounded, and so is what waits for it.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::Csv;
use T::Program;
use T::Run;
use T::Spool;

my $TWICE = 128 << 10; # bytes: feed.h
my $FIELDS = "records = {d}\n record-fields d { fields = {rcpt, dsnDiag} }";

sub rows { return map { {type => 'd', rcpt => "$_\@x.test", dsnDiag => 'smtp;250 ' . 'x' x 90} } @_ }

sub milter {
    my ($name, $conf, %o) = @_;
    return T::Run->start('sallyport-milter', name => $name, dir => stage_dir(), conf => <<"E", %o);
$conf
E
}

# A program that reads, as the user, with a small environment and no descriptors of ours.
my $copy = T::Program->write('copy', <<'E');
open my $me, '>', "$out.me" or die $!;
my @fds = grep { $_ > 2 && (readlink "/proc/self/fd/$_" // '/proc') !~ m{^/(?:proc|.*copy)} } map { m{(\d+)$} } glob '/proc/self/fd/*';
print $me join(' ', $<, sort(keys %ENV), @fds), "\n";
close $me;
while (my $line = <STDIN>) { print $got $line }
E
my $user = T::Stage::is_root() ? 'nobody' : undef;
$copy->{out} = stage_dir() . '/plain/state/my copy.out';
my $m = milter('plain', <<"E", user => $user);
acct-file "|$copy->{path} '$copy->{out}'" { $FIELDS }
E
my @names = map { "a$_" } 1 .. 2000;
spool_put("$m->{dir}/spool", rows(@names));
$copy->has(@names);
my $seen = $copy->got;
is("$seen->{headers} $seen->{twice}", '1 0', 'the header once, no row twice');
open my $me, '<', "$copy->{out}.me" or die $!;
is(<$me>, ($user ? (getpwnam $user)[2] : $<) . " LANG PATH\n", 'the user, two variables, no descriptor');
spool_put("$m->{dir}/spool", rows('last'));
$m->stop;
$m->restart;
spool_put("$m->{dir}/spool", rows('next'));
$copy->has('last', 'next');
$seen = $copy->got;
is("$seen->{headers} $seen->{twice}", '2 0', 'after a stop: the header again, no row twice');

# Other columns: the program starts anew with their header.
$m->log_mark;
$m->configure(<<"E");
acct-file "|$copy->{path} '$copy->{out}'" { records = {d} record-fields d { fields = {rcpt, dsnStatus, dsnDiag} } }
E
$m->signal('HUP');
$m->log_like(qr/ reloaded /, 'a reload');
spool_put("$m->{dir}/spool", rows('wide'));
ok(T::Stage::wait_for(sub { $copy->text =~ /\r\ntype,rcpt,dsnStatus,dsnDiag\r\nd,wide\@/ }),
    'its header stands before the first row');

# The section is removed: so is its folder.
$m->log_mark;
$m->configure(q());
$m->signal('HUP');
$m->log_like(qr/ backlog-removed .*rows=\d/, 'the backlog of a program that is gone is removed');
is(join(' ', glob "$m->{dir}/state/accounting/pipes/*"), '', 'with its folder');
$m->stop;

# It has read the last rows of a segment and dies before it is done with them, while those of the next
# one wait: reading nothing more does not say that it was done.
my $loses = T::Program->write('loses', <<'E');
open my $starts, '>>', "$out.starts" or die $!;
syswrite $starts, 'x';
if (-s "$out.starts" < 3) {
    my $line = <STDIN>;
    print $got $line;
    sleep 2;
    exit 1;
}
while (my $line = <STDIN>) { print $got $line }
E
my @lost = map { "l$_" } 1 .. 30;
$m = milter('loses', <<"E", expect => qr/program-ended/);
acct-file "|$loses->{path}" { $FIELDS retry-interval = 1s }
E
spool_put("$m->{dir}/spool", rows(@lost));
ok(T::Stage::wait_for(sub { $loses->text }), 'it has read');
$m->configure(<<"E");
acct-file "|$loses->{path}" { records = {d} record-fields d { fields = {rcpt, dsnStatus, dsnDiag} } retry-interval = 1s }
E
$m->signal('HUP');
$m->log_like(qr/ reloaded /, 'other columns');
spool_put("$m->{dir}/spool", rows('behind'));
ok(T::Stage::wait_for(sub { $loses->text =~ /^d,behind@/m }), 'what comes behind');
is($loses->missing(@lost), '', 'and nothing was left out');
$m->stop;

# Programs that do wrong, all at a time, and a file beside them. What became of them is seen
# below, when they had their time.
my %wrong = (
    dies => 'while (<STDIN>) { print $got $_; exit 3 if $first && $. == 1000 }',
    hangs => 'if ($first) { $SIG{TERM} = "IGNORE"; sleep 1 for 1 .. 1000 } while (<STDIN>) { print $got $_ }',
    slow => 'while (<STDIN>) { print $got $_; select undef, undef, undef, 0.002 if $. < 1000 }',
    loud => 'while (<STDIN>) { print STDERR "row \e[31m$.\n"; print $got $_ } print "x" x 1e6',
    once => 'exit 0 if $first; while (<STDIN>) { print $got $_ }',
    deaf => 'if ($first) { close STDIN; sleep 1 for 1 .. 1000 } while (<STDIN>) { print $got $_ }',
    lost => 'while (<STDIN>) { print $got $_ }',
);
my %by = map { $_ => T::Program->write($_, $wrong{$_}) } keys %wrong;
my $csv = stage_dir() . '/wrong/state/acct.csv';
my $w = T::Run->prepare('sallyport-milter', name => 'wrong', dir => stage_dir(), conf => join "\n",
    "acct-file \"$csv\" { $FIELDS }",
    map { "acct-file \"|$by{$_}{path}\" { $FIELDS\n retry-interval = 1s\n write-timeout = " . ($_ =~ /hangs|deaf/ ? 1 : 60) . 's }' } sort keys %by);
$w->{expect} = qr/ program-(?:ended|stuck) /;
unlink $by{lost}{path};
like(($w->outcome('-t'))[1], qr/conf:\d+: acct-file: \S+lost: No such file/, 'a program that is not there is told by -t');
T::Program->write('lost', $wrong{lost});
$w->launch;
$w->log_like(qr/ ready | started /, 'it serves');
unlink $by{lost}{path};
my @wrong = map { "b$_" } 1 .. 1500;
spool_put("$w->{dir}/spool", rows(@wrong));
is(scalar csv_wait($csv, sub { 1 }, count => 1500), 1500, 'no program holds up the file');
$w->log_like(qr/ program-says .*lost.*cannot be run: No such file/, 'one that is away shows in the log');
T::Program->write('lost', $wrong{lost});

# One that had nothing to read for longer than write-timeout, and then reads on, slowly: it is not ended.
my $steady = T::Program->write('steady', 'while (sysread STDIN, my $some, 8192) { print $got $some; select undef, undef, undef, 0.05 }');
my $p = milter('steady', "acct-file \"|$steady->{path}\" { $FIELDS\n write-timeout = 4s }");
spool_put("$p->{dir}/spool", rows('early'));
$steady->has('early');
select undef, undef, undef, 4.3; # nothing happens, that is the point
@names = map { "d$_" } 1 .. 3000;
spool_put("$p->{dir}/spool", rows(@names));
$steady->has('early', @names);
$seen = $steady->got;
is("$seen->{headers} $seen->{twice}", '1 0', 'after an idle time, and slowly: one start, no row twice');
$p->stop;

# Kills, in the middle of the flow.
my $k = T::Program->write('killed', 'while (<STDIN>) { print $got $_ }');
my $r = milter('kills', "acct-file \"|$k->{path}\" { $FIELDS\n retry-interval = 1s }",
    expect => qr/ child-(?:died|again) | program-ended /);
@names = ();
for my $round (1 .. 4) {
    my @some = map { "c${round}x$_" } 1 .. 2000;
    push @names, @some;
    my $before = $k->got->{twice};
    spool_put("$r->{dir}/spool", rows(@some));
    T::Stage::wait_for(sub { $k->missing(@some[0 .. 200 * $round]) eq '' });
    if ($round % 4 == 0) {
        $r->kill_hard;
        $r->restart;
    } else {
        my ($pid) = $r->children_of($round % 2 ? 'feeder' : 'accountant');
        ok($pid && kill('KILL', $pid), 'a child is killed');
        T::Stage::wait_for(sub { my @now = $r->children_of($round % 2 ? 'feeder' : 'accountant'); @now && $now[0] != $pid });
    }
    $k->has(@some);
    cmp_ok($k->got->{twice} - $before, '<=', $TWICE, 'what came twice is bounded');
}
is($k->missing(@names), '', 'each row at least once');
$r->stop;
is(T::Program->left('killed'), '', 'no process is left behind');

# One that does not read until it is told: what waits is bounded, the oldest goes, and it is said how much.
my $never = T::Program->write('never', 'kill STOP => $$ if !-e "$out.go"; while (<STDIN>) { print $got $_ }');
$csv = stage_dir() . '/bound/state/acct.csv';
my $b = milter('bound', <<"E", expect => qr/ rows-dropped | program-(?:stuck|ended) /);
acct-file "|$never->{path}" { $FIELDS
    max-size = 1m
    retry-interval = 1s
    write-timeout = 1s }
acct-file "$csv" { $FIELDS }
E
@names = ();
for my $round (1 .. 15) {
    my @some = map { "e${round}x$_" } 1 .. 1000;
    push @names, @some;
    spool_put("$b->{dir}/spool", rows(@some));
    T::Stage::wait_for(sub { (-s $csv // 0) > 100 * @names });
}
$b->log_like(qr/ rows-dropped .*rows=\d+ /, 'rows are dropped, and it is said');
my ($waits) = `du -sb $b->{dir}/state/accounting/pipes` =~ /(\d+)/;
cmp_ok($waits, '<', 3 << 20, 'what waits is bounded');
open my $go, '>', "$never->{out}.go" or die $!;
$never->has($names[-1]);
my ($dropped, $said) = (0, $b->log_text);
$dropped += $1 while $said =~ / rows-dropped .*rows=(\d+) /g;
is(scalar(keys %{$never->got->{rows}}) + $dropped, scalar @names, 'each row was either read or dropped and counted');
$b->stop;

# The programs that did wrong.
for my $name (sort keys %by) {
    $by{$name}->has(@wrong);
    $seen = $by{$name}->got;
    is($seen->{torn}, 0, "$name: rows are whole");
    cmp_ok($seen->{twice}, '<=', $TWICE, "$name: what came twice is bounded");
}
is($by{dies}->got->{headers}, 2, 'each start begins with the header');
my $log = $w->log_text;
like($log, qr/ program-ended level=error program=\S+dies pid=\d+ exit=3 /, 'the exit status is logged');
like($log, qr/ program-stuck level=error program=\S+hangs /, 'one that reads nothing is ended');
like($log, qr/ program-ended level=error program=\S+hangs pid=\d+ signal=9 /, 'by SIGKILL where need be');
like($log, qr/ program-says-more program=\S+loud /, 'one that says too much is heard in part');
unlike($log, qr/\e/, 'and cleaned');
cmp_ok(length $log, '<', 100_000, 'and does not fill the log');
$w->stop;
is(T::Program->left, '', 'no process is left behind');
all_done();

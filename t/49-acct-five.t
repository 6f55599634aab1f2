#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Five accounting files at once: two of CSV, one of JSON, a program that reads CSV and one that
# reads JSON. Each has its own rows. The disk of one is full and a program stands still: the others
# go on; then both get what they missed, and nothing is lost.
use v5.36;
use lib 't/lib';
use Test::More;
use JSON::PP ();
use T::Stage;
use T::Csv;
use T::Program;
use T::Run;
use T::Spool;

my $dir = stage_dir();
my $small = "$dir/small";
mkdir $small or die $!;
my $still = T::Program->write('still', 'kill STOP => $$ if !-e "$out.go"; while (<STDIN>) { print $got $_ }');
my $reads = T::Program->write('reads', 'while (<STDIN>) { print $got $_ }');
my $conf = <<'CONF';
acct-file "@small@/one.csv" {
    records = {d, b}
    record-fields d { fields = {rcpt, dsnDiag} }
    record-fields b { fields = {rcpt, bounceCat} }
}
acct-file "@dir@/two.csv" {
    records = {d, t, r}
    record-fields d { fields = {rcpt} }
    record-fields t { fields = {dsnStatus, rcpt} }
    record-fields r { fields = {rcvSourceIp, rcpt} }
}
acct-file "@dir@/three.json" {
    format = json
    records = {b, t}
    record-fields b { fields = {rcpt, bounceCat} }
    record-fields t { fields = {rcpt} }
}
acct-file "|@still@" {
    records = {d, b}
    record-fields d { fields = {rcpt, dsnDiag} }
    record-fields b { fields = {rcpt} }
    retry-interval = 1s
    write-timeout = 1s
}
acct-file "|@reads@" {
    format = json
    records = {d, r}
    record-fields d { fields = {rcpt, dsnDiag} }
    record-fields r { fields = {rcpt, rcvSourceIp} }
}
CONF
my %types = (one => 'db', two => 'dtr', three => 'bt', still => 'db', reads => 'dr');
my $m = T::Run->start('sallyport-milter', dir => $dir, small => $small, still => $still->{path}, reads => $reads->{path}, conf => $conf,
    expect => qr/ csv-stuck | program-(?:stuck|ended) |signal=9/,
    under => [T::Stage::with_small_disk($small, '600k')]);
my $inside = '/proc/' . $m->pid . "/root$small";

my %cells = (
    d => {dsnDiag => 'smtp;250 2.0.0 ' . 'x' x 90}, b => {bounceCat => 'bad-mailbox'}, t => {dsnStatus => '4.2.2 (mailbox full)'},
    r => {rcvSourceIp => '192.0.2.7'});
my @fed;

sub feed ($count) {
    my @new = map { ['d', 'b', 't', 'r']->[$_ % 4], @fed + $_ } 1 .. $count;
    my @rows;
    while (my ($type, $n) = splice @new, 0, 2) { push @rows, {type => $type, rcpt => "$type$n\@x.test", %{$cells{$type}}} }
    push @fed, map { $_->{rcpt} } @rows;
    spool_put("$m->{dir}/spool", @rows);
    return;
}

# The recipients in a file's own rows, in order.
sub want ($file) { return join ' ', grep { /^[$types{$file}]/ } @fed }

sub lines ($path) {
    open my $in, '<:raw', $path or return;
    return grep { /\n\z/ } <$in>;
}

sub rows ($file) {
    return map { JSON::PP::decode_json($_) } lines("$dir/three.json") if $file eq 'three';
    return map { JSON::PP::decode_json($_) } lines($reads->{out}) if $file eq 'reads';
    return csv_rows($file eq 'one' ? "$inside/one.csv" : $file eq 'two' ? "$dir/two.csv" : $still->{out});
}

sub has ($file, $name) {
    my ($got, $want) = ('', want($file));
    T::Stage::wait_for(sub { $got = join ' ', map { $_->{rcpt} } rows($file); return $got eq $want });
    return ok($got eq $want, "$name: $file has its rows, each once, in order");
}

feed(40);
has($_, 'at first') for qw(one two three reads);

open my $ballast, '>', "$inside/ballast" or die $!;
print $ballast 'x' x (580 << 10);
close $ballast or die $!;
feed(800) for 1 .. 2;
$m->log_like(qr/ csv-stuck .*file=\S*one\.csv why="No space left/, 'one has no room');
has($_, 'while one has no room and still stands still') for qw(two three reads);
my ($pid) = $m->children_of('accountant');
kill 'KILL', $pid;
ok(T::Stage::wait_for(sub { my ($new) = $m->children_of('accountant'); $new && $new != $pid }), 'another accountant');
feed(80);
has($_, 'with another accountant') for qw(two three reads);
isnt(join(' ', map { $_->{rcpt} } rows('one')), want('one'), 'one waits');
is(-s $still->{out} // 0, 0, 'still, too');

unlink "$inside/ballast" or die $!;
open my $go, '>', "$still->{out}.go" or die $!;
has('one', 'then');
$m->log_like(qr/ csv-goes-on /, 'and it is said');
my %seen;
my %all = map { $_ => 1 } split ' ', want('still');
ok(T::Stage::wait_for(sub { %seen = map { $_->{rcpt} => 1 } grep { $_->{type} ne 'type' } rows('still'); return keys %seen == keys %all }), 'still has all');
is(join(' ', grep { !$all{$_} } keys %seen), '', 'and nothing else');
feed(40);
has($_, 'at last') for qw(one two three reads);

my %cell = (one => 'dsnDiag bounceCat', two => 'dsnStatus rcvSourceIp', three => 'bounceCat', reads => 'dsnDiag rcvSourceIp', still => 'dsnDiag');
for my $file (sort keys %types) {
    my $wrong = 0;
    for my $row (grep { $_->{type} ne 'type' } rows($file)) {
        for my $cell (split ' ', $cell{$file}) { $wrong += ($row->{$cell} // '') ne ($cells{$row->{type}}{$cell} // '') }
    }
    is($wrong, 0, "$file: the cells are right");
}
is((lines("$inside/one.csv"))[0], "type,rcpt,dsnDiag,bounceCat\r\n", 'each has its own header');
is((lines("$dir/two.csv"))[0], "type,rcpt,dsnStatus,rcvSourceIp\r\n", 'and columns');
is(join(' ', sort keys %{(rows('three'))[0]}), 'bounceCat rcpt type', 'as they were asked for');
$m->stop;
is(T::Program->left, '', 'no program is left behind');
all_done();

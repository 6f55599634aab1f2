#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The folder of a program's rows is closed for a while, just when the feeder was told of new ones
# and would be told again of the next: those come though nobody tells of them.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::Program;
use T::Run;
use T::Spool;

sub rows { return map { {type => 'd', rcpt => "$_\@x.test", dsnDiag => 'smtp;250 ok'} } @_ }

sub state_of ($pid) {
    open my $in, '<', "/proc/$pid/stat" or return '';
    return <$in> =~ /\) (\S)/ ? $1 : '';
}

my $copy = T::Program->write('copy', 'while (<STDIN>) { print $got $_ }');
my $user = T::Stage::is_root() ? 'nobody' : undef;
my $m = T::Run->prepare('sallyport-milter', name => 'closed', user => $user, conf => <<"E");
acct-file "|$copy->{path} '\@dir\@/closed/state/out'" { records = {d} record-fields d { fields = {rcpt, dsnDiag} } }
E
$copy->{out} = "$m->{dir}/state/out";
$m->launch;
$m->log_like(qr/ ready | started /, 'it serves');
spool_put("$m->{dir}/spool", rows('first'));
$copy->has('first');

my ($feeder) = $m->children_of('feeder');
my $folder = "$m->{dir}/state/accounting/pipes";
my ($live) = glob "$folder/*/rows.csv";
my $size = -s $live;
open my $position, '<:raw', $live =~ s/rows\.csv\z/position/r or die $!;

# That the next row was read shows by the place where the row begins; then it has nothing to do.
my $rests = sub {
    sysseek $position, 0, 0;
    my $mark;
    return sysread($position, $mark, 16) == 16 && unpack('x8 Q', $mark) == $size && state_of($feeder) eq 'S';
};
kill STOP => $feeder;
ok(T::Stage::wait_for(sub { state_of($feeder) eq 'T' }), 'the feeder is held up');
spool_put("$m->{dir}/spool", rows('second'));
ok(T::Stage::wait_for(sub { -s $live > $size }), 'a row is written for it');
chmod 0, $folder or die $!;
kill CONT => $feeder;
ok(T::Stage::wait_for($rests), 'it looks, and cannot watch the folder any more');
chmod 0750, $folder or die $!;
spool_put("$m->{dir}/spool", rows('third'));
$copy->has('first', 'second', 'third');
$m->stop;
all_done();

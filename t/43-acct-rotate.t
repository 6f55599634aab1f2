#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Accounting files are finished and begun, moved by hand, and their writers killed: one who
# follows the file sees each row once. A full disk, a second accountant, a wrong move-to.
use v5.36;
use lib 't/lib';
use Fcntl qw(:seek);
use Test::More;
use T::Stage;
use T::Run;

my $dir = stage_dir();
my ($segments, $rows) = (0, 0);

# Rows as a worker that ended leaves them: a whole segment, then its end is heard.
sub feed ($milter, $count, $size = 1) {
    my $name = sprintf '%016d-f.1.1-%06d.delivered', $segments + 1, $segments + 1;
    my $spool = "$milter->{dir}/spool";
    $segments++;
    open my $out, '>', "$spool/.$name" or die "$name: $!";
    for (1 .. $count) {
        $rows++;
        printf $out qq({"do":"row","key":"%d","at":1700000000.5,"type":"d","orig":"n%d\@a.test","dsnDiag":"%s"}\n), $rows, $rows, 'x' x $size;
    }
    close $out or die $!;
    rename "$spool/.$name", "$spool/$name" or die $!;
    # The accountant may have found it by itself, and be done with it.
    if (open my $touch, '+<', "$spool/$name") { close $touch }
    return;
}

sub whole ($path) {
    open my $in, '<:raw', $path or return '';
    return do { local $/; <$in> } // '';
}

my $conf = <<'CONF';
acct-file "@csv@" {
    records = d
    max-size = 1m
    count-moved-records = yes
    @more@
    record-fields d { fields = {orig, dsnDiag} }
}
CONF
my $header = "type,orig,dsnDiag\r\n";

# By inode to the end of what is open, then by name.
package Follower {
    sub new ($class, $path) { return bless {path => $path, part => '', rows => [], odd => []}, $class }

    sub take ($self) {
        sysseek $self->{in}, 0, 1;
        while (sysread $self->{in}, $self->{part}, 1 << 20, length $self->{part}) { }
        while ($self->{part} =~ s/\A([^\n]*\n)//) {
            my $line = $1;
            next if $line eq $header;
            push $self->{$line =~ /\Ad,n(\d+)\@a\.test,x+\r\n\z/ ? 'rows' : 'odd'}->@*, $1 // $line;
        }
        return;
    }

    sub look ($self) {
        $self->take if $self->{in};
        my ($dev, $inode) = stat $self->{path} or return;
        return if $self->{in} && (stat $self->{in})[1] == $inode;
        if ($self->{in}) { $self->take }
        open my $in, '<:raw', $self->{path} or return;
        @{$self}{qw(in part)} = ($in, '');
        $self->take;
        return;
    }
}

sub settled ($f) { return T::Stage::wait_for(sub { $f->look; $f->{rows}->@* >= $rows }, 30) }

mkdir "$dir/old" or die $!;
my $csv = "$dir/acct.csv";
my $milter = T::Run->start('sallyport-milter', csv => $csv, more => qq(move-to = "$dir/old"), conf => $conf, expect => qr/signal=9/);

subtest 'one who follows the file sees each row once' => sub {
    my $f = Follower->new($csv);
    my $killed = 0;
    for my $round (1 .. 32) {
        feed($milter, 20, 5000) for 1 .. 2;
        $f->look;
        if ($round % 8 == 3) {
            my ($pid) = $milter->children_of('accountant');
            $killed += kill 'KILL', $pid if $pid;
        }
        if ($round % 20 == 12) {
            $milter->kill_hard;
            $f->look;
            $milter->restart;
        }
        if ($round == 25) {
            settled($f);
            rename $csv, "$csv.by-hand" or die $!;
        }
        T::Stage::wait_for(sub { $f->look; $f->{rows}->@* > $rows - 80 });
    }
    ok(settled($f), 'all rows came');
    ok($killed >= 4, 'accountants were killed on the way');
    is(join(',', $f->{odd}->@*), '', 'nothing else');
    is(join(',', $f->{rows}->@*), join(',', 1 .. $rows), 'each once, in order');
    my @old = sort glob "$dir/old/*";
    ok(@old >= 5, 'files were moved') or diag "@old";
    like($_, qr{/old/acct-\d{4}-\d\d-\d\d-\d{4}\.csv\z}, 'its name') for @old;
    my %count = map { $_ => whole($_) =~ tr/\n// - 1 } @old, $csv, "$csv.by-hand";
    my $sum = 0;
    $sum += $_ for values %count;
    is($sum, $rows, 'no row in two files');
    for my $file (@old, $csv, "$csv.by-hand") {
        is(substr(whole($file), 0, length $header), $header, "$file: its header");
        cmp_ok(-s $file, '<=', 1 << 20, "$file: its size");
    }
    my %said = map { /csv-finished .*as=(\S+) .*records=(\d+)/ ? ($1 => $2) : () } split /\n/, $milter->log_text;
    ok(keys %said >= @old - 2, 'the log has their records'); # a kill may come before it
    is($said{$_}, $count{$_}, "$_: its records") for sort keys %said;
};

subtest 'a second accountant' => sub {
    my $before = $rows;
    feed($milter, 5); # who writes to it first has it
    ok(T::Stage::wait_for(sub { whole($csv) =~ /n$rows\@/ }), 'the first one writes');
    my $second = T::Run->start('sallyport-milter', csv => $csv, more => qq(move-to = "$dir/old"), conf => $conf, expect => qr/csv-stuck/);
    feed($second, 5);
    $second->log_like(qr/csv-stuck .*another accountant writes it/, 'the second one waits');
    feed($milter, 5);
    ok(T::Stage::wait_for(sub { whole($csv) =~ /n$rows\@/ }), 'the first one goes on');
    $milter->stop;
    ok(T::Stage::wait_for(sub { my $n = $before + 6; whole($csv) =~ /n$n\@/ }), 'then the second');
    $second->log_like(qr/csv-goes-on/, 'and says so');
    is(join(',', sort { $a <=> $b } grep { $_ > $before } whole($csv) =~ /\nd,n(\d+)\@/g), join(',', $before + 1 .. $rows), 'each row once');
    $second->stop;
};

subtest 'a full disk' => sub {
    my $small = "$dir/small";
    mkdir $small or die $!;
    my $tight = T::Run->start('sallyport-milter', csv => "$small/acct.csv", more => '', conf => $conf, expect => qr/csv-stuck|signal=9/,
        under => [T::Stage::with_small_disk($small, '600k')]);
    my $inside = '/proc/' . $tight->pid . "/root$small";
    open my $out, '>', "$inside/ballast" or die $!;
    print $out 'x' x (400 << 10);
    close $out or die $!;
    my $before = $rows;
    feed($tight, 120, 3000); # at once: of several the first may find room
    $tight->log_like(qr/csv-stuck .*No space left on device/, 'the rows wait');
    like(whole("$inside/acct.csv"), qr/\A(?:|type.*\n)\z/s, 'no row is torn');
    my ($pid) = $tight->children_of('accountant');
    kill 'KILL', $pid;
    ok(T::Stage::wait_for(sub { my ($new) = $tight->children_of('accountant'); $new && $new != $pid }), 'another accountant');
    unlink "$inside/ballast" or die $!;
    ok(T::Stage::wait_for(sub { whole("$inside/acct.csv") =~ /n$rows\@.*\n\z/ }), 'there is room: all are written');
    is(join(',', whole("$inside/acct.csv") =~ /\nd,n(\d+)\@/g), join(',', $before + 1 .. $rows), 'each once, in order');
    $tight->stop;
};

subtest 'where files cannot be moved to' => sub {
    open my $out, '>', "$dir/file" or die $!;
    close $out;
    my %says = ('/proc' => 'it is on another file system than the file; name a folder on the same one',
        "$dir/nowhere" => 'it is not there; make it', "$dir/file" => 'it is no folder; name one');
    for my $to (sort keys %says) {
        my $wrong = T::Run->prepare('sallyport-milter', csv => $csv, more => qq(move-to = "$to"), conf => $conf);
        my ($status, $said) = $wrong->outcome('-t');
        is($status, 1, "$to is refused");
        like($said, qr/conf:\d+: move-to: \Q$to\E: \Q$says{$to}\E/, 'and why');
    }
};

subtest 'where there is no folder for the file' => sub {
    my $wrong = T::Run->prepare('sallyport-milter', csv => "$dir/nowhere/acct.csv", more => '', conf => $conf);
    my ($status, $said) = $wrong->outcome('-t');
    is($status, 1, 'it is refused');
    like($said, qr/conf:\d+: acct-file: \Q$dir\E\/nowhere: it is not there; make it, for the user that writes the file/, 'and why');
};

# The accountant of yesterday had no doubts about the clock.
subtest 'delete-after, and a clock that jumps' => sub {
    mkdir "$dir/tidy" or die $!;
    my %age = ('acct-2020-01-01-0000.csv' => 9, 'acct-2020-01-02-0000.csv' => 7, 'acct-2020-01-01.csv' => 9, 'other-2020-01-01-0000.csv' => 9, 'acct.csv' => 9);
    for my $name (keys %age) {
        open my $file, '>', "$dir/tidy/$name" or die $!;
        print $file $header;
        close $file or die $!;
        my $at = time - $age{$name} * 86400;
        utime $at, $at, "$dir/tidy/$name" or die $!;
    }
    my $tidy = T::Run->prepare('sallyport-milter', csv => "$dir/tidy/acct.csv", more => 'delete-after = 8d', conf => $conf,
        env => {FAKETIME_TIMESTAMP_FILE => "$dir/clock", FAKETIME_NO_CACHE => 1, DONT_FAKE_MONOTONIC => 1,
            LD_PRELOAD => (glob '/usr/lib/*/faketime/libfaketimeMT.so.1')[0] // die('libfaketime is not installed'),
            ASAN_OPTIONS => join ':', grep { $_ } $ENV{ASAN_OPTIONS}, 'verify_asan_link_order=0'});
    my $set_clock = sub ($by) {
        open my $clock, '>', "$dir/clock" or die $!;
        print $clock "$by\n";
        close $clock or die $!;
    };
    $set_clock->('+0');
    mkdir "$tidy->{dir}/state/accounting" or die $!;
    open my $last, '>:raw', "$tidy->{dir}/state/accounting/clock" or die $!;
    print $last pack 'dd', time - 3600, 0;
    close $last or die $!;
    $tidy->launch;
    delete $age{'acct-2020-01-01-0000.csv'};
    my $there = sub { return join ' ', map { s{.*/}{}r } sort glob "$dir/tidy/*" };
    ok(T::Stage::wait_for(sub { $there->() eq join ' ', sort keys %age }), 'the finished file that is old enough is removed, no other') or diag $there->();
    $tidy->stop;
    $set_clock->('+400d');
    $tidy->restart;
    feed($tidy, 1);
    ok(T::Stage::wait_for(sub { whole("$dir/tidy/acct.csv") =~ /n$rows\@/ }), 'rows are written in the year after');
    is($there->(), join(' ', sort keys %age), 'but a clock that jumped removes nothing');
    $tidy->stop;
};

all_done();

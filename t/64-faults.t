#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The accounts are true whatever happens: a far server and senders write down what they see,
# while all that can go wrong does, at random and together. Then each 250 that was heard is one d
# row in each accounting file, what may have been taken is a row that says so, no row is of
# anything else, and one who followed the file saw each row once.
#
#   T_ROUNDS=40 T_SEED=7 t/check t/64-faults.t     # 2 rounds in the suite; one is some 5 seconds
#   T_FAULTS='kill|closed'                         # only faults that are like that
use v5.36;
use lib 't/lib';
use IO::Socket::INET;
use Test::More;
use T::Stage;
use T::Csv;
use T::DNS;
use T::Follower;
use T::Run;
use T::Witness;

# File systems of its own, which can be full.
if (!$ENV{T_MOUNTS}) {
    local $ENV{T_MOUNTS} = 1;
    exec 'unshare', '-m', '--propagation', 'private', $^X, '-It/lib', $0, @ARGV or die $!;
}

my $rounds = $ENV{T_ROUNDS} // 2;
my $seed = $ENV{T_SEED} // time;
srand $seed;
diag "T_SEED=$seed" if $ENV{T_ROUNDS};
note "T_SEED=$seed";
my $dir = stage_dir();
my @own = T::Stage::is_root() ? (getpwnam 'nobody')[2, 3] : ($>, $) + 0);
for (qw(spool state a b p)) {
    mkdir "$dir/$_" or die $!;
    my $size = $_ eq 'state' ? '64m' : '24m';
    if (/[sb]/) { system('mount', '-t', 'tmpfs', '-o', "size=$size", 'x', "$dir/$_") == 0 or die "mount $_" }
    chown @own, "$dir/$_" or die $!;
}
mkdir "$dir/a/old" and chown @own, "$dir/a/old" or die $!;

my $dns = T::DNS->start("a.test. MX 10 mx.a.test.\nmx.a.test. A 127.0.0.51\n");
my $sync = (qw(none interval reply))[$seed % 3];
my $columns = 0; # which the configuration names
my $user = T::Stage::is_root() ? "user = nobody" : '';
my %fill = (dns => $dns->address, user_line => $user, dir => $dir, wide => 'w' x 1900);

sub columns ($fixed) {
    my $all = join ', ', $fixed, $columns & 1 ? 'dlvSize' : (), $columns & 2 ? 'orig' : ();
    return join "\n", map { "record-fields $_ { fields = {$all} }" } qw(d b t r);
}

# Reads rows, dies now and then, and sleeps now and then. Each that runs has a file for itself; a last
# line without its end is a part of a row that comes again.
my $program = "$dir/p/program";
open my $script, '>', $program or die $!;
print $script "#!$^X\n", <<'E';
open my $out, '>>', "$0.out.$$" or die $!;
while (my $line = <STDIN>) {
    last if $line !~ /\n\z/;
    syswrite $out, $line;
    exit 1 if rand() < 1 / 8000;
    select undef, undef, undef, rand 2 if rand() < 1 / 3000;
}
E
close $script or die $!;
chmod 0755, $program;

sub conf () {
    return <<"CONF";
relay-listener 127.0.0.1:\@port:out\@ { }
smtp-listener 127.0.0.1:\@port:in\@ { }
backend mta { server = "127.0.0.52:\@port:mta\@" identity = proxy-v1 }
name-server = "\@dns\@"
\@user_line\@
spool-directory = "$dir/spool"
state-directory = "$dir/state"
workers = 2
acct-file "$dir/a/acct.csv" {
    records = {d, b, t, r}
    max-size = 1m
    sync = $sync
    move-to = "$dir/a/old"
    count-moved-records = yes
    user-string = "\@wide\@"
    @{[columns('rcpt, dsnStatus, dsnDiag, userString')]}
}
acct-file "|$program" {
    records = {d, b, t, r}
    retry-interval = 1
    @{[columns('rcpt, dsnStatus, dsnDiag')]}
}
acct-file "$dir/b/acct.csv" {
    records = {d, b, t, r}
    @{[columns('rcpt, dsnStatus, dsnDiag')]}
}
domain * {
    allow-private-destinations = yes
    default-smtp-port = \@port:mx\@
    use-starttls = no
}
CONF
}

# Their clock, which can be stepped; what never goes back is left alone.
my ($faketime) = glob '/usr/lib/*/faketime/libfaketimeMT.so.1' or die 'libfaketime is not installed';
sub set_clock ($by) {
    open my $clock, '>', "$dir/clock.new" or die $!;
    print $clock "$by\n";
    close $clock or die $!;
    rename "$dir/clock.new", "$dir/clock" or die $!;
    return;
}
set_clock('+0');
my %env = (
    LD_PRELOAD => $faketime, FAKETIME_TIMESTAMP_FILE => "$dir/clock", FAKETIME_NO_CACHE => 1, DONT_FAKE_MONOTONIC => 1,
    ASAN_OPTIONS => join ':', grep { $_ } $ENV{ASAN_OPTIONS}, 'verify_asan_link_order=0');

my ($out, $in, $milter) = map { T::Run->start($_, %fill, env => \%env, conf => conf(), expect => qr/ level=error /) } qw(sallyport-out sallyport-in sallyport-milter);
my $follower = T::Follower->start("$dir/a", "$dir/a/old");
my $other = T::Follower->start("$dir/b");
my $behind = T::Witness->start(far => port('mta'), to => port('in'), senders => 3, seed => $seed, received => 1);
my $witness = T::Witness->start(far => port('mx'), to => port('out'), senders => 8, seed => $seed, synced => $sync eq 'reply');

sub pause ($most) { select undef, undef, undef, rand $most; return }

sub kill_one ($run, @roles) {
    my @pids = map { $run->children_of($_) } @roles;
    kill 'KILL', $pids[rand @pids] if @pids;
    return;
}

# Its end was no fault of its own.
sub again ($run) {
    delete $run->{status};
    return $run->launch;
}

sub revive ($run) {
    $run->kill_hard;
    pause(0.3);
    return again($run);
}

# All that is free on a file system is taken for a while.
sub fill_up ($where) {
    my $path = "$dir/$where/.ballast";
    open my $out, '>', $path or return;
    my $piece = 'x' x 65536;
    while ((syswrite $out, $piece) // 0) { }
    while ((syswrite $out, 'x') // 0) { }
    close $out;
    pause(0.7);
    unlink $path;
    return;
}

my $second;
my %faults = (
    'kill a worker' => sub { kill_one($out, 'worker') },
    'kill all workers' => sub { kill 'KILL', map { $_->children_of('worker') } $out, $in },
    'kill a worker of sallyport-in' => sub { kill_one($in, 'worker') },
    'kill sallyport-in' => sub { revive($in) },
    'kill the syncer' => sub { kill_one($out, 'syncer') },
    'kill facts' => sub { kill_one($out, 'facts') },
    'nothing can be moved' => sub {
        system('mount', '-t', 'tmpfs', '-o', 'mode=0777', 'x', "$dir/a/old") == 0 or die 'mount';
        pause(1);
        system('umount', '-l', "$dir/a/old") == 0 or die 'umount';
    },
    'the clock is stepped' => sub { set_clock((qw(+0 +3h -3h +2d -1d +400d -5s))[rand 7]) },
    'kill the accountant' => sub { kill_one($milter, 'accountant') },
    'kill it twice' => sub { kill_one($milter, 'accountant'); pause(0.4); kill_one($milter, 'accountant') },
    'kill sallyport-out' => sub { revive($out) },
    'kill sallyport-milter' => sub { revive($milter) },
    'stop the accountant for a while' => sub {
        my @pids = $milter->children_of('accountant');
        kill 'STOP', @pids;
        pause(0.8);
        kill 'CONT', @pids;
    },
    'reload' => sub { $_->signal('HUP') for $out, $in, $milter },
    'other columns' => sub {
        $columns = int rand 4;
        for my $run ($out, $in, $milter) { $run->configure(conf()) && $run->signal('HUP') }
    },
    'the spool is full' => sub { fill_up('spool') },
    'the store is full' => sub { fill_up('state') },
    'a csv is full' => sub { fill_up('b') },
    'a csv is moved' => sub { my $w = (qw(a b))[rand 2]; rename "$dir/$w/acct.csv", "$dir/$w/hand" . T::Stage::now() . '.csv' },
    'a csv is removed' => sub { unlink "$dir/b/acct.csv"; pause(0.3) },
    'a folder is closed' => sub {
        my $where = (qw(spool a b a/old state))[rand 5];
        chmod 0, "$dir/$where";
        pause(0.6);
        chmod 0755, "$dir/$where";
    },
    'a csv is read-only' => sub {
        my $path = "$dir/" . (qw(a b))[rand 2] . '/acct.csv';
        chmod 0400, $path;
        kill_one($milter, 'accountant');
        pause(0.6);
        chmod 0640, glob("$dir/[ab]/*.csv"), glob("$dir/a/old/*.csv");
    },
    'a second accountant' => sub {
        $second->kill_hard if $second;
        $second //= T::Run->prepare('sallyport-milter', %fill, env => \%env, conf => conf(), expect => qr/./);
        $second->{not_judged} = 1;
        again($second);
    },
);

my $like = $ENV{T_FAULTS} // '.';
T::Stage::wait_for(sub { $witness->heard(250) > 20 });
for my $round (1 .. $rounds) {
    my @names = grep { /$like/ } sort keys %faults;
    my @now = map { $names[rand @names] } 1 .. 10;
    note "round $round: @now";
    for my $name (@now) {
        diag sprintf '%.2f %s', T::Stage::now(), $name if $ENV{T_TELL};
        $faults{$name}->();
        pause(0.5);
    }
    for ($out, $in, $milter) { again($_) if !$_->is_alive }
}
sub rows_of (@paths) {
    my %rows;
    for my $path (@paths) { push $rows{$_->{rcpt}}->@*, $_ for csv_rows($path) }
    return %rows;
}

$second->kill_hard if $second;
for my $port (qw(out in)) {
    T::Stage::wait_for(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => port($port)) }, 60) // die "$port does not come back";
}
$_->settle for $witness, $behind;
$_->stop for $out, $in;

# However long it takes, as long as it goes on: what was killed often is started again after 30 s, and
# an old feeder may hold its program's rows for 11 s.
my $quiet = 90;
sub goes_on ($progress, $done) {
    my ($last, $until) = ('', 0);
    return T::Stage::wait_for(sub {
        again($milter) if !$milter->is_alive;
        my $now = $progress->();
        ($last, $until) = ($now, T::Stage::now() + $quiet) if $now ne $last;
        return $done->() ? 'done' : T::Stage::now() > $until ? 'stuck' : undef;
    }, 1000) eq 'done';
}

my @spooled;
my $empty = goes_on(
    sub { @spooled = grep { !/ballast/ } glob "$dir/spool/*"; join ' ', @spooled, map { -s // 0 } glob "$dir/a/*.csv $dir/a/old/*.csv" },
    sub { !@spooled });
ok($empty, 'all of the spool is read') or diag join "\n", @spooled;
my %all = rows_of(glob("$dir/a/*.csv"), glob("$dir/a/old/*.csv"));

# What the programs read, as it comes: {file}{rows, at}.
my (%got, %by);
sub look_at_programs () {
    for my $path (glob "$program.out.*") {
        my $one = $by{$path} //= {at => 0, rows => 0};
        next if -s $path == $one->{at};
        open my $in, '<:raw', $path or die $!;
        seek $in, $one->{at}, 0;
        while (<$in>) {
            last if !/\n\z/;
            $one->{at} += length;
            next if !/^[dbtr],([^,]+),/;
            $one->{rows}++;
            $got{$1}++;
        }
    }
    return join ' ', map { $_->{at} } @by{sort keys %by};
}

sub text_of ($path) {
    open my $in, '<:raw', $path or return '';
    local $/;
    return <$in> // '';
}

# Where a row is that no program wrote down: in segments, before or behind the place that is kept, or in the spool.
sub where_is ($rcpt) {
    my @found;
    for my $path (glob("$dir/state/accounting/pipes/*/*.csv"), @spooled) {
        my $at = index text_of($path), ($path =~ /csv\z/ ? ",$rcpt," : $rcpt);
        push @found, sprintf '%s (inode %d) at %d', $path =~ s{^\Q$dir\E/}{}r, (stat $path)[1] // 0, $at if $at >= 0;
    }
    return "$rcpt: " . (join(', ', @found) || 'in no segment any more');
}

sub tell_late (@late) {
    diag "T_SEED=$seed, columns $columns, sync $sync: ", scalar(@late), ' of ', scalar(keys %all), ' rows late';
    diag where_is($_) for @late[0 .. ($#late > 9 ? 9 : $#late)];
    for my $path (glob "$dir/state/accounting/pipes/*/position") {
        diag sprintf 'kept: inode %d at %d', unpack 'Q Q', text_of($path) . "\0" x 16;
    }
    for my $path (sort { -M $b <=> -M $a } keys %by) {
        my ($pid) = $path =~ /(\d+)\z/;
        diag "program $pid: $by{$path}{rows} rows; ", join '; ', 'started', ($milter->log_text . ($second ? $second->log_text : '')) =~ /^\S+ (program-ended .*pid=$pid\b.*)/mg;
    }
    for my $pid ($milter->children_of('feeder')) {
        my $watches = grep { text_of($_) =~ /^inotify/m } glob "/proc/$pid/fdinfo/*";
        diag "feeder $pid: $watches watches, in ", text_of("/proc/$pid/wchan");
    }
    my @lines = grep { /program-|role=(?:feeder|accountant)|backlog|rows-dropped|position|csv-stuck|accounting-stuck/ } split /\n/, $milter->log_text;
    diag join "\n", 'of its log:', @lines[($#lines > 39 ? $#lines - 39 : 0) .. $#lines];
    return;
}

my @late;
goes_on(\&look_at_programs, sub { !(@late = grep { !$got{$_} } keys %all) });
ok(!@late, 'each row came to the program') or tell_late(sort @late);
$milter->stop;
$_->settle for $follower, $other;

for my $which (["$dir/a/*.csv", "$dir/a/old/*.csv"], [$other->{seen} . '/*']) {
    my %rows = rows_of(map { glob $_ } @$which);
    my @lies = ($witness->lies(map { $_ => $rows{$_} } grep { !/\@here/ } keys %rows), $behind->lies(map { $_ => $rows{$_} } grep { /\@here/ } keys %rows));
    ok(!@lies, "@$which: " . keys(%rows) . ' rows are true') or diag scalar(@lies) . " lies\n" . join "\n", @lies[0 .. ($#lies > 20 ? 20 : $#lies)];
}
my @wrong = $follower->wrong;
ok(!@wrong, 'one who followed the file saw each row once') or diag join "\n", @wrong;
cmp_ok(scalar $witness->heard(250), '>=', 10 * $rounds, scalar($witness->heard(250)) . ' answers of 250 were heard');
cmp_ok(scalar $behind->heard(250), '>=', 10 * $rounds, scalar($behind->heard(250)) . ' by clients');
for my $run ($out, $in, $milter) { $run->log_unlike(qr/spool-bad-lines/, "$run->{name}: no line is torn") }
system 'umount', '-l', "$dir/$_" for qw(spool state b);
all_done();

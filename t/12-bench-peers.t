#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every peer of the benchmark that is installed carries what it says that it can: each message that load
# counts is with the sink, and all of its processes are known, cost something, and are gone in the end.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../bench";
use IPC::Open2;
use MIME::Base64 qw(encode_base64);
use T::Debian 'exim';
use T::Stage;
use Test::More;
use Play;
use Tree;

$Play::build = $ENV{T_BUILD};
my @ways = (inbound => [qw(implicit starttls)], outbound => ['plain'], mail => ['plain'], milter => ['plain']);
my ($sessions, $each) = (3, 2);

sub sinks {
    my $which = shift;
    return start_sink('plain') if $which =~ /^(?:inbound|milter)$/;
    start_sink($_, -t => $_, -c => "$dir/both.pem") for qw(starttls implicit);
    return;
}

# How many messages came to any of them.
sub taken {
    my $count = 0;
    for my $sink (values %sink) {
        close $sink->{to};
        my $from = $sink->{from};
        $count += /^messages=(\d+)/ ? $1 : 0 for <$from>;
        waitpid $sink->{pid}, 0;
    }
    %sink = ();
    return $count;
}

sub works {
    my ($name, $which, $modes) = @_;
    my $package = "Peer::$name";
    my $place = "$dir/$name-$which";
    mkdir $place;
    chmod 0755, $dir, $place;
    sinks($which);
    my $to = $sink{starttls} ? 'starttls' : 'plain';
    my $peer = $package->can('start')->(
        which => $which, dir => $place, cert => "$dir/cert.pem", key => "$dir/key.pem", both => "$dir/both.pem",
        to => "127.0.0.1:$sink{$to}{port}", build => $ENV{T_BUILD}, sessions_most => 20, core => 0,
        $sink{implicit} ? (to_implicit => "127.0.0.1:$sink{implicit}{port}") : (),
    );
    my %part = map { $_ => Tree::cpu_us($peer->{parts}{$_}->()) } keys %{$peer->{parts} // {}};
    my @login = $peer->{user} ? (-u => encode_base64("\0$peer->{user}\0$peer->{password}", '')) : ();
    my @modes = grep { $peer->{$_} } @$modes;
    ok(@modes, "$name $which: it serves (@modes)");
    for my $mode (@modes) {
        my $got = load($peer->{$mode}, $mode eq 'plain' ? () : (-t => $mode), @login, -s => $sessions,
            -n => 2, -m => $each, -k => 5000);
        is($got->{messages}, $sessions * $each, "$name $which: load has its 250s ($mode)");
    }
    ok($peer->{settled}->(20), "$name $which: all of it is done") if $peer->{settled};
    cmp_ok(Tree::cpu_us($peer->{parts}{$_}->()), '>', $part{$_}, "$name $which: $_ had a part in it") for sort keys %part;
    my @pids = $peer->{pids}->();
    if (!$peer->{bare}) { # load is what is measured then
        cmp_ok(Tree::cpu_us(@pids), '>', 1000, "$name $which: what it costs is seen");
        cmp_ok(Tree::pss_kb(@pids), '>', 500, "$name $which: and its memory");
    }
    $peer->{stop}->();
    is(taken(), $which eq 'milter' ? 0 : @modes * $sessions * $each, "$name $which: the sink has as many messages");
    ok(gone(@pids), "$name $which: nothing of it is left");
    return;
}

sub gone {
    my @pids = @_;
    return T::Stage::wait_for(sub { !grep { Tree::slurp("/proc/$_/stat") =~ /\) [^Z]/ } @pids }, 20);
}

# Threads that ended and children that were waited for: some peers have one for each session.
sub counts_the_gone {
    my $burn = 'sub burn { my $until = times + 0.2; 1 while times < $until }';
    my %life = (
        thread => 'use threads; threads->create(\&burn)->join;',
        child => 'if (my $pid = fork) { waitpid $pid, 0 } else { burn(); exit }',
    );
    for my $kind (sort keys %life) {
        my $pid = open2(my $from, my $to, $^X, '-e', "$burn $life{$kind} \$| = 1; print qq(done\n); <STDIN>");
        is(<$from>, "done\n", "a $kind works and ends");
        cmp_ok(Tree::cpu_us($pid), '>=', 180_000, "a $kind that has ended counts");
        close $to;
        waitpid $pid, 0;
    }
    return;
}

sub where { return map { Tree::slurp($_) =~ /^Cpus_allowed_list:\s*(\S+)/m } glob "/proc/$_[0]/task/*/status" }

# Some choose a core for themselves, which is load's.
sub binds_all_threads {
    my $core = (where($$))[0] =~ s/.*[-,]//r;
    my $pid = open2(my $from, my $to, $^X, '-Mthreads', '-e', 'async { sleep 60 }; $| = 1; print qq(ready\n); <STDIN>');
    is(<$from>, "ready\n", 'two threads are there');
    system("taskset -acp 0 $pid >/dev/null") == 0 or die 'taskset does not work';
    Tree::bind_to($core, $pid);
    is(join(' ', where($pid)), "$core $core", 'they are where they are wanted');
    kill KILL => $pid;
    waitpid $pid, 0;
    return;
}

counts_the_gone();
binds_all_threads();
make_cert();
for my $path (glob "$FindBin::Bin/../bench/peer/*.pm") {
    my ($name) = $path =~ /(\w+)\.pm$/;
    require "peer/$name.pm";
    my $missing = "Peer::$name"->can('is_here')->(build => $ENV{T_BUILD});
    SKIP: {
        skip "$name: not here: $missing", 1 if $missing;
        isnt("Peer::$name"->can('version')->(build => $ENV{T_BUILD}), '', "$name has a version");
        my %can = map { $_ => 1 } do { no strict 'refs'; @{"Peer::${name}::plays"} };
        my @left = @ways;
        while (my ($which, $modes) = splice @left, 0, 2) {
            works($name, $which, $modes) if $can{$which};
        }
    }
}
all_done();

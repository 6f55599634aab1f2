# SPDX-License-Identifier: Apache-2.0
package Measure;

# One play with one peer, measured: a row of figures, or {error => why}.
use v5.36;
use MIME::Base64;
use Play ();
use Tree;
use POSIX ();

our $scale = 1;
my $patience = 180; # seconds, for anything that is waited for: thousands of sessions, on a busy machine

# Where a session takes a peer so long (ms), it is played so much less, and even less where one follows the
# other: else its stalls would be all that there is time for.
my ($slow_ms, $slow_part, $slow_in_turn) = (10, 0.5, 0.2);

# A part of `n`, of few things all.
sub part_of {
    my ($n, $part, $few) = @_;
    my $less = POSIX::ceil($n * $part);
    return $n <= $few || $part >= 1 ? $n : $less < $few ? $few : $less;
}

# The options of load; in a smaller run there are fewer sessions, or messages where there is -w.
sub load_args {
    my ($play, $handle, $part) = @_;
    my ($text, $few) = ($play->{load}, $play->{kind} eq 'idle' ? 20 : 4);
    my $letter = $text =~ /-w/ ? 'm' : 's';
    $text =~ s/-$letter \K(\d+)/part_of($1, $part, $few)/e if $play->{kind} =~ /^(?:cpu|idle)$/;
    return (port_args($play, $handle), split ' ', $text);
}

sub port_args {
    my ($play, $handle) = @_;
    my @args = ('-a', "127.0.0.1:$handle->{$play->{port}}");
    my $tls = $handle->{bare} // $play->{port};
    push @args, '-t', $tls unless $tls eq 'plain';
    push @args, '-u', encode_base64("\0$handle->{user}\0$handle->{password}", '') if $handle->{user};
    return @args;
}

sub start_load {
    my %load;
    @load{qw(pid from to)} = Play::start_load(@_);
    return \%load;
}

sub line_of {
    my $load = shift;
    my $line = '';
    eval {
        local $SIG{ALRM} = sub { die "nothing for $patience s\n" };
        alarm $patience;
        $line = readline($load->{from}) // '';
        alarm 0;
        1;
    } or kill KILL => $load->{pid};
    chomp $line;
    return $line;
}

# What it says until it ends, as a hash; `error` if it was not content.
sub rest_of {
    my $load = shift;
    my %got;
    while ((my $line = line_of($load)) ne '') {
        $got{$1} = $2 if $line =~ /^(\w+)=(\S+)$/;
    }
    close $load->{to};
    waitpid $load->{pid}, 0;
    $got{error} = 'load failed, ' . ($? & 127 ? 'it took too long' : 'exit status ' . ($? >> 8)) if $?;
    return \%got;
}

sub run_load { return rest_of(start_load(@_)) }

sub go_on { my $to = $_[0]{to}; print $to "\n"; $to->flush; return }

sub cpu_now {
    my $handle = shift;
    my %cpu = (all => Tree::cpu_us($handle->{pids}->()));
    $cpu{$_} = Tree::cpu_us($handle->{parts}{$_}->()) for keys %{$handle->{parts} // {}};
    return \%cpu;
}

# A few sessions before the first round: what comes only once is not counted. Says which part of the work
# is enough.
sub warm {
    my ($play, $handle) = @_;
    my $got = run_load(port_args($play, $handle), qw(-s 10 -n 2 -m 1));
    return $scale if ($got->{session_p50_ms} // 0) <= $slow_ms;
    return $scale * ($play->{load} =~ /-(?:n|s) 1 / ? $slow_in_turn : $slow_part);
}

# What came of all that it took is done.
sub is_settled { my $handle = shift; return !$handle->{settled} || $handle->{settled}->($patience) }

# Between the first messages and those that count. Where a mail server queues, the first have gone on. Where times of
# a connection that is there already count (sequence) all rest as long as our accountant needs: the first message after
# a pause takes 0.6 to 1 ms, whosever it is. Else nobody rests, and what our accountant has still to do for the first
# ones counts as ours.
sub rests_before {
    my ($play, $handle) = @_;
    return !$handle->{sent} || $handle->{sent}->($patience) if $play->{by} eq 'us' || $play->{load} !~ /-w/;
    Tree::rest() unless $handle->{parts}{accountant};
    return is_settled($handle);
}

sub cpu {
    my ($play, $handle) = @_;
    my $part = $handle->{part}{$play->{name}} //= warm($play, $handle);
    my $load = start_load(load_args($play, $handle, $part), '-g');
    my ($before, $after);
    if (line_of($load) eq 'begin') {
        Tree::bind_to($handle->{core}, $handle->{pids}->()) unless $handle->{bare};
        $before = cpu_now($handle) if rests_before($play, $handle);
        go_on($load);
        if (line_of($load) eq 'end') {
            $after = cpu_now($handle) if $before && is_settled($handle);
            go_on($load);
        }
    }
    my $row = rest_of($load);
    return {error => $row->{error} // 'its messages did not go on'} if $row->{error} || !$after;
    my %count = (session => $row->{sessions}, message => $row->{messages}, mb => $row->{mb});
    my $n = $count{$play->{per}} or return {error => 'nothing was counted'};
    my %figure = (us => ($after->{all} - $before->{all}) / $n, load_us => $row->{cpu_us} / $n);
    $figure{us} = $figure{load_us} if $handle->{bare};
    $figure{"us_$_"} = ($after->{$_} - $before->{$_}) / $n for grep { $_ ne 'all' } keys %$after;
    my $what = $play->{per} eq 'session' ? 'session' : 'message';
    $figure{$_} = $row->{"${what}_$_"} for qw(p50_ms p90_ms p99_ms max_ms);
    return {%figure, map { $_ => $row->{$_} } qw(sessions messages mb seconds resumed)};
}

# Kilobytes (PSS) for each session that is held: what it grew by, and all of it.
sub idle {
    my ($play, $handle, $most) = @_;
    my %p = %$play;
    $p{load} =~ s/-s \K(\d+)/$1 > $most ? $most : $1/e if $most;
    run_load(port_args(\%p, $handle), qw(-s 20 -n 5 -m 1 -k 65536));
    my $before = Tree::pss_kb($handle->{pids}->());
    my $load = start_load(load_args(\%p, $handle, $scale));
    my ($held) = line_of($load) =~ /^held=(\d+)/;
    select undef, undef, undef, 2.5; # who gives memory back a little later may do so
    my $with = Tree::pss_kb($handle->{pids}->());
    close $load->{to};
    my $row = rest_of($load);
    return {error => $row->{error} // 'the sessions do not come'} if $row->{error} || !$held;
    return {kb => ($with - $before) / $held, kb_all => $with / $held, sessions => $held};
}

sub start { my ($play, $handle) = @_; return {seconds => $handle->{ready_seconds}} }

# Sessions come all the time, and meanwhile the configuration is read anew; and the same without.
sub reload {
    my ($play, $handle) = @_;
    run_load(port_args($play, $handle), qw(-s 20 -n 5));
    my $calm = run_load(load_args($play, $handle, $scale));
    my %old = map { $_ => 1 } $handle->{pids}->();
    my $load = start_load(load_args($play, $handle, $scale), '-g');
    line_of($load) eq 'begin' or return {error => 'load does not begin'};
    go_on($load);
    select undef, undef, undef, 1; # into the midst of it
    $handle->{reload}->();
    my $ended = line_of($load);
    my @new = grep { !$old{$_} } $handle->{pids}->();
    go_on($load) if $ended eq 'end';
    my $row = rest_of($load);
    return {error => $row->{error} // $calm->{error}} if $row->{error} || $calm->{error};
    return {error => 'nothing new was started'} unless @new;
    my %figure = (sessions => $row->{sessions});
    for (qw(p50_ms p99_ms max_ms)) { $figure{$_} = $row->{"session_$_"}; $figure{"calm_$_"} = $calm->{"session_$_"} }
    return \%figure;
}

our %kind = (cpu => \&cpu, idle => \&idle, start => \&start, reload => \&reload);

1;

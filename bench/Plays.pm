# SPDX-License-Identifier: Apache-2.0
package Plays;

# What is played, and what is to be reached: tables, which bench/run and Table.pm walk.
use v5.36;
use POSIX ();

# As many sessions as there are descriptors for, two each in a proxy, up to `wanted`.
sub most_sessions {
    my $wanted = shift;
    open my $limits, '<', '/proc/self/limits' or die $!;
    my ($files) = map { /^Max open files +\S+ +(\d+)/ } <$limits>;
    my $room = int(($files - 1000) / 2);
    return $wanted < $room ? $wanted : $room;
}

# name, port (how load comes), what the figure is for, the options of bench/load, what it is. A smaller
# run has a smaller -s, or -m where there is -w.
my @inbound = (
    ['full-implicit',    implicit => session => '-s 400 -n 8 -m 0', 'full handshake session, implicit TLS'],
    ['full-starttls',    starttls => session => '-s 400 -n 8 -m 0', 'full handshake session, STARTTLS'],
    ['resumed-implicit', implicit => session => '-s 400 -n 8 -m 0 -R', 'resumed session, implicit TLS'],
    ['resumed-starttls', starttls => session => '-s 400 -n 8 -m 0 -R', 'resumed session, STARTTLS'],
    ['one-implicit',     implicit => session => '-s 300 -n 8 -m 1', 'session with one 4 KB message, implicit TLS'],
    ['one-starttls',     starttls => session => '-s 300 -n 8 -m 1', 'session with one 4 KB message, STARTTLS'],
    ['long',             implicit => message => '-s 50 -n 25 -w 4 -m 50', '4 KB message in a long session, 50 sessions'],
    ['long-pipelining',  implicit => message => '-s 50 -n 25 -w 4 -m 80 -p', 'the same with PIPELINING'],
    ['mb',               implicit => mb => '-s 1 -w 1 -m 8 -k 10485760 -p', '10 MB messages, each MB'],
    ['turn-implicit',    implicit => session => '-s 200 -n 1 -m 1', 'session after session, implicit TLS'],
    ['turn-starttls',    starttls => session => '-s 200 -n 1 -m 1', 'session after session, STARTTLS'],
    ['sequence',         implicit => message => '-s 1 -w 20 -m 400', 'message after message'],
);
my @outbound = (
    ['out-kept', plain => message => '-s 20 -n 10 -w 5 -m 40', '4 KB message over kept connections, 20 of them'],
    ['out-each', plain => session => '-s 200 -n 4 -m 1', 'session with one 4 KB message, outbound'],
    ['out-mb',   plain => mb => '-s 1 -w 1 -m 4 -k 10485760 -p', '10 MB messages outbound, each MB'],
);

# kind    cpu: processor time of the program, in rounds; idle: memory, once, in a fresh process; start,
#         reload: ours alone
# start   what a peer is told when it is started for this, beside the rest
# only    these peers; rounds: at most so many; sink: another than that which they all have
sub rows_of {
    my ($which, $more, @rows) = @_;
    return map {
        my %play;
        @play{qw(name port per load what)} = @$_;
        {which => $which, group => $which, kind => 'cpu', start => {}, %$more, %play};
    } @rows;
}

sub idle_rows {
    my ($prefix, $what, $more, @sessions) = @_;
    my %where = (ehlo => 'EHLO', message => 'a 64 KB message');
    return map {
        my $count = $_;
        map {
            my $name = "$prefix-$_-$count";
            rows_of(inbound => {kind => 'idle', start => {idle => $name}, %$more},
                [$name, implicit => session => "-s $count -n 50 -f 16 -k 65536 -m 1 -i $_",
                    "$what at $count, after $where{$_}"]);
        } qw(ehlo message);
    } @sessions;
}

# Each message to a server that nobody has been to: no connection is kept, no session resumes.
sub new_rows {
    return rows_of(outbound => {sink => 'everywhere', start => {servers => 400}, only => 'Bare Sallyport', rounds => 1},
        ['out-new', plain => session => '-s 400 -n 4 -m 1 -d', 'first message to a new server']);
}

sub rules_rows {
    my @rows;
    for ([inbound => 'implicit'], [outbound => 'plain']) {
        my ($which, $port) = @$_;
        my %more = (start => {rules => 100_000}, only => 'Sallyport');
        push @rows, rows_of($which => {%more, kind => 'start'},
            ["start-$which", $port => session => '', "start with 100,000 rules, $which"]);
        push @rows, rows_of($which => {%more, kind => 'reload'},
            ["reload-$which", $port => session => '-s 600 -e 100 -m 1', "reload of 100,000 rules under load, $which"]);
    }
    return @rows;
}

# Growth: flat where it should be flat. In each of these about the same work for any number.
sub growth_by_sessions {
    my %more = (group => 'growth', only => 'Bare Floor Haproxy Sallyport', rounds => 3);
    my @sessions = (1, 10, 100, 1000, most_sessions(10_000));
    my @rows;
    for my $count (@sessions) {
        my $each = POSIX::ceil(2000 / $count);
        push @rows, rows_of(inbound => \%more, ["sessions-$count", implicit => message =>
            "-s $count -n 50 -f 16 -w 1 -m $each", "4 KB message, sessions: $count"]);
        push @rows, rows_of(outbound => \%more, ["out-sessions-$count", plain => message =>
            "-s $count -n 50 -w 1 -m $each", "4 KB message outbound, sessions: $count"]) if $count <= 100;
    }
    return (@rows, idle_rows('memory', 'memory of a session', \%more, grep { $_ > 1 } @sessions));
}

sub growth_by_size {
    my %more = (group => 'growth', only => 'Bare Floor Haproxy Sallyport', rounds => 3);
    return map {
        my ($name, $bytes, $messages) = @$_;
        rows_of(inbound => \%more, ["size-$name", implicit => mb => "-s 1 -w 1 -m $messages -k $bytes",
            "a MB in messages of $name"]);
    } ['1k', 1 << 10, 3000], ['10k', 10 << 10, 2000], ['100k', 100 << 10, 400], ['1m', 1 << 20, 60],
      ['10m', 10 << 20, 8], ['100m', 100 << 20, 1];
}

sub growth_by_rules {
    my %more = (group => 'growth', only => 'Sallyport', rounds => 3);
    my @rows;
    for my $rules (10, 1000, 100_000) {
        my %own = (%more, start => {rules => $rules});
        push @rows, rows_of(inbound => \%own, ["rules-$rules", implicit => session => '-s 300 -n 8 -m 1',
            "session with one message, source rules: $rules"]);
        push @rows, rows_of(outbound => \%own, ["out-rules-$rules", plain => message => '-s 20 -n 10 -w 5 -m 40',
            "4 KB message outbound, domain rules: $rules"]);
    }
    push @rows, rows_of(inbound => {%more, start => {workers => $_}}, ["workers-$_", implicit => session =>
        '-s 300 -n 8 -m 1', "session with one message, workers: $_"]) for 1, 2;
    return @rows;
}

sub all {
    return (rows_of(inbound => {}, @inbound),
        idle_rows('idle', 'idle TLS session', {}, 5000, most_sessions(9500)),
        rows_of(outbound => {}, @outbound), new_rows(), rules_rows(),
        growth_by_sessions(), growth_by_size(), growth_by_rules());
}

# What to reach: play, figure, {what => at most}, who if not Sallyport. best: times the best peer; the
# name of a peer: times that one; most: itself. Where a figure is not there, nobody is compared with it.
my $mail = 'PostfixSallyport';
our @goals = (
    ['full-implicit',    'us', {best => 0.80, Floor => 1.10}],
    ['full-starttls',    'us', {best => 0.80, Floor => 1.10}],
    ['resumed-implicit', 'us', {best => 0.85}],
    ['resumed-starttls', 'us', {best => 0.85}],
    ['one-implicit',     'us', {best => 0.90, Nginx64k => 0.80}],
    ['one-starttls',     'us', {best => 0.90, Nginx64k => 0.80}],
    ['long',             'us', {best => 1, Floor => 1.10}],
    ['long-pipelining',  'us', {best => 1, Floor => 1.10}],
    ['mb',               'us', {best => 1}],
    (map { my $n = $_; map { ["idle-$_-$n", 'kb', {best => 1, most => 16}] } qw(ehlo message) }
        5000, most_sessions(9500)),
    ['turn-implicit',    'p50_ms', {best => 1, Floor => 1.1}],
    ['turn-implicit',    'p99_ms', {best => 1, Floor => 1.1, most => 10}],
    ['turn-starttls',    'p50_ms', {best => 1, Floor => 1.1}],
    ['turn-starttls',    'p99_ms', {best => 1, Floor => 1.1, most => 10}],
    ['sequence',         'p50_ms', {best => 1}],
    ['sequence',         'p99_ms', {best => 1}],
    ['out-kept',         'us', {best => 1, most => 60}],
    ['out-each',         'us', {best => 1}],
    ['out-mb',           'us', {best => 1}],
    ['out-new',          'us', {Bare => 1.15}],
    ['out-kept',         'us', {PostfixOut => 1, PostfixReuse => 1}, $mail],
    ['out-each',         'us', {PostfixOut => 1, PostfixReuse => 1}, $mail],
    ['start-inbound',    'seconds', {most => 1}],
    ['start-outbound',   'seconds', {most => 1}],
    ['reload-inbound',   'max_ms', {most => 10}],
    ['reload-outbound',  'max_ms', {most => 10}],
);

1;

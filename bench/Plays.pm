# SPDX-License-Identifier: Apache-2.0
package Plays;

# What is played, and what is to be reached: tables, which bench/run and Table.pm walk.
use v5.36;
use POSIX ();

# As many sessions as there are descriptors for, two each in a proxy, up to `wanted`.
sub most_sessions {
    my $wanted = shift;
    my ($files) = do { open my $l, '<', '/proc/self/limits' or die $!; map { /^Max open files +\S+ +(\d+)/ } <$l> };
    my $room = int(($files - 1000) / 2);
    return $wanted < $room ? $wanted : $room;
}

# kind   cpu: processor time of the program, each round; idle: memory, once, in a fresh process;
#        start, reload: ours alone
# only   these peers; rounds: at most so many; sink: not the usual one
# per    what the figure is for: session, message, mb
# load   of bench/load: -s and -m are made smaller for a quick run. What is said to a peer beside
#        `port` comes from start => {}, for which a process of its own is started
my @inbound = (
    ['full-implicit',    'full handshake session, implicit TLS', implicit => session => '-s 400 -n 8 -m 0'],
    ['full-starttls',    'full handshake session, STARTTLS',     starttls => session => '-s 400 -n 8 -m 0'],
    ['resumed-implicit', 'resumed session, implicit TLS',        implicit => session => '-s 400 -n 8 -m 0 -R'],
    ['resumed-starttls', 'resumed session, STARTTLS',            starttls => session => '-s 400 -n 8 -m 0 -R'],
    ['one-implicit',     'session with one 4 KB message, implicit TLS', implicit => session => '-s 300 -n 8 -m 1'],
    ['one-starttls',     'session with one 4 KB message, STARTTLS', starttls => session => '-s 300 -n 8 -m 1'],
    ['long',             '4 KB message in a long session, 50 sessions', implicit => message => '-s 50 -n 25 -w 4 -m 50'],
    ['long-pipelining',  'the same with PIPELINING',             implicit => message => '-s 50 -n 25 -w 4 -m 80 -p'],
    ['mb',               '10 MB messages, each MB',              implicit => mb => '-s 1 -w 1 -m 8 -k 10485760 -p'],
    ['turn-implicit',    'session after session, implicit TLS',  implicit => session => '-s 200 -n 1 -m 1'],
    ['turn-starttls',    'session after session, STARTTLS',      starttls => session => '-s 200 -n 1 -m 1'],
    ['sequence',         'message after message',                implicit => message => '-s 1 -w 20 -m 400'],
);
my @outbound = (
    ['out-kept', '4 KB message over kept connections, 20 of them', plain => message => '-s 20 -n 10 -w 5 -m 40'],
    ['out-each', 'session with one 4 KB message', plain => session => '-s 200 -n 4 -m 1'],
    ['out-mb',   '10 MB messages, each MB', plain => mb => '-s 1 -w 1 -m 4 -k 10485760 -p'],
);

sub rows_of {
    my ($which, $group, @rows) = @_;
    return map { my %p; @p{qw(name what port per load start)} = @$_;
        {which => $which, group => $group, kind => 'cpu', start => {}, %p{grep { defined $p{$_} } keys %p}} } @rows;
}

sub idle_rows {
    return map { my $count = $_; map {
        {name => "idle-$_-$count", what => "idle TLS session at $count, after " . ($_ eq 'ehlo' ? 'EHLO' : 'a 64 KB message'),
         which => 'inbound', group => 'idle', kind => 'idle', port => 'implicit', per => 'session',
         load => "-s $count -n 50 -f 16 -k 65536 -m 1 -i $_", start => {idle => "$_-$count"}}
    } qw(ehlo message) } 5000, most_sessions(9500);
}

# Each message to a server that nobody has been to: no connection is kept, no session resumes.
sub new_row {
    return {name => 'out-new', what => 'first message to a new server', which => 'outbound', group => 'outbound', kind => 'cpu',
        port => 'plain', per => 'session', load => '-s 400 -n 4 -m 1 -d', sink => 'everywhere',
        start => {servers => 400}, only => 'Bare Sallyport', rounds => 1};
}

sub own_rows {
    return map { my ($which, $port) = @$_; my %common = (which => $which, group => 'rules', port => $port,
            per => 'session', start => {rules => 100_000}, only => 'Sallyport');
        ({%common, name => "start-$which", what => "start with 100,000 rules, $which", kind => 'start'},
         {%common, name => "reload-$which", what => "reload of 100,000 rules under load, $which", kind => 'reload',
          load => '-s 600 -e 100 -m 1'})
    } [inbound => 'implicit'], [outbound => 'plain'];
}

# Growth: flat where it should be flat.
sub growth_rows {
    my @sessions = (1, 10, 100, 1000, most_sessions(10_000));
    my %size = ('1k' => [1024, 3000], '10k' => [10240, 2000], '100k' => [102_400, 400],
        '1m' => [1 << 20, 60], '10m' => [10 << 20, 8], '100m' => [100 << 20, 1]);
    my @by_size = map { my ($bytes, $m) = @{$size{$_}};
        ["size-$_", "messages of $_, each MB", implicit => mb => "-s 1 -w 1 -m $m -k $bytes"] } qw(1k 10k 100k 1m 10m 100m);
    my @by_sessions = map { my $m = $_ > 2000 ? 1 : POSIX::ceil(2000 / $_);
        ["sessions-$_", "4 KB message, $_ sessions", implicit => message => "-s $_ -n 50 -f 16 -w 1 -m $m"] } @sessions;
    my @in = (@by_sessions, @by_size);
    my @out = map { my $m = $_ > 2000 ? 1 : POSIX::ceil(1000 / $_);
        ["out-sessions-$_", "4 KB message out, $_ sessions", plain => message => "-s $_ -n 50 -w 1 -m $m"] } 1, 10, 100;
    my (@in_rules, @out_rules);
    for my $rules (10, 1000, 100_000) {
        push @in_rules, ["rules-$rules", "session with one message, $rules source rules", implicit => session => '-s 300 -n 8 -m 1', {rules => $rules}];
        push @out_rules, ["out-rules-$rules", "4 KB message out, $rules domain rules", plain => message => '-s 20 -n 10 -w 5 -m 40', {rules => $rules}];
    }
    push @in_rules, map { ["workers-$_", "session with one message, $_ worker(s)", implicit => session => '-s 300 -n 8 -m 1', {workers => $_}] } 1, 2;
    my @some = (rows_of(inbound => 'growth', @in), rows_of(outbound => 'growth', @out));
    my %some = (only => 'Bare Floor Haproxy Sallyport', rounds => 3);
    return (map({ {%$_, %some} } @some),
        map({ {%$_, only => 'Sallyport', rounds => 3} } rows_of(inbound => 'growth', @in_rules), rows_of(outbound => 'growth', @out_rules)),
        map({ my $n = $_; {name => "memory-$n", what => "memory of a session, $n sessions", which => 'inbound', group => 'growth',
            kind => 'idle', port => 'implicit', per => 'session', load => "-s $n -n 50 -f 16 -m 1 -i message",
            start => {idle => "growth-$n"}, %some} }
            @sessions[1 .. $#sessions]));
}

sub all { return (rows_of(inbound => 'inbound', @inbound), idle_rows(), rows_of(outbound => 'outbound', @outbound), new_row(), own_rows(), growth_rows()) }

# What to reach: [play, figure, {what => at most}, who]. best: times the best peer; the name of a
# peer: times that one; most: itself. Nobody is compared with a figure that is not there.
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
    map({ my $n = $_; map { ["idle-$_-$n", 'kb', {best => 1, most => 16}] } qw(ehlo message) } 5000, most_sessions(9500)),
    map({ ["turn-$_", 'p50_ms', {Floor => 1.1}], ["turn-$_", 'p99_ms', {Floor => 1.1, most => 10}] } qw(implicit starttls)),
    ['sequence',         'p50_ms', {best => 1}],
    ['sequence',         'p99_ms', {best => 1}],
    ['out-kept',         'us', {most => 60, best => 1}],
    ['out-each',         'us', {best => 1}],
    ['out-new',          'us', {Bare => 1.15}],
    ['out-kept',         'us', {PostfixOut => 1, PostfixReuse => 1}, 'PostfixSallyport'],
    ['out-each',         'us', {PostfixOut => 1, PostfixReuse => 1}, 'PostfixSallyport'],
    map({ ["start-$_", 'seconds', {most => 1}], ["reload-$_", 'max_ms', {most => 10}] } qw(inbound outbound)),
);

1;

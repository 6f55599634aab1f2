# SPDX-License-Identifier: Apache-2.0
package Plays;

# What is played, and what is to be reached: tables, which bench/run and Table.pm walk.
use v5.36;
use POSIX ();

# Many short rounds, since one sample says little on a machine where others work: a sample is some 50 ms
# of the program's processor time, and three times that where messages or turns count: else a batch of the accountant
# (0.3 to 0.5 ms, whatever is in it) would be for a few hundred of them, not for thousands. After the first
# rounds of a play a peer that was never within so many times of the best peer plays it no more, unless a goal
# names it.
our ($rounds, $quick_rounds) = (12, 5);
our %far = (1 => 4, 2 => 1.5, 4 => 1.25); # after so many rounds: so many times
our @quick = qw(full-implicit full-starttls resumed-implicit one-implicit long long-pipelining mb turn-implicit
  out-kept out-each);
our @quick_peers = qw(Bare Floor Haproxy Hitch Nginx NginxStream Sallyport);

# As many sessions as there are descriptors for, two each in a proxy, up to `wanted`.
sub most_sessions {
    my $wanted = shift;
    open my $limits, '<', '/proc/self/limits' or die $!;
    my ($files) = map { /^Max open files +\S+ +(\d+)/ } <$limits>;
    my $room = int(($files - 1000) / 2);
    return $wanted < $room ? $wanted : $room;
}

# name, port (how load comes), what the figure is for, the options of bench/load, what it is, and the figure
# that says who is best where it is not processor time. A smaller run has a smaller -s, or -m where there is -w.
my @inbound = (
    ['full-implicit',    implicit => session => '-s 130 -n 8 -m 0', 'full handshake session, implicit TLS'],
    ['full-starttls',    starttls => session => '-s 130 -n 8 -m 0', 'full handshake session, STARTTLS'],
    ['resumed-implicit', implicit => session => '-s 160 -n 8 -m 0 -R', 'resumed session, implicit TLS'],
    ['resumed-starttls', starttls => session => '-s 160 -n 8 -m 0 -R', 'resumed session, STARTTLS'],
    ['one-implicit',     implicit => session => '-s 240 -n 8 -m 1', 'session with one 4 KB message, implicit TLS'],
    ['one-starttls',     starttls => session => '-s 240 -n 8 -m 1', 'session with one 4 KB message, STARTTLS'],
    ['long',             implicit => message => '-s 50 -n 25 -w 2 -m 60', '4 KB message in a long session, 50 sessions'],
    ['long-pipelining',  implicit => message => '-s 50 -n 25 -w 2 -m 120 -p', 'the same with PIPELINING'],
    ['mb',               implicit => mb => '-s 1 -w 1 -m 6 -k 10485760 -p', '10 MB messages, each MB'],
);
# One after the other: these take longest.
my @in_turn = (
    ['turn-implicit',    implicit => session => '-s 250 -n 1 -m 1', 'session after session, implicit TLS', 'p50_ms'],
    ['turn-starttls',    starttls => session => '-s 250 -n 1 -m 1', 'session after session, STARTTLS', 'p50_ms'],
    ['sequence',         implicit => message => '-s 1 -w 20 -m 600', 'message after message', 'p50_ms'],
);
my @outbound = (
    ['out-kept', plain => message => '-s 20 -n 10 -w 5 -m 120', '4 KB message over kept connections, 20 of them'],
    ['out-each', plain => session => '-s 150 -n 4 -m 1', 'session with one 4 KB message, outbound'],
    ['out-mb',   plain => mb => '-s 1 -w 1 -m 4 -k 10485760 -p', '10 MB messages outbound, each MB'],
);
my @mail = (
    ['mail-kept', plain => message => '-s 20 -n 10 -w 2 -m 10', '4 KB message through Postfix to a TLS server'],
    ['mail-each', plain => session => '-s 150 -n 4 -m 1', 'session with one 4 KB message, the same'],
    ['mail-mb',   plain => mb => '-s 1 -w 1 -m 2 -k 10485760 -p', '10 MB messages, the same, each MB'],
);
my @milter = (
    ['milter', plain => message => '-s 10 -n 1 -m 10', '4 KB message into Postfix with a milter', 'p50_ms'],
);

# which   what a peer is started as: see Peer.pm
# kind    cpu: processor time of the program, in rounds; idle: memory; start, reload: ours alone. All but
#         cpu: once, each in a fresh process while no other is there
# start   what a peer is told when it is started for this, beside the rest; fresh: anew for each round
# only    these peers; rounds: if not the usual; sink: another than that which they all have
sub rows_of {
    my ($which, $more, @rows) = @_;
    return map {
        my %play;
        @play{qw(name port per load what by)} = (@$_, 'us');
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
            rows_of(inbound => {kind => 'idle', group => 'idle', start => {idle => $name}, %$more},
                [$name, implicit => session => "-s $count -n 50 -f 16 -k 65536 -m 1 -i $_",
                    "$what at $count, after $where{$_}"]);
        } qw(ehlo message);
    } @sessions;
}

# Each message to a server that nobody has been to: no connection is kept, no session resumes.
sub new_rows {
    my %more = (sink => 'everywhere', start => {servers => 100}, only => 'Bare Sallyport', fresh => 1);
    return rows_of(outbound => \%more,
        ['out-new', plain => session => '-s 100 -n 4 -m 1 -d', 'first message to a new server']);
}

# Sessions without a message, where those that call the mail server for each are among themselves.
sub called_rows {
    my %more = (group => 'called', rounds => 8, only => 'Floor Haproxy Hitch NginxStream SallyportAtEhlo');
    return rows_of(inbound => \%more, map { my ($name, @rest) = @$_; ["called-$name", @rest] }
        grep { $_->[0] =~ /^(?:full|resumed)-/ } @inbound);
}

# A few percent are looked for: more rounds.
sub acct_rows {
    my %more = (group => 'accounting', only => 'Sallyport SallyportWithout', rounds => 16);
    return (rows_of(inbound => \%more, ['acct-long', @{(grep { $_->[0] eq 'long' } @inbound)[0]}[1 .. 4]]),
        rows_of(outbound => \%more, ['acct-out', @{(grep { $_->[0] eq 'out-kept' } @outbound)[0]}[1 .. 4]]));
}

sub rules_rows {
    my @rows;
    for ([inbound => 'implicit'], [outbound => 'plain']) {
        my ($which, $port) = @$_;
        my %more = (group => 'rules', start => {rules => 100_000}, only => 'Sallyport');
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
        my %few = (%more, $count > 1000 ? (rounds => 2) : ());
        push @rows, rows_of(inbound => \%few, ["sessions-$count", implicit => message =>
            "-s $count -n 50 -f 16 -w 1 -m $each", "4 KB message, sessions: $count"]);
        push @rows, rows_of(outbound => \%more, ["out-sessions-$count", plain => message =>
            "-s $count -n 50 -w 1 -m $each", "4 KB message outbound, sessions: $count"]) if $count <= 100;
    }
    return (@rows, idle_rows('memory', 'memory of a session', \%more, grep { $_ > 10 && $_ <= 1000 } @sessions));
}

sub growth_by_size {
    my %more = (group => 'growth', only => 'Bare Floor Haproxy Sallyport', rounds => 3);
    return map {
        my ($name, $bytes, $sessions, $messages) = @$_;
        rows_of(inbound => \%more, ["size-$name", implicit => mb =>
            "-s $sessions -n $sessions -w 1 -m $messages -k $bytes", "a MB in messages of $name"]);
    } ['1k', 1 << 10, 20, 60], ['10k', 10 << 10, 20, 40], ['100k', 100 << 10, 20, 10], ['1m', 1 << 20, 4, 15],
      ['10m', 10 << 20, 1, 6], ['100m', 100 << 20, 1, 1];
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
    return (rows_of(inbound => {}, @inbound), rows_of(inbound => {rounds => 7}, @in_turn), called_rows(),
        rows_of(outbound => {}, @outbound), new_rows(), rows_of(mail => {rounds => 7}, @mail),
        rows_of(milter => {}, @milter), acct_rows(),
        idle_rows('idle', 'idle TLS session', {}, 5000),
        idle_rows('idle', 'idle TLS session', {only => 'Floor Haproxy Nginx Sallyport'}, most_sessions(9500)),
        rules_rows(),
        growth_by_sessions(), growth_by_size(), growth_by_rules());
}

# What to reach: play, figure, {what => at most}, who if not Sallyport. best: times the best peer; the
# name of a peer: times that one, or beyond it where there is a +; most: itself. Where a figure is not
# there, nobody is compared with it.
my ($mail, $milter) = qw(PostfixSallyport PostfixMilter);
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
    (map { [$_, 'us', {PostfixOut => 1, PostfixReuse => 1}, $mail] } qw(mail-kept mail-each mail-mb)),
    ['milter',           'us', {PostfixNoMilter => '+60', PostfixNullMilter => 1}, $milter],
    ['milter',           'p50_ms', {PostfixNoMilter => 1, PostfixNullMilter => 1}, $milter],
    ['milter',           'us', {PostfixNoMilter => '+60'}, 'PostfixBehind'],
    ['milter',           'p50_ms', {PostfixNoMilter => 1}, 'PostfixBehind'],
    (map { [$_, 'us', {SallyportWithout => 1.03}] } qw(acct-long acct-out)),
    (map { ["called-full-$_", 'us', {best => 0.80, Floor => 1.10}, 'SallyportAtEhlo'],
        ["called-resumed-$_", 'us', {best => 0.85}, 'SallyportAtEhlo'] } qw(implicit starttls)),
    ['start-inbound',    'seconds', {most => 1}],
    ['start-outbound',   'seconds', {most => 1}],
    ['reload-inbound',   'max_ms', {most => 10}],
    ['reload-outbound',  'max_ms', {most => 10}],
);

# The peers that a goal of this play names.
sub named { my $play = shift; return map { keys %{$_->[2]} } grep { $_->[0] eq $play->{name} } @goals }

1;

# SPDX-License-Identifier: Apache-2.0
package Table;

# Rows of bench/run as tables in Markdown, two for each group of plays: every figure of everybody, and
# what is to be reached.
use v5.36;
use Compare;
use JSON::PP;
use Plays;

my %unit = (us => 'CPU us', us_milter => 'CPU us, of it the milter', p50_ms => 'p50 ms', p99_ms => 'p99 ms',
    max_ms => 'max ms', calm_max_ms => 'max ms without', kb => 'KB', kb_all => 'KB, all of it', seconds => 's');
my %shown = (cpu => [qw(us)], idle => [qw(kb kb_all)], start => [qw(seconds)],
    milter => [qw(us us_milter p50_ms p99_ms)], reload => [qw(max_ms calm_max_ms p99_ms)],
    turn => [qw(us p50_ms p99_ms)]);
my @titles = (inbound => 'Inbound', called => 'Sessions without a message, for each of which the mail server is called',
    outbound => 'Outbound', mail => 'Postfix, which hands on to a TLS server',
    milter => 'Postfix with a milter', accounting => 'Accounting', idle => 'Idle', rules => 'Rules',
    growth => 'Growth');

# The rows of the last run in the file.
sub read_file {
    my $path = shift;
    open my $in, '<', $path or die "$path: $!\n";
    my @rows = map { decode_json($_) } <$in>;
    die "$path: there is nothing in it\n" unless @rows;
    return [grep { $_->{run} eq $rows[-1]{run} } @rows];
}

# {play}{peer} = its rows
sub by_play {
    my %all;
    push @{$all{$_->{play}}{$_->{peer}}}, $_ for @{$_[0]};
    return \%all;
}

# Three digits.
sub short { my $n = shift; return sprintf abs($n) >= 100 ? '%.0f' : abs($n) >= 10 ? '%.1f' : '%.2f', $n }

sub with_spread {
    return short(Compare::median(@_)) . (@_ > 1 ? ' ±' . short(Compare::spread(@_)) : '');
}

# One aim of a goal, as cells: "1.10 x Floor 299", what it is, rounds, whether it is reached.
sub aim {
    my ($of, $name, $who, $what, $most) = @_;
    my $ours = $of->{$who};
    if ($what eq 'most') {
        my @all = @{Compare::figures($ours, $name)};
        return ["at most $most", with_spread(@all), scalar @all, Compare::verdict($most, @all)];
    }
    my $whom = $what eq 'best' ? Compare::best($of, $name) : $what;
    my $there = $whom && Compare::figures($of->{$whom}, $name) or return;
    my $is_beyond = $most =~ /^\+/;
    my $how = $is_beyond ? sub { $_[0] - $_[1] } : sub { $_[0] / $_[1] };
    my @all = Compare::pairs($ours, $of->{$whom}, $name, $how) or return;
    my $theirs = short(Compare::median(@$there));
    my $is = with_spread(@all) =~ s/^(?=\d)/$is_beyond ? '+' : ''/er;
    return [$is_beyond ? "$whom $theirs $most" : "$most x $whom $theirs", $is, scalar @all,
        Compare::verdict(0 + $most, @all)];
}

sub goals {
    my $all = shift;
    my @lines;
    for my $goal (@Plays::goals) {
        my ($play, $name, $aims, $who) = @$goal;
        $who //= 'Sallyport';
        my $of = $all->{$play} or next;
        my $is = Compare::figures($of->{$who}, $name) or next;
        for my $what (sort keys %$aims) {
            my $aim = aim($of, $name, $who, $what, $aims->{$what}) or next;
            my $title = $of->{$who}[0]{what} . ($who eq 'Sallyport' ? '' : ": $who");
            push @lines, '| ' . join(' | ', $title, $unit{$name}, short(Compare::median(@$is)), @$aim) . " |\n";
        }
    }
    return '' unless @lines;
    return join '', "| work | | ours | at most | is | rounds | reached |\n", '|---' x 7 . "|\n", @lines, "\n";
}

sub kind_of {
    my $play = shift;
    return 'turn' if $play =~ /^(?:turn|sequence)/;
    return $play =~ /^(?:idle|memory)/ ? 'idle' : $play =~ /^(start|reload|milter)/ ? $1 : 'cpu';
}

# `most`: as many rounds as anybody had.
sub cell {
    my ($rows, $name, $most) = @_;
    return '-' unless $rows;
    return 'failed' if grep { $_->{error} } @$rows;
    my @all = grep { defined } map { $_->{$name} } @$rows;
    return '-' unless @all;
    my $middle = Compare::median(@all);
    my $text = short($middle);
    $text .= sprintf ' ±%.0f%%', $middle ? 100 * Compare::spread(@all) / $middle : 0 if @all > 1;
    $text .= ' (' . @all . ')' if @all < $most;
    my ($first, $wanted) = ($rows->[0], $rows->[0]{play} =~ /-(\d+)$/);
    $text .= " (at $first->{sessions})" if exists $first->{kb} && $wanted != $first->{sessions};
    return $text;
}

sub figures {
    my ($rows, $all) = @_;
    my (%seen, %version, @plays);
    $seen{$_->{play}}++ or push @plays, $_ for @$rows;
    $version{$_->{peer}} = $_->{version} for @$rows;
    my %first = map { $_ => 1 } my @first = qw(Floor Bare Sallyport);
    my @peers = ((grep { exists $version{$_} } @first), sort grep { !$first{$_} } keys %version);
    my @out;
    push @out, '| work | | ' . join(' | ', map { "$_ ($version{$_})" } @peers) . " |\n";
    push @out, '|---|---|' . '---|' x @peers . "\n";
    for my $play (@plays) {
        my $of = $all->{$play->{play}};
        my ($most) = sort { $b <=> $a } map { scalar @$_ } values %$of;
        for my $name (@{$shown{kind_of($play->{play})}}) {
            push @out, "| $play->{what} | $unit{$name} | "
              . join(' | ', map { cell($of->{$_}, $name, $most) } @peers) . " |\n";
        }
    }
    return join '', @out, "\n";
}

sub show {
    my $rows = shift;
    my @left = @titles;
    while (my ($group, $title) = splice @left, 0, 2) {
        my @mine = grep { !exists $_->{missing} && $_->{group} eq $group } @$rows or next;
        my $all = by_play(\@mine);
        print "### $title\n\n", figures(\@mine, $all), goals($all);
    }
    my %error;
    $error{"$_->{play}, $_->{peer}: $_->{error}"}++ for grep { $_->{error} } @$rows;
    say "failed: $_ ($error{$_} times)" for sort keys %error;
    say "$_->{peer} is not here: $_->{missing} is not installed" for grep { exists $_->{missing} } @$rows;
    print <<'E';
Medians of rounds that took turns, ± the median deviation from them; (2): of so many rounds, for it was far
behind. "is": the median of ours by theirs, or less theirs (+), of the same round. "even": missed, but by no
more than that spreads. KB: proportional set size of all processes, by which it grew for each session; the
kernel's memory for sockets is not in it. -: cannot.
E
    return 0;
}

1;

# SPDX-License-Identifier: Apache-2.0
package Table;

# Rows of bench/run as two tables in Markdown: what is to be reached, and every figure of everybody.
use v5.36;
use JSON::PP;
use Plays;

our @ours = qw(Sallyport PostfixSallyport);
my %unit = (us => 'CPU us', p50_ms => 'p50 ms', p99_ms => 'p99 ms', max_ms => 'max ms',
    calm_max_ms => 'max ms without', kb => 'KB', kb_all => 'KB, all of it', seconds => 's');
my %shown = (cpu => [qw(us)], idle => [qw(kb kb_all)], start => [qw(seconds)],
    reload => [qw(max_ms calm_max_ms p99_ms)], turn => [qw(us p50_ms p99_ms)]);

# The rows of the last run in the file.
sub read_file {
    my $path = shift;
    open my $in, '<', $path or die "$path: $!\n";
    my @rows = map { decode_json($_) } <$in>;
    die "$path: there is nothing in it\n" unless @rows;
    return [grep { $_->{run} eq $rows[-1]{run} } @rows];
}

sub median { my @m = sort { $a <=> $b } @_; return @m ? ($m[$#m / 2] + $m[@m / 2]) / 2 : undef }

# Median absolute deviation, in percent of the median.
sub spread {
    my $middle = median(@_);
    return 0 unless $middle;
    return 100 * median(map { abs($_ - $middle) } @_) / $middle;
}

# {play}{peer} = its rows that are figures
sub by_play {
    my %all;
    push @{$all{$_->{play}}{$_->{peer}}}, $_ for grep { !exists $_->{missing} } @{$_[0]};
    return \%all;
}

# undef: not measured, or not every time.
sub figure {
    my ($all, $play, $peer, $name) = @_;
    my $rows = $all->{$play}{$peer} or return undef;
    return undef if grep { !defined $_->{$name} } @$rows;
    return median(map { $_->{$name} } @$rows);
}

sub best {
    my ($all, $play, $name) = @_;
    my %not = map { $_ => 1 } qw(Floor Bare), @ours;
    my @peers = map { [$_, figure($all, $play, $_, $name)] } grep { !$not{$_} } keys %{$all->{$play}};
    my ($best) = sort { $a->[1] <=> $b->[1] || $a->[0] cmp $b->[0] } grep { defined $_->[1] } @peers;
    return $best ? @$best : ();
}

# Three digits.
sub short { my $n = shift; return sprintf $n >= 100 ? '%.0f' : $n >= 10 ? '%.1f' : '%.2f', $n }

# One aim of a goal: ["1.10 x Floor (299)", what it is, reached].
sub aim {
    my ($all, $play, $name, $is, $what, $most) = @_;
    return ["at most $most", short($is), $is <= $most] if $what eq 'most';
    my ($who, $there) = $what eq 'best' ? best($all, $play, $name) : ($what, figure($all, $play, $what, $name));
    return unless $there;
    return ["$most x $who " . short($there), sprintf('%.2f', $is / $there), $is / $there <= $most];
}

sub goals {
    my $all = shift;
    my @lines;
    for my $goal (@Plays::goals) {
        my ($play, $name, $aims, $who) = @$goal;
        $who //= 'Sallyport';
        my $is = figure($all, $play, $who, $name) // next;
        for my $what (sort keys %$aims) {
            my $aim = aim($all, $play, $name, $is, $what, $aims->{$what}) or next;
            my $title = $all->{$play}{$who}[0]{what} . ($who eq 'Sallyport' ? '' : ": $who");
            push @lines, sprintf "| %s | %s | %s | %s | %s | %s |\n", $title, $unit{$name}, short($is),
              $aim->[0], $aim->[1], $aim->[2] ? 'yes' : '**no**';
        }
    }
    return '' unless @lines;
    return join '', "| work | | ours | at most | is | reached |\n|---|---|---|---|---|---|\n", @lines, "\n";
}

sub kind_of {
    my $play = shift;
    return 'turn' if $play =~ /^(?:turn|sequence)/;
    return $play =~ /^(?:idle|memory)/ ? 'idle' : $play =~ /^(start|reload)/ ? $1 : 'cpu';
}

sub cell {
    my ($rows, $name) = @_;
    return '-' unless $rows;
    my @wrong = grep { $_->{error} } @$rows;
    return 'failed' if @wrong;
    my @all = grep { defined } map { $_->{$name} } @$rows;
    return '-' unless @all;
    my $text = short(median(@all));
    $text .= sprintf ' ±%.0f%%', spread(@all) if @all > 1;
    my ($first, $wanted) = ($rows->[0], $rows->[0]{play} =~ /-(\d+)$/);
    $text .= " (at $first->{sessions})" if exists $first->{kb} && $wanted != $first->{sessions};
    return $text;
}

sub figures {
    my ($rows, $all) = @_;
    my (%seen, %version, @plays);
    $seen{$_->{play}}++ or push @plays, $_ for grep { !exists $_->{missing} } @$rows;
    $version{$_->{peer}} = $_->{version} for grep { !exists $_->{missing} } @$rows;
    my %first = map { $_ => 1 } my @first = qw(Floor Bare Sallyport);
    my @peers = ((grep { $version{$_} } @first), sort grep { !$first{$_} } keys %version);
    my @out;
    push @out, '| work | | ' . join(' | ', map { "$_ ($version{$_})" } @peers) . " |\n";
    push @out, '|---|---|' . '---|' x @peers . "\n";
    for my $play (@plays) {
        for my $name (@{$shown{kind_of($play->{play})}}) {
            push @out, "| $play->{what} | $unit{$name} | "
              . join(' | ', map { cell($all->{$play->{play}}{$_}, $name) } @peers) . " |\n";
        }
    }
    return join '', @out;
}

sub show {
    my $rows = shift;
    my $all = by_play($rows);
    print goals($all), figures($rows, $all), "\n";
    my %error;
    $error{"$_->{play}, $_->{peer}: $_->{error}"}++ for grep { $_->{error} } @$rows;
    say "failed: $_ ($error{$_} times)" for sort keys %error;
    say "$_->{peer} is not here: $_->{missing} is not installed" for grep { exists $_->{missing} } @$rows;
    print <<'E';
Medians of rounds that took turns, ± the median deviation from them. KB: proportional set size of all
processes, by which it grew for each session; the kernel's memory for sockets is not in it. -: cannot.
E
    return 0;
}

1;

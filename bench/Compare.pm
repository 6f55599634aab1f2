# SPDX-License-Identifier: Apache-2.0
package Compare;

# Figures of the same rounds beside each other. A row is what bench/run notes of one peer, one play and
# one round: {peer, round, us, p50_ms, ...}.
use v5.36;

our @ours = qw(Sallyport SallyportAtEhlo SallyportWithout PostfixSallyport PostfixMilter PostfixBehind);
our @floors = qw(Floor Bare);
my %no_peer = map { $_ => 1 } @ours, @floors;

sub median { my @m = sort { $a <=> $b } @_; return @m ? ($m[$#m / 2] + $m[@m / 2]) / 2 : undef }

# Median absolute deviation.
sub spread { my $middle = median(@_); return median(map { abs($_ - $middle) } @_) }

# undef: not measured, or not every time.
sub figures {
    my ($rows, $name) = @_;
    return undef if !$rows || !@$rows || grep { !defined $_->{$name} } @$rows;
    return [map { $_->{$name} } @$rows];
}

# What `how` makes of ours and theirs, of each round in which both were.
sub pairs {
    my ($ours, $theirs, $name, $how) = @_;
    my %there = map { $_->{round} => $_->{$name} } @$theirs;
    return map { $how->($_->{$name}, $there{$_->{round}}) } grep { defined $there{$_->{round}} } @$ours;
}

# Who has the lowest median, of the peers that were there to the end; `of` is {peer} = its rows.
sub best {
    my ($of, $name) = @_;
    my %all = map { $_ => figures($of->{$_}, $name) } grep { !$no_peer{$_} } keys %$of;
    my %is = map { $all{$_} ? ($_ => median(@{$all{$_}})) : () } keys %all;
    my ($most) = sort { $b <=> $a } map { scalar @{$of->{$_}} } keys %is;
    return (sort { $is{$a} <=> $is{$b} || $a cmp $b } grep { @{$of->{$_}} == $most } keys %is)[0];
}

# The peers that in none of these rounds came near to the best of them.
sub far_behind {
    my ($rows, $name, $times) = @_;
    my (%least, %nearest);
    my @peers = grep { !$no_peer{$_->{peer}} && defined $_->{$name} } @$rows;
    for (@peers) {
        my $least = \$least{$_->{round}};
        $$least = $_->{$name} if !defined $$least || $_->{$name} < $$least;
    }
    for (@peers) {
        my $ratio = $least{$_->{round}} ? $_->{$name} / $least{$_->{round}} : 1;
        my $nearest = \$nearest{$_->{peer}};
        $$nearest = $ratio if !defined $$nearest || $ratio < $$nearest;
    }
    return sort grep { $nearest{$_} > $times } keys %nearest;
}

# even: missed by no more than these figures spread.
sub verdict {
    my ($most, @figures) = @_;
    my $is = median(@figures);
    return 'yes' if $is <= $most;
    return $is - spread(@figures) <= $most ? 'even' : '**no**';
}

1;

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Nobody reaches into a room they may not see, and each library has one door: t/rooms.
use strict;
use warnings;
use Test::More;

my (%sees, %door);
open my $map, '<', 't/rooms' or die "t/rooms: $!";
while (<$map>) {
    next if /^#/ or !/\S/;
    my ($what, @may) = split;
    if ($may[0] && $may[0] =~ /\.[ch]$/) { $door{$what} = {map { $_ => 1 } @may} }
    else                                 { $sees{$what} = {map { $_ => 1 } $what, @may} }
}

my @rooms = sort { length $b <=> length $a } keys %sees;
sub room_of { my $file = shift; (grep { index($file, "$_/") == 0 } @rooms)[0] }

# Each include of a file that its room may not see, or that has its door elsewhere.
sub trespasses {
    my ($file, @lines) = @_;
    my $room = room_of($file) or return "$file is in no room";
    my ($number, @bad) = (0);
    for (@lines) {
        $number++;
        if (/^\s*#\s*include\s*"(.+?)"/) {
            my $from = -e "common/$1" ? room_of("common/$1") : room_of($1) // $room;
            push @bad, "$number: \"$1\" is in $from" unless $sees{$room}{$from};
        } elsif (/^\s*#\s*include\s*<(.+?)>/) {
            my $header = $1;
            for (grep { index($header, $_) == 0 } keys %door) {
                push @bad, "$number: <$header> has its door elsewhere" unless $door{$_}{$file};
            }
        }
    }
    return @bad;
}

for my $file (glob('common/*/*.[chd]* {proxy-in,proxy-out,milter,cli}/*.[ch] {proxy-out,milter,cli}/*/*.[ch]')) {
    open my $in, '<', $file or die "$file: $!";
    my @bad = trespasses($file, <$in>);
    ok(!@bad, $file) or diag(join "\n", @bad);
}

ok(trespasses('common/smtp/x.c', '#include <event2/event.h>'), 'a library by the window is seen');
ok(trespasses('common/smtp/x.c', '#include "net/conn.h"'), 'a room too far is seen');
ok(trespasses('milter/x.c', '#include "proxy-in/relay.h"'), 'a program inside another is seen');
done_testing;

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# How the house is kept: licence lines, formatting, sizes, forbidden functions, READMEs.
use v5.36;
use Test::More;

# Out of an archive there is no git to say what is ours.
my @ours = grep { -e } qw(README quickstart autogen.sh configure.ac Makefile.am .ci bench cli common doc etc milter proxy-in proxy-out t);
my @tracked = grep { -f && !-l } split /\n/, `git -c safe.directory='*' ls-files 2>/dev/null` || `find @ours -type f`;
my @c = grep { m{/.*\.[ch]$} } @tracked;
my @written = grep { /(?:\.[chd]|\.def|\.p[lm]|\.t|\.sh|\.ac|\.am|\.[18](?:\.in)?|^quickstart)$/ } @tracked;

sub lines_of {
    my $path = shift;
    open my $in, '<', $path or die "$path: $!";
    return <$in>;
}

sub has_tool { return grep { -x "$_/$_[0]" } split /:/, $ENV{PATH} }

ok(@c > 5, 'there is something to look at');
for my $path (@written) {
    my @lines = lines_of($path);
    my @head = grep { defined } @lines[0 .. 4];
    ok((grep { /SPDX-License-Identifier: Apache-2\.0/ } @head), "$path says its licence");
    next if $path eq 'Makefile.am'; # a list that grows with every test
    ok(@lines <= 400, "$path has at most 400 lines") or diag(scalar @lines);
}

my $forbidden = qr/\b(?:strcpy|strcat|sprintf|vsprintf|strtok|gets|atoi|atol|rand|alloca|signal|system|popen)\s*\(/;
for my $path (@c) {
    my $number = 0;
    my @bad = map { "$path:$_" } map { $number++; s{/\*.*?\*/|"(?:[^"\\]|\\.)*"}{}gr =~ $forbidden ? "$number: $_" : () }
        grep { 1 } lines_of($path);
    ok(!@bad, "$path: no forbidden function") or diag(@bad);
}

my @vague = map { my $path = $_; map { "$path: $_" } grep { /\bTODO\b(?!.*#\d)/ } lines_of($path) }
    grep { $_ ne 't/00-house.t' } @written;
ok(!@vague, 'each TODO names its issue') or diag(@vague);

for my $readme (grep { m{/README$} && $_ ne 't/README' } @tracked) {
    my @lines = lines_of($readme);
    ok(@lines <= 20, "$readme has at most 20 lines") or diag(scalar @lines);
}

SKIP: {
    skip 'clang-format is not installed', 1 unless has_tool('clang-format');
    my @bad = map { `clang-format --dry-run --Werror $_ 2>&1` } @c;
    ok(!@bad, 'clang-format has nothing to change') or diag(@bad);
}

SKIP: {
    skip 'pmccabe is not installed', 1 unless has_tool('pmccabe');
    my @code = grep { /\.c$/ } @c;
    my @bad;
    for (@code ? `pmccabe @code 2>/dev/null` : ()) {
        my ($complexity, undef, undef, undef, $lines, $where) = split ' ', $_, 6;
        push @bad, "$where: $lines lines, complexity $complexity\n" if $lines > 60 || $complexity > 15;
    }
    ok(!@bad, 'functions have at most 60 lines and a complexity of 15') or diag(@bad);
}

SKIP: {
    skip 'codespell is not installed', 1 unless has_tool('codespell');
    my @prose = grep { !/LICENSE|\.seed/ && -T } @tracked;
    my @bad = `codespell -I t/words @prose 2>&1`;
    ok(!@bad, 'no misspelt word') or diag(@bad);
}

SKIP: {
    skip 'shellcheck is not installed', 1 unless has_tool('shellcheck');
    my @sh = grep { /\.[ch]$/ ? 0 : (lines_of($_))[0] =~ m{^#!/bin/(?:ba)?sh} } grep { -s && -T } @tracked;
    my @bad = `shellcheck @sh 2>&1`;
    ok(!@bad, 'shellcheck finds nothing') or diag(@bad);
}

done_testing;

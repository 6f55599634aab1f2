#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The configuration's documents say what the code does: sample, manual, examples that are read.
# (The README's is in 00-docs.t.)
# T_UPDATE=1 writes what is made from the code anew.
use v5.36;
use File::Temp qw(tempdir);
use Test::More;

my $tool = ($ENV{T_BUILD} // '.') . '/t/tool/settings-print';
BAIL_OUT("$tool is not built: make check builds it") unless -x $tool;
my $dir = tempdir(CLEANUP => 1);
my ($sample, $page) = qw(etc/sallyport.conf.sample etc/sallyport.conf.5);

sub text_of {
    my $path = shift;
    open my $in, '<', $path or return '';
    local $/ = undef;
    return scalar <$in>;
}

sub put {
    my ($path, @text) = @_;
    open my $out, '>', $path or die "$path: $!";
    print $out @text;
    close $out or die "$path: $!";
    return $path;
}

sub is_made {
    my ($path, $made) = @_;
    put($path, $made) if $ENV{T_UPDATE};
    ok(text_of($path) eq $made, "$path is what the code makes") or diag("T_UPDATE=1 t/00-conf.t writes it anew");
    return;
}

# The program's line for each mistake, '' if there is none. Files that it names need not be here.
sub mistakes_of {
    my $text = shift;
    put("$dir/pem", '');
    $text =~ s{/[\w/-]+\.pem}{$dir/pem}g;
    put("$dir/conf", $text);
    return `$tool $dir/conf 2>&1`;
}

my $made = `$tool --sample`;
is($?, 0, '--sample');
is_made($sample, $made);
(my $on = $made) =~ s/^#(?!#)//mg;
is(mistakes_of($on), '', 'every line of the sample is read');
my @lines = $on =~ /^\s*[\w-]+ = /mg;
cmp_ok(@lines, '>', 60, 'and there are lines in it');

my $lists = `$tool --manual`;
is($?, 0, '--manual');
my ($from, $to) = map { quotemeta } '.\\" made by', '.\\" end of what is made';
my $manual = text_of($page) =~ s/(^$from[^\n]*\n).*?(^$to)/$1$lists$2/msr;
is_made($page, $manual);

SKIP: {
    skip 'mandoc is not installed', 1 unless grep { -x "$_/mandoc" } split /:/, $ENV{PATH};
    is(scalar(`mandoc -Tlint -W warning $page 2>&1`), '', 'mandoc finds nothing in the manual');
}

is(mistakes_of(text_of('etc/sallyport.conf.example')), '', 'the example is read');
my ($shown) = text_of($page) =~ /^(smtp-listener.*?)^\.Ed/ms;
is(mistakes_of($shown), '', "the manual's example is read");
ok(mistakes_of("smtp-listener x { }\n") ne '', 'a mistake would be seen');

done_testing;

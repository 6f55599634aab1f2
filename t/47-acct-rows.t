#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Rows of accounting files: whatever values are, other people's readers get the cleaned values
# back, one for each column, and no value makes a row or a column of its own.
use v5.36;
use lib 't/lib';
use Test::More;
use JSON::PP ();
use T::Csv;
use T::Stage;

my $tool = ($ENV{T_BUILD} // '.') . '/t/tool/account-rows';
my $seed = $ENV{T_SEED} // time;
srand $seed;
note "T_SEED=$seed";

my @columns = qw(orig dsnDiag header_X-Campaign dlvTlsPeerName);
my $most = 8192;    # RECORD_MAX

# One character as RFC 3629 has it, that is no control character.
my $shown = qr/ [\x20-\x7e] | \xc2[\xa0-\xbf] | [\xc3-\xdf][\x80-\xbf]
              | \xe0[\xa0-\xbf][\x80-\xbf] | [\xe1-\xec\xee\xef][\x80-\xbf]{2} | \xed[\x80-\x9f][\x80-\xbf]
              | \xf0[\x90-\xbf][\x80-\xbf]{2} | [\xf1-\xf3][\x80-\xbf]{3} | \xf4[\x80-\x8f][\x80-\xbf]{2} /x;

# What the value becomes, told from its documentation alone.
sub clean ($value) {
    my $clean = '';
    while ($value =~ /\G(?:($shown)|\xc2[\x80-\x9f]|.)/gs) {
        my $next = $1 // '?';
        last if length($clean) + length($next) > $most;
        $clean .= $next;
    }
    return $clean;
}

my @bits = ("\r", "\n", "\r\n", '"', '""', ',', "\0", "\t", '\\', "\\\"", "\x7f", "\x1b[2J", '=', '+', '-', '@', "'",
    'd,forged,', '{"a":"b"}', "\xff", "\xfe\xff", "\xc3", "\xc3\xbc", "\xe2\x82\xac", "\xe2\x82", "\xc2\x85", "\xc0\xaf",
    "\xed\xa0\x80", "\xf0\x9f\x93\xa7", "\xf5\x80\x80\x80", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0", "\xe2\x80\xa8", "\xef\xbb\xbf", ' ', 'a', 'smtp;250 2.0.0 Ok');

sub hostile {
    return '' if rand() < 0.1;
    my $value = join '', map { $bits[ rand @bits ] } 1 .. 1 + rand 12;
    $value = $value x (1 + rand(65536) / length $value) if rand() < 0.02;
    $value = join '', map { chr rand 256 } 1 .. rand 40 if rand() < 0.1;
    return $value;
}

sub rows ($format, @records) {
    open my $in, '>:raw', stage_dir() . '/values' or die;
    print $in map { pack 'N/a*', $_ } map { @$_ } @records;
    close $in or die;
    open my $out, '-|:raw', 'sh', '-c', '"$0" "$@" < ' . stage_dir() . '/values', $tool, $format, @columns or die;
    my $text = do { local $/; <$out> };
    close $out or die "$tool failed";
    return $text;
}

my @records = map { [map { hostile() } @columns] } 1 .. 3000;
push @records, [map { 'A' . "\xc3\xbc" x 65535 } @columns], [map { '"' x 65536 } @columns], [map { $_ } @bits[0 .. 3]];
push @records, map { [($_) x @columns] } @bits;
my @clean = map { [map { clean($_) } @$_] } @records;

sub compare ($name, $got, $want) {
    is(scalar @$got, scalar @$want, "$name: a row for each record") or return;
    for my $i (0 .. $#$want) {
        next if join("\0", $got->[$i]->@*) eq join("\0", $want->[$i]->@*);
        return is_deeply($got->[$i], $want->[$i], "$name: row $i");
    }
    pass("$name: the cleaned values come back");
}

my $csv = rows('csv', @records);
ok(utf8::decode(my $copy = $csv), 'CSV is UTF-8');
my ($head, @got) = csv_fields($csv);
is_deeply($head, ['type', @columns], 'the header');
is(scalar(grep { $_->[0] ne 'd' } @got), 0, 'no value is a type');
compare('CSV', [map { [@$_[1 .. $#$_]] } @got], \@clean);

my $guarded = rows('guard', @records);
(undef, @got) = csv_fields($guarded);
# Some spreadsheets begin a cell behind a semicolon, too, and none minds blanks and quotes before it.
my $formula = qr/(?:^|(?<=;))(?=[ "]*(?:[=+\-@\t\r]|\xef\xbc[\x9d\x8b\x8d\xa0]))/;
is(scalar(grep { /$formula/ } map { @$_ } @got), 0, 'guarded: no cell begins like a formula');
compare('guarded', [map { [@$_[1 .. $#$_]] } @got], [map { [map { s/$formula/'/gr } @$_] } @clean]);

my $json = rows('json', @records);
ok(utf8::decode($copy = $json), 'JSON is UTF-8');
my @lines = split /(?<=\n)/, $json;
is(scalar(grep { !/\A\{.*\}\n\z/ } @lines), 0, 'JSON: each line is an object');
compare('JSON', [map { my $o = JSON::PP->new->utf8->decode($_);
    keys %$o == 1 + @columns or die 'members: ' . join ' ', keys %$o;
    [map { my $v = $o->{$_}; utf8::encode($v); $v } @columns] } @lines], \@clean);

done_testing();

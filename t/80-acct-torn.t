#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A segment that a power cut or a bad disk damaged: what is whole becomes rows, what is not is
# counted in the log (a torn last line, too), and an outcome that is lost is "outcome unknown".
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::Csv;
use T::Run;

my $csv = stage_dir() . '/acct.csv';
my $milter = T::Run->start('sallyport-milter', csv => $csv, expect => qr/ spool-bad-lines /, conf => <<'CONF');
acct-file "@csv@" {
    records = {d, t}
    record-fields d { fields = {rcpt} }
    record-fields t { fields = {rcpt, dsnDiag} }
}
CONF

sub line ($do, $name) { return qq({"do":"$do","key":"$name","at":1700000000.5,"type":"d","rcpt":"$name\@a.test"}\n) }
sub row ($name) { return line(row => $name) }
my $half = substr row('half'), 0, 40;

my @cases = (
    ['whole', row('a') . row('b'), 'd:a d:b', 0],
    ['torn at its end', row('c') . $half, 'd:c', 1],
    ['torn in the middle', row('e') . $half . row('with') . row('f'), 'd:e d:f', 1],
    ['a hole of zeroes', row('g') . "\0" x 500 . row('with') . row('h'), 'd:g d:h', 1],
    ['zeroes at its end, as whoever is killed leaves them', row('i') . "\0" x 200, 'd:i', 0],
    ['many of them', row('j') . "\0" x 100_000, 'd:j', 0],
    ['a torn line before them', row('p') . $half . "\0" x 100_000, 'd:p', 1],
    ['nothing but zeroes', "\0" x 8192, '', 0],
    ['lines of garbage', row('k') . "\xff\xfe\n" x 10 . row('l'), 'd:k d:l', 10],
    ['an outcome torn at the end', line(intent => 'm') . substr(line(outcome => 'm'), 0, 40), 't:m', 1],
    ['an outcome that is garbage', line(intent => 'n') . "\0" x 80 . "\n" . row('o'), 'd:o t:n', 1],
    ['empty', '', '', 0],
);

my ($number, $before) = (0, 0);
for my $case (@cases) {
    my ($name, $bytes, $rows, $bad) = @$case;
    my $segment = sprintf '%s/spool/%016d-f.1.%d-%06d.delivered', $milter->{dir}, (++$number) x 3;
    my $said = length $milter->log_text;
    open my $out, '>', "$milter->{dir}/spool/.new" or die $!;
    print $out $bytes;
    close $out or die $!;
    rename "$milter->{dir}/spool/.new", $segment or die $!;
    ok(T::Stage::wait_for(sub { !-e $segment }), "$name: it is read and removed");
    my @rows = csv_rows($csv);
    is(join(' ', map { $_->{type} . ':' . $_->{rcpt} =~ s/\@.*//r } splice @rows, $before), $rows, 'what is whole is accounted');
    $before += () = $rows =~ /:/g;
    my $log = substr $milter->log_text, $said;
    like($log, $bad eq '0' ? qr/\A\z/ : qr/\A\S+ spool-bad-lines level=error count=$bad then="left out"\n\z/, 'what is not is counted');
}
is((grep { $_->{type} eq 't' } csv_rows($csv))[0]{dsnDiag}, 'smtp;451 4.4.2 outcome unknown', 'what a t row says');
all_done();

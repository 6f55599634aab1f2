#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What is found out about a domain under DNSSEC: signed zones, broken ones, and a validating libunbound.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use IPC::Open2;
use T::DNS;
use T::Run;

my $right = '03' x 32;
my $zones = <<"Z" . join '', map { "many.good.test. MX @{[1000 - $_]} mx$_.good.test.\nmx$_.good.test. A 127.0.1.$_\n" } 1 .. 80;
zone plain.test unsigned
plain.test. MX 10 mx.plain.test.
mx.plain.test. A 127.0.0.31
_25._tcp.mx.plain.test. TLSA 3 1 1 $right
half.plain.test. CNAME mx.good.test.
zone forged.test forged
forged.test. MX 10 mx.forged.test.
mx.forged.test. A 127.0.0.32
_25._tcp.mx.forged.test. TLSA 3 1 1 $right
zone good.test signed
good.test. MX 10 mx.good.test.
good.test. MX 20 mx.plain.test.
mx.good.test. A 127.0.0.33
mx.good.test. AAAA ::1
_25._tcp.mx.good.test. TLSA 3 1 1 $right
\$TTL 60
alone.good.test. A 127.0.0.34
null.good.test. MX 0 .
nullish.good.test. MX 0 .
nullish.good.test. MX 10 mx.good.test.
nullest.good.test. MX 10 mx.good.test.
nullest.good.test. MX 20 .
partly.good.test. MX 10 mx.forged.test.
partly.good.test. MX 20 mx.good.test.
lost.good.test. MX 10 mx.forged.test.
alias.good.test. CNAME mx.good.test.
begins.good.test. CNAME none.good.test.
_25._tcp.begins.good.test. TLSA 3 0 1 $right
out.good.test. CNAME mx.plain.test.
_25._tcp.out.good.test. TLSA 2 0 1 $right
away.good.test. CNAME mx.plain.test.
to-forged.good.test. CNAME mx.forged.test.
none.good.test. A 127.0.0.35
pkix.good.test. A 127.0.0.35
_25._tcp.pkix.good.test. TLSA 0 0 1 $right
_25._tcp.pkix.good.test. TLSA 1 1 1 $right
mixed.good.test. A 127.0.0.35
_25._tcp.mixed.good.test. TLSA 1 1 1 $right
_25._tcp.mixed.good.test. TLSA 3 1 7 $right
_25._tcp.mixed.good.test. TLSA 3 1 1 abcd
_25._tcp.mixed.good.test. TLSA 2 1 1 $right
agile.good.test. A 127.0.0.35
_25._tcp.agile.good.test. TLSA 3 1 1 $right
_25._tcp.agile.good.test. TLSA 3 1 2 @{['04' x 64]}
shared.good.test. A 127.0.0.35
_25._tcp.shared.good.test. CNAME _25._tcp.mx.good.test.
strays.good.test. A 127.0.0.35
_25._tcp.strays.good.test. CNAME _25._tcp.mx.plain.test.
empty.good.test. TXT "no address"
oldish.good.test. A 127.0.0.35
_25._tcp.oldish.good.test. TLSA 3 1 1 $right
mute.good.test. A 127.0.0.35
_25._tcp.mute.good.test. TLSA 3 1 1 $right
bare.good.test. A 127.0.0.35
_25._tcp.bare.good.test. TLSA 3 1 1 $right
halfdead.good.test. A 127.0.0.35
_25._tcp.halfdead.good.test. TLSA 3 1 1 $right
dead.good.test. A 127.0.0.35
deadmx.good.test. MX 10 mx.good.test.
baremx.good.test. MX 10 mx.good.test.
Z

my $dns = T::DNS->start($zones, signed => 1);

# Asks one thing after the other; what is known is remembered by it.
sub asker {
    my ($anchor) = @_;
    my $pid = open2(my $from, my $to, "$ENV{T_BUILD}/t/tool/ask", $dns->address, $anchor);
    return sub {
        my $question = shift // do {
            close $to;
            waitpid $pid, 0;
            return is($?, 0, 'it ends well');
        };
        print $to "$question\n";
        chomp(my $line = <$from> // 'ended');
        return $line;
    };
}

$dns->breaks(
    'TLSA _25._tcp.oldish.good.test'   => 'servfail',
    'TLSA _25._tcp.bare.good.test'     => 'bare',
    'AAAA halfdead.good.test'          => 'servfail',
    'A dead.good.test'                 => 'servfail',
    'AAAA dead.good.test'              => 'servfail',
    'MX deadmx.good.test'              => 'servfail',
    'MX baremx.good.test'              => 'bare',
    'TLSA _25._tcp.mx.plain.test'      => 'servfail',
);

my $ask = asker($dns->anchor);
for my $case (
    # Mail
    ['mail good.test', 'ok secure 10:mx.good.test=127.0.0.33 10:mx.good.test=::1 20:mx.plain.test=127.0.0.31'],
    ['mail plain.test',        'ok 10:mx.plain.test=127.0.0.31',       'a zone that is not signed'],
    ['mail forged.test',       'bogus',                                'MX records that were changed'],
    ['mail baremx.good.test',  'bogus',                                'MX records without their signatures'],
    ['mail deadmx.good.test',  'failed',                               'nobody says'],
    ['mail alone.good.test',   'ok secure 0:alone.good.test=127.0.0.34', 'no MX, which is proven'],
    ['mail null.good.test',    'null-mx secure'],
    ['mail nullish.good.test', 'ok secure 10:mx.good.test=127.0.0.33 10:mx.good.test=::1', 'beside another one it says nothing (RFC 7505, 3)'],
    ['mail nullest.good.test', 'ok secure 10:mx.good.test=127.0.0.33 10:mx.good.test=::1', 'whichever comes first'],
    ['mail nope.good.test',    'no-domain secure',                     'no such name, which is proven'],
    ['mail nope.plain.test',   'no-domain'],
    ['mail partly.good.test',  'ok secure 20:mx.good.test=127.0.0.33 20:mx.good.test=::1', 'addresses of one MX do not validate'],
    ['mail lost.good.test',    'bogus secure',                         'of the only one'],
    ['mail empty.good.test',   'no-address secure'],
    ['host mx.forged.test',    'bogus'],
    # TLSA: which records, and at which name
    ['tlsa mx.good.test',      'ok usable mx.good.test 311:03'],
    ['tlsa MX.Good.Test',      'ok usable mx.good.test 311:03',        'in capitals'],
    ['tlsa mx.plain.test',     'ok none',                              'addresses are not secure: nobody is asked'],
    ['tlsa plain.test',        'ok none',                              'and there are none'],
    ['tlsa none.good.test',    'ok none',                              'there are none, which is proven'],
    ['tlsa nope.good.test',    'ok none',                              'no such name'],
    ['tlsa alias.good.test',   'ok usable mx.good.test 311:03',        'an alias: at its end'],
    ['tlsa begins.good.test',  'ok usable begins.good.test 301:03',    'or, none there, at its beginning'],
    ['tlsa out.good.test',     'ok usable out.good.test 201:03',       'an alias to a zone that is not signed: at its beginning'],
    ['tlsa away.good.test',    'ok none',                              'or nowhere'],
    ['tlsa half.plain.test',   'ok none',                              'an alias that is not secure itself'],
    ['tlsa to-forged.good.test', 'ok failed',                          'an alias to what is bogus'],
    ['tlsa shared.good.test',  'ok usable shared.good.test 311:03',    'the records may stand behind an alias'],
    ['tlsa strays.good.test',  'ok failed',                            'which must say something'],
    # which count
    ['tlsa pkix.good.test',    'ok unusable',                          'usages 0 and 1 do not count'],
    ['tlsa mixed.good.test',   'ok usable mixed.good.test 211:03',     'one of four counts'],
    ['tlsa agile.good.test',   'ok usable agile.good.test 312:04',     'the stronger digest'],
    # and where they cannot be had
    ['tlsa mx.forged.test',    'ok failed',                            'bogus addresses'],
    ['tlsa bare.good.test',    'ok failed',                            'without signatures'],
    ['tlsa oldish.good.test',  'ok failed',                            'SERVFAIL'],
    ['tlsa halfdead.good.test', 'ok usable halfdead.good.test 311:03', 'no word of AAAA, but A is proven'],
    ['tlsa dead.good.test',    'ok failed',                            'nobody says its addresses'],
) {
    my ($question, $want, $name) = @$case;
    is($ask->($question), $want, "$question: " . ($name // 'as it should be'));
}
$ask->();
is(grep({ $_ eq 'TLSA _25._tcp.plain.test' } $dns->asked), 0, 'nobody is asked about a server whose addresses are not secure');
is(grep({ $_ eq 'TLSA _25._tcp.away.good.test' } $dns->asked), 1, 'the beginning of an alias was asked about');
is(grep({ $_ eq 'TLSA _25._tcp.half.plain.test' } $dns->asked), 0, 'but not of one that is not secure');

$dns->breaks('TLSA _25._tcp.mute.good.test' => 'silent');
$ask = asker($dns->anchor);
is($ask->('tlsa strays.good.test'), 'ok none', 'records behind an alias that leads out of DNSSEC do not count');
is(join(' ', $ask->('mail many.good.test') =~ /(\d+):/g), join(' ', 920 .. 935), 'of eighty MX the best, which came last');
is($ask->('tlsa mute.good.test'), 'ok failed', 'no answer at all');
$ask->();

$dns->breaks('* *' => 'bare');
$ask = asker($dns->anchor);
is($ask->('mail good.test'), 'bogus', 'a forwarder without signatures: nothing validates');
is($ask->('mail plain.test'), 'bogus', 'nor can it prove that a zone is not signed');
$ask->();
$ask = asker('');
is($ask->('mail forged.test'), 'ok 20:mx.forged.test=127.0.0.250', 'without a trust anchor all is believed');
is($ask->('mail good.test') =~ s/ .*//r, 'ok', 'and nothing is secure');
is($ask->('tlsa mx.good.test'), 'ok none', 'and there is no DANE');
$ask->();

open my $out, '>', stage_dir() . '/nonsense' or die;
print $out "this is no anchor\n";
close $out;
like(asker(stage_dir() . '/nonsense')->('mail good.test'), qr{^trust-anchor-file \S+/nonsense: no trust anchors can be read from it; use },
    'a file without anchors is said to be so');
# sallyport-out: what it says of it.
$dns->breaks;
my $conf = <<'CONF';
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
spool-directory = "@dir@/spool"
workers = 1
CONF
my %say = (dns => $dns->address, anchor => $dns->anchor, dir => stage_dir());
my $anchored = "trust-anchor-file = \"\@anchor\@\"\n";

for (['trust-anchor-file = "@dir@/nonsense"', qr{conf:\d*:? ?.*trust-anchor-file \S+/nonsense: no trust anchors can be read from it; use }],
    ['domain a.test { use-dane = required }', qr{conf:\d+: domain a\.test: use-dane = required, and nothing can be validated; add trust-anchor-file = }]) {
    my ($status, $said) = T::Run->prepare('sallyport-out', %say, conf => "$conf$_->[0]\n")->outcome('-t');
    isnt($status, 0, "refused: $_->[0]");
    like($said, $_->[1], 'and said why, with the remedy');
}
for (
    ['no anchor',               '',                                  '',     qr/^\S+ no-dnssec why="no trust-anchor-file" .*remedy="trust-anchor-file = .*unvalidated=0/m],
    ['a bare forwarder',        $anchored,                           'bare', qr/no-dnssec level=error why="the trust anchor's own name does not validate" .*remedy="a name-server that/],
    ['a way that validates',    $anchored,                           '',     undef],
    ['no rule that heeds DANE', "domain * { use-dane = off }\n",     '',     undef],
) {
    my ($name, $more, $how, $line) = @$_;
    $dns->breaks($how ? ('* *' => $how) : ());
    my $asked = grep { $_ eq 'SOA .' } $dns->asked;
    my $out = T::Run->start('sallyport-out', %say, conf => $conf . $more, expect => qr/no-dnssec/);
    if ($line) {
        ok(T::Stage::wait_for(sub { $out->log_text =~ $line }), "$name: said at the start");
    } elsif ($more eq $anchored) {
        ok(T::Stage::wait_for(sub { grep({ $_ eq 'SOA .' } $dns->asked) > $asked }), 'it was asked');
    }
    $out->stop;
    unlike($out->log_text, qr/no-dnssec/, "$name: nothing to say") if !$line;
}
all_done();

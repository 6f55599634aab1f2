#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport report --html: what a browser shows, letters and lengths, against figures that are
# worked out here from the same rows.
use v5.36;
use utf8;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::Chromium;
use T::Cli;

my $dir = stage_dir();
my @columns = qw(type timeLogged rcpt dsnStatus dsnDiag dsnMta bounceCat srcMta queue dlvTlsProtocol dlvTlsCipher dlvTlsGroup
    dlvTlsVerify dlvTlsPolicy dlvTlsPolicyResult dlvTlsError domainRule rcvSourceIp rcvTlsProtocol rcvTlsCipher rcvTlsGroup
    rcvTlsVerify sourceRule sourceReport);
my $evil = q{smtp;550 5.7.1 <script>alert(1)</script> "no" & <img src=x onerror=alert(2)>};

# So many rows that differ in nothing.
my @rows;
sub rows { my ($count, %row) = @_; push @rows, [$count, \%row]; return }
sub sent {
    my ($count, $day, $domain, $protocol, $verify, %more) = @_;
    return rows($count, type => 'd', timeLogged => "2026-11-$day 12:00:00+0000", rcpt => "a\@$domain", queue => "$domain/v",
        dlvTlsProtocol => $protocol, dlvTlsVerify => $verify, dlvTlsPolicy => 'may', dlvTlsPolicyResult => $protocol ? 'met' : 'clear',
        ($protocol ? (dlvTlsCipher => "C-$protocol", dlvTlsGroup => 'X25519') : ()), %more);
}
sub received {
    my ($count, $day, $ip, $protocol) = @_;
    return rows($count, type => 'r', timeLogged => "2026-11-$day 12:00:00+0000", rcpt => 'us@here.test', srcMta => "host ($ip)",
        rcvSourceIp => $ip, rcvTlsProtocol => $protocol, ($protocol ? (rcvTlsCipher => "C-$protocol", rcvTlsVerify => 'none') : ()));
}
sent(800, '10', 'one.test', 'TLSv1.3', 'ok');
sent(150, '10', 'two.test', 'TLSv1.2', 'self-signed');
sent(50, '10', 'old.test', 'TLSv1', 'ok');
sent(200, '10', 'clear.test', '', '');
sent(2999, '11', 'one.test', 'TLSv1.3', 'ok');
sent(1, '11', 'clear.test', '', ''); # so few that its true height could not be seen
sent(300, '13', 'two.test', 'TLSv1.2', 'self-signed');
sent(200, '13', 'one.test', 'TLSv1.3', 'ok');
received(40, '10', '192.0.2.7', '');
received(960, '10', '192.0.2.8', 'TLSv1.3');
received(70, '13', '2001:db8::7', '');
rows(30, type => 'b', timeLogged => '2026-11-11 09:00:00+0000', rcpt => 'x@evil.test', queue => 'evil.test/v', dsnStatus => '5.7.1',
    dsnDiag => $evil, dsnMta => 'mx.evil.test (192.0.2.9)', bounceCat => 'policy-related');
rows(10, type => 't', timeLogged => '2026-11-13 09:00:00+0000', rcpt => 'x@expired.test', queue => 'expired.test/v', dsnStatus => '4.7.5',
    dsnDiag => 'smtp;451 4.7.5 Certificate has expired', dsnMta => 'mx (192.0.2.9)', bounceCat => 'policy-related',
    dlvTlsError => 'certificate-expired');

sub cell { my $text = shift // ''; return $text =~ /[",]/ ? '"' . $text =~ s/"/""/gr . '"' : $text }
open my $csv, '>', "$dir/acct.csv" or die $!;
print $csv join(',', @columns), "\r\n";
for (@rows) {
    my ($count, $row) = @$_;
    print $csv ((join(',', map { cell($row->{$_}) } @columns) . "\r\n") x $count);
}
close $csv or die $!;

# Sums of rows that the code takes.
sub sum { my $code = shift; my $sum = 0; for (@rows) { local $_ = $_; my ($count, $row) = @$_; $sum += $count if $code->($row) } return $sum }
sub number { return shift() =~ s/(?<=\d)(?=(?:\d{3})+$)/\x{202f}/gr }
sub share {
    my ($part, $whole) = @_;
    my $tenths = $whole ? int(1000 * $part / $whole + 0.5) : 0;
    $tenths = 999 if $tenths == 1000 && $part < $whole;
    $tenths = 1 if $tenths == 0 && $part;
    return sprintf "%.1f\x{202f}%%", $tenths / 10;
}

my $got = T::Cli::outcome('report', conf => '', args => ['--html', "$dir/page.html", "$dir/acct.csv"]);
is($got->{status}, 0, 'a page is made');
is($got->{err}, '', '... without a word');
my $browser = T::Chromium->start;
$browser->look;
$browser->open_file("$dir/page.html");
is_deeply([$browser->complaints], [], 'no complaint');
is_deeply([$browser->requests], ["file://$dir/page.html"], 'nothing else is asked for');

# The great figures.
my %of = (d => 'dlv', r => 'rcv');
sub all { my ($type) = @_; return sum(sub { $_[0]{type} eq $type }) }
sub tls { my ($type) = @_; return sum(sub { $_[0]{type} eq $type && $_[0]{"$of{$type}TlsProtocol"} }) }
my $verified = sum(sub { $_[0]{type} eq 'd' && $_[0]{dlvTlsVerify} eq 'ok' });
my $figures = $browser->js(q{[...document.querySelectorAll('.figures > div')].map(d => [d.querySelector('dt').textContent, d.querySelector('.big').textContent])});
is_deeply($figures, [
    ['Sent in TLS', share(tls('d'), all('d'))],
    ['Received in TLS', share(tls('r'), all('r'))],
    ['Sent, server verified', share($verified, all('d'))],
    ['Older than TLS 1.2', share(50, tls('d') + tls('r'))],
    ['Refused or put off', number(40)],
], 'the great figures');
my $sentence = $browser->js(q{document.querySelector('.sentence').textContent});
like($sentence, qr/^\Q@{[number(all('d'))]}\E.messages were sent, \Q@{[share(tls('d'), all('d'))]}\E in TLS/, 'the sentence has them');

# Columns: how high the parts are, by the scale that the picture itself shows.
my @dates = map { "2026-11-$_" } 10 .. 13;
sub parts_of {
    my ($type, $date) = @_;
    my $is = sub { my $code = shift; sum(sub { my $r = shift; $r->{type} eq $type && $r->{timeLogged} =~ /^$date/ && $code->($r) }) };
    my ($p, $v) = map { "$of{$type}Tls$_" } qw(Protocol Verify);
    return {verified => $is->(sub { $_[0]{$p} && $_[0]{$v} eq 'ok' }), tls => $is->(sub { $_[0]{$p} && $_[0]{$v} ne 'ok' }),
        clear => $is->(sub { !$_[0]{$p} })};
}
my $columns = q{(id => {
    const svg = document.getElementById(id), marks = [...svg.querySelectorAll('line')].map(l => +l.getAttribute('y1'));
    return {marks, words: [...svg.querySelectorAll('text.y')].map(t => t.textContent),
        columns: [...svg.querySelectorAll('g.column')].map(g => ({title: g.querySelector('title').textContent,
            x: parseFloat(g.querySelector('rect').getAttribute('x')),
            parts: [...g.querySelectorAll('rect')].map(r => [r.className.baseVal, +r.getAttribute('height'), +r.getAttribute('y')])}))};
})};
sub plain { my ($number, $unit) = $_[0] =~ /^([\d.]+)\x{202f}?([kM%]?)/; return $number * ({k => 1000, M => 1e6}->{$unit // ''} // 1) }

sub check_columns {
    my ($id, $type, $is_share) = @_;
    my $seen = $browser->js("$columns('$id')");
    my ($foot, $top) = $seen->{marks}->@[0, -1];
    is(plain($seen->{words}[0]), 0, "$id: the scale begins at nothing");
    my $per_pixel = plain($seen->{words}[-1]) / ($foot - $top);
    my (@expected, @found);
    for my $date (@dates) {
        my $parts = parts_of($type, $date);
        my $sum = 0;
        $sum += $_ for values %$parts;
        push @expected, [$date, map { [$_, $is_share ? 100 * $parts->{$_} / $sum : $parts->{$_}] } grep { $parts->{$_} } qw(verified tls clear)] if $sum;
    }
    for my $column ($seen->{columns}->@*) {
        my ($date) = $column->{title} =~ /^(\S+)/;
        my $at = $foot;
        for ($column->{parts}->@*) { $at -= $_->[1]; cmp_ok(abs($at - $_->[2]), '<', 0.03, "$id: $date, $_->[0] stands on what is below") }
        push @found, [$date, map { [$_->[0], $_->[1] * $per_pixel] } $column->{parts}->@*];
    }
    is_deeply([map { [$_->[0], map { $_->[0] } $_->@[1 .. $#$_]] } @found], [map { [$_->[0], map { $_->[0] } $_->@[1 .. $#$_]] } @expected],
        "$id: the days and what they are made of");
    for my $i (0 .. $#expected) {
        for my $k (1 .. $expected[$i]->$#*) {
            my ($want, $have) = ($expected[$i][$k][1], $found[$i][$k][1]);
            my $seen_least = 1.5 * $per_pixel; # the smallest is as high as can be seen, at the greatest's cost
            $want = $seen_least if $want < $seen_least;
            cmp_ok(abs($want - $have), '<=', $seen_least, "$id: $expected[$i][0], $expected[$i][$k][0] is high enough") or diag("$want, not $have");
            cmp_ok(abs($want - $have), '<', 0.02 * $per_pixel, '... to the pixel') if $expected[$i][0] ne '2026-11-11';
        }
    }
    my @x = map { $_->{x} } $seen->{columns}->@*;
    ok(!(grep { $x[$_] <= $x[$_ - 1] } 1 .. $#x), "$id: days go to the right");
    return $seen;
}
my $count = check_columns('sentCount', 'd', 0);
cmp_ok($count->{columns}[2]{x} - $count->{columns}[1]{x}, '>', 1.9 * ($count->{columns}[1]{x} - $count->{columns}[0]{x}), 'a day without mail has its place');
like($count->{columns}[1]{title}, qr/^2026-11-11\nTLS, server verified: 2\x{202f}999 \(99\.9\x{202f}%\)\nIn the clear: 1 \(0\.1\x{202f}%\)$/, 'a column says what it is');
check_columns('sentShare', 'd', 1);
check_columns('receivedCount', 'r', 0);
check_columns('receivedShare', 'r', 1);

# Bars: name, value and length in percent of the scale.
my $bars = q{(id => {
    const svg = document.getElementById(id), of = (e, name) => +parseFloat(e.getAttribute(name)).toFixed(2);
    const rows = [...svg.querySelectorAll('rect.field')].map(f => ({y: f.getAttribute('y'), parts: []}));
    for (const r of svg.querySelectorAll('rect:not(.field)'))
        rows.find(o => o.y === r.getAttribute('y')).parts.push([r.className.baseVal, of(r, 'x'), of(r, 'width')]);
    const names = [...svg.querySelectorAll('text.name')], values = [...svg.querySelectorAll('text.value')];
    return rows.map((o, i) => [names[i].lastChild.textContent, values[i].firstChild.textContent.trim(), ...o.parts]);
})};
sub bar { my ($part, $whole) = @_; my $wide = sprintf '%.2f', 100 * $part / $whole; return 0 + ($wide < 0.5 ? 0.5 : $wide) }
sub check_bars {
    my ($id, $whole, @want) = @_;
    return is_deeply($browser->js("$bars('$id')"),
        [map { my ($name, $n, $look) = @$_; [$name, number($n), [$look // 'verified', 0, bar($n, $whole)]] } @want], "$id: bars");
}
check_bars('outProtocols', tls('d'), ['TLSv1.3', 3999], ['TLSv1.2', 450], ['TLSv1', 50]);
check_bars('outVerify', tls('d'), ['ok', 4049], ['self-signed', 450]);
check_bars('outCiphers', tls('d'), ['C-TLSv1.3', 3999], ['C-TLSv1.2', 450], ['C-TLSv1', 50]);
check_bars('outGroups', tls('d'), ['X25519', 4499]);
check_bars('outResults', all('d'), ['met', 4499], ['clear', 201]);
check_bars('inProtocols', tls('r'), ['TLSv1.3', 960]);
check_bars('inVerify', tls('r'), ['none', 960]);
check_bars('weakDomains', 201, ['clear.test', 201, 'clear'], ['old.test', 50, 'old']);
check_bars('weakClients', 70, ['2001:db8::7', 70, 'clear'], ['192.0.2.7', 40, 'clear']);
check_bars('reasons', 40, ['5.7.1 policy-related', 30, 'unknown'], ['4.7.5 certificate-expired', 10, 'clear']);

# Tables say the same.
sub table {
    my $caption = shift;
    return $browser->js(qq{(() => {
        const table = [...document.querySelectorAll('table')].find(t => t.caption.textContent === '$caption');
        return [...table.tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent.trim()));
    })()});
}
my @by_day;
for my $date (@dates) {
    my $p = parts_of('d', $date);
    my $tls = $p->{verified} + $p->{tls};
    my %failed = map { my $t = $_; $t => sum(sub { $_[0]{type} eq $t && $_[0]{timeLogged} =~ /^$date/ }) } qw(b t);
    push @by_day, [$date, number($tls + $p->{clear}), number($tls), $tls + $p->{clear} ? share($tls, $tls + $p->{clear}) : '–',
        number($p->{verified}), $date =~ /10$/ ? 50 : 0, number($p->{clear}), 0, $failed{b}, $failed{t}];
}
is_deeply(table('Sent by day'), \@by_day, 'the table by day');
is_deeply(table('Protocols of mail sent'), [['TLSv1.3', number(3999), share(3999, 4499)], ['TLSv1.2', 450, share(450, 4499)], ['TLSv1', 50, share(50, 4499)]],
    'the table of protocols');
is_deeply(table('By domain')->[0], ['clear.test', 201, 201, share(201, 201), 0, '', '2026-11-11'], 'the table of domains');
my $failures = table('Failures by reason');
is($failures->[0][-1], "evil.test at mx.evil.test (192.0.2.9)$evil", 'what a server said is a text, all of it');
is_deeply([$failures->[1]->@[0 .. 6]], ['certificate-expired', '4.7.5', 10, 0, 10, 0, '2026-11-13'], 'the table of failures');
like($browser->js(q{document.querySelector('.matters').textContent}), qr/201.messages sent in the clear\..*110.messages received in the clear\..*10.attempts that failed because of TLS/s,
    'what needs attention');

all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The page of sallyport report --html, as a browser has it: nothing is fetched or run, nothing is
# wider than the window, labels do not collide, all can be reached, heard, read and printed.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::Chromium;

my $browser = T::Chromium->start;
my $dir = stage_dir();
my $tool = "$ENV{T_BUILD}/t/tool/report-page";

sub page {
    my $kind = shift;
    my $path = "$dir/$kind.html";
    system($tool, $kind, $path) == 0 or BAIL_OUT("$tool $kind: $?");
    return $path;
}

# What JavaScript finds wrong with the page: a list of texts, which has to be empty.
sub none_of {
    my ($code, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $found = $browser->js($code);
    return is_deeply($found, [], $name) || diag(map { "$_\n" } grep { defined } $found->@[0 .. 9]);
}

sub tall_enough { return $browser->js('document.documentElement.scrollHeight') > 500 }

my $too_wide = <<'JS';
(() => {
    const most = document.documentElement.clientWidth + 0.5, bad = [];
    if (document.documentElement.scrollWidth > most) bad.push('the page scrolls sideways');
    for (const e of document.querySelectorAll('body *')) {
        const frame = e.parentElement.closest('.scroll, .sections'), box = e.getBoundingClientRect();
        if (!frame && box.width && (box.right > most || box.left < -0.5))
            bad.push(`${e.tagName} ${box.left} to ${box.right}: ${e.textContent.slice(0, 60)}`);
    }
    return bad;
})()
JS

# Words of one picture that lie on each other, or stick out of its frame.
my $collide = <<'JS';
(() => {
    const bad = [];
    for (const svg of document.querySelectorAll('svg.chart')) {
        const frame = svg.parentElement.getBoundingClientRect();
        const words = [...svg.querySelectorAll('text')].map(e => [e, e.getBoundingClientRect()]).filter(w => w[1].width);
        words.forEach(([e, a], i) => {
            if (a.left < frame.left || a.right > frame.right || a.bottom > frame.bottom)
                bad.push(`${svg.id}: out of its frame: ${e.textContent}`);
            for (const [f, b] of words.slice(i + 1))
                if (a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom)
                    bad.push(`${svg.id}: ${e.textContent} | ${f.textContent}`);
        });
    }
    return bad;
})()
JS

# Contrast as in WCAG 2.2: 4.5 for words; 3 for what tells the parts of a picture from the paper,
# which is the ink of a pattern where there is one.
my $faint = <<'JS';
(() => {
    const rgb = text => (text.match(/[\d.]+/g) || []).map(Number);
    const light = c => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
        const v = c[i] / 255;
        return sum + weight * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    }, 0);
    const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((m, n) => n - m); return (x + 0.05) / (y + 0.05); };
    const behind = e => {
        for (; e; e = e.parentElement) {
            const c = rgb(getComputedStyle(e).backgroundColor);
            if (c.length === 3 || c[3] > 0) return c;
        }
        return [255, 255, 255];
    };
    const bad = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let seen = 0;
    while (walk.nextNode()) {
        const e = walk.currentNode.parentElement, style = getComputedStyle(e);
        if (!walk.currentNode.data.trim() || e.closest('title, desc')) continue;
        const of = contrast(rgb(e.closest('svg') ? style.fill : style.color), behind(e));
        seen++;
        if (!(of >= 4.5)) bad.push(`${of}: ${walk.currentNode.data.slice(0, 60)}`);
    }
    const card = behind(document.querySelector('.figure') || document.body);
    for (const e of document.querySelectorAll('.ink .line, rect.verified')) {
        const style = getComputedStyle(e), c = rgb(e.tagName === 'stop' ? style.stopColor : style.fill);
        seen++;
        if (!(contrast(c, card) >= 3)) bad.push(`${contrast(c, card)}: ${e.outerHTML.slice(0, 80)}`);
    }
    return seen > 50 ? bad : [`only ${seen} were looked at`];
})()
JS

# The style's own names are all that a look differs by, so each has a pattern but one.
my $patterns = <<'JS';
['tls', 'clear', 'unknown', 'old'].filter(look => !document.querySelector(`#p-${look} .line`))
JS

my %path = map { $_ => page($_) } qw(example nothing one month ugly);

for my $kind (sort keys %path) {
    $browser->look;
    $browser->open_file($path{$kind});
    ok(tall_enough(), "$kind: it is shown");
    is_deeply([$browser->complaints], [], "$kind: no complaint");
    is_deeply([$browser->requests], ["file://$path{$kind}"], "$kind: nothing else is asked for");
    none_of(q{[...document.querySelectorAll('script, img, link, iframe, object, embed, form, base, [style], [src], [onload]')].map(e => e.outerHTML)},
        "$kind: nothing that could be fetched or run");
    none_of(q{[...document.querySelectorAll('a')].map(e => e.getAttribute('href')).filter(h => !/^#/.test(h) || !document.querySelector(h))},
        "$kind: links lead to places of the page");
    none_of(q{[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, i, all) => all.indexOf(id) !== i)}, "$kind: ids are unique");
    none_of($patterns, "$kind: a look has a pattern");
    is($browser->js('document.getAnimations().length'), 0, "$kind: nothing moves");
    for my $width (320, 800, 1400) {
        $browser->look(width => $width);
        $browser->js(q{document.querySelectorAll('details').forEach(d => d.open = false)});
        none_of($too_wide, "$kind: $width wide");
        none_of($collide, "$kind: $width wide, words apart");
        $browser->js(q{document.querySelectorAll('details').forEach(d => d.open = true)});
        none_of($too_wide, "$kind: $width wide, with the figures open");
    }
    $browser->look(width => 320);
    none_of(q{[...document.querySelectorAll('main *')].filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'visible'
        && !(e.tabIndex >= 0 && e.ariaLabel + e.getAttribute('aria-labelledby'))).map(e => e.outerHTML.slice(0, 99))},
        "$kind: what scrolls can be reached and has a name");
    for my $dark (0, 1) {
        $browser->look(dark => $dark);
        none_of($faint, "$kind: contrast in the " . ($dark ? 'dark' : 'light'));
    }
}

# If something did get into the page, its own policy would not let it do anything.
my $stopped = $browser->js(<<'JS');
new Promise(done => {
    const seen = [];
    document.addEventListener('securitypolicyviolation', e => { if (seen.push(e.effectiveDirective) === 4) done(seen.sort()) });
    for (const [tag, set] of [['script', {textContent: 'window.broken = 1'}], ['img', {src: 'http://127.0.0.1:9/x.png'}],
                              ['link', {rel: 'stylesheet', href: 'http://127.0.0.1:9/x.css'}], ['iframe', {src: 'http://127.0.0.1:9/'}]])
        document.body.append(Object.assign(document.createElement(tag), set));
    setTimeout(() => done(seen.sort()), 5000);
})
JS
is_deeply($stopped, [qw(frame-src img-src script-src-elem style-src-elem)], 'the policy stops scripts, pictures, styles and frames');
ok(!$browser->js('window.broken'), '... indeed');

# What a screen reader is told.
sub heard {
    my @nodes = $browser->ask('Accessibility.getFullAXTree')->{nodes}->@*;
    return grep { !$_->{ignored} } @nodes;
}
sub level_of { my $n = shift; return (map { $_->{value}{value} } grep { $_->{name} eq 'level' } $n->{properties}->@*)[0] }

for my $kind (qw(month nothing ugly)) {
    $browser->look;
    $browser->open_file($path{$kind});
    my @nodes = heard();
    my @images = grep { $_->{role}{value} =~ /^(?:image|img)$/ } @nodes;
    is(scalar @images, $browser->js(q{document.querySelectorAll('svg.chart').length}), "$kind: each picture is an image");
    ok(!(grep { !length $_->{name}{value} || !length $_->{description}{value} } @images), '... with a name and a description');
    my %names = map { $_->{name}{value} => 1 } @images;
    is(scalar keys %names, scalar @images, '... of its own');
    my @levels = map { level_of($_) } grep { $_->{role}{value} eq 'heading' } @nodes;
    is_deeply([grep { $_ == 1 } @levels], [1], "$kind: one heading is the first");
    is_deeply([grep { $levels[$_] > $levels[$_ - 1] + 1 } 1 .. $#levels], [], '... and none leaves a level out');
    is($browser->js('document.documentElement.lang'), 'en', '... and it has a language');
    none_of(q{[...document.querySelectorAll('table')].filter(t => !t.caption || [...t.querySelectorAll('th')].some(h => !h.scope)).map(t => t.outerHTML.slice(0, 99))},
        "$kind: tables have captions and scopes");
    none_of(q{[...document.querySelectorAll('svg.chart')].filter(s => !s.closest('section').querySelector('table')).map(s => s.id)},
        "$kind: pictures have tables");
}

# The keyboard: each stop is seen, in the order of the page, and none is left out.
$browser->open_file($path{example});
sub press {
    my ($key, $code, @text) = @_;
    $browser->ask('Input.dispatchKeyEvent', type => 'keyDown', key => $key, code => $key, windowsVirtualKeyCode => $code, @text);
    $browser->ask('Input.dispatchKeyEvent', type => 'keyUp', key => $key, code => $key, windowsVirtualKeyCode => $code);
    return;
}
my $stops = $browser->js(q{
    window.stops = [...document.querySelectorAll('a[href], summary, [tabindex="0"]')].filter(e => e.checkVisibility());
    stops.length});
cmp_ok($stops, '>', 25, 'there is something to reach');
my @reached;
for (1 .. $stops) {
    press('Tab', 9);
    push @reached, $browser->js(q{(() => {
        const e = document.activeElement, s = getComputedStyle(e), box = e.getBoundingClientRect();
        return [stops.indexOf(e), s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 && box.bottom > 0 && box.top < innerHeight];
    })()});
}
is_deeply([map { $_->[0] } @reached], [0 .. $stops - 1], 'all is reached by the keyboard, in order');
is_deeply([grep { !$reached[$_][1] } 0 .. $#reached], [], '... and seen');
is($browser->js('stops[0].getAttribute("href")'), '#main', '... the first leads past the navigation');
$browser->js(q{document.querySelector('summary').focus()});
press('Enter', 13, text => "\r");
ok($browser->js(q{document.querySelector('details').open}), 'figures open by the keyboard');

# On paper: black on white though the reader lives in the dark, all figures, A4.
my %pages = (month => [6, 12], ugly => [12, 40], nothing => [1, 2]);
for my $kind (sort keys %pages) {
    $browser->look(dark => 1, print => 1);
    $browser->open_file($path{$kind});
    is_deeply($browser->js(q{['nav', 'summary', '.skip'].map(s => document.querySelector(s)).filter(e => e && e.checkVisibility()).length}), 0,
        "$kind: no navigation on paper");
    is($browser->js('getComputedStyle(document.body).backgroundColor'), 'rgb(255, 255, 255)', '... which is white');
    none_of($faint, '... with contrast');
    my $pdf = $browser->pdf("$dir/$kind.pdf");
    my %info = map { /^([^:]+):\s+(.*)/ } `pdfinfo $pdf`;
    like($info{'Page size'}, qr/\(A4\)/, '... of A4');
    my ($least, $most) = $pages{$kind}->@*;
    ok($info{Pages} >= $least && $info{Pages} <= $most, "... $info{Pages} pages") or diag("between $least and $most");
    next if $kind ne 'month';
    my @text = split /\f/, `pdftotext -layout $pdf -`;
    is(scalar(() = "@text" =~ /^ *2026-11-14 .* %/gm), 2, '... with the figures of each day');
    my @torn = grep { my $page = $_; grep { $page =~ /$_/ } 'Received, shares' } @text;
    is(scalar @torn, 1, '... a picture is on one page');
    like($torn[0], qr/Received, shares.*\b75 ?%.*11-10/s, '... all of it');
    ok((grep { /^ *Address +Messages/m } @text) >= 2, '... and a heading on each page of a table');
}

all_done();

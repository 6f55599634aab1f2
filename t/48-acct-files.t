#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What stands in which accounting file: types and columns, queue filters, domains that are not
# written, JSON beside CSV, names hidden; and what becomes of a file whose columns or format are others now.
use v5.36;
use lib 't/lib';
use Test::More;
use JSON::PP ();
use T::Stage;
use T::Csv;
use T::Peer;
use T::Run;
use T::Sink;

my $dir = stage_dir();
mkdir "$dir/$_" or die $! for qw(spool state);
my $sink = T::Sink->start(port => port('mx'), replies => [qr/^RCPT TO:<no/ => '550 5.1.1 =No, "none"', qr/^RCPT TO:<later/ => '451 4.2.2 Full']);
my $common = <<'CONF';
spool-directory = "@dir@/spool"
state-directory = "@dir@/state"
CONF
my $files = <<'CONF';
acct-file "@dir@/all.csv" {
    records = {d, b, t}
    user-string = "node 7"
    record-fields d { fields = {"*", userString} }
}
acct-file "@dir@/rows.json" {
    format = json
    iso-times = no
    records = {d, b}
    record-fields d { fields = {timeLogged, rcpt, dsnStatus, bounceCat} }
    record-fields b { fields = {rcpt, dsnDiag} }
}
acct-file "@dir@/some.csv" {
    records = {d, b}
    queue-filter = {"!b.test/*", "*/*"}
    csv-guard = yes
    record-fields d { fields = {rcpt, orig} }
    record-fields b { fields = {rcpt, queue} }
}
acct-file "@dir@/hidden.csv" {
    records = b
    privacy-policy = {redact, someone}
    world-readable = yes
    record-fields b { fields = {rcpt, dsnDiag} }
}
CONF
$common .= <<'CONF';
bounce-category-patterns {
    # As it stands in PowerMTA's files.
    /(n+)+x$/           never
    /=No, "none"/       not-wanted   # with a comment
    // other
}
CONF
my $accountant = T::Run->start('sallyport-milter', dir => $dir, conf => $common . $files);
my $out = T::Run->start('sallyport-out', dir => $dir, conf => $common . $files . <<'CONF');
workers = 1
relay-listener 127.0.0.1:@port:out@ { }
domain * { smtp-hosts = "[127.0.0.1]:@port:mx@" use-starttls = no disable-acct-records = b }
domain a.test { disable-acct-records = {} }
domain quiet.test { disable-acct-records = {d, transient} }
domain nobody.test { smtp-hosts = "[127.0.0.1]:@port:nobody@" disable-acct-records = t }
domain strict.test { require-starttls = yes use-starttls = yes disable-acct-records = t }
domain shut.test { smtp-hosts = "[127.0.0.1]:@port:nobody@" }
CONF

# One message to each.
sub deliver (@rcpt) {
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/);
    for my $rcpt (@rcpt) {
        $c->talk('MAIL FROM:<=a@a.test>' => qr/^250 /);
        $c->talk("RCPT TO:<$rcpt>" => $rcpt =~ /^no/ ? qr/^550 / : $rcpt =~ /^bad/ ? qr/^553 / : $rcpt =~ /^later/ ? qr/^451 / : qr/^250 /);
        $c->talk($rcpt =~ /^(?:no|later|bad)/ ? ('RSET' => qr/^250 /) : (DATA => qr/^354 /, "x\r\n." => qr/^250 /));
    }
    $c->talk(QUIT => qr/^221 /);
    return;
}

sub whole ($path) {
    open my $in, '<:raw', $path or return '';
    return do { local $/; <$in> } // '';
}

sub json_rows ($path) { return map { JSON::PP::decode_json($_) } grep { /\n\z/ } split /(?<=\n)/, whole($path) }

deliver('ok@a.test', 'ok@b.test', 'no@a.test', 'no@quiet.test', 'later@quiet.test', 'ok@quiet.test',
    'later@nobody.test', 'later@strict.test', 'later@shut.test', 'no@b.test', 'bad@a..test', 'last@a.test');
csv_wait("$dir/$_", sub { $_->{rcpt} eq 'last@a.test' }) for qw(all.csv some.csv);
T::Stage::wait_for(sub { whole("$dir/rows.json") =~ /last\@a\.test.*\n\z/ && whole("$dir/hidden.csv") =~ /a\.\.test.*\n\z/ });

subtest 'types and their columns' => sub {
    my @rows = csv_rows("$dir/all.csv");
    is(join(' ', map { "$_->{type}:$_->{rcpt}" } @rows), 'd:ok@a.test d:ok@b.test b:no@a.test b:no@quiet.test t:later@shut.test b:bad@a..test d:last@a.test',
        'd and t of a domain with disable-acct-records are not there, nor those of one that no server was found or good enough for; those of no domain are');
    my ($d, undef, $b) = @rows;
    is(join(',', @{$d}{qw(orig dsnAction dsnStatus bounceCat srcType dlvType dlvSourceIp dlvDestinationIp vmta queue vmtaPool userString)}),
        '=a@a.test,relayed,2.0.0 (success),,smtp,smtp,127.0.0.1,127.0.0.1,{default},a.test/{default},,node 7', 'a d row');
    like($d->{dsnDiag}, qr/^smtp;250 /, 'with the reply');
    like($d->{dlvSize}, qr/^[1-9]\d*$/, 'and the size');
    like($d->{$_}, qr/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+0000$/, $_) for qw(timeLogged timeQueued);
    is(join('|', @{$b}{qw(dsnAction dsnStatus dsnDiag bounceCat dlvSize userString)}),
        'failed|5.1.1 (bad destination mailbox address)|smtp;550 5.1.1 =No, "none"|not-wanted||', 'a b row, without what is not its');
};

subtest 'JSON' => sub {
    my @rows = json_rows("$dir/rows.json");
    is(join(' ', map { "$_->{type}:$_->{rcpt}" } @rows), 'd:ok@a.test d:ok@b.test b:no@a.test b:no@quiet.test b:bad@a..test d:last@a.test', 'each row is an object');
    is(join(' ', sort keys %{$rows[0]}), 'bounceCat dsnStatus rcpt timeLogged type', 'with the columns of its type, empty ones, too');
    is(join(' ', sort keys %{$rows[2]}), 'dsnDiag rcpt type', 'and those of another');
    is($rows[2]{dsnDiag}, 'smtp;550 5.1.1 =No, "none"', 'values are exact');
    like($rows[0]{timeLogged}, qr/^1\d{9}$/, 'seconds');
    like(whole("$dir/rows.json"), qr/\A\{"type":"d","timeLogged":"/, 'in order, without a header line');
};

subtest 'a filter, and the guard' => sub {
    my @rows = csv_rows("$dir/some.csv");
    is(join(' ', map { "$_->{type}:$_->{rcpt}" } @rows), 'd:ok@a.test b:no@a.test b:no@quiet.test b:bad@a..test d:last@a.test', 'b.test is kept out');
    is($rows[0]{orig}, q('=a@a.test), 'no formula');
};

subtest 'for others to read, without the recipients' => sub {
    is(whole("$dir/hidden.csv"), qq(type,rcpt,dsnDiag\r\n) . join('', map { qq(b,someone\@$_,"smtp;550 5.1.1 =someone, ""none"""\r\n) } qw(a.test quiet.test)) . "b,someone\@a..test,smtp;553 5.1.3 Not a domain name\r\n",
        'they have another name, in replies, too');
    my %mode = map { $_ => sprintf '%04o', (stat "$dir/$_")[2] & 07777 } qw(hidden.csv all.csv);
    is_deeply(\%mode, {'hidden.csv' => '0644', 'all.csv' => '0640'}, 'world-readable or not');
};

subtest 'what was CSV becomes JSON, and what was JSON becomes CSV' => sub {
    my %before = map { $_ => whole("$dir/$_") } qw(rows.json some.csv);
    my $other = $files =~ s/format = json\n/format = csv\n/r =~ s/csv-guard = yes/format = json/r;
    $accountant->stop;
    $accountant = T::Run->start('sallyport-milter', dir => $dir, conf => $common . $other);
    deliver('then@a.test');
    # Until then it is the old one, which is no CSV.
    T::Stage::wait_for(sub { grep { $_->{rcpt} eq 'then@a.test' } eval { csv_rows("$dir/rows.json") } });
    is(scalar csv_rows("$dir/rows.json"), 1, 'a new file of CSV');
    T::Stage::wait_for(sub { grep { $_->{rcpt} eq 'then@a.test' } eval { json_rows("$dir/some.csv") } });
    is(join(' ', map { $_->{rcpt} } json_rows("$dir/some.csv")), 'then@a.test', 'a new file of JSON');
    for my $name (sort keys %before) {
        my ($stem, $end) = split /\./, $name;
        my @aside = glob "$dir/$stem-*.$end";
        is(scalar @aside, 1, "$name: the old one is aside");
        is(whole($aside[0] // ''), $before{$name}, 'as it was');
    }
};

all_done();

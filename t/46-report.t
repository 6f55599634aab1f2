#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport report: figures of files that were made here, worked out a second time in Perl.
use v5.36;
use lib 't/lib';
use Test::More;
use JSON::PP ();
use POSIX ();
use T::Stage;
use T::Cli;

my $dir = T::Stage::stage_dir();
my $start = 1_794_700_800; # 2026-11-15 00:00:00 UTC
srand 46;

sub one { return $_[rand @_] }
sub stamp { return POSIX::strftime('%Y-%m-%d %H:%M:%S+0000', gmtime shift) }

sub cell {
    my $text = shift // '';
    return $text =~ /[",\r\n]/ ? '"' . $text =~ s/"/""/gr . '"' : $text;
}

sub csv { my ($columns, @rows) = @_; return join '', map { join(',', map { cell($_) } @$_) . "\r\n" } $columns, map { [@$_{@$columns}] } @rows }

sub json { my ($columns, @rows) = @_; return join '', map { my %r; @r{@$columns} = map { $_ // '' } @$_{@$columns}; JSON::PP->new->encode(\%r) . "\n" } @rows }

sub file {
    my ($name, $bytes) = @_;
    open my $out, '>:raw', "$dir/$name" or die "$name: $!";
    print $out $bytes;
    close $out or die $!;
    return "$dir/$name";
}

# report ARGS: the JSON, parsed.
sub report {
    my @args = @_;
    my $got = T::Cli::outcome('report', conf => '', args => ['--json', '--top', '100000', @args]);
    is($got->{err}, '', "nothing to complain about: @{[map { s{.*/}{}r } @args]}") if !grep { /bad/ } @args;
    return (scalar eval { JSON::PP->new->utf8->decode($got->{out}) }, $got);
}

my @columns = qw(type timeLogged timeQueued orig rcpt dsnStatus dsnDiag dsnMta bounceCat srcMta dlvEsmtpAvailable queue
    dlvTlsProtocol dlvTlsCipher dlvTlsGroup dlvTlsVerify dlvTlsPolicy dlvTlsPolicyResult dlvTlsError domainRule
    rcvSourceIp rcvTlsProtocol rcvTlsCipher rcvTlsGroup rcvTlsVerify sourceRule sourceReport);
my @domains = map { "d$_.example.com" } 1 .. 30;

sub tls_of {
    my $p = one(('TLSv1.3') x 6, ('TLSv1.2') x 3, 'TLSv1', ('') x 2);
    return ('') x 4 if $p eq '';
    return ($p, one('TLS_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'), one('X25519', 'secp256r1', ''), one(qw(ok ok ok none self-signed)));
}

sub row_out {
    my ($n, $domain) = (shift, one(@domains));
    my %r = (type => one(('d') x 8, 'b', 't'), timeLogged => stamp($start + $n * 700), orig => 'me@here.test',
        rcpt => one('anna', '"ber,t"', 'c') . '@' . one($domain, uc $domain), queue => "$domain/{default}",
        dsnMta => "mx.$domain (192.0.2.1)", srcMta => 'app (10.0.0.' . int(rand 9) . ')',
        dlvEsmtpAvailable => 'PIPELINING,SIZE,STARTTLS', sourceRule => '10/8', domainRule => one('default', '*.example.com'));
    @r{qw(dlvTlsProtocol dlvTlsCipher dlvTlsGroup dlvTlsVerify)} = tls_of();
    $r{dlvTlsPolicy} = one('may', 'may', 'dane', 'may+verify-reported');
    $r{dlvTlsPolicyResult} = $r{dlvTlsProtocol} eq '' ? 'clear' : 'met';
    if ($r{dlvTlsPolicy} =~ /reported/ && $r{dlvTlsVerify} !~ /^(?:ok|)$/) {
        @r{qw(dlvTlsPolicyResult dlvTlsError)} = ('reported', 'certificate-not-trusted');
    }
    return \%r if $r{type} eq 'd';
    @r{qw(dsnStatus dsnDiag bounceCat)} = @{one(['5.1.1 (bad destination mailbox address)', "smtp;550 5.1.1 no, \"never\"", 'bad-mailbox'],
        ['4.2.2 (mailbox full)', 'smtp;452 4.2.2 full', 'quota-issues'])};
    @r{qw(dlvTlsPolicyResult dlvTlsError dsnStatus bounceCat)} = ('failed', 'certificate-expired', '4.7.5', 'policy-related') if rand() < 0.3;
    return \%r;
}

sub row_in {
    my $n = shift;
    my $ip = '192.0.2.' . int rand 20;
    my %r = (type => 'r', timeLogged => stamp($start + $n * 700), rcpt => 'us@' . one(@domains), srcMta => "host-$ip ($ip)",
        rcvSourceIp => $ip, sourceRule => one('192.0.2.0/24', '0/0'), sourceReport => one('', '', 'require-starttls', 'require-starttls require-auth'));
    @r{qw(rcvTlsProtocol rcvTlsCipher rcvTlsGroup rcvTlsVerify)} = tls_of();
    return \%r;
}

my @rows = map { rand() < 0.6 ? row_out($_) : row_in($_) } 1 .. 3000;

# The same figures, in the plainest way.
sub way_of {
    my ($of, @r) = @_;
    my @tls = grep { $_->{"${of}TlsProtocol"} ne '' } @r;
    my @verified = grep { $_->{"${of}TlsVerify"} eq 'ok' || $of eq 'dlv' && $_->{dlvTlsPolicy} eq 'dane' && $_->{dlvTlsPolicyResult} eq 'met' } @tls;
    return {messages => 0 + @r, tls => 0 + @tls, clear => @r - @tls, unknown => 0, verified => 0 + @verified,
        unverified => @tls - @verified, old => 0 + grep { $_->{"${of}TlsProtocol"} eq 'TLSv1' } @tls};
}

sub tally_of {
    my %n;
    $n{$_ // ''}++ for @_;
    return {total => 0 + @_, others => 0, at => [map { {name => $_, count => $n{$_}} } sort { $n{$b} <=> $n{$a} || $a cmp $b } keys %n]};
}

sub side_of {
    my ($of, @r) = @_;
    my @tls = grep { $_->{"${of}TlsProtocol"} ne '' } @r;
    my %part = (protocols => 'Protocol', ciphers => 'Cipher', groups => 'Group', verify => 'Verify');
    my %side = (way => way_of($of, @r), map { my $c = "${of}Tls$part{$_}"; $_ => tally_of(map { $_->{$c} } @tls) } keys %part);
    $side{policies} = tally_of($of eq 'dlv' ? map { $_->{dlvTlsPolicy} } @r : ());
    $side{policy_results} = tally_of($of eq 'dlv' ? map { $_->{dlvTlsPolicyResult} } @r : ());
    return \%side;
}

sub weak_of {
    my ($of, $key, @r) = @_;
    my %w;
    for (@r) {
        my $p = $_->{"${of}TlsProtocol"};
        my $w = $w{$key->($_)} //= {messages => 0, clear => 0, old => 0};
        $w->{messages}++;
        $w->{clear}++ if $p eq '';
        $w->{old}++ if $p eq 'TLSv1';
    }
    return [map { {name => $_, %{$w{$_}}} } sort { $w{$b}{clear} + $w{$b}{old} <=> $w{$a}{clear} + $w{$a}{old} || $a cmp $b }
        grep { $w{$_}{clear} + $w{$_}{old} } keys %w];
}

sub only { my ($list, @names) = @_; return [map { my $e = $_; +{map { $_ => $e->{$_} } @names} } @$list] }

sub check {
    my ($r, $what, @given) = @_;
    my @d = grep { $_->{type} eq 'd' } @given;
    my @r = grep { $_->{type} eq 'r' } @given;
    my @f = grep { $_->{type} =~ /^[bt]$/ } @given;
    is($r->{counted}, @given, "$what: all rows");
    is_deeply($r->{out}, side_of('dlv', @d), "$what: what was sent");
    is_deeply($r->{in}, side_of('rcv', @r), "$what: what was received");
    my %day;
    push @{$day{substr $_->{timeLogged}, 0, 10}}, $_ for @given;
    is_deeply([map { $_->{date} } grep { $_->{in}{messages} + $_->{out}{messages} + $_->{bounced} + $_->{deferred} } @{$r->{days}}],
        [sort keys %day], "$what: the days");
    for my $day (@{$r->{days}}) {
        my @of = @{$day{$day->{date}} // []};
        is_deeply([@$day{qw(in out bounced)}], [way_of('rcv', grep { $_->{type} eq 'r' } @of), way_of('dlv', grep { $_->{type} eq 'd' } @of),
            0 + grep { $_->{type} eq 'b' } @of], "$what: $day->{date}");
    }
    is_deeply(only($r->{domains}{at}, qw(name messages clear old)), weak_of('dlv', sub { lc shift->{rcpt} =~ s/.*\@//r }, @d), "$what: weak domains");
    is_deeply(only($r->{clients}{at}, qw(name messages clear old)), weak_of('rcv', sub { shift->{rcvSourceIp} }, @r), "$what: weak clients");
    my %n;
    $n{join '|', $_->{dlvTlsPolicyResult} eq 'failed' ? $_->{dlvTlsError} : '', $_->{dsnStatus} =~ s/ .*//r, $_->{bounceCat}}++ for @f;
    is_deeply({map { join('|', @$_{qw(error status category)}) => $_->{count} } @{$r->{failures}{at}}}, \%n, "$what: failures");
    my %would;
    $would{"in|$_->[1]|$_->[0]{sourceRule}"}++ for map { my $row = $_; map { [$row, $_] } split / /, $row->{sourceReport} } @r;
    $would{"out|smtp-tls-verify|$_->{domainRule}"}++ for grep { $_->{dlvTlsPolicyResult} eq 'reported' } @d;
    is_deeply({map { join('|', @$_{qw(direction rule section)}) => $_->{count} } @{$r->{woulds}}}, \%would, "$what: what would be refused");
    return;
}

my $text = csv(\@columns, @rows);
my $plain = file('acct.csv', $text);
my ($all) = report($plain);
check($all, 'one file', @rows);

for my $way (['gz', 'gzip', '-kf'], ['zst', 'zstd', '-kqf'], ['xz', 'xz', '-kf']) {
    my ($end, @command) = @$way;
    is(system(@command, $plain), 0, "$command[0]");
    my ($r) = report("$plain.$end");
    check($r, $end, @rows);
}

{
    my $got = do { my $out = qx{"$ENV{T_BUILD}/sallyport" report --json --top 100000 - < "$plain"}; JSON::PP->new->utf8->decode($out) };
    check($got, 'standard input', @rows);
}

{
    my @half = (@rows[0 .. 1499], @rows[1500 .. 2999]);
    my $joined = file('joined.csv', csv(\@columns, @rows[0 .. 1499]) . csv([reverse @columns], @rows[1500 .. 2999]));
    my ($r) = report($joined);
    check($r, 'joined, other columns', @half);
    mkdir "$dir/folder";
    file("folder/a.csv", csv(\@columns, @rows[0 .. 999]));
    file("folder/b.csv.1", csv([@columns, 'header_X'], @rows[1000 .. 1999]));
    file("folder/c.json", json(\@columns, @rows[2000 .. 2999]));
    file("folder/notes.txt", 'no rows');
    ($r) = report("$dir/folder");
    check($r, 'a folder, CSV and JSON', @rows);
    is(@{$r->{files}}, 3, 'three files of it');
}

{
    my $torn = file('torn.csv', substr $text, 0, -20);
    my ($r, $got) = report($torn);
    check($r, 'torn', @rows[0 .. 2998]);
    ok($r->{files}[0]{torn}, 'and said');
    is($got->{status}, 0, 'which is no finding');
    my @lines = split /(?<=\n)/, $text;
    my $bad = file('bad.csv', join '', @lines[0 .. 10], "d,torn,\"x\r\n", @lines[11 .. 3000]);
    ($r, $got) = report($bad);
    check($r, 'a bad row', @rows);
    is_deeply([@$r{qw(bad bad_place)}], [1, "$bad:12"], 'counted, with its place');
    is($got->{status}, 1, 'and the status says so');
    my $damaged = do { open my $in, '<:raw', "$plain.gz"; local $/; <$in> };
    substr($damaged, length($damaged) / 2, 4) = 'XXXX';
    ($r, $got) = report(file('bad.csv.gz', $damaged));
    is($got->{status}, 1, 'a damaged file is said');
    like($got->{err}, qr/bad\.csv\.gz: is damaged \(gzip\)/, 'by name');
    ($r, $got) = report("$dir/bad-is-not-there.csv");
    is($got->{status}, 2, 'no file, no report');
}

# Only some of it.
{
    my ($r) = report('--domain', 'd1.example.com', $plain);
    check($r, '--domain', grep { $_->{rcpt} =~ /\@d1\.example\.com$/i } @rows);
    ($r) = report('--domain', '*.example.com', $plain);
    check($r, '--domain *.', @rows);
    ($r) = report('--source', '192.0.2.0/28', $plain);
    check($r, '--source', grep { ($_->{rcvSourceIp} // '') =~ /^192\.0\.2\.(?:\d|1[0-5])$/ } @rows);
    ($r) = report('--source', '0/0', $plain);
    check($r, '--source all', @rows);
    ($r) = report('--since', '2026-11-17', '--until', '2026-11-18', $plain);
    check($r, '--since, --until', grep { $_->{timeLogged} =~ /^2026-11-1[78]/ } @rows);
}

# Ready to be required: enough, for long enough, and never otherwise.
{
    my @ready = map { my $r = row_out($_ * 3); @$r{qw(type rcpt dlvTlsProtocol dlvTlsVerify dlvTlsPolicy dlvTlsPolicyResult dlvTlsError)} =
            ('d', 'x@good.example', 'TLSv1.3', 'ok', 'may', 'met', ''); $r } 1 .. 800;
    my @few = map { {%{$ready[$_]}, rcpt => 'x@few.example'} } 0 .. 3, 799;
    my @once = map { {%{$ready[$_ * 20]}, rcpt => 'x@once.example'} } 0 .. 39;
    @{$once[20]}{qw(dlvTlsProtocol dlvTlsVerify)} = ('', '');
    my @failed = map { {%{$ready[$_ * 20]}, rcpt => 'x@failed.example'} } 0 .. 39;
    @{$failed[7]}{qw(type dlvTlsError dsnStatus bounceCat)} = ('t', 'certificate-expired', '4.7.5', 'other');
    my @short = map { {%{$ready[$_]}, rcpt => 'x@short.example'} } 0 .. 100;
    my @demanded = map { {%{$ready[$_ * 20]}, rcpt => 'x@dane.example', dlvTlsPolicy => 'dane'} } 0 .. 39;
    my $file = file('ready.csv', csv(\@columns, @ready, @few, @once, @failed, @short, @demanded));
    my ($r) = report($file);
    is_deeply([map { $_->{name} } @{$r->{readies}{at}}], ['good.example'], 'who is ready');
    ($r) = report('--required-after', '0', '--at-least', '5', $file);
    is_deeply([sort map { $_->{name} } @{$r->{readies}{at}}], [qw(few.example good.example short.example)], 'by other measures');
    my $sections = join '', map { $_->{section} } @{$r->{readies}{at}};
    my $got = T::Cli::outcome('show', conf => $sections, args => [qw(domain good.example)]);
    like($got->{out}, qr/require-starttls\s*=?\s*yes/, 'the parser takes the sections');
    like($got->{out}, qr/smtp-tls-verify\s*=?\s*ca/, 'all of it');
    is($got->{err}, '', 'without a complaint');
}

# PowerMTA's own: its 23 columns, LF, a zone, types that only it has.
{
    my $pmta = file('pmta.csv', <<'CSV');
type,timeLogged,timeQueued,orig,rcpt,orcpt,dsnAction,dsnStatus,dsnDiag,dsnMta,bounceCat,srcType,srcMta,dlvType,dlvSourceIp,dlvDestinationIp,dlvEsmtpAvailable,dlvSize,vmta,jobId,envId,queue,vmtaPool
d,2019-02-08 23:30:00-0500,2019-02-08 21:54:05+0000,a@s.test,b@r.test,,relayed,2.0.0 (success),"smtp;250 ok, queued",mx.r.test (192.0.2.1),,smtp,app (10.0.0.1),smtp,10.0.0.2,192.0.2.1,"8BITMIME,STARTTLS",1234,v1,,,r.test/v1,
b,1549663200,,a@s.test,c@r.test,,failed,5.1.1 (bad destination mailbox address),smtp;550 no and that at such length that no line of a terminal can ever hold all of it,mx.r.test (192.0.2.1),bad-mailbox,smtp,app (10.0.0.1),smtp,,,,,v1,,,r.test/v1,
rb,2019-02-08 21:54:05+0000,,a@s.test,c@r.test,,failed,5.1.1,smtp;550 no,,bad-mailbox,,,,,,,,,,,,
CSV
    my ($r) = report($pmta);
    is_deeply([@$r{qw(rows counted types bad bounced)}], [3, 2, 1, 0, 1], 'PowerMTA: rows');
    is_deeply($r->{out}{way}, {messages => 1, tls => 0, clear => 0, unknown => 1, verified => 0, unverified => 0, old => 0}, 'TLS is not known');
    is_deeply([map { $_->{date} } @{$r->{days}}], ['2019-02-08', '2019-02-09'], 'days are in UTC');
    ok((grep { $_->{column} eq 'dlvTlsProtocol' } @{$r->{missing}}), 'what is missing is said');
    ok(!$r->{readies}{judged}, 'and nobody called ready');
}

# PowerMTA's with its two columns of TLS: nothing says what certificates held, and nothing is made of it.
{
    my $pmta = file('pmta-tls.csv', csv([qw(type timeLogged rcpt dsnStatus dlvTlsProtocol dlvTlsCipher)],
        map { {type => 'd', timeLogged => '2019-02-08 21:54:05+0000', rcpt => 'b@r.test', dsnStatus => '2.0.0',
            dlvTlsProtocol => $_ ? 'TLSv1.3' : '', dlvTlsCipher => $_ ? 'TLS_AES_256_GCM_SHA384' : ''} } 0, 1, 1, 1));
    my $page = stage_dir() . '/pmta.html';
    my ($sent) = T::Cli::outcome('report', conf => '', args => [$pmta])->{out} =~ /^( +sent .*)$/m;
    like($sent, qr/ 4 +3 +75\.0 % +1 +25\.0 % +-$/, 'no share of verified mail is claimed');
    T::Cli::outcome('report', conf => '', args => ['--html', $page, $pmta]);
    open my $in, '<', $page or die "$page: $!";
    my $html = do { local $/; <$in> };
    like($html, qr/TLS, certificate not recorded: 3 \(75/, 'the chart has what is in TLS');
    unlike($html, qr{to servers whose certificate|server verified: }, 'the page claims none either');
}

# A page is not written over an accounting file.
{
    my $csv = file('kept.csv', "type,timeLogged\n");
    my $got = T::Cli::outcome('report', conf => '', args => ['--html', $csv, $csv]);
    is($got->{status}, 2, 'a file that is no page is no place for one');
    like($got->{err}, qr/^sallyport report: \Q$csv\E: it is there and no page, so it stays; name another after --html$/, 'which is said');
    open my $in, '<', $csv or die "$csv: $!";
    is(<$in>, "type,timeLogged\n", 'and it stays');
}

# For people: the same figures.
{
    my $pmta = T::Cli::outcome('report', conf => '', args => ["$dir/pmta.csv", "$dir/bad.csv", "$dir/torn.csv"]);
    my $alone = T::Cli::outcome('report', conf => '', args => ["$dir/pmta.csv"]);
    my $got = T::Cli::outcome('report', conf => '', args => [$plain]);
    is($got->{status}, 0, 'as text');
    my @long = grep { length > 80 } map { split /\n/, $_->{out} } $got, $pmta, $alone;
    like($pmta->{out}, qr/the first of them: .*bad.csv:12: .*torn\.csv is being written/s, 'what is odd is said');
    like($alone->{out}, qr/^  dlvTlsProtocol \(d\): /m, 'and what is not there');
    is("@long", '', 'in 80 columns');
    my ($sent) = $got->{out} =~ /^  sent +([\d,]+) /m;
    is($sent =~ s/,//gr, $all->{out}{way}{messages}, 'messages sent');
    unlike($got->{out}, qr/[^\n -~]/, 'ASCII where it is no terminal');
    unlike($got->{err}, qr/[\r\e]/, 'and no progress bar');
}

# As a page, which 47-report-page.t looks at, and nothing else.
{
    my $got = T::Cli::outcome('report', conf => '', args => ['--html', "$dir/page.html", $plain]);
    is_deeply([@$got{qw(status out err)}], [0, '', ''], 'a page');
    like(T::Cli::text_of("$dir/page.html"), qr/<html.*d1\.example\.com.*<\/html>/s, 'is one');
    $got = T::Cli::outcome('report', conf => '', args => ['--html', "$dir/no/page.html", $plain]);
    is($got->{status}, 2, 'one that cannot be written');
    like($got->{err}, qr{^sallyport report: .*/no/page\.html}, 'is named');
}

# Without a file: the configuration's, and those that were finished.
{
    mkdir "$dir/conf";
    file('conf/acct-2026-11-15-0000.csv', csv(\@columns, @rows[0 .. 999]));
    file('conf/acct-2026-11-16-0001.csv', csv(\@columns, @rows[1000 .. 1999]));
    file('conf/acct.csv', csv(\@columns, @rows[2000 .. 2999]));
    file('conf/acct-other.csv', csv(\@columns, @rows[0 .. 9]));
    mkdir "$dir/moved";
    rename "$dir/conf/acct-2026-11-15-0000.csv", "$dir/moved/acct-2026-11-15-0000.csv" or die;
    system 'gzip', "$dir/moved/acct-2026-11-15-0000.csv";
    my $got = T::Cli::outcome('report', conf => "acct-file $dir/conf/acct.csv { move-to = $dir/moved }\n", args => ['--json', '--top', 100000]);
    is($got->{err}, '', 'without a file');
    check(JSON::PP->new->utf8->decode($got->{out}), 'the configuration\'s', @rows);
    file('conf/more.csv', csv(\@columns, @rows));
    $got = T::Cli::outcome('report', conf => "acct-file $dir/conf/some.csv { queue-filter = x.test/*\n records = {d, r} }\n"
        . "acct-file $dir/conf/acct.csv { move-to = $dir/moved\n records = {d, b} }\nacct-file $dir/conf/more.csv { records = {d, b, t, r} }\n",
        args => ['--json', '--top', 100000]);
    check(JSON::PP->new->utf8->decode($got->{out}), 'two files with the same rows', @rows);
    $got = T::Cli::outcome('report', conf => '');
    is($got->{status}, 2, 'none there');
    like($got->{err}, qr/has no acct-file section/, 'and why');
}

for my $case (['--since', 'yesterday'], ['--top', '0'], ['--domain', 'a b'], ['--at-least', 'x'], ['--required-after', '-1'], ['--wrong'], ['--html'],
    ['--since', '2026-02-30'], ['--since', '1d', '--until', '2d']) {
    my $got = T::Cli::outcome('report', conf => '', args => $case);
    is($got->{status}, 64, "wrong: @$case");
    like($got->{err}, qr/^sallyport report: [^\n]+\n\z/, 'in one line');
}

done_testing;

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The accounts as doc/accounting, doc/columns and doc/audit print them: each block is in force over one
# day's mail, each row and each figure that is shown is what comes, and each command is run.
use v5.36;
use lib 't/lib';
use POSIX ();
use Test::More;
use T::Stage;
use T::Csv;
use T::Ledger;
use T::Printed;
use T::Spool;

plan skip_all => 'no network of its own, with addresses as printed' if ($ENV{T_STAGE} // '') ne 'private';
my $dir = stage_dir();
my $page = T::Printed::blocks(undef, 'accounting');
my $day = T::Ledger->play;
my (%tried, $runs);

sub slurp ($path) {
    open my $in, '<:raw', $path or return '';
    return do { local $/; <$in> } // '';
}

sub printed ($section, $block) { return $page->{$section}{$block} // die "no '$block' in '$section'" }

# As it is here: folders of this run, which the configuration says and `mine` knows.
sub fitted ($text, $mine) {
    return $text =~ s{/var/log/sallyport\b}{$mine}gr =~ s{/usr/local/bin/}{$dir/bin/}gr;
}

# An accountant with what is printed; the folder of its files.
sub keep ($section, $block = undef) {
    $block = join ', ', 'sallyport.conf', $block // ();
    $tried{"$section: $block"}++;
    my $mine = sprintf '%s/acct-%d', $dir, ++$runs;
    mkdir $_ or die "$_: $!" for $mine, "$mine/done";
    my $run = $day->accountant(fitted(printed($section, $block), $mine), name => "acct-run-$runs");
    return ($mine, $run);
}

# What differs from one run to the next, as it is printed.
sub plain ($text) {
    $text =~ s/\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d(?=\+0000)/2026-11-22 08:23:54/g;
    $text =~ s/\b127\.0\.2\./192.0.2./g;
    $text =~ s{$dir/[\w/-]+/mx\.example\.org\.pem}{/etc/sallyport/client.pem}g;
    return $text =~ s/\r//gr;
}

# What is shown: all of its lines are there, in this order; with `all`, no others.
sub shows ($got, $section, $block, %o) {
    my @want = grep { length } split /\n/, printed($section, $block);
    my @lines = split /\n/, plain($got);
    return is_deeply(\@lines, \@want, "$section, $block") if $o{all};
    my $at = 0;
    for my $line (@want) {
        $at++ while $at < @lines && $lines[$at] ne $line;
        $at++ < @lines or return fail("$section, $block: $line") || diag(join "\n", @lines);
    }
    return pass("$section, $block");
}

# A file, once it has so many lines.
sub lines ($path, $count) {
    T::Stage::wait_for(sub { slurp($path) =~ tr/\n// >= $count });
    return slurp($path);
}

my $rows = 8 + 8; # of r, and of d, b and t

subtest 'to begin with' => sub {
    my ($mine, $run) = keep('To begin with');
    lines("$mine/acct.csv", 1 + $rows);
    my ($row) = csv_wait("$mine/acct.csv", sub { $_->{type} eq 'd' && $_->{rcpt} eq 'ann@bank.example' });
    is("$row->{dlvTlsVerify} $row->{dlvTlsPolicy} $row->{rcvTlsProtocol} $row->{rcvSmtpUser}", 'ok verify TLSv1.3 ann', 'how it came, and how it went');
    $run->stop;
};

subtest 'what has a row' => sub {
    my ($mine, $run) = keep('What has a row', 'with few columns');
    shows(lines("$mine/acct.csv", 1 + $rows + 3), 'What has a row', 'acct.csv, with few columns');
    $run->stop;
};

# NAME TYPES EXAMPLE MEANING, at their places.
sub table {
    open my $in, '<', "$ENV{T_SOURCE}/doc/columns" or die $!;
    my %row;
    for (<$in>) {
        next unless /^The columns$/ .. /^What nobody can tell$/ and /^ {4}([a-z]\w+) +([DBTQRdbtqr]{1,5})\b/;
        my ($name, $types, $example, $doc) = (trim($1), trim($2), trim(substr $_ . ' ' x 70, 35, 33), trim(substr $_ . ' ' x 70, 68));
        $row{$name} = {types => $types, example => $example, doc => $doc};
    }
    return \%row;
}
sub trim ($text) { return $text =~ s/^\s+|\s+$//gr }

my %never = (dlvSize => 'bt', bounceCat => 'd', vmtaPool => 'dbtr'); # what is printed says so

subtest 'the columns' => sub {
    open my $in, '<', "$ENV{T_SOURCE}/common/tell/column.def" or die $!;
    my %star = map { /^COLUMN\((\w+), "(\w*)"\)/ ? ($1 => $2) : () } <$in>;
    my $table = table();
    is_deeply([sort keys %$table], [sort keys %star], 'are all that there are');
    my @names = sort keys %star;
    my $mine = "$dir/columns";
    mkdir $mine or die $!;
    my $fields = join "\n", map { 'record-fields ' . ($_ eq 'q' ? 'tq' : $_) . ' { fields = {' . join(', ', @names) . '} }' } qw(d b t q r);
    my $run = $day->accountant("acct-file $mine/acct.csv { records = {d, b, t, tq, r}, user-string = mx1\n$fields\n}\n", name => 'columns');
    lines("$mine/acct.csv", 1 + $rows + 3);
    my (%in, %value);
    for my $row (csv_rows("$mine/acct.csv")) {
        my $type = substr $row->{type}, -1;
        for (grep { length $row->{$_} } @names) {
            $in{$_}{$type}++;
            $value{$_}{plain($row->{$_})}++;
        }
    }
    for my $name (@names) {
        my $row = $table->{$name} // next;
        is(lc join('', $row->{types} =~ /[A-Z]/g), $star{$name}, "$name: in *");
        my $filled = join '', grep { ($never{$name} // '') !~ /$_/ } split //, lc $row->{types};
        is(join('', grep { $in{$name}{$_} } qw(d b t q r)), $filled, "$name: filled");
        my $example = $row->{example} =~ s/\.\.\.$//r;
        my @like = grep { $name =~ /Fingerprint|[sS]essionId/ || ($row->{example} eq $example ? $_ eq $example : index($_, $example) == 0) } keys %{$value{$name}};
        ok($example eq '' || @like, "$name: such as $row->{example}") or diag join "\n", keys %{$value{$name}};
    }
    $run->stop;
};

# The file that is shown, whole.
for my $case (['How it came and how it went', 'audit.csv'], ['Columns of your own', 'campaigns.csv'], ['Several files', 'refused.csv'],
    ['JSON', 'acct.json'], ['Who the recipient is', 'acct.csv'], ['Why it was refused', 'refused.csv']) {
    my ($section, $file) = @$case;
    subtest $section => sub {
        my ($mine, $run) = keep($section);
        shows(lines("$mine/$file", scalar grep { length } split /\n/, printed($section, $file)), $section, $file, all => 1);
        $run->stop;
    };
}

subtest 'programs' => sub {
    mkdir "$dir/bin";
    my $mine = sprintf '%s/acct-%d', $dir, $runs + 1;
    open my $out, '>', "$dir/bin/to-database" or die $!;
    print $out fitted(printed('Programs', 'to-database'), $mine);
    close $out;
    chmod 0755, "$dir/bin/to-database";
    (undef, my $run) = keep('Programs');
    my @rows = split /\n/, lines("$mine/seen", 5);
    is(scalar(grep { /^d,/ } @rows), 3, 'd rows');
    is(scalar(grep { /^b,/ } @rows), 2, 'b rows');
    $run->stop;
};


# One who follows a file by its name, as a shipper does.
sub follow ($path) {
    my $pid = fork // die $!;
    if ($pid == 0) {
        open STDOUT, '>', "$path.followed";
        open STDERR, '>', '/dev/null';
        exec T::Stage::with_us(), 'tail', '-s', '0.1', '-n', '+1', '-F', $path or POSIX::_exit(127);
    }
    return $pid;
}

subtest 'files on the disk' => sub {
    my ($mine, $run) = keep('Files on the disk');
    my $csv = "$mine/acct.csv";
    csv_wait($csv, sub { 1 }, count => 5) or fail('rows');
    my $tail = follow($csv);
    ok(T::Stage::wait_for(sub { slurp("$csv.followed") eq slurp($csv) }), 'tail -F reads it');
    rename $csv, "$csv.1" or die $!; # as logrotate does
    spool_put("$run->{dir}/spool", map { {type => 'd', rcpt => "n$_\@x.example"} } 1 .. 20);
    csv_wait($csv, sub { $_->{rcpt} =~ /^n/ }, count => 20) or fail('it begins anew');
    ok(T::Stage::wait_for(sub { slurp("$csv.followed") eq slurp("$csv.1") . slurp($csv) }), 'and follows it to the next one');
    kill 'TERM', $tail;
    waitpid $tail, 0;
    $run->stop;
    ($mine, $run) = keep('Files on the disk', 'for whoever fetches finished files');
    csv_wait("$mine/acct.csv", sub { 1 }, count => 5) or fail('rows');
    $run->stop;
};

subtest 'when things break' => sub {
    my ($mine, $run) = keep('When things break', 'when power may be lost');
    is(scalar csv_wait("$mine/acct.csv", sub { 1 }, count => 5), 5, 'd and b');
    $run->stop;
};

subtest 'from PowerMTA' => sub {
    my ($mine, $run) = keep('From PowerMTA', 'the same');
    csv_wait("$mine/acct.csv", sub { 1 }, count => 5);
    my ($head, @lines) = csv_fields(slurp("$mine/acct.csv"));
    is("@$head", 'type timeLogged timeQueued orig rcpt orcpt dsnAction dsnStatus dsnDiag dsnMta bounceCat srcType srcMta dlvType dlvSourceIp'
        . ' dlvDestinationIp dlvEsmtpAvailable dlvSize jobId envId queue vmtaPool header_X-Job userString vmta', 'its columns, and vmta of b');
    my ($row) = csv_wait("$mine/acct.csv", sub { $_->{type} eq 'd' });
    like($row->{timeLogged}, qr/^\d{10}\z/, 'iso-times no');
    is("$row->{rcpt} $row->{jobId} $row->{'header_X-Job'} $row->{userString}", 'x@bank.example spring 1207 mx1', 'its values');
    like(printed('From PowerMTA', 'PowerMTA'), qr/^\s+\Q$_\E /m, "$_ stands in both")
        for grep { $_ ne 'record-fields' } printed('From PowerMTA', 'sallyport.conf, the same') =~ /^ +([a-z-]+) = /mg;
    $run->stop;
};

# With `sallyport` and the files where the page has them; what it says on standard output.
sub at_desk ($command, $mine) {
    my $path = "$dir/desk/sallyport";
    mkdir "$dir/desk";
    open my $out, '>', $path or die "$path: $!";
    print $out qq{#!/bin/sh\ncommand=\$1\nshift\nexec $ENV{T_BUILD}/sallyport \$command -c $mine/conf "\$@"\n};
    close $out or die $!;
    chmod 0755, $path;
    local $ENV{PATH} = "$dir/desk:$ENV{PATH}";
    open my $said, '-|', 'sh', '-c', fitted($command, $mine) or die $!;
    my $text = do { local $/; <$said> } // '';
    ok(close $said, (split /\n/, $command)[0]);
    return $text;
}

sub today ($text) { return $text =~ s/\b20\d\d-\d\d-\d\d\b/2026-11-22/gr }

subtest 'an audit' => sub {
    my $print = T::Printed::blocks(undef, 'audit');
    my ($mine, $run) = keep('To begin with');
    lines("$mine/acct.csv", 1 + $rows);
    link $run->{conf}, "$mine/conf" or die $!;
    my $says = today(at_desk('sallyport report', $mine)) =~ s/\n+/\n/gr;
    my $want = today($print->{'The report'}{report}) =~ s/\n+/\n/gr =~ s/\n\z//r;
    like($says, qr/^\Q$want\E$/m, 'the report begins as it is printed');
    my @commands = do { open my $in, '<', "$ENV{T_SOURCE}/doc/audit" or die $!; map { /^    (sallyport report.*?)(?: {3,}.*)?$/ ? $1 : () } <$in> };
    is(scalar @commands, 5, 'commands');
    for my $command (@commands) {
        my $text = at_desk($command =~ s/FILE\.\.\./$mine/r =~ s{/tmp/}{$mine/}r, $mine);
        isnt($text, '', 'and something comes') if $command !~ /--html/;
    }
    my ($weekly) = $print->{'The report'}{'sallyport-report.service'} =~ /^ExecStart=(.*)/m;
    at_desk($weekly =~ s{/var/lib/sallyport-report/}{$mine/}r, $mine);
    like(slurp("$mine/tls.html"), qr/^<!DOCTYPE html>.*shop\.example/s, 'the page of the week');

    my $tools = $print->{'Other tools'};
    my $python = $tools->{'Python, why mail was not taken'};
    my %said = (
        sqlite3 => at_desk($tools->{'sqlite3, the domains that had mail in the clear'}, $mine),
        Python => at_desk("python3 -c '" . $python =~ s/'/'\\''/gr . "'", $mine),
    );
    $run->stop;
    my ($json, $other) = keep('JSON');
    lines("$json/acct.json", 6);
    $said{jq} = at_desk($tools->{'jq, of format = json, who had mail in the clear'}, $json);
    $other->stop;
    is($said{$_} =~ s/\r//gr, $tools->{"$_ says"} =~ s/\n+\z/\n/r, "what $_ says") for sort keys %said;
};


subtest 'reports to other domains' => sub {
    my $print = T::Printed::blocks(undef, 'audit')->{'Reports to other domains'};
    my $mine = "$dir/tlsrpt";
    mkdir $_ or die $! for $mine, "$mine/out";
    my $run = $day->accountant("$print->{'sallyport.conf'}name-server = \"@{[$day->{dns}->address]}\"\n", name => 'reports');
    ok(T::Stage::wait_for(sub { slurp("$run->{dir}/state/tlsrpt/sessions.csv") =~ /wrong\.example/ }), 'what is needed is kept');
    link $run->{conf}, "$mine/conf" or die $!;
    is(at_desk('sallyport tlsrpt', $mine), '', 'nothing of the day before');
    my ($today, $before) = map { POSIX::strftime('%Y-%m-%d', gmtime $_) } time, time - 86400;
    my $yesterday = slurp("$run->{dir}/state/tlsrpt/sessions.csv") =~ s/^(\w+),\Q$today\E /$1,$before /gmr;
    open my $out, '>', "$mine/yesterday.csv" or die $!;
    print $out $yesterday;
    close $out or die $!;
    like(at_desk("sallyport tlsrpt --output $mine/out $mine/yesterday.csv", $mine), qr/bank\.example/, 'of yesterday');
    my ($file) = glob "$mine/out/*.json.gz";
    like(qx{zcat '$file'}, qr/"organization-name" *: *"Example Mail".*"contact-info" *: *"postmaster\@example\.org".*"policy-domain" *: *"bank\.example"/s, 'a report');
    unlike(slurp("$run->{dir}/state/tlsrpt/sessions.csv"), qr/(?:ann|nobody|later)\@/, 'and no address is kept');
    $run->stop;
};

subtest 'all of them pass -t, and were tried' => sub {
    for my $section (sort keys %$page) {
        for my $block (grep { /^sallyport\.conf/ } sort keys %{$page->{$section}}) {
            mkdir $_ for "$dir/checked", "$dir/checked/done";
            my $run = T::Run->prepare('sallyport-milter', conf => fitted(printed($section, $block), "$dir/checked"));
            my ($status, $said) = $run->outcome('-t');
            is($status, 0, "$section, $block");
            like($said, qr/\A\S+: configuration is right\n\z/, 'without a word more');
            ok($tried{"$section: $block"}, 'and was tried');
        }
    }
};
all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport tlsrpt (RFC 8460): what sallyport-out did, counted and reported to those who want that, as files, by mail
# and by HTTPS, and once.
use v5.36;
use lib 't/lib';
use Test::More;
use IO::Uncompress::Gunzip qw(gunzip);
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use POSIX ();
use T::Stage;
use T::CA;
use T::Cli;
use T::Csv;
use T::DNS;
use T::Https;
use T::Peer;
use T::Run;
use T::Sink;

my $dir = stage_dir();
mkdir "$dir/$_" or die $! for qw(spool state run reports);
my $ca = T::CA->new;
my %at = (good => '127.0.0.41', other => '127.0.0.42', clear => '127.0.0.43', third => '127.0.0.44');
my $good = $ca->cert('mx.dane.test', names => ['mx.sts.test', 'mx.fetch.test', 'mx.quiet.test', 'mx.twice.test']);
my %sink = (good => T::Sink->start(port => port('mx'), addr => $at{good}, cert => $good),
    other => T::Sink->start(port => port('mx'), addr => $at{other}, cert => $ca->cert('another.test')),
    clear => T::Sink->start(port => port('mx'), addr => $at{clear}));
my $key = '3 1 1 ' . $ca->key_fingerprint($good);
my $wrong = '3 1 1 ' . 'ab' x 32;
my $https_port = port('https');
my $mx_port = port('mx');
my $to_post = "https://mta-sts.post.test:$https_port/tls";
my %domain = ( # server, TLSA, policy id, rua
    dane  => ['good', $key, 0, 'v=TLSRPTv1; rua=mailto:tls@reports.test'],
    wrong => ['good', $wrong, 0, "v=TLSRPTv1;rua=$to_post"],
    clear => ['clear', undef, 0, 'v=TLSRPTv1; rua=mailto:tls@clear.test , ' . $to_post],
    sts   => ['other', undef, 1, 'v=TLSRPTv1; x=y; rua=mailto:tls%2Dsts@reports.test;'],
    fetch => ['good', undef, 1, 'v=TLSRPTv1; rua=mailto:a@fetch.test'],
    forged => ['good', undef, 0, 'v=TLSRPTv1; rua=mailto:a@forged.test'],
    quiet => ['good', undef, 0, undef],
    twice => ['good', undef, 0, 'v=TLSRPTv1; rua=mailto:a@twice.test'],
    nobody => ['none', undef, 0, 'v=TLSRPTv1; rua=mailto:a@nobody.test'],
);
$at{none} = '127.0.0.99';
my $zone = "mta-sts.post.test. A 127.0.0.1\n";
for my $d (sort keys %domain) {
    my ($server, $tlsa, $sts, $rua) = @{$domain{$d}};
    $zone .= "zone $d.test " . ($d eq 'forged' ? $d : 'signed') . "\n$d.test. MX 10 mx.$d.test.\nmx.$d.test. A $at{$server}\n";
    $zone .= "_$mx_port._tcp.mx.$d.test. TLSA $tlsa\n" if $tlsa;
    $zone .= "mta-sts.$d.test. A 127.0.0.1\n_mta-sts.$d.test. TXT \"v=STSv1; id=7;\"\n" if $sts;
    $zone .= "_smtp._tls.$d.test. TXT \"" . substr($rua, 0, 20) . '" "' . substr($rua, 20) . "\"\n" if $rua;
    $zone .= "_smtp._tls.$d.test. TXT \"v=TLSRPTv1; rua=mailto:b\@twice.test\"\n" if $d eq 'twice';
}
my $dns = T::DNS->start($zone, signed => 1);
my $https = T::Https->start(port => $https_port, ca => $ca);
$https->serve('sts.test', body => "version: STSv1\nmode: testing\nmx: mx.sts.test\nmx: *.more.test\nmax_age: 86400\n");
$https->serve('fetch.test', status => 404, body => 'none');
$https->serve('post.test', status => 503, cert => T::CA->new->cert('nobody.test'));

my $conf = <<"CONF";
host-name = mail.us.test
run-directory = "$dir/run"
spool-directory = "$dir/spool"
state-directory = "$dir/state"
name-server = "@{[$dns->address]}"
trust-anchor-file = "@{[$dns->anchor]}"
mta-sts-port = $https_port
mta-sts-ca-file = "@{[$ca->file]}"
mta-sts-allow-private = yes
tls-reports = yes
tls-report-organization = "Us \\"\\"& Söhne"
tls-report-contact = postmaster\@us.test
tls-report-from = tls\@us.test
tls-report-server = "127.0.0.1:\@port:mta\@"
workers = 1
relay-listener 127.0.0.1:\@port:out\@ { }
domain * {
    allow-private-destinations = yes
    default-smtp-port = $mx_port
    connection-idle-timeout = 0
}
CONF
my $accountant = T::Run->start('sallyport-milter', conf => $conf);
my $out = T::Run->start('sallyport-out', conf => $conf, env => {SSL_CERT_FILE => $ca->file});

# One message to each of these domains' b; what RCPT was told comes back.
sub give {
    my ($domain, $header, $more) = @_;
    my $c = T::Peer->connect(port('out'), name => $domain);
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<secret-sender@a.test>' . ($more // '') => qr/^250 /);
    $c->say("RCPT TO:<secret-rcpt\@$domain.test>");
    my $said = $c->read_line;
    if ($said =~ /^250/) {
        $c->talk('DATA' => qr/^354/);
        $c->send(($header // '') . "Subject: x\r\n\r\nx\r\n.\r\n");
        $c->hear(qr/^250 /);
    }
    $c->close;
    return $said;
}
like(give($_), qr/^250 /, "$_ has it") for qw(dane dane clear sts fetch quiet twice);
like(give('wrong'), qr/^451 4\.7\.5 /, 'wrong is deferred') for 1 .. 3;
like(give('forged'), qr/^451 4\.7\.5 /, 'forged is deferred');
like(give('nobody'), qr/^451 4\.4\.1 /, 'nobody is there');
like(give('wrong', undef, ' ENVID=tlsrpt.0123'), qr/^451 4\.7\.5 /, 'a report that does not get so far');
like(give($_, "TLS-Report-Domain: $_.test\r\n"), qr/^250 /, 'a report itself') for qw(dane clear);

my $csv = "$dir/state/tlsrpt/sessions.csv";
csv_wait($csv, sub { $_->{type} eq 'd' }, count => 9);
$_->stop for $out, $accountant;
my $kept = T::Cli::text_of($csv);
unlike($kept, qr/secret-/, 'no sender and no recipient is kept');
my $yesterday = POSIX::strftime('%Y-%m-%d', gmtime time - 86400);
my $begin = POSIX::floor((time - 86400) / 86400) * 86400;

sub tlsrpt {
    my @args = @_;
    return T::Cli::outcome('tlsrpt', file => "$dir/conf", args => \@args);
}
sub put {
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!";
    print $file $text;
    close $file or die "$path: $!";
    return;
}
put("$dir/conf", T::Stage::fill($conf));
is_deeply([@{tlsrpt()}{qw(status out)}], [0, ''], 'today is not yesterday');
put($csv, $kept =~ s/\b20\d\d-\d\d-\d\d(?= \d\d:)/$yesterday/gr);

my %want = ( # successful, failed; type, domain, policy, mx-host of the policy; failures
    'dane.test' => [2, 0, 'tlsa', 'mx.dane.test', [uc $key], undef],
    'wrong.test' => [0, 3, 'tlsa', 'mx.wrong.test', [uc $wrong], undef, {'result-type' => 'validation-failure',
        'failed-session-count' => 3, 'receiving-mx-hostname' => 'mx.wrong.test', 'receiving-ip' => $at{good}, 'sending-mta-ip' => '127.0.0.1'}],
    'clear.test' => [0, 1, 'no-policy-found', 'clear.test', undef, undef, {'result-type' => 'starttls-not-supported',
        'failure-reason-code' => 'starttls-not-offered', 'failed-session-count' => 1, 'receiving-mx-hostname' => 'mx.clear.test',
        'receiving-ip' => $at{clear}, 'sending-mta-ip' => '127.0.0.1'}],
    'sts.test' => [0, 1, 'sts', 'sts.test', ['version: STSv1', 'mode: testing', 'mx: mx.sts.test', 'mx: *.more.test',
        'max_age: 86400'], ['mx.sts.test', '*.more.test'], {'result-type' => 'certificate-host-mismatch',
        'failure-reason-code' => 'sts-certificate-host-mismatch', 'failed-session-count' => 1, 'receiving-mx-hostname' => 'mx.sts.test',
        'receiving-ip' => $at{other}, 'sending-mta-ip' => '127.0.0.1'}],
    'forged.test' => [0, 1, 'tlsa', 'forged.test', undef, undef, {'result-type' => 'dnssec-invalid', 'failed-session-count' => 1}],
    'fetch.test' => [0, 1, 'sts', 'fetch.test', undef, undef, {'result-type' => 'sts-policy-fetch-error', 'failed-session-count' => 1,
        'receiving-mx-hostname' => 'mx.fetch.test', 'receiving-ip' => $at{good}, 'sending-mta-ip' => '127.0.0.1'}],
);
my %results = map { $_ => 1 } qw(starttls-not-supported certificate-host-mismatch certificate-not-trusted certificate-expired
    validation-failure tlsa-invalid dnssec-invalid dane-required sts-policy-fetch-error sts-policy-invalid sts-webpki-invalid);

# RFC 8460, 4.4: each field is there, of its type, and there is no other.
sub follows_schema {
    my $r = shift;
    my $number = qr/^(?:0|[1-9]\d*)$/;
    my $ip = qr/^(?:\d+\.\d+\.\d+\.\d+|[0-9a-f:.]+)$/;
    my $check = sub {
        my ($what, $is, $must, $may) = @_;
        is_deeply([grep { !exists $is->{$_} } sort keys %$must], [], "$what has what it must");
        is_deeply([grep { !$must->{$_} && !$may->{$_} } sort keys %$is], [], "$what has nothing else");
        for (grep { exists $is->{$_} } sort(keys %$must, keys %$may)) {
            my $like = $must->{$_} // $may->{$_};
            ref $like eq 'Regexp' ? like($is->{$_}, $like, $_) : is(ref $is->{$_}, $like, "$_ is $like");
        }
    };
    my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
    $check->('a report', $r, {'organization-name' => qr/./, 'date-range' => 'HASH', 'contact-info' => qr/./, 'report-id' => qr/./, policies => 'ARRAY'});
    $check->('date-range', $r->{'date-range'}, {'start-datetime' => $time, 'end-datetime' => $time});
    for my $p (@{$r->{policies}}) {
        $check->('an item', $p, {policy => 'HASH', summary => 'HASH'}, {'failure-details' => 'ARRAY'});
        $check->('a policy', $p->{policy}, {'policy-type' => qr/^(?:tlsa|sts|no-policy-found)$/, 'policy-domain' => qr/^[a-z0-9.-]+$/},
            {'policy-string' => 'ARRAY', 'mx-host' => 'ARRAY'});
        $check->('a summary', $p->{summary}, {map { $_ => $number } qw(total-successful-session-count total-failure-session-count)});
        my $sum = 0;
        for my $f (@{$p->{'failure-details'} // []}) {
            $check->('a failure', $f, {'result-type' => qr/./, 'failed-session-count' => $number}, {'sending-mta-ip' => $ip,
                'receiving-ip' => $ip, 'receiving-mx-hostname' => qr/^[a-z0-9.-]+$/, 'failure-reason-code' => qr/./});
            ok($results{$f->{'result-type'}}, "$f->{'result-type'} is one of RFC 8460's");
            $sum += $f->{'failed-session-count'};
        }
        is($sum, $p->{summary}{'total-failure-session-count'}, 'the failures are those of the summary');
    }
    return;
}

sub judge {
    my ($domain, $packed) = @_;
    gunzip(\$packed, \my $json) or return fail("$domain: gzip");
    my $r = JSON::PP->new->utf8->decode($json);
    subtest "$domain: what its report says" => sub {
        my ($ok, $failed, $type, $policy_domain, $text, $mx, @failures) = @{$want{$domain}};
        follows_schema($r);
        is($r->{'organization-name'}, "Us \"\"& S\xf6hne", 'who');
        is($r->{'contact-info'}, 'postmaster@us.test', 'whom to ask');
        is($r->{'report-id'}, "$yesterday.$domain\@us.test", 'its name');
        is_deeply($r->{'date-range'}, {'start-datetime' => "${yesterday}T00:00:00Z", 'end-datetime' => "${yesterday}T23:59:59Z"}, 'the day');
        is_deeply($r->{policies}, [{
            policy => {'policy-type' => $type, 'policy-domain' => $policy_domain, $text ? ('policy-string' => $text) : (), $mx ? ('mx-host' => $mx) : ()},
            summary => {'total-successful-session-count' => $ok, 'total-failure-session-count' => $failed},
            @failures ? ('failure-details' => \@failures) : ()}], 'what was done') or diag(explain($r));
    };
    return;
}

subtest 'said alone' => sub {
    my $got = tlsrpt();
    is($got->{status}, 0, 'all is well') or diag($got->{err});
    my %lines = map { /^(\S+): (.*)/ } split /\n/, $got->{out};
    is($lines{'dane.test'}, '2 successful, 0 failed: mailto:tls@reports.test', 'where a report would go');
    is($lines{'quiet.test'}, '1 successful, 0 failed: no report is wanted', 'no record');
    is($lines{'twice.test'}, '1 successful, 0 failed: no report is wanted', 'two records are none');
    is(scalar(keys %lines), 8, 'nobody.test had no session');
    like(tlsrpt('--domain', 'dane.test')->{out}, qr/\Adane\.test: .*\n\z/, 'of one');
};

subtest 'as files' => sub {
    my $got = tlsrpt('--output', "$dir/reports", '--day', $yesterday);
    is($got->{status}, 0, 'all is well') or diag($got->{err});
    my $end = $begin + 86399;
    opendir my $d, "$dir/reports" or die $!;
    is_deeply([sort grep { !/^\.\.?$/ } readdir $d], [sort map { "us.test!$_!$begin!$end!001.json.gz" } keys %want], 'the files, and no other');
    for my $domain (sort keys %want) {
        judge($domain, T::Cli::text_of("$dir/reports/us.test!$domain!$begin!$end!001.json.gz"));
    }
    $got = tlsrpt('--output', "$dir/nowhere");
    is($got->{status}, 1, 'no such folder');
    like($got->{err}, qr/nowhere.*No such file/, 'is said');
};

# The mail server: what it is given, by recipient.
my $mta = T::Peer->listen(port => port('mta'), name => 'mta');
sub serve {
    my ($count, $refuse) = @_;
    my $pid = fork // die $!;
    return $pid if $pid;
    Test::More->builder->$_(\my $unheard) for qw(output failure_output todo_output);
    for (1 .. $count) {
        my $c = $mta->accept;
        $c->say('220 mta.test ESMTP');
        $c->hear(qr/^EHLO mail\.us\.test$/);
        $c->say('250-mta.test', '250-DSN', '250 PIPELINING');
        $c->hear(qr/^MAIL FROM:<tls\@us\.test> ENVID=tlsrpt\.[0-9a-f]{16}$/);
        $c->say('250 2.1.0 Ok');
        my $rcpt = $c->read_line;
        my ($to) = $rcpt =~ /^RCPT TO:<(\S+)>\r?$/ or POSIX::_exit(1);
        if ($refuse && $to =~ $refuse) {
            $c->say('451 4.3.0 Not now');
            $c->hear_close or POSIX::_exit(1);
            next;
        }
        $c->say('250 2.1.5 Ok');
        $c->hear(qr/^DATA$/);
        $c->say('354 go');
        my $text = $c->hear_body;
        put("$dir/mail-$to", $text);
        $c->say('250 2.0.0 Ok: queued as X1');
        $c->hear(qr/^QUIT$/);
        $c->close;
    }
    POSIX::_exit(0);
}

# Read by RFC 5322 and RFC 2046, with none of our code.
sub read_mail {
    my $text = shift;
    my ($head, $body) = split /\r?\n\r?\n/, $text, 2;
    my %h = map { /^([^:]+):\s*(.*)/s ? (lc $1 => $2) : () } split /\r?\n(?![ \t])/, $head;
    $_ =~ s/\r?\n[ \t]+/ /g for values %h;
    return (\%h, $body);
}

subtest 'sent' => sub {
    my $server = serve(5, qr/fetch/);
    my $got = tlsrpt('--send');
    waitpid $server, 0;
    is($?, 0, 'the mail server heard what it should');
    is($got->{status}, 1, 'something is yet to be sent');
    my %lines = map { /^(\S+): (.*)/ } split /\n/, $got->{out};
    like($lines{'dane.test'}, qr/mailto:tls\@reports\.test \(sent\)$/, 'by mail');
    like($lines{'fetch.test'}, qr/mailto:a\@fetch\.test \(it does not take the recipient: 451 4\.3\.0 Not now\)/, 'refused');
    like($lines{'clear.test'}, qr/mailto:tls\@clear\.test \(sent\) \Q$to_post\E \(HTTP status 503/, 'one went, one did not');
    my ($h, $body) = read_mail(T::Cli::text_of("$dir/mail-tls\@reports.test"));
    is($h->{'tls-report-domain'}, 'dane.test', 'TLS-Report-Domain');
    is($h->{'tls-report-submitter'}, 'us.test', 'TLS-Report-Submitter');
    is($h->{subject}, "Report Domain: dane.test Submitter: us.test Report-ID: <$yesterday.dane.test\@us.test>", 'Subject');
    is($h->{from}, '<tls@us.test>', 'From');
    is($h->{to}, '<tls@reports.test>', 'To');
    like($h->{'message-id'}, qr/^<\S+\@us\.test>$/, 'Message-ID');
    like($h->{date}, qr/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/, 'Date');
    my ($boundary) = $h->{'content-type'} =~ m{^multipart/report; report-type="tlsrpt"; boundary="([^"]+)"$};
    ok($boundary, 'Content-Type') or return;
    my @parts = split /(?:^|\r?\n)--\Q$boundary\E(?:--)?\r?\n?/, $body;
    is(scalar(@parts), 3, 'two parts behind nothing');
    my ($about, $text) = read_mail($parts[1]);
    like($about->{'content-type'}, qr{^text/plain}, 'a text');
    like($text, qr/dane\.test/, 'that says about whom');
    my ($gzip, $report) = read_mail($parts[2]);
    is($gzip->{'content-type'}, 'application/tlsrpt+gzip', 'the report');
    is($gzip->{'content-transfer-encoding'}, 'base64', 'encoded');
    my $end = $begin + 86399;
    is($gzip->{'content-disposition'}, "attachment; filename=\"us.test!dane.test!$begin!$end!001.json.gz\"", 'with its name');
    judge('dane.test', decode_base64($report));
    ok(-e "$dir/mail-tls-sts\@reports.test", '%2D is a -');
};

subtest 'sent again' => sub {
    $https->serve('post.test', cert => T::CA->new->cert('nobody.test'));
    my $before = () = $https->posted;
    my $server = serve(1);
    my $got = tlsrpt('--send');
    waitpid $server, 0;
    is($?, 0, 'one mail came, that which was refused');
    is($got->{status}, 0, 'all are sent') or diag($got->{out}, $got->{err});
    like($got->{out}, qr/^dane\.test: .*mailto:tls\@reports\.test \(sent before\)$/m, 'none twice');
    my @posted = ($https->posted)[$before .. ($https->posted) - 1];
    is(scalar(@posted), 2, 'two reports by HTTPS, whatever its certificate says');
    is($_->[0], 'application/tlsrpt+gzip', 'their type') for @posted;
    my %by = map { gunzip(\$_->[1], \my $json); (JSON::PP::decode_json($json)->{'report-id'} => $_->[1]) } @posted;
    judge($_, $by{"$yesterday.$_\@us.test"}) for qw(clear.test wrong.test);
    $got = tlsrpt('--send');
    is($got->{status}, 0, 'nothing is left to send');
    unlike($got->{out}, qr/\(sent\)/, 'and nothing is');
    is(scalar(() = $https->posted), $before + 2, 'by HTTPS neither');
};

subtest 'a private address is nobody\'s to name' => sub {
    put("$dir/conf", T::Stage::fill($conf =~ s/mta-sts-allow-private = yes/mta-sts-allow-private = no/r));
    unlink "$dir/state/tlsrpt/sent-$yesterday";
    like(tlsrpt('--send', '--domain', 'wrong.test')->{out}, qr/only private addresses/, 'it is not called');
};

subtest 'words' => sub {
    is(tlsrpt(@$_)->{status}, 64, "@$_") for ['--day', 'x'], ['--day', POSIX::strftime('%Y-%m-%d', gmtime)], ['--send', '--output', '.'], ['--nothing'], ['--day'];
};
all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport probe: what it says of a domain, that both of its forms say the same, and that
# sallyport-out then does what it said.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use JSON::PP ();
use T::CA;
use T::Cli;
use T::DNS;
use T::Https;
use T::Peer;
use T::Run;
use T::Sink;

my $ca = T::CA->new;
my %crt = (
    good    => $ca->cert('mx.good.test', names => [map { "mx.$_.test" } qw(stsgood ststest named both)]),
    expired => $ca->cert('mx.old.test', from => -20, days => -10),
    other   => $ca->cert('other.test'),
);
my %option = (
    good    => {cert => $crt{good}},
    expired => {cert => $crt{expired}},
    other   => {cert => $crt{other}},
    clear   => {},
    broken  => {keywords => ['STARTTLS', '8BITMIME']}, # and no certificate to go on with
    refuses => {cert => $crt{good}, replies => [qr/^STARTTLS/ => '454 4.7.0 not now']},
    wants   => {cert => $crt{good}, ask_client => 'must', ca => $ca->file},
    busy    => {greeting => '421 4.3.2 busy'},
    evil    => {greeting => "554 5.7.1 go \e[31maway\x07 \x{9b}2J", cert => $crt{good}},
    odd     => {cert => $crt{good}, replies => [qr/^EHLO/ => "250-\e]0;pwned\x07\n250-X\e[2J\n250-STARTTLS\n250 SIZE 1000"]},
    rcpt    => {cert => $crt{good}, replies => [qr/^RCPT TO:<no/ => "550 5.1.1 no such \e[1muser", qr/^RCPT TO:<later/ => '451 4.2.1 later']},
);
my (%at, %sink);
for my $name (sort(keys %option), 'silent') {
    $at{$name} = '127.0.0.' . (40 + keys %at);
    $sink{$name} = T::Sink->start(port => port('mx'), addr => $at{$name}, %{$option{$name}}) if $option{$name};
}
my $silent = T::Peer->listen(port => port('mx'), addr => $at{silent}); # nobody greets there

my $port = port('mx');
my ($right, $wrong) = ('3 1 1 ' . $ca->key_fingerprint($crt{good}), '3 1 1 ' . 'ab' x 32);
my @rows = ( # domain, server, what `then` or the answer is; TLSA; policy (mode, pattern)
    {d => 'good', at => 'good', tlsa => [$right], tls => 1, demand => 'dane', proves => {dane => 'ok'}},
    {d => 'wrong', at => 'good', tlsa => [$wrong], answer => '451 4.7.5 Certificate matches no TLSA record', proves => {dane => 'matches no record'}},
    {d => 'pkix', at => 'good', tlsa => ['1 1 1 ' . 'ab' x 32, '3 1 9 abcd'], tls => 1, demand => 'dane-unusable'},
    {d => 'lost', at => 'good', tlsa => [$right], how => 'servfail', answer => '451 4.7.5 TLSA records cannot be had'},
    {d => 'forged', zone => 'forged', at => 'good', answer => '451 4.7.5 DNSSEC of the domain is not valid'},
    {d => 'plain', zone => 'unsigned', at => 'good', tls => 1, demand => 'may'},
    {d => 'null', mx => "null.test. MX 0 .\n", answer => '556 5.1.10 Domain takes no mail (null MX)'},
    {d => 'nomx', mx => "nomx.test. A $at{good}\n", tls => 1, demand => 'may'},
    {d => 'bare', mx => "bare.test. TXT \"nothing\"\n", answer => '451 4.4.4 No server of the domain has an address'},
    {d => 'none', absent => 1, answer => '550 5.1.2 Domain does not exist'},
    {d => 'stsgood', at => 'good', sts => ['enforce', '*.stsgood.test'], tls => 1, demand => 'sts', proves => {'mta-sts' => 'ok'}},
    {d => 'stslist', at => 'good', sts => ['enforce', 'mx.else.test'], answer => "451 4.7.5 The domain's MTA-STS policy does not name this server"},
    {d => 'stscert', at => 'other', sts => ['enforce', 'mx.stscert.test'], answer => "451 4.7.5 Certificate does not do for the domain's MTA-STS policy"},
    {d => 'ststest', at => 'other', sts => ['testing', 'mx.ststest.test'], tls => 1, demand => 'may+sts-testing', noted => 'sts-certificate-not-trusted, by mta-sts'},
    {d => 'stslost', at => 'other', sts => ['enforce', 'x', status => 500], tls => 1, demand => 'may'},
    {d => 'clear', at => 'clear', tls => 0, demand => 'may', none => 'starttls-not-offered'},
    {d => 'must', at => 'clear', answer => '451 4.7.4 TLS is required and not offered'},
    {d => 'broken', at => 'broken', tls => 0, demand => 'may', none => 'handshake'},
    {d => 'refuses', at => 'refuses', tls => 0, demand => 'may', none => 'starttls-refused'},
    {d => 'mustbroken', at => 'broken', answer => '451 4.7.5 TLS handshake failed'},
    {d => 'old', at => 'expired', answer => '451 4.7.5 Certificate has expired', proves => {chain => 'expired, or not valid yet'}},
    {d => 'named', at => 'good', tls => 1, demand => 'verify', proves => {chain => 'ok', 'for-name' => 'for mx.named.test'}},
    {d => 'misnamed', at => 'other', answer => '451 4.7.5 Certificate has another name', proves => {chain => 'ok', 'for-name' => 'not for mx.misnamed.test'}},
    {d => 'finger', at => 'other', tls => 1, demand => 'verify', proves => {fingerprint => 'ok'}},
    {d => 'nofinger', at => 'good', answer => '451 4.7.5 Certificate is none of those that our rules name', proves => {fingerprint => 'not listed'}},
    {d => 'wants', at => 'wants', answer => '451 4.7.5 Server does not take our certificate'},
    {d => 'busy', at => 'busy', answer => '451 4.3.2 Server does not take mail now'},
    {d => 'silent', at => 'silent', answer => '451 4.4.2 No answer in time'},
    {d => 'evil', at => 'evil', answer => '451 4.3.2 Server does not take mail now'},
    {d => 'odd', at => 'odd', tls => 1, demand => 'may'},
    {d => 'next', mx => "next.test. MX 10 mx.busy.test.\nnext.test. MX 20 mx.wrong.test.\nnext.test. MX 30 mx.plain.test.\n", tls => 1},
    {d => 'twice', mx => "twice.test. MX 10 mx.clear.test.\ntwice.test. MX 20 mx.plain.test.\n", tls => 0},
    {d => 'far', at => 'good', answer => '451 4.4.4 Server has a private address', dropped => 'a private address'},
    {d => 'loop', mx => "loop.test. MX 10 mx.loop.test.\nmx.loop.test. A 127.0.0.1\n", answer => '554 5.4.6 Mail for this domain would come back to us', dropped => 'it is ourselves'},
);
my (%breaks, $zones);
my $https = T::Https->start(port => port('https'), ca => $ca);
for my $row (grep { !$_->{absent} } @rows) {
    my $d = "$row->{d}.test";
    $zones .= "zone $d " . ($row->{zone} // 'signed') . "\n" . ($row->{mx} // "$d. MX 10 mx.$d.\nmx.$d. A $at{$row->{at}}\n");
    $zones .= "_$port._tcp.mx.$d. TLSA $_\n" for @{$row->{tlsa} // []};
    $breaks{"TLSA _$port._tcp.mx.$d"} = $row->{how} if $row->{how};
    my ($mode, $pattern, %how) = @{$row->{sts} // next};
    $zones .= "mta-sts.$d. A 127.0.0.1\n_mta-sts.$d. TXT \"v=STSv1; id=7;\"\n";
    $https->serve($d, body => "version: STSv1\nmode: $mode\nmx: $pattern\nmax_age: 86400\n", %how);
}
$zones .= <<"Z";
zone rcpts.test unsigned
rcpts.test. MX 10 mx.rcpts.test.
rcpts.test. MX 20 mx.plain.test.
mx.rcpts.test. A $at{rcpt}
zone wild.test unsigned
wild.test. MX 0 .
_mta-sts.wild.test. TXT "v=STSv1; id=7; \\027[31m \\155"
zone rolled.test unsigned
good.rolled.test. MX 10 mx.mass.test.
zone mass.test unsigned
mx.mass.test. A $at{clear}
zone remembered.test signed
remembered.test. A $at{good}
Z
my $dns = T::DNS->start($zones, signed => 1);
$dns->breaks(%breaks);

my @fill = (dns => $dns->address, anchor => $dns->anchor, ca => $ca->file, finger => $ca->fingerprint($crt{other}), key => $crt{good}{pem});
my $conf = <<'CONF';
relay-listener 127.0.0.1:@port:out@ { }
relay-listener 127.0.0.1:@port:mx@ { }
host-name = us.test
name-server = "@dns@"
trust-anchor-file = "@anchor@"
mta-sts-port = @port:https@
mta-sts-ca-file = "@ca@"
mta-sts-allow-private = yes
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    smtp-tls-ca-file = "@ca@"
}
domain silent.test { smtp-greeting-timeout = 1s }
domain must.test { require-starttls = yes }
domain mustbroken.test { require-starttls = yes }
domain old.test { smtp-tls-verify = ca }
domain named.test { smtp-tls-verify = name }
domain misnamed.test { smtp-tls-verify = name }
domain finger.test { smtp-tls-verify = fingerprint  smtp-tls-fingerprints = {@finger@} }
domain nofinger.test { smtp-tls-verify = fingerprint  smtp-tls-fingerprints = {@finger@} }
domain wants.test { require-starttls = yes }
domain far.test { allow-private-destinations = no }
domain mass.rollup { require-starttls = yes }
mx-rollup-list { mx mx.mass.test mass.rollup }
domain remembered.test { starttls-memory = 1d }
domain listed.test { smtp-hosts = "mx.refuses.test; lookup-mx:twice.test" }
domain keyed.test { smtp-hosts = "[127.0.0.1]:1"  smtp-client-certificate = "@key@" }
CONF
my $out = T::Run->start('sallyport-out', conf => "$conf\nworkers = 1\n", @fill);
my %fill = @fill;
my $text = $conf =~ s/\@(dns|anchor|ca|finger|key)\@/$fill{$1}/gr;

mkdir stage_dir() . '/probe';
my ($file, $shared) = map { T::Cli::write_conf("$_/probe.conf", $_, $text) } stage_dir() . '/probe', "$out->{dir}/state";

sub probe {
    my (@args) = @_;
    my $got = T::Cli::outcome('probe', file => $file, args => \@args);
    unlike("$got->{out}$got->{err}", qr/[^\n\x20-\x7e]/, "@args: nothing but plain text comes out");
    return $got;
}

# Each fact of the JSON form stands in the text, under its name.
sub same {
    my ($text, $at, $key, $missing) = @_;
    if (ref $at eq 'HASH') { same($text, $at->{$_}, $_, $missing) for sort keys %$at; return }
    if (ref $at eq 'ARRAY') { same($text, $_, ref $_ ? '' : $key, $missing) for @$at; return }
    my $value = JSON::PP::is_bool($at) ? ($at ? 'yes' : 'no') : $at;
    push @$missing, "$key $value" if $text !~ /^ *(?:\Q$key\E)? +\Q$value\E$/m && length $value;
    return;
}

# A message by way of sallyport-out: the answer that counts.
sub give {
    my ($domain, $user) = (@_, 'b');
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<>' => qr/^250 /);
    $c->say("RCPT TO:<$user\@$domain>");
    my $said = $c->read_line;
    if ($said =~ /^250/) {
        $c->talk('DATA' => qr/^354/);
        $c->say('Subject: s', '', 'x', '.');
        $said = $c->read_line;
    }
    $c->close;
    return $said;
}

# Whether the message for this domain came in TLS, and where; nothing if it came nowhere.
sub came {
    my $domain = quotemeta "b\@$_[0]";
    for my $name (sort keys %sink) {
        my %tls;
        for (split /\n/, $sink{$name}->log_text) {
            $tls{$1} = 1 if /^(\d+) TLS /;
            return ($tls{$1} // 0, $at{$name}) if /^(\d+) message .*<$domain>/;
        }
    }
    return;
}

for my $row (@rows) {
    my $d = "$row->{d}.test";
    subtest $row->{d} => sub {
        my ($got, $machine) = (probe($d), probe('--json', $d));
        my $said = eval { JSON::PP->new->utf8->decode($machine->{out}) } // return fail("JSON: $@ $machine->{out} $machine->{err}");
        my $well = exists $row->{tls};
        my ($last) = @{$said->{servers} // []};
        is($got->{status}, $well ? 0 : 1, 'exit status') or diag $got->{out}, $got->{err};
        is($machine->{status}, $got->{status}, 'of both');
        is($got->{err}, '', 'nothing but the report');
        same($got->{out}, $said, '', \my @missing);
        is("@{[@missing]}", '', 'both say the same') or diag $got->{out};
        my $end = $said->{result};
        is(!!$end->{delivers}, $well, 'the end of it');
        is($last->{demand}, $row->{demand}, 'its demand') if $row->{demand};
        is($last->{proves}{$_}, $row->{proves}{$_}, "it proves: $_") for sort keys %{$row->{proves} // {}};
        is($last->{'would-refuse'}, $row->{noted}, 'what is only noted') if $row->{noted};
        is($last->{'no-tls'}, $row->{none}, 'why there is no TLS') if $row->{none};
        like("@{$said->{dropped}}", qr/\Q$row->{dropped}\E/, 'what was dropped') if $row->{dropped};
        is($end->{answer}, $row->{answer}, 'the answer') if !$well;
        is_deeply([came($d)], [], 'nothing was delivered');

        my $answer = give($d);
        my ($tls, $where) = came($d);
        if ($well) {
            like($answer, qr/^250 /, 'sallyport-out delivers');
            is($tls, $end->{'in-tls'} ? 1 : 0, 'in TLS, or not, as it was said');
            is($tls, $row->{tls}, 'which is right');
            like($end->{server}, qr/ \Q$where\E:/, 'and to that server');
        } else {
            like($answer, qr/^\Q$end->{answer}\E/, 'sallyport-out answers so');
            is($where, undef, 'and delivers nowhere');
        }
    };
}

subtest 'what is shown of a good one' => sub {
    my $said = JSON::PP::decode_json(probe('--json', 'good.test')->{out});
    my ($one) = @{$said->{servers}};
    is_deeply($one->{'tlsa-at'}, {owner => "_$port._tcp.mx.good.test", base => 'mx.good.test', records => ["$right, counts"]}, 'TLSA');
    is($said->{lookups}[0]{mx}{dnssec}, 'secure', 'DNSSEC');
    is($one->{'address-dnssec'}, 'secure', 'of the address, too');
    is_deeply($said->{lookups}[0]{mx}{records}, ['10 mx.good.test'], 'MX');
    is($one->{tls}, 'TLSv1.3', 'protocol');
    is($one->{certificate}{sha256}, $ca->fingerprint($crt{good}), 'fingerprint');
    is($one->{certificate}{'key-sha256'}, $ca->key_fingerprint($crt{good}), 'of its key');
    like($one->{certificate}{issuer}, qr/CN=Test CA/, 'issuer');
    like($one->{certificate}{names}, qr/^mx\.good\.test mx\.stsgood\.test/, 'names');
    like($one->{offers}, qr/PIPELINING.*SIZE/, 'what it offers');
    like($said->{rule}[0], qr/^domain \*, .*conf:\d+$/, 'where the rule stands');
};

subtest 'preferences as they were written' => sub {
    my $of = sub { join ', ', map { join ' ', $_->{name}, map { $_ // () } @$_{'preference', 'mx-preference'} } @{JSON::PP::decode_json(probe('--json', $_[0])->{out})->{servers}} };
    is($of->('twice.test'), 'mx.clear.test 10, mx.plain.test 20', 'in DNS');
    is($of->('listed.test'), 'mx.refuses.test 0, mx.clear.test 1 10, mx.plain.test 1 20', 'in smtp-hosts');
};

subtest 'policies: fetched, and the one in the store' => sub {
    my $sts = sub { JSON::PP::decode_json(T::Cli::outcome('probe', args => ['--json', $_[0]], file => $shared)->{out})->{lookups}[0]{'mta-sts'} };
    my $got = $sts->('stsgood.test');
    is($got->{fetched}, 'enforce, id 7, max-age 86400 s', 'fetched now');
    is($got->{cached}, $got->{fetched}, 'and as sallyport-out has it');
    like($got->{'cached-until'}, qr/^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC$/, 'until when');
    is($got->{counts}, 'cached', 'which is what counts there');
    is_deeply($got->{record}, ['v=STSv1; id=7;'], 'its record');
    $https->serve('stsgood.test', body => "version: STSv1\nmode: testing\nmx: mx.else.test\nmax_age: 86400\n");
    like($sts->('stsgood.test')->{fetched}, qr/^testing/, 'another that is published meanwhile');
    like(T::Cli::outcome('probe', file => $shared, args => ['stsgood.test'])->{out}, qr/^  demand +sts$/m, 'does not count yet');
    $got = $sts->('stslost.test');
    like($got->{fetched}, qr/^sts-policy-fetch-error: .*500/, 'why there is none');
    is($got->{counts}, 'none', 'so none counts');
};

subtest 'what a stranger publishes is cleaned' => sub {
    like(probe($_, 'wild.test')->{out}, qr/v=STSv1; id=7; \?\[31m \?/, "a TXT record with escapes, $_") for '--json', '--deliver-nothing';
};

subtest 'rollups, and the words of show domain' => sub {
    my $got = probe('good.rolled.test');
    like($got->{out}, qr/^rollup +mass\.rollup, by mx mx\.mass\.test, .*conf:\d+\nrollup-rule +domain \*, .*\n +domain mass\.rollup, .*conf:\d+$/m, 'a rollup');
    like($got->{out}, qr/^  answer +451 4\.7\.4 TLS is required/m, 'whose rule it is that counts');
    like(give('good.rolled.test'), qr/^451 4\.7\.4 TLS is required/, 'as it does');
    my $shown = T::Cli::outcome('show', file => $file, args => ['domain', 'must.test'])->{out};
    my @sections = $shown =~ /^# (?:matches|then) (.*)$/mg;
    is(scalar @sections, 2, 'two sections');
    $got = probe('must.test');
    like($got->{out}, qr/ \Q$_\E$/m, 'in the same words') for @sections;
};

subtest 'starttls-memory, as sallyport-out has it' => sub {
    my $seen = sub { T::Cli::outcome('probe', file => $shared, args => ['remembered.test'])->{out} =~ /^starttls-memory +(.*)$/m ? $1 : '' };
    is($seen->(), 'nothing is remembered', 'before');
    like(give('remembered.test'), qr/^250 /, 'a message in TLS');
    ok(T::Stage::wait_for(sub { $seen->() eq 'the domain has shown TLS' }), 'and then');
};

subtest 'on a terminal: what it waits for, and colours' => sub {
    my $run = sub { my ($env, @args) = @_; `$env script -qec "$ENV{T_BUILD}/sallyport probe -c $file @args" /dev/null < /dev/null` };
    my $said = $run->('', 'good.test');
    like($said, qr/\r\e\[Kasking mx\.good\.test.*\r\e\[K/s, 'a line for what it waits for, that is wiped out');
    like($said, qr/\e\[1mserver mx\.good\.test.*\e\[32mdeliver in TLS\e\[0m/s, 'colours');
    unlike($run->('NO_COLOR=1', 'good.test'), qr/\e\[[0-9]+m/, 'not where they are not wanted');
    unlike($run->('', '--json', 'good.test'), qr/\e/, 'nor with --json');
};

subtest 'options' => sub {
    like(probe('--rcpt', 'yes@plain.test', 'plain.test')->{out}, qr/^  recipient +250 2\.0\.0 ok$/m, 'a recipient');
    my $zone_rcpt = "[$at{rcpt}]";
    my $got = probe('--rcpt', "no\@$zone_rcpt", $zone_rcpt);
    is($got->{status}, 1, 'one that is refused');
    like($got->{out}, qr/^  answer +550 5\.1\.1 no such \?\[1muser$/m, 'with what the server says');
    like(probe('--rcpt', "later\@$zone_rcpt", $zone_rcpt)->{out}, qr/^  then +the next server\n  if-none-is-left +451 4\.2\.1 later$/m, 'or put off');
    unlike($sink{rcpt}->log_text, qr/C: DATA/, 'and no message');
    like($sink{rcpt}->log_text, qr/C: RSET.*C: QUIT/s, 'but RSET and QUIT');
    for my $user (qw(no later yes)) {
        $got = JSON::PP::decode_json(probe('--json', '--rcpt', "$user\@rcpts.test", 'rcpts.test')->{out})->{result};
        my $answer = give('rcpts.test', $user);
        is(!!$got->{delivers}, $user ne 'no', "$user: another server is asked, or not");
        is(($got->{server} // '') =~ s/ .*//r, {no => '', later => 'mx.plain.test', yes => 'mx.rcpts.test'}->{$user}, 'and which');
        is(substr($answer, 0, 3), $got->{delivers} ? 250 : 550, 'so does sallyport-out');
        like($answer, qr/^\Q$got->{answer}\E/, 'in those words') if !$got->{delivers};
    }
    $got = probe('--server', 'mx.busy.test', 'next.test');
    is(scalar(() = $got->{out} =~ /^server /mg), 1, 'one server');
    is($got->{status}, 1, 'which is busy');
    like(probe('--server', $at{good}, 'next.test')->{out}, qr/mx\.wrong\.test.*mx\.plain\.test.*in-tls/s, 'or those at an address');
    like(probe('--server', 'mx.else.test', 'next.test')->{out}, qr/none of its servers is mx\.else\.test/, 'one that is not there');
    my $from = T::Stage::now();
    is(probe('--timeout', 1, 'silent.test')->{status}, 1, 'a limit of its own');
    cmp_ok(T::Stage::now() - $from, '<', 6, 'counts');
    for my $bad ([], ['--what', 'a.test'], ['a.test', 'b.test'], ['--timeout', 0, 'a.test'], ['-c'], ['--rcpt', "a\nb", 'a.test'], ['a b']) {
        is(T::Cli::outcome('probe', conf => $text, args => $bad)->{status}, 64, 'wrong usage: ' . join(' ', @$bad) =~ s/\n/\\n/r);
    }
    my $wrong = T::Cli::outcome('probe', conf => "nothing = 1\n", args => ['a.test']);
    is($wrong->{status}, 2, 'a wrong configuration');
    like($wrong->{err}, qr/conf:4: /, 'and where');
};

subtest 'without the key, it says so and goes on' => sub {
    plan skip_all => 'root is needed to be somebody else' unless T::Stage::is_root();
    chmod 0755, stage_dir();
    my $got = T::Cli::outcome('probe', conf => $text, args => ['keyed.test'], under => ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']);
    is($got->{status}, 1, 'it ends') or diag $got->{err};
    like($got->{out}, qr/^without-key +.*\Q$crt{good}{pem}\E: .*$/m, 'and says which');
    like($got->{out}, qr/^  why +connect$/m, 'and asks the server all the same');
};
all_done();

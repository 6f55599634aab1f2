#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What sallyport-out does with mail, as doc/outbound prints it: each block there is in force.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Cli;
use T::DNS;
use T::Https;
use T::Peer;
use T::Printed;
use T::Run;
use T::Sink;
use T::Spool;

plan skip_all => 'no network of its own, with ports as printed' if ($ENV{T_STAGE} // '') ne 'private';
my ($ca, $others, $strange) = (T::CA->new, T::CA->new, T::CA->new);
my $etc = T::Printed::etc($ca);
my $dir = stage_dir();
my ($p25, $p465, $p587) = map { port($_) } qw(25 465 587);

# Who has which certificate, and where. 192.0.2. of the page is 127.0.2. here.
my @named = map { "mx.$_.example" } qw(bank gov broken sts listed hoster);
my %crt = (
    good   => $ca->cert('mx.bank.example', names => [@named, 'relay.example.net']),
    wrong  => $ca->cert('mx.elsewhere.example'),
    insurer => $others->cert('mx.insurer.example'),
    branch => $strange->cert('anything.example'),
    old    => $ca->cert('mx.old.example', key => 'rsa'),
);
my %at = (good => '127.0.2.21', wrong => '127.0.2.22', insurer => '127.0.2.23', branch => '127.0.2.24', old => '127.0.2.25',
    asks => '127.0.2.26', clear => '127.0.2.27', nine => '127.0.2.9', two => '127.0.2.28');
my %odd = (
    old  => {version => 'TLSv1', ciphers => 'ALL:@SECLEVEL=0'},
    asks => {cert => $crt{good}, ask_client => 1, ca => $ca},
    two  => {cert => $crt{good}}, nine => {cert => $crt{good}},
    clear => {keywords => [qw(PIPELINING ENHANCEDSTATUSCODES), 'SIZE 5000']},
);
# A session of one that was stopped may hold its port for a moment.
sub sink {
    my @o = (port => $p25, replies => [qr/^RCPT TO:<nobody@/ => '550 5.1.1 No such person'], @_);
    return T::Stage::wait_for(sub { eval { T::Sink->start(@o) } }) // die "no sink: $@";
}

my %mx = map { $_ => sink(addr => $at{$_}, cert => $crt{$_}, %{$odd{$_} // {}}) } sort keys %at;
my %relay = (
    465 => T::Sink->start(addr => $at{good}, port => $p465, cert => $crt{good}, tls => 1, keywords => ['AUTH PLAIN'], replies => [qr/^AUTH/ => '235 2.7.0 welcome']),
    587 => T::Sink->start(addr => $at{good}, port => $p587, cert => $crt{good}, keywords => ['AUTH LOGIN PLAIN'], replies => [qr/^AUTH/ => '235 2.7.0 welcome']),
);

my %domain = ( # domain => who serves it
    bank => 'good', 'old.bank' => 'wrong', giro => 'wrong', 'www.giro' => 'wrong', paper => 'clear', shop => 'clear', insurer => 'insurer',
    branch => 'branch', old => 'old', gov => 'good', bare => 'good', broken => 'good', one => 'hoster', many => 'hoster', secret => 'hoster', far => 'far', news => 'good',
);
my @zone = map { "$_.example. MX 10 mx.$_.example.\n" } grep { !/^(?:one|many|secret|far)$/ } sort keys %domain;
push @zone, map { "mx.$_.example. A $at{$domain{$_}}\n" } grep { $at{$domain{$_}} } sort keys %domain;
push @zone, map({ ("$_.example. MX 10 mx1.hoster.example.\n", "$_.example. MX 10 mx2.hoster.example.\n") } qw(one many secret)), <<"Z";
mx1.hoster.example. A $at{clear}
mx2.hoster.example. A $at{clear}
far.example. MX 10 a.mail.example.
a.mail.example. A $at{wrong}
mx1.partner.example. A 127.0.2.77
mx2.partner.example. A 127.0.2.78
example.net. MX 10 mx.bank.example.
relay.example.net. A $at{good}
lab.example. A $at{good}
inside.example. A 127.0.2.77
_$p25._tcp.mx.gov.example. TLSA 3 1 1 @{[$ca->key_fingerprint($crt{good})]}
_$p25._tcp.mx.broken.example. TLSA 3 1 1 @{['ab' x 32]}
forged.example. MX 10 mx.forged.example.
mx.forged.example. A $at{good}
_$p25._tcp.mx.forged.example. TLSA 3 1 1 @{['ab' x 32]}
sts.example. MX 10 mx.sts.example.
mx.sts.example. A $at{good}
unlisted.example. MX 10 mx.bank.example.
strange.example. MX 10 mx.bank.example.
Z
push @zone, map { ("mta-sts.$_.example. A 127.0.0.1\n", "_mta-sts.$_.example. TXT \"v=STSv1; id=1;\"\n") } qw(sts unlisted strange);
my $dns = T::DNS->start(join('', @zone), signed => 1);
my $https = T::Https->start(port => port('https'), ca => $ca);
$https->serve("$_.example", body => "version: STSv1\nmode: enforce\nmx: mx.$_.example\nmax_age: 86400\n") for qw(sts unlisted strange);

my $page = T::Printed::blocks(undef, 'outbound');
my $lab = "allow-private-destinations = yes default-smtp-port = $p25 connection-idle-timeout = 0";
my $global = "mta-sts-port = " . port('https') . "\nmta-sts-ca-file = \"" . $ca->file . "\"\nmta-sts-allow-private = yes\nworkers = 1\n";

sub printed {
    my ($section, $block) = @_;
    my $own = $page->{$section}{$block} // die "no '$block' in '$section'";
    $own =~ s/^workers = .*\n//m;
    $own =~ s/\b[0-9a-f]{64}\b/T::CA->fingerprint($crt{branch})/ge;
    my $group = getgrnam 'postfix' ? 'postfix' : 'nogroup';
    my $all = T::Printed::over($page->{'To begin with'}{'sallyport.conf'}, $own);
    $all = T::Printed::fit($all, $etc) =~ s/^user = .*\n//mr;
    $all =~ s/\b192\.0\.2\./127.0.2./g;
    $all =~ s{/usr/share/dns/root\.key}{$dns->anchor}e;
    $all =~ s{(name-server = )\{.*\}}{$1"@{[$dns->address]}"} or $all .= 'name-server = "' . $dns->address . "\"\n";
    $all =~ s{/run/sallyport/}{$dir/}g;
    $all =~ s{= postfix\b}{= $group}g;
    $all =~ s{/var/log/sallyport/}{$dir/}g or $all .= "acct-file $dir/unread.csv { }\n";
    my $mine = $own =~ /connection-idle-timeout/ ? $lab =~ s/connection-idle.*//r : $lab;
    $all =~ s/^domain \* \{/domain * { $mine/m or die 'no domain *';
    return "$global$all";
}

my (%tried, $out, $name, $runs);
sub start {
    my ($section, $block, %o) = @_;
    $block = join ', ', 'sallyport.conf', $block // ();
    $tried{"$section: $block"}++;
    $name = 'out-' . ++$runs;
    my $conf = printed($section, $block);
    $conf =~ s/^(?=domain \*)/$o{more}\n/m if $o{more};
    $out = T::Run->start('sallyport-out', name => $name, env => {SSL_CERT_FILE => $ca->file}, conf => $conf, expect => $o{expect});
    return $out;
}

# A message: the answer that its fate hung on.
sub give {
    my ($rcpt, %o) = @_;
    my $c = T::Peer->connect(port($o{port} // '10026'), name => "for $rcpt");
    $c->hear(qr/^220 /);
    $c->talk(($o{hello} // 'EHLO') . ' mta.example.org' => qr/^250/, @{$o{first} // []});
    $c->talk('MAIL FROM:<a@example.org>' . ($o{mail} // '') => qr/^250 /);
    $c->say("RCPT TO:<$rcpt>");
    my $said = $c->read_line // '';
    if ($said =~ /^250/) {
        $c->talk('DATA' => qr/^354/);
        $c->send("Subject: x\r\n\r\nsecret\r\n.\r\n");
        $said = $c->read_line // '';
    }
    $c->close;
    return $said;
}

sub row {
    my $rcpt = shift;
    my ($found) = spool_wait("$dir/$name/spool", sub { $_->{rcpt} eq $rcpt && $_->{do} ne 'intent' });
    return $found // do { fail("a row of $rcpt"); {} };
}

# Each: recipient, answer, columns that its record has.
sub goes {
    for (@_) {
        my ($rcpt, $answer, %columns) = @$_;
        $rcpt = "u\@$rcpt.example" if $rcpt !~ /@/;
        like(give($rcpt), $answer, $rcpt) or next;
        my $row = row($rcpt);
        is($row->{$_} // '', $columns{$_}, "$rcpt: $_") for sort keys %columns;
    }
    return;
}

my ($yes, $no_tls, $bad_tls) = (qr/^250 /, qr/^451 4\.7\.4 /, qr/^451 4\.7\.5 /);
sub policy { return (dlvTlsPolicy => $_[0], dlvTlsPolicyResult => $_[1]) }
sub tls { return (dlvTlsProtocol => $_[0] // 'TLSv1.3') }

subtest 'to begin with' => sub {
    start('To begin with');
    goes(['bank', $yes, policy('may', 'met'), tls], ['shop', $yes, policy('may', 'clear'), tls('')], ['gov', $yes, policy('dane', 'met'), tls],
        ['broken', $bad_tls, dlvTlsError => 'validation-failure'], ['unlisted', $bad_tls, dlvTlsError => 'sts-mx-not-listed'],
        ['nobody@shop.example', qr/^550 5\.1\.1 No such person/, type => 'b']);
    $out->stop;
};

subtest 'handing over' => sub {
    start('Handing over', 'with all of them');
    my %lmtp = (hello => 'LHLO');
    like(give('a@bank.example', %lmtp), $yes, 'LMTP');
    my $c = T::Peer->wrap(IO::Socket::UNIX->new(Peer => "$dir/lmtp"), 'unix');
    $c->hear(qr/^220 /);
    $c->talk('LHLO x' => qr/^250/, 'MAIL FROM:<>' => $yes, 'RCPT TO:<b@bank.example>' => $yes, 'RCPT TO:<b@shop.example>' => $yes, 'DATA' => qr/^354/);
    $c->send("x\r\n.\r\n");
    $c->hear($yes) for 1, 2;
    $c->close;
    my $map = T::Peer->connect(port('10028'), name => 'map');
    my $asks = 'transport c@bank.example';
    $map->send(length($asks) . ":$asks,");
    $map->fill_until(sub { $_[0] =~ /,\z/ });
    my ($way) = $map->{in} =~ /:OK smtp:\[(127[\d.]+)\]:@{[port('10027')]},\z/;
    ok($way, "Postfix is told where: $map->{in}");
    $map->close;
    $c = T::Peer->connect(port('10027'), to => $way, name => 'as the map says');
    $c->hear(qr/^220 /);
    $c->close;
    T::Peer->connect(port('10025'), name => 'nobody redirected')->hear(qr/^554 /);
    $c = T::Peer->connect(port('10026'), to => '127.0.2.1', from => '127.0.2.5', name => 'a proxy header',
        head => {version => 2, src => '127.0.2.7', sport => 999, dst => $at{good}, dport => $p25});
    $c->hear(qr/^220 /);
    $c->talk('EHLO x' => qr/^250/, 'MAIL FROM:<>' => $yes, 'RCPT TO:<d@bank.example>' => $yes);
    $c->close;
    $out->stop;
};

subtest 'rules' => sub {
    start('Rules');
    goes(['bank', $yes, policy('verify', 'met'), domainRule => '[*.]$banks'], ['giro', $bad_tls, dlvTlsError => 'certificate-host-mismatch'],
        ['www.giro', $yes, policy('verify', 'met'), domainRule => '*.giro.example'], ['old.bank', $yes, policy('encrypt', 'met'), domainRule => 'old.bank.example'],
        ['u@[127.0.2.21]', $yes, policy('encrypt', 'met'), domainRule => '[127.0.2.0/24]'], ['u@[127.0.2.27]', $no_tls], ['shop', $yes, domainRule => '*']);
    my $got = T::Cli::outcome('show', file => $out->{conf}, args => ['domain', 'old.bank.example']);
    like($got->{out}, qr/^require-starttls = yes\s+# domain \[\*\.\]\$banks, /m, 'sallyport show');
    like($got->{out}, qr/^max-smtp-out = 2\s+# domain old\.bank\.example, /m, 'the more specific wins');
    $out->stop;
};

subtest 'domains with the same servers' => sub {
    start('Rules', 'with a rollup', more => 'domain secret.example { require-starttls = yes }');
    goes(map { [$_, $yes, domainRule => 'hoster.rollup'] } qw(one many));
    like($mx{clear}->log_text, qr/C: EHLO bulk\.example\.org$/m, 'its settings are those of the rollup');
    goes(['far', $yes, domainRule => 'mail.rollup'], ['shop', $yes, domainRule => '*']);
    goes(['secret', $no_tls, domainRule => 'secret.example']);
    $out->stop;
};

subtest 'where mail goes' => sub {
    start('Where mail goes');
    my %to = (partner => 'nine', branch => 'good', inside => 'nine', lab => 'good', news => 'good');
    goes(map { [$_, $yes, dlvDestinationIp => $at{$to{$_}}] } sort keys %to);
    like($mx{good}->log_text, qr/^(\d+) from 127\.0\.2\.7\b.*(?:\n(?!\1 C: EHLO).*)*\n\1 C: EHLO news\.example\.org$/m, 'from its address, by its name');
    $out->stop;
};

subtest 'demands of TLS' => sub {
    copy_ca($others, 'insurer-ca.pem');
    start('Demands of TLS');
    goes(['paper', $no_tls, policy('encrypt', 'failed'), domainRule => 'paper.example'], ['bank', $yes, policy('verify', 'met')],
        ['insurer', $yes, policy('verify', 'met'), tls], ['branch', $yes, policy('verify', 'met'), dlvTlsVerify => 'untrusted'], ['old', $yes, policy('may', 'met'), tls('TLSv1')]);
    $out->stop;
    copy_ca($strange, 'insurer-ca.pem');
    start('Demands of TLS');
    goes(['insurer', $bad_tls, dlvTlsError => 'certificate-not-trusted']);
    $out->stop;
};

sub copy_ca {
    my ($from, $to) = @_;
    File::Copy::copy($from->file, "$etc/$to") or die "$to: $!";
    return;
}

subtest 'client certificates' => sub {
    my $conf = printed('Client certificates', 'sallyport.conf') =~ s/(domain bank\.example \{)/$1 smtp-hosts = "[$at{asks}]"/r;
    $tried{'Client certificates: sallyport.conf'}++;
    $out = T::Run->start('sallyport-out', name => $name = 'out-client', conf => $conf);
    goes(['bank', $yes, policy('encrypt', 'met')]);
    like($mx{asks}->log_text, qr/ TLS TLSv1_3 \S+ client\.example\.org$/m, 'it was shown');
    $out->stop;
};

subtest 'DANE' => sub {
    start('DANE');
    goes(['gov', $yes, policy('dane', 'met')], ['broken', $yes, policy('may', 'met')], ['forged', $bad_tls, dlvTlsError => 'validation-failure']);
    my $before = $mx{good}->count;
    my $got = T::Cli::outcome('probe', file => $out->{conf}, args => ['gov.example'], env => {SSL_CERT_FILE => $ca->file});
    is($got->{status}, 0, 'sallyport probe: it would go') or diag explain $got;
    like($got->{out}, qr/\bdane\b/, 'and why');
    is(T::Cli::outcome('probe', file => $out->{conf}, args => ['forged.example'], env => {SSL_CERT_FILE => $ca->file})->{status}, 1, 'or not');
    is($mx{good}->count, $before, 'and nothing is sent');
    $out->stop;
};

subtest 'MTA-STS' => sub {
    start('MTA-STS');
    goes(['sts', $yes, policy('sts', 'met')], ['unlisted', $bad_tls, dlvTlsError => 'sts-mx-not-listed'], ['strange', $yes, policy('may', 'met')]);
    $out->stop;
};

subtest 'what a domain has shown' => sub {
    start('What a domain has shown');
    goes(['bank', $yes, tls]);
    $mx{good}->stop;
    my $without = sink(addr => $at{good});
    like(give('v@bank.example'), qr/^451 4\.7\.4 TLS was there before/, 'no more TLS');
    like(give('v@news.example'), $yes, 'others are not concerned');
    # What was seen less than a second ago is not on disk, and still forgotten.
    like(T::Cli::outcome('forget', file => $out->{conf}, args => ['bank.example'])->{out}, qr/^bank\.example: /, 'sallyport forget');
    like(give('v@bank.example'), $yes, 'then it goes');
    $without->stop;
    $mx{good} = sink(addr => $at{good}, cert => $crt{good});
    $out->stop;
};

subtest 'demands to be tried first' => sub {
    start('Demands to be tried first');
    goes(['shop', $yes, dlvTlsPolicyResult => 'reported', dlvTlsError => 'starttls-not-offered'], ['giro', $yes, dlvTlsPolicyResult => 'reported', dlvTlsError => 'certificate-host-mismatch', tls],
        ['bank', $yes, dlvTlsPolicyResult => 'met']);
    $out->log_like(qr/ would-refuse why=starttls-not-offered domain=shop\.example /);
    $out->stop;
};

subtest 'logins' => sub {
    for (['', 465], ['on port 587', 587]) {
        my ($block, $port) = @$_;
        start('Logins', $block || undef);
        goes(['anywhere', $yes, policy('verify', 'met'), tls]);
        is($relay{$port}->count, 1, "by port $port");
        for my $args (['show', 'domain', 'x.example'], ['probe', 'x.example']) {
            my ($command, @words) = @$args;
            my $got = T::Cli::outcome($command, file => $out->{conf}, args => \@words, env => {SSL_CERT_FILE => $ca->file});
            like($got->{out}, qr/relay\.example\.net/, "sallyport $command");
            unlike("$got->{out}$got->{err}", qr/the password|dGhlIHBhc3N3b3Jk|AG1lQGV4/, 'without the password');
        }
        like($relay{$port}->log_text, qr/ C: AUTH PLAIN AG1lQGV4YW1wbGUubmV0AHRoZSBwYXNzd29yZA==/, 'with the login');
        $out->stop;
    }
};

subtest 'queue ids' => sub {
    start('Queue ids');
    my %say = (10026 => [first => ['XFORWARD IDENT=4ABC' => $yes]], 10027 => [mail => ' AUTH=1xYz-2']);
    my %id = (10026 => '4ABC', 10027 => '1xYz-2');
    for my $port (sort keys %id) {
        like(give("q$port\@bank.example", port => $port, @{$say{$port}}), $yes, "by port $port");
        is(row("q$port\@bank.example")->{queueId}, $id{$port}, 'its queue id');
    }
    $out->stop;
};

subtest 'limits and times' => sub {
    start('Limits and times');
    goes(['bank', $yes]);
    $out->stop;
};

subtest 'what a server lacks' => sub {
    start('To begin with');
    my $c = T::Peer->connect(port('10026'), name => 'mta');
    $c->hear(qr/^220 /);
    my $shown = $c->talk('EHLO mta.example.org' => qr/^250/);
    like($shown, qr/^250[- ]$_\b/m, $_) for qw(PIPELINING SIZE 8BITMIME SMTPUTF8 DSN ENHANCEDSTATUSCODES);
    unlike($shown, qr/CHUNKING|STARTTLS/, 'and no more');
    $c->talk('MAIL FROM:<a@example.org> SIZE=6000' => $yes, 'RCPT TO:<a@shop.example>' => qr/^552 5\.3\.4 /, 'RSET' => $yes);
    $c->talk("MAIL FROM:<\xc3\xa4\@example.org> SMTPUTF8" => $yes, 'RCPT TO:<a@shop.example>' => qr/^553 5\.6\.7 /, 'QUIT' => qr/^221/);
    $c->close;
    $out->stop;
};

subtest 'what the accounts and the log say' => sub {
    start('What the accounts say');
    my $milter = T::Run->start('sallyport-milter', conf => printed('What the accounts say', 'sallyport.conf') . "spool-directory = \"$dir/$name/spool\"\n");
    give($_) for qw(ann@bank.example nobody@bank.example bob@paper.example eve@shop.example);
    my @want = split /\n/, $page->{'What the accounts say'}{'acct.csv'};
    my @rows;
    T::Stage::wait_for(sub { @rows = csv_lines("$dir/acct.csv"); @rows >= @want });
    is_deeply(\@rows, \@want, 'the rows that are printed');
    my $line = $out->log_like(qr/ not-reached why=starttls-not-offered /);
    is(words($line), words(printed_line()), 'and a line of the log has the words that are printed');
    $_->stop for $milter, $out;
};

# NAME of each NAME=value.
sub words { return join ' ', $_[0] =~ /\b([a-z]+)=/g }

sub printed_line {
    open my $in, '<', "$ENV{T_SOURCE}/doc/outbound" or die "doc/outbound: $!";
    local $/;
    return <$in> =~ /^    (\S+ not-reached .*?)\n\n/ms ? $1 : die 'doc/outbound has no line of the log';
}

sub csv_lines {
    open my $in, '<', shift or return;
    return map { s/\r?\n\z//r } <$in>;
}

subtest 'all of them pass -t, and were tried' => sub {
    for my $section (sort keys %$page) {
        for my $block (grep { /^sallyport\.conf/ } sort keys %{$page->{$section}}) {
            my $run = T::Run->prepare('sallyport-out', conf => printed($section, $block));
            my ($status, $said) = $run->outcome('-t');
            is($status, 0, "$section, $block");
            like($said, qr/\A\S+: configuration is right\n\z/, 'without a word more');
            ok($tried{"$section: $block"}, 'and was tried');
        }
    }
};
all_done();

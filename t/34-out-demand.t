#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out: what a rule demands of a server's certificate, what becomes of it where that fails,
# and how all of it is recorded.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::DNS;
use T::Peer;
use T::Run;
use T::Spool;
use T::Through;

my $ca    = T::CA->new;
my $other = T::CA->new;
my $mx    = 'mx.name.test';
my %crt   = (
    right       => $ca->cert($mx),
    other_name  => $ca->cert('mx.elsewhere.test'),
    wildcard    => $ca->cert('*.name.test'),
    wide        => $ca->cert('*.test'),
    expired     => $ca->cert($mx, from => -20, days => -10),
    not_yet     => $ca->cert($mx, from => 5, days => 10),
    self_signed => $ca->self_signed($mx),
    unknown_ca  => $other->cert($mx),
    client_only => $ca->cert($mx, use => 'client'),
    listed      => $ca->self_signed('anything.test'),
    by_key      => $other->cert('whatever.test', from => -20, days => -10),
    told        => $ca->cert('told.test'),
);
my %at = (one => '127.0.0.31', two => '127.0.0.32');
my $dns = T::DNS->start(join '', map("$_.test. MX 10 $mx\.\n", qw(ca name list report watch kept also less aes new)), <<"Z");
next.test.  MX 10 mx.first.test.
next.test.  MX 20 $mx.
mx.first.test. A $at{two}
$mx. A $at{one}
Z
my %server = map { $_ => T::Peer->listen(port => port('mx'), addr => $at{$_}, name => $_) } keys %at;
my $out = T::Run->start(
    'sallyport-out',
    ca   => $ca->file,
    dns  => $dns->address,
    cert => $ca->fingerprint($crt{listed}),
    key  => $ca->key_fingerprint($crt{by_key}) =~ s/(..)(?=.)/$1:/gr,
    conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
acct-file @dir@/acct.csv { }
spool-directory = "@dir@/spool"
workers = 1
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    connection-idle-timeout = 0
    smtp-tls-ca-file = "@ca@"
}
domain ca.test { smtp-tls-verify = ca }
domain name.test { smtp-tls-verify = name }
domain list.test { smtp-tls-verify = fingerprint  smtp-tls-fingerprints = {@cert@, "@key@"} }
domain told.test { smtp-hosts = "[127.0.0.31]"  smtp-tls-verify = name  smtp-tls-name = told.test }
domain bare.test { smtp-hosts = "[127.0.0.31]"  smtp-tls-verify = name }
domain report.test { require-starttls = yes  report-only = require-starttls }
domain [*.]watch.test { smtp-tls-verify = name  require-starttls = yes  report-only = smtp-tls-verify }
domain next.test { require-starttls = yes  smtp-tls-verify = name }
domain kept.test { require-starttls = yes  connection-idle-timeout = 30 }
domain also.test { require-starttls = yes  connection-idle-timeout = 30 }
domain aes.test { require-starttls = yes  smtp-tls-ciphers = ECDHE-ECDSA-AES256-GCM-SHA384 }
domain new.test { require-starttls = yes  smtp-tls-min-protocol = TLSv1.3 }
domain less.test { smtp-tls-verify = ca  connection-idle-timeout = 30 }
CONF
my %nth;

sub hand_over {
    my ($domain) = @_;
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 2\.1\.0 /);
    $c->say("RCPT TO:<b\@$domain.test>");
    return $c;
}

sub greet {
    my ($server, @offers) = @_;
    my $s = $server{$server}->accept;
    $s->say('220 mx ESMTP');
    $s->hear(qr/^EHLO /);
    $s->say('250-mx', (map { "250-$_" } @offers), '250 PIPELINING');
    return $s;
}

# TLS with this certificate, and the EHLO in it, if we come that far.
sub secure {
    my ($s, $crt, $goes_on) = @_;
    $s->starttls(server => 1, cert => $crt{$crt});
    return if !$goes_on;
    $s->hear(qr/^EHLO /);
    $s->say('250-mx', '250 PIPELINING');
    return;
}

sub deliver {
    my ($c, $s, $kept) = @_;
    through($c, $s);
    $c->talk('QUIT' => qr/^221 /);
    return if $kept;
    $s->hear(qr/^QUIT$/);
    $s->say('221 bye');
    return;
}

# The next row of this type for the domain has these columns.
sub row_is {
    my ($type, $domain, %want) = @_;
    my $nth = ++$nth{"$type$domain"};
    my @found = spool_wait(stage_dir() . '/spool',
        sub { $_->{type} eq $type && $_->{rcpt} eq "b\@$domain.test" && $_->{do} ne 'intent' }, $nth);
    ok(@found >= $nth, "a $type row of $domain") or return;
    is($found[$nth - 1]{$_} // '', $want{$_}, $_) for sort keys %want;
    return;
}

sub takes {
    my ($domain, $crt, $verify) = @_;
    subtest "$domain: $crt is delivered to" => sub {
        my $c = hand_over($domain);
        my $s = greet('one', 'STARTTLS');
        secure($s, $crt, 1);
        is($s->tls_sni, $domain eq 'told' ? 'told.test' : $domain eq 'bare' ? undef : $mx, 'SNI');
        deliver($c, $s);
        row_is(d => $domain, dlvTlsPolicy => 'verify', dlvTlsPolicyResult => 'met', dlvTlsError => '',
            dlvTlsVerify => $verify, domainRule => "$domain.test");
    };
    return;
}

sub refuses {
    my ($domain, $crt, $error) = @_;
    subtest "$domain: $crt is not" => sub {
        $out->log_mark;
        my $c = hand_over($domain);
        my $s = greet('one', 'STARTTLS');
        secure($s, $crt, 0);
        $c->hear(qr/^451 4\.7\.5 /);
        unlike(join("\n", $s->told), qr/MAIL|RCPT|b\@/, 'no word of the mail');
        $c->close;
        row_is(t => $domain, dlvTlsPolicy => 'verify', dlvTlsPolicyResult => 'failed', dlvTlsError => $error,
            domainRule => "$domain.test");
        $out->log_like(qr/ not-reached why=$error .*tls=verify by=$domain\.test/);
    };
    return;
}

like($out->log_text, qr/ report-only domain=report\.test .*line=\d+/, 'what is only reported is said at the start');
like($out->log_text, qr/ report-only domain=\[\*\.\]watch\.test /, 'of each section');

takes(ca => 'right', 'ok');
takes(ca => 'other_name', 'ok');
refuses(ca => @$_)
    for ['expired', 'certificate-expired'], ['not_yet', 'certificate-expired'],
    map([$_, 'certificate-not-trusted'], qw(self_signed unknown_ca client_only));

takes(name => 'right', 'ok');
takes(name => 'wildcard', 'ok');
refuses(name => @$_)
    for ['other_name', 'certificate-host-mismatch'], ['wide', 'certificate-host-mismatch'],
    ['expired', 'certificate-expired'], map([$_, 'certificate-not-trusted'], qw(self_signed unknown_ca client_only));

takes(list => 'listed', 'self-signed');
takes(list => 'by_key', 'untrusted');
refuses(list => 'right', 'certificate-not-listed');

takes(told => 'told', 'ok');
refuses(told => 'right', 'certificate-host-mismatch');
refuses(bare => 'right', 'certificate-host-mismatch');

for (['aes', 'TLSv1_2', 'ECDHE-ECDSA-AES128-GCM-SHA256', 0], ['aes', 'TLSv1_2', 'ECDHE-ECDSA-AES256-GCM-SHA384', 1],
    ['new', 'TLSv1_2', undef, 0], ['new', 'TLSv1_3', undef, 1]) {
    my ($domain, $version, $ciphers, $takes) = @$_;
    subtest "$domain: $version " . ($ciphers // '') . ($takes ? ' does' : ' does not') => sub {
        my $c = hand_over($domain);
        my $s = greet('one', 'STARTTLS');
        is(!!$s->starttls(server => 1, cert => $crt{right}, version => $version, ciphers => $ciphers, maybe => 1), !!$takes, 'the handshake');
        if ($takes) {
            $s->hear(qr/^EHLO /);
            $s->say('250-mx', '250 PIPELINING');
            return deliver($c, $s);
        }
        $c->hear(qr/^451 4\.7\.5 TLS handshake failed /);
        $c->close;
        row_is(t => $domain, dlvTlsError => 'handshake');
    };
}

subtest 'report-only require-starttls: in the clear, and noted' => sub {
    my $c = hand_over('report');
    deliver($c, greet('one'));
    row_is(d => 'report', dlvTlsPolicy => 'may+encrypt-reported', dlvTlsPolicyResult => 'reported',
        dlvTlsError => 'starttls-not-offered', dlvTlsProtocol => '');
    $out->log_like(qr/ would-refuse why=starttls-not-offered domain=report\.test .*by=report\.test/);
};

subtest 'report-only require-starttls: and where there is TLS, nothing is' => sub {
    my $c = hand_over('report');
    my $s = greet('one', 'STARTTLS');
    secure($s, 'unknown_ca', 1);
    deliver($c, $s);
    row_is(d => 'report', dlvTlsPolicyResult => 'met', dlvTlsError => '');
};

subtest 'report-only smtp-tls-verify: in TLS, and noted' => sub {
    my $c = hand_over('watch');
    my $s = greet('one', 'STARTTLS');
    secure($s, 'other_name', 1);
    deliver($c, $s);
    row_is(d => 'watch', dlvTlsPolicy => 'encrypt+verify-reported', dlvTlsPolicyResult => 'reported',
        dlvTlsError => 'certificate-host-mismatch', domainRule => '[*.]watch.test');
};

subtest 'report-only smtp-tls-verify: no TLS is refused all the same' => sub {
    my $c = hand_over('watch');
    my $s = greet('one');
    $c->hear(qr/^451 4\.7\.4 /);
    unlike(join("\n", $s->told), qr/MAIL|RCPT/, 'no word of the mail');
    row_is(t => 'watch', dlvTlsPolicyResult => 'failed', dlvTlsError => 'starttls-not-offered');
    $c->close;
};

# Each with the server that will do behind it.
my %first = (
    'STARTTLS is stripped' => [sub { greet('two') }, 'starttls-not-offered'],
    'it is refused' => [sub { my $s = greet('two', 'STARTTLS'); $s->hear(qr/^STARTTLS$/); $s->say('454 4.7.0 no'); $s },
        'starttls-refused'],
    'a reply is injected' =>
        [sub { my $s = greet('two', 'STARTTLS'); $s->hear(qr/^STARTTLS$/); $s->say('220 go', '250 mx'); $s },
        'starttls-injected'],
    'a reply is there before the question' =>
        [sub { my $s = $server{two}->accept; $s->say('220 mx'); $s->hear(qr/^EHLO /); $s->say('250-mx', '250 STARTTLS', '220 go'); $s },
        'starttls-injected'],
    'the certificate is wrong' => [sub { my $s = greet('two', 'STARTTLS'); secure($s, 'right', 0); $s },
        'certificate-host-mismatch'],
);
for my $how (sort keys %first) {
    subtest "$how: the next MX takes it" => sub {
        my ($bad, $error) = @{$first{$how}};
        $out->log_mark;
        my $c = hand_over('next');
        my $first = $bad->();
        my $s = greet('one', 'STARTTLS');
        secure($s, 'right', 1);
        deliver($c, $s);
        unlike(join("\n", $first->told), qr/MAIL|RCPT/, 'no word to the first');
        $out->log_like(qr/ not-reached why=$error .*server=mx\.first\.test .*by=next\.test/);
        row_is(d => 'next', dlvTlsPolicyResult => 'met', dsnMta => "$mx ($at{one})", dlvTlsError => '');
    };
}

subtest 'a connection serves another domain of the same demand, in its name, and none of more' => sub {
    my $c = hand_over('kept');
    my $s = greet('one', 'STARTTLS');
    secure($s, 'unknown_ca', 1);
    deliver($c, $s, 1);
    row_is(d => 'kept', domainRule => 'kept.test', dlvTlsPolicy => 'encrypt');
    deliver(hand_over('also'), $s, 1);
    row_is(d => 'also', domainRule => 'also.test', dlvTlsPolicy => 'encrypt');
    $c = hand_over('less');
    my $another = greet('one', 'STARTTLS');
    secure($another, 'unknown_ca', 0);
    $c->hear(qr/^451 4\.7\.5 /);
    $c->close;
    row_is(t => 'less', dlvTlsPolicy => 'verify', dlvTlsError => 'certificate-not-trusted');
};

all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Client certificates at sallyport-in: who is asked, each reason in reply, log and record, lists of
# fingerprints, what a ticket is worth, and sender-domain.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Peer;
use T::Run;
use T::Sink;
use T::Spool;

my $ca     = T::CA->new;
my $other  = T::CA->new;
my $middle = $ca->cert('middle', authority => 1);
my %cert   = (
    good     => $ca->cert('mail.partner.test',  use => 'client'),
    chained  => $ca->cert('mail.chained.test',  use => 'client', by => $middle),
    wild     => $ca->cert('*.wild.test',        use => 'client'),
    expired  => $ca->cert('expired.test',       use => 'client', from => -9, days => -1),
    early    => $ca->cert('early.test',         use => 'client', from => 2, days => 9),
    server   => $ca->cert('server.test',        use => 'server'),
    revoked  => $ca->cert('revoked.test',       use => 'client'),
    stranger => $other->cert('mail.partner.test', use => 'client'),
    himself  => $ca->self_signed('mail.partner.test'),
);
my $lists = stage_dir() . '/lists.pem';
$ca->crl($lists, revoked => [$cert{revoked}]);
my $old   = $ca->crl(stage_dir() . '/old.pem', from => -9, days => -1);
system(qw(openssl crl -in), $old, qw(-outform DER -out), "$old.der") == 0 or die 'openssl crl';
my $sink  = T::Sink->start(port => port('mta'), head => 1, keywords => ['PIPELINING', 'SMTPUTF8', 'AUTH PLAIN'],
    replies => [qr/^AUTH/ => '235 2.7.0 ok']);
my $in = T::Run->start(
    'sallyport-in', expect => qr{has-ended|about-to-end},
    own => $ca->cert('mx.test')->{pem}, ca => $ca->file, lists => $lists, old => "$old.der",
    print => uc(T::CA->fingerprint($cert{himself}) =~ s/..\K(?=.)/:/gr),
    keys  => T::CA->key_fingerprint($cert{good}),
    conf  => <<'CONF');
workers = 1
smtp-server-tls-certificate = {"@own@", ""}
smtp-server-tls-ca-file = "@ca@"
smtp-listener 127.0.0.1:@port:in@ { }
smtp-listener 127.0.0.1:@port:tls@ { tls = yes }
smtp-listener 127.0.0.1:@port:tls2@ { tls = yes }
smtp-listener 127.0.0.1:@port:lists@ { tls-crl-file = "@lists@" tls = yes }
smtp-listener 127.0.0.1:@port:old@ { tls-crl-file = "@old@" }
smtp-listener 127.0.0.1:@port:short@ { tls-verify-depth = 0 }
smtp-listener 127.0.0.1:@port:pinned@ { tls-ca-file = "" source = pinned }
backend mta { server = "127.0.0.1:@port:mta@" identity = proxy-v1 }
source 0/0 { allow-starttls = yes }
source 127.0.0.2 { verify-client-certificate = required }
source 127.0.0.3 { verify-client-certificate = optional }
source 127.0.0.4 { verify-client-certificate = required report-only = verify-client-certificate }
source 127.0.0.5 { verify-client-certificate = required client-certificate-fingerprints = {"@keys@"} }
source pinned { verify-client-certificate = required client-certificate-fingerprints = {"@print@"} }
sender-domain partner.test { certificate-names = {mail.partner.test, mx.wild.test} }
sender-domain pinned.test { certificate-fingerprints = {"@print@"} }
sender-domain "[*.]tls.test" { }
sender-domain never.test { allow-authenticated = no certificate-names = nobody.test }
sender-domain watched.test { certificate-names = nobody.test report-only = yes }
acct-file "@dir@/acct.csv" { }
CONF

# A client that shows `cert`, has said EHLO, and where it came from.
sub client {
    my ($from, $cert, %o) = @_;
    my $at = $o{at} // 'in';
    my %tls = $cert ? (cert => $cert{$cert}) : ();
    my $implicit = $at =~ /^(?:tls|lists)/;
    my $c = T::Peer->connect(port($at), from => $from, ($implicit ? (tls => \%tls) : ()));
    $c->hear(qr/^220 /);
    if (!$implicit && !$o{clear}) {
        $c->talk('EHLO c.test' => qr/STARTTLS/);
        $c->starttls(%tls);
    }
    $c->talk('EHLO c.test' => qr/^250/);
    return $c;
}

sub leave {
    my $c = shift;
    $c->talk('QUIT' => qr/^221 /);
    $c->close;
}

like($in->log_text, qr/has-ended level=error what="revocation list" file=\Q$old.der\E /, 'a list that has ended is told');

subtest 'each reason in the reply and in the log' => sub {
    my @cases = (
        [none => undef], [expired => 'expired'], ['not-yet-valid' => 'early'], ['wrong-purpose' => 'server'],
        ['self-signed' => 'himself'], [untrusted => 'stranger'], [revoked => 'revoked', at => 'lists'],
        ['crl-expired' => 'good', at => 'old'], ['chain-too-long' => 'chained', at => 'short'],
        ['no-crl' => 'chained', at => 'lists'],
    );
    for (@cases) {
        my ($word, $cert, @at) = @$_;
        my $c = client('127.0.0.2', $cert, @at);
        $c->talk('MAIL FROM:<a@a.test>' => qr/^530 5\.7\.0 .*\(\Q$word\E\)$/);
        leave($c);
        $in->log_like(qr/closed why=quit .*client=127\.0\.0\.2:.* verify=\Q$word\E /, "$word is logged");
    }
    for (['good'], ['chained'], ['good', at => 'lists']) {
        my ($cert, @at) = @$_;
        my $c = client('127.0.0.2', $cert, @at);
        $c->mail(from => 'a@a.test', rcpt => 'b@b.test');
        leave($c);
        my $print = T::CA->fingerprint($cert{$cert});
        $in->log_like(qr/closed why=quit .* verify=ok subject=\S+ fingerprint=$print key-fingerprint=[0-9a-f]{64} /);
    }
    my $c = client('127.0.0.2', undef, clear => 1);
    $c->talk('MAIL FROM:<a@a.test>' => qr/^530 5\.7\.0 Must issue a STARTTLS/);
    leave($c);
};

subtest 'optional, reported, not asked: the record says what it was' => sub {
    for (['127.0.0.3', 'expired', 'expired'], ['127.0.0.3', 'good', 'ok'], ['127.0.0.3', undef, 'none'],
        ['127.0.0.4', 'stranger', 'untrusted', 'verify-client-certificate'], ['127.0.0.9', 'good', 'none']) {
        my ($from, $cert, $word, $reported) = @$_;
        my $c = client($from, $cert);
        my $to = join '-', $word, $from =~ /(\d+)$/;
        $c->mail(from => 'a@a.test', rcpt => "$to\@b.test");
        leave($c);
        my ($row) = spool_wait("$in->{dir}/spool", sub { $_->{rcpt} eq "$to\@b.test" });
        is($row->{rcvTlsVerify}, $word, "recorded: $word");
        is($row->{rcvTlsClientFingerprint} // '', $word eq 'none' ? '' : T::CA->fingerprint($cert{$cert}), 'and whose');
        is($row->{sourceReport} // '', $reported // '', 'and what was not refused');
    }
};

subtest 'no certificate is asked for where the rule does not want one' => sub {
    for (['127.0.0.9', 0], ['127.0.0.3', 1]) {
        my ($from, $asked) = @$_;
        my $said = `printf 'QUIT\\r\\n' | openssl s_client -ign_eof -bind $from:0 -connect 127.0.0.1:@{[port("tls")]} 2>&1`;
        is(scalar($said =~ /^Acceptable client certificate CA names$/m) || 0, $asked, "$from: asked: $asked");
    }
};

subtest 'fingerprints' => sub {
    my $c = client('127.0.0.5', 'good');
    $c->talk('MAIL FROM:<a@a.test>' => qr/^250 /);
    leave($c);
    for (['chained', 'not-listed'], ['himself', 'self-signed']) {
        my ($cert, $word) = @$_;
        $c = client('127.0.0.5', $cert);
        $c->talk('MAIL FROM:<a@a.test>' => qr/^530 5\.7\.0 .*\($word\)$/);
        leave($c);
        $in->log_like(qr/closed .* verify=$word /);
    }
    # Without CAs one that has signed itself will do.
    $c = client('127.0.0.9', 'himself', at => 'pinned');
    $c->talk('MAIL FROM:<a@partner.test>' => qr/^550 5\.7\.1 .*another client certificate/); # it gave itself that name
    $c->talk('MAIL FROM:<a@a.test>' => qr/^250 /);
    leave($c);
    $c = client('127.0.0.9', 'good', at => 'pinned');
    $c->talk('MAIL FROM:<a@a.test>' => qr/^530 5\.7\.0 .*\(not-listed\)$/);
    leave($c);
};

subtest 'a name in a certificate is no login' => sub {
    my $c = client('127.0.0.3', 'good');
    $c->talk('AUTH EXTERNAL =' => qr/^235 /); # the mail server says who is in
    leave($c);
    $sink->stop;
    my $log = $sink->log_text;
    like($log, qr/C: AUTH EXTERNAL =$/m, 'EXTERNAL is as the client says it');
    unlike($log, qr/XCLIENT.*LOGIN|C: AUTH (?!EXTERNAL)/, 'and we say nothing of it ourselves');
    $sink = T::Sink->start(port => port('mta'), head => 1, keywords => ['PIPELINING', 'SMTPUTF8', 'AUTH PLAIN'],
        replies => [qr/^AUTH/ => '235 2.7.0 ok']);
};

subtest 'sender-domain' => sub {
    my @cases = (
        [undef, 'a@partner.test' => qr/^550 5\.7\.1 .*needs a client certificate \(none\)/],
        ['stranger', 'a@partner.test' => qr/^550 5\.7\.1 .*needs a client certificate \(untrusted\)/],
        ['chained', 'a@partner.test' => qr/^550 5\.7\.1 .*another client certificate/],
        ['good', 'a@partner.test' => qr/^250 /],
        ['wild', 'a@PARTNER.test.' => qr/^250 /],
        ['good', 'a@pinned.test' => qr/^550 5\.7\.1 .*another client certificate/],
        ['himself', 'a@pinned.test' => qr/^250 /],
        [undef, 'a@x.tls.test' => qr/^250 /],
        ['good', 'a' => qr/^553 5\.1\.7 /],
        ['good', '' => qr/^250 /],
        [undef, 'a@watched.test' => qr/^250 /],
    );
    for (@cases) {
        my ($cert, $from, $like) = @$_;
        my $c = client('127.0.0.3', $cert);
        $c->talk("MAIL FROM:<$from>" => $like);
        leave($c);
    }
    $in->log_like(qr/would-refuse rule=sender-domain/);
    $in->log_like(qr/closed .*reported=sender-domain times=1/);
    my $c = client('127.0.0.3', undef, clear => 1);
    $c->talk(
        'MAIL FROM:<a@tls.test>' => qr/^550 5\.7\.1 .*over TLS/,
        'MAIL FROM:<a@x.tls.test>' => qr/^550 5\.7\.1 .*over TLS/,
        'MAIL FROM:<a@b.test>' => qr/^250 /, 'RSET' => qr/^250/
    );
    leave($c);
    $c = client('127.0.0.3');
    $c->auth_plain('alice', 'secret');
    $c->talk('MAIL FROM:<a@partner.test>' => qr/^250 /, 'RSET' => qr/^250/, 'MAIL FROM:<a@never.test>' => qr/^550 5\.7\.1 /);
    leave($c);
    unlike($sink->log_text, qr{C: MAIL FROM:<a\@(?:never|tls)\.test>}, 'what is refused is not shown to the mail server');
};

# By OpenSSL's own client: ours does not keep sessions.
sub session {
    my ($at, $from, $version, $way, $file, @cert) = @_;
    my $said = `printf 'QUIT\\r\\n' | openssl s_client -ign_eof -$version -bind $from:0 -connect 127.0.0.1:@{[port($at)]} @cert $way $file 2>&1`;
    return $said =~ /^(New|Reused), /m ? $1 : $said;
}

subtest 'what a ticket is worth' => sub {
    for my $version (qw(tls1_2 tls1_3)) {
        my $file = stage_dir() . "/session-$version";
        my $log = sub {
            my ($from, $verify, $resumed) = @_;
            my $end = $resumed ? qr/resumed=yes / : qr/(?!.*resumed=)/;
            $in->log_like(qr/closed why=quit .*client=\Q$from\E:.* verify=$verify .*?$end/, "$version: $verify" . ($resumed ? ', resumed' : ''));
        };
        my @good = ('-cert', $cert{good}{cert}, '-key', $cert{good}{key});
        is(session('tls', '127.0.0.2', $version, '-sess_out', $file, @good), 'New', "$version: in full");
        $log->('127.0.0.2', 'ok', 0);
        is(session('tls', '127.0.0.2', $version, '-sess_in', $file), 'Reused', 'resumed');
        $log->('127.0.0.2', 'ok', 1);
        is(session('tls2', '127.0.0.2', $version, '-sess_in', $file), 'New', 'not at another listener');
        $log->('127.0.0.2', 'none', 0);
        is(session('tls', '127.0.0.3', $version, '-sess_in', $file), 'New', 'not under another rule');
        $log->('127.0.0.3', 'none', 0);
        is(session('tls', '127.0.0.9', $version, '-sess_out', $file, @good), 'New', 'nobody asks');
        is(session('tls', '127.0.0.2', $version, '-sess_in', $file), 'New', 'that is no ticket for where one does');
        $log->('127.0.0.2', 'none', 0);

        $ca->crl($lists, revoked => [$cert{revoked}]);
        $in->signal('HUP');
        $in->log_like(qr/reloaded|reload/);
        @good = ('-cert', $cert{good}{cert}, '-key', $cert{good}{key});
        is(session('lists', '127.0.0.2', $version, '-sess_out', $file, @good), 'New', 'with lists');
        is(session('lists', '127.0.0.2', $version, '-sess_in', $file), 'Reused', 'resumed');
        $log->('127.0.0.2', 'ok', 1);
        $ca->crl($lists, revoked => [$cert{good}]);
        $in->signal('HUP');
        $in->log_like(qr/reloaded|reload/);
        is(session('lists', '127.0.0.2', $version, '-sess_in', $file, @good), 'New', 'revoked since');
        $log->('127.0.0.2', 'revoked', 0);
    }
};
all_done();

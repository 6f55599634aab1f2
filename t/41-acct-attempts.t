#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Records of connection attempts: tq rows of servers that failed before they could be given mail, whether
# or not the next one took it; and dlvSessionId, one for each connection to a server.
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

my $ca  = T::CA->new;
my %at  = (first => '127.0.0.41', second => '127.0.0.42', nobody => '127.0.0.43');
my $dns = T::DNS->start(join '', map {
    my $one = $_ eq 'refused' ? 'nobody' : 'first';
    "$_.test. MX 10 mx1.$_.test.\n$_.test. MX 20 mx2.$_.test.\nmx1.$_.test. A $at{$one}\nmx2.$_.test. A $at{second}\n"
} qw(refused greeting cert bare kept));
my %mx = map { $_ => T::Peer->listen(port => port('mx'), addr => $at{$_}, name => $_) } qw(first second);
my $another = $ca->cert('another.test');
my $right   = $ca->cert('mx2.cert.test');

my $conf = <<'CONF';
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
acct-file @dir@/acct.csv { records = {@records@}  record-fields d { fields = {"*", @fields@} } }
spool-directory = "@dir@/@spool@"
workers = 1
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    connection-idle-timeout = 0
}
domain cert.test { require-starttls = yes  smtp-tls-verify = name  smtp-tls-ca-file = "@ca@" }
domain bare.test { require-starttls = yes }
domain kept.test { smtp-hosts = "[127.0.0.42]"  connection-idle-timeout = 30s }
CONF
my %o = (ca => $ca->file, dns => $dns->address);
my $out = T::Run->start('sallyport-out', %o, spool => 'spool', records => 'd, b, t, transient-queue',
    fields => 'dlvTlsPolicyText', conf => $conf);

sub hand_over {
    my ($domain, $name) = @_;
    my $c = T::Peer->connect(port($name // 'out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 2\.1\.0 /);
    $c->say("RCPT TO:<b\@$domain.test>");
    return $c;
}

sub greet {
    my ($server, @offers) = @_;
    my $s = $server->accept;
    $s->say('220 mx ESMTP');
    $s->hear(qr/^EHLO /);
    $s->say('250-mx', (map { "250-$_" } @offers), '250 PIPELINING');
    return $s;
}

sub of {
    my ($domain, $spool) = @_;
    my @rows = spool_wait(stage_dir() . '/' . ($spool // 'spool'),
        sub { ($_->{queue} // '') eq "$domain.test/{default}" && $_->{type} eq 'd' });
    ok(@rows, "$domain: a d row") or return;
    return grep { ($_->{queue} // '') eq "$domain.test/{default}" && $_->{do} ne 'intent' } spool_rows(stage_dir() . '/' . ($spool // 'spool'));
}

# One tq row that says this, then one d row; no more.
sub tells {
    my ($domain, %like) = @_;
    my @rows = of($domain);
    is(join(' ', map { $_->{type} } @rows), 'tq d', 'an attempt, then a delivery');
    my ($tq, $d) = @rows;
    my %is = (dsnMta => "mx1.$domain.test ($at{first})", dlvDestinationIp => $at{first}, dlvType => 'smtp',
        vmta => '{default}', do => 'row', sessionId => $d->{sessionId}, dlvTlsPolicyText => 'no-policy-found',
        dlvTlsPolicyDomain => "$domain.test", %like);
    is($tq->{$_} // '', $is{$_}, "$_ of it") for sort keys %is;
    is($tq->{$_} // '', '', "no $_") for qw(rcpt orig dsnAction bounceCat timeQueued);
    is($d->{dsnMta}, "mx2.$domain.test ($at{second})", 'who took it');
    is($d->{dlvTlsPolicyText}, 'no-policy-found', 'by which policy');
    like($_->{dlvSessionId}, qr/^[0-9A-Z]{10,24}$/, 'of a connection') for $tq, $d;
    isnt($tq->{dlvSessionId}, $d->{dlvSessionId}, 'each its own');
    return;
}

subtest 'refused' => sub {
    my $c = hand_over('refused');
    through($c, greet($mx{second}));
    $c->close;
    tells('refused', dsnMta => "mx1.refused.test ($at{nobody})", dlvDestinationIp => $at{nobody},
        dsnStatus => '4.4.1 (no answer from host)', dsnDiag => 'smtp;451 4.4.1 Cannot connect',
        dlvTlsError => '', dlvTlsPolicy => 'may', dlvSourceIp => '');
};

subtest 'a greeting of 554' => sub {
    my $c = hand_over('greeting');
    my $s = $mx{first}->accept;
    $s->say('554 5.7.1 Not you');
    through($c, greet($mx{second}));
    $c->close;
    tells('greeting', dsnStatus => '5.7.1 (delivery not authorized)', dsnDiag => 'smtp;554 5.7.1 Not you',
        dlvTlsError => '', dlvSourceIp => '127.0.0.1');
};

subtest 'another\'s certificate' => sub {
    my $c = hand_over('cert');
    my $s = greet($mx{first}, 'STARTTLS');
    $s->starttls(server => 1, cert => $another);
    $s = greet($mx{second}, 'STARTTLS');
    $s->starttls(server => 1, cert => $right);
    $s->hear(qr/^EHLO /);
    $s->say('250-mx', '250 PIPELINING');
    through($c, $s);
    $c->close;
    tells('cert', dsnDiag => 'smtp;451 4.7.5 Certificate has another name', dlvTlsError => 'certificate-host-mismatch',
        dlvTlsPolicy => 'verify', dlvTlsPolicyResult => 'failed', domainRule => 'cert.test');
};

subtest 'no STARTTLS, and no other server takes it' => sub {
    my $c = hand_over('bare');
    greet($mx{$_}) for qw(first second);
    $c->hear(qr/^451 4\.7\.4 /);
    $c->close;
    my @rows = spool_wait(stage_dir() . '/spool', sub { ($_->{queue} // '') eq 'bare.test/{default}' }, 3);
    is(join(' ', map { $_->{type} } @rows), 'tq tq t', 'each server, and what became of the message');
    is($_->{dlvTlsError}, 'starttls-not-offered', 'why') for @rows;
    is($rows[2]{dlvSessionId}, $rows[1]{dlvSessionId}, 'which is about the last connection');
};

subtest 'one connection, one id' => sub {
    my $s;
    for my $nth (1, 2) {
        my $c = hand_over('kept');
        $s //= greet($mx{second});
        through($c, $s);
        $c->close;
    }
    my @rows = spool_wait(stage_dir() . '/spool', sub { ($_->{queue} // '') eq 'kept.test/{default}' && $_->{type} eq 'd' }, 2);
    is(scalar(@rows), 2, 'two deliveries');
    is($rows[0]{dlvSessionId}, $rows[1]{dlvSessionId}, 'over one connection');
    isnt($rows[0]{sessionId}, $rows[1]{sessionId}, 'for two of the mail server\'s');
};

# Room for the mail's own records was set aside before; the attempt's is looked for when it failed.
subtest 'a full disk' => sub {
    my $dir = stage_dir();
    mkdir "$dir/small" or die $!;
    my $full = T::Run->start('sallyport-out', %o, name => 'full', dir => $dir, spool => 'small', records => 'd, tq', fields => 'rcpt', conf => $conf =~ s/:out\@/:full\@/r,
        expect => qr/ attempt-not-recorded /,
        under => [T::Stage::with_small_disk("$dir/small", '1m')]);
    my $inside = '/proc/' . $full->pid . "/root$dir/small";
    open my $ballast, '>>', "$inside/ballast" or die $!;
    1 while syswrite $ballast, 'x' x 4096;
    truncate $ballast, (-s $ballast) - (64 << 10); # for the mail, and no step ahead
    my $c = hand_over('greeting', 'full');
    my $s = $mx{first}->accept;
    1 while syswrite $ballast, 'x' x 4096;
    ok($!{ENOSPC}, 'the disk is full');
    $s->say('554 5.7.1 Not you');
    through($c, greet($mx{second}));
    $c->close;
    my @rows = spool_wait($inside, sub { $_->{type} eq 'd' && $_->{do} eq 'outcome' });
    is(scalar(@rows), 1, 'mail goes on, and has its row');
    is(scalar(grep { $_->{type} eq 'tq' } spool_rows($inside)), 0, 'the attempt has none');
    $full->log_like(qr/ attempt-not-recorded level=error count=1 /, 'which is said');
};

subtest 'who did not ask for it has none' => sub {
    $out->stop;
    my $plain = T::Run->start('sallyport-out', %o, name => 'plain', spool => 'plain', records => 'd, t',
        fields => 'dlvTlsPolicy', conf => $conf =~ s/:out\@/:plain\@/r);
    my $c = hand_over('refused', 'plain');
    through($c, greet($mx{second}));
    $c->close;
    my @rows = of('refused', 'plain');
    is(join(' ', map { $_->{type} } @rows), 'd', 'the delivery alone');
    ok(!exists $rows[0]{$_}, "without $_") for qw(dlvTlsPolicyText dlvTlsPolicyDomain);
};
all_done();

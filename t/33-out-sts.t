#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out heeds MTA-STS policies (RFC 8461, 4 and 5). What is fetched, and how: 33-out-sts-fetch.t.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::DNS;
use T::Https;
use T::Peer;
use T::Run;
use T::Sink;
use T::Spool;
use Time::HiRes qw(time);

my $ca = T::CA->new;
my %policy = ( # mode, its pattern, the server's address
    good => ['enforce', '*.good.test', '127.0.0.31'],
    unlisted => ['enforce', 'mx.other.test', '127.0.0.31'],
    deeper => ['enforce', '*.test', '127.0.0.31'],
    wrong => ['enforce', 'mx.wrong.test', '127.0.0.32'],
    trial => ['testing', 'mx.other.test', '127.0.0.32'],
    over => ['none', 'mx.other.test', '127.0.0.32'],
    stall => ['enforce', 'mx.other.test', '127.0.0.32'],
    garbled => ['no mode', 'mx.other.test', '127.0.0.32'],
    strange => ['enforce', 'mx.other.test', '127.0.0.32'],
);
my $zone = '';
for my $d (sort keys %policy) {
    $zone .= "$d.test. MX 10 mx.$d.test.\nmx.$d.test. A $policy{$d}[2]\nmta-sts.$d.test. A 127.0.0.1\n"
        . "_mta-sts.$d.test. TXT \"v=STSv1; id=7;\"\n";
}
my $dns = T::DNS->start($zone);
my $https = T::Https->start(port => port('https'), ca => $ca);
$https->serve("$_.test", how => $_ eq 'stall' ? 'stall' : 'length',
    body => "version: STSv1\nmode: $policy{$_}[0]\nmx: $policy{$_}[1]\nmax_age: 86400\n") for grep { $_ ne 'strange' } keys %policy;
$https->serve('strange.test', cert => T::CA->new->cert('mta-sts.strange.test'));
T::Sink->start(port => port('mx'), addr => '127.0.0.31',
    cert => $ca->cert('mx.good.test', names => ['mx.unlisted.test', 'mx.deeper.test']));
T::Sink->start(port => port('mx'), addr => '127.0.0.32', cert => $ca->cert('another.test'));

my $conf = <<'CONF';
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
mta-sts-port = @port:https@
mta-sts-ca-file = "@ca@"
mta-sts-allow-private = yes
mta-sts-timeout = 8s
workers = 1
acct-file "@dir@/acct.csv" { }
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    use-dane = off
}
CONF
my $out = T::Run->start('sallyport-out', dns => $dns->address, ca => $ca->file, dir => stage_dir(), conf => $conf, expect => qr/role=facts/,
    env => {SSL_CERT_FILE => $ca->file});

sub begin {
    my $domain = shift;
    my $c = T::Peer->connect(port('out'), name => $domain);
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 /);
    $c->say("RCPT TO:<b\@$domain.test>");
    return $c;
}

sub goes {
    my ($c) = @_;
    $c->hear(qr/^250 /);
    $c->talk('DATA' => qr/^354 /);
    $c->say('Subject: s', '', 'x', '.');
    $c->hear(qr/^250 /);
    $c->close;
    return;
}

my $at = T::Stage::now();
my $slow = begin('stall');
goes(begin('good'));
$slow->hear_nothing(0, 'a fetch that stalls delays no other domain');
$out->log_like(qr/sts-policy domain=good\.test result=fetched id=7 mode=enforce max-age=86400 mx=1/, 'the fetch is told');
goes($slow);
cmp_ok(T::Stage::now() - $at, '>', 7, 'and mail for that one waits for it, and goes then');

for my $d (qw(unlisted deeper)) {
    my $c = begin($d);
    $c->hear(qr/^451 4\.7\.5 .*does not name this server/);
    $c->close;
}
my $c = begin('wrong');
$c->hear(qr/^451 4\.7\.5 .*MTA-STS/);
$c->close;
goes(begin($_)) for qw(trial over);
$out->log_like(qr/sts-policy domain=over\.test .*mode=none/, 'mode none is told, too');
like($out->log_text, qr/sts-policy domain=stall\.test result=sts-policy-fetch-error why=".*timed out.*" kept=none/i, 'and what failed');

# Mail that no policy could be had for goes, and its row says why (RFC 8460, 4.3).
my %trouble = (stall => 'sts-policy-fetch-error', garbled => 'sts-policy-invalid', strange => 'sts-webpki-invalid', good => '', over => '');
for my $d (sort keys %trouble) {
    goes(begin($d)) if $d =~ /garbled|strange/;
    my ($row) = spool_wait("$out->{dir}/spool", sub { $_->{type} eq 'd' && $_->{rcpt} eq "b\@$d.test" });
    is($row->{dlvTlsError} // '', $trouble{$d}, "$d: dlvTlsError");
    is($row->{dlvTlsPolicy}, $d eq 'good' ? 'sts' : 'may', '... and the policy');
}

# Over a restart, with the web server gone.
$https->stop;
$out->stop;
$out->launch;
$out->log_like(qr/role=worker|ready|started/, 'it serves again');
T::Stage::wait_for(sub { eval { T::Peer->connect(port('out'))->close; 1 } });
goes(begin('good'));
$c = begin('unlisted');
$c->hear(qr/^451 4\.7\.5 .*does not name this server/);
$c->close;

my $public = T::Run->start('sallyport-out', name => 'public', dir => stage_dir(), dns => $dns->address, ca => $ca->file, env => {SSL_CERT_FILE => $ca->file},
    conf => $conf =~ s/:out\@/:public\@/r =~ s/^mta-sts-allow-private = yes\n//mr);
$c = T::Peer->connect(port('public'), name => 'public');
$c->hear(qr/^220 /);
$c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 /, 'RCPT TO:<b@good.test>' => qr/^250 /);
$c->close;
$public->log_like(qr/sts-policy domain=good\.test result=sts-policy-fetch-error why="its server has only private addresses" kept=none/,
    'and from a private address only where that is allowed');

my $bad = T::Run->prepare('sallyport-out', dir => stage_dir(), dns => $dns->address, ca => $dns->{dir} . '/nsd.conf', conf => $conf);
my ($status, $said) = $bad->outcome('-t');
is($status, 1, 'a file without CAs is found');
like($said, qr/mta-sts-ca-file: .*no CA certificates \(PEM\) can be read from it/, 'and named');
all_done();

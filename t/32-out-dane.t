#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out and DANE (RFC 7672): signed zones, servers with right and wrong certificates, and what
# becomes of the mail.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::DNS;
use T::Peer;
use T::Run;
use T::Sink;
use T::Spool;

my $ca = T::CA->new;
my %crt = (
    good    => $ca->cert('mx.good.test'),
    expired => $ca->cert('mx.expired.test', from => -20, days => -10),
    other   => $ca->cert('other.test'),
    by_name => $ca->cert('mx.anchored.test'),
);

# The servers, each with an address of its own: one for each certificate, and one without TLS.
my (%at, %sink, $last);
for my $name (sort(keys %crt), 'clear', 'second') {
    $at{$name} = '127.0.0.' . (40 + ++$last);
    $sink{$name} = T::Sink->start(port => port('mx'), addr => $at{$name}, cert => $crt{$name eq 'second' ? 'good' : $name});
}

sub key { return "3 1 1 " . $ca->key_fingerprint($crt{$_[0]}) }

sub whole {
    open my $from, '-|', "openssl x509 -in $_[0] -outform DER" or die;
    local $/;
    return unpack 'H*', <$from>;
}
my $wrong = '3 1 1 ' . 'ab' x 32;
my $port = port('mx');

# [domain, server, TLSA records..., and then what is expected]: `ok` the mail arrives, else how it is
# refused; policy (dlvTlsPolicy), error (dlvTlsError).
my @rows = (
    {name => 'a key that matches', domain => 'good', at => 'good', tlsa => [key('good')], ok => 1, policy => 'dane'},
    {name => 'a certificate that matches', domain => 'whole', at => 'good', tlsa => ['3 0 1 ' . $ca->fingerprint($crt{good})], ok => 1, policy => 'dane'},
    {name => 'another key', domain => 'wrong', at => 'good', tlsa => [$wrong], error => 'validation-failure', said => '4.7.5'},
    {name => 'the new key and the old one', domain => 'rollover', at => 'good', tlsa => [$wrong, key('good')], ok => 1, policy => 'dane'},
    {name => 'expired, usage 3', domain => 'expired', at => 'expired', tlsa => [key('expired')], ok => 1, policy => 'dane'},
    {name => 'for another name, usage 3', domain => 'named', at => 'other', tlsa => [key('other')], ok => 1, policy => 'dane'},
    {name => 'by its CA', domain => 'anchored', at => 'by_name', tlsa => ['2 0 0 ' . whole($ca->file)], ok => 1, policy => 'dane'},
    {name => 'by its CA, for another name', domain => 'strange', at => 'other', tlsa => ['2 0 0 ' . whole($ca->file)], error => 'validation-failure', said => '4.7.5'},
    {name => 'no STARTTLS', domain => 'stripped', at => 'clear', tlsa => [$wrong], error => 'starttls-not-offered', said => '4.7.4'},
    {name => 'records that nobody can use', domain => 'pkix', at => 'good', tlsa => ['1 1 1 ' . 'ab' x 32, '3 1 9 abcd'], ok => 1, policy => 'dane-unusable'},
    {name => 'records that nobody can use, no STARTTLS', domain => 'pkixclear', at => 'clear', tlsa => ['0 0 1 ' . 'ab' x 32], error => 'starttls-not-offered', said => '4.7.4'},
    {name => 'no records', domain => 'none', at => 'good', tlsa => [], ok => 1, policy => 'may'},
    {name => 'no records, no STARTTLS', domain => 'noneclear', at => 'clear', tlsa => [], ok => 1, policy => 'may', clear => 1},
    {name => 'SERVFAIL', domain => 'servfail', at => 'good', tlsa => [key('good')], how => 'servfail', error => 'tlsa-invalid', said => '4.7.5'},
    {name => 'no answer', domain => 'silent', at => 'good', tlsa => [key('good')], how => 'silent', error => 'tlsa-invalid', said => '4.7.5'},
    {name => 'records without signatures', domain => 'bare', at => 'good', tlsa => [key('good')], how => 'bare', error => 'tlsa-invalid', said => '4.7.5'},
    {name => 'use-dane = off', domain => 'off', at => 'good', tlsa => [$wrong], ok => 1, policy => 'may'},
    {name => 'use-dane = off, SERVFAIL', domain => 'offfail', at => 'good', tlsa => [$wrong], how => 'servfail', ok => 1, policy => 'may'},
    {name => 'required, and there', domain => 'required', at => 'good', tlsa => [key('good')], ok => 1, policy => 'dane'},
    {name => 'required, and not there', domain => 'lacking', at => 'good', tlsa => [], error => 'dane-required', said => '4.7.5'},
    {name => 'required, and none of use', domain => 'useless', at => 'good', tlsa => ['1 1 1 ' . 'ab' x 32], error => 'dane-required', said => '4.7.5'},
    {name => 'a CA of ours is demanded as well', domain => 'both', at => 'good', tlsa => [key('good')], error => 'certificate-not-trusted', said => '4.7.5'},
    {name => 'a zone that is not signed', domain => 'plain', zone => 'unsigned', at => 'good', tlsa => [$wrong], ok => 1, policy => 'may'},
    {name => 'required, a zone that is not signed', domain => 'plainreq', zone => 'unsigned', at => 'good', tlsa => [key('good')], error => 'dane-required', said => '4.7.5'},
    {name => 'MX records that were changed', domain => 'forged', zone => 'forged', at => 'good', tlsa => [key('good')], error => 'dnssec-invalid', said => '4.7.5'},
);

my (%breaks, @zones);
for my $row (@rows) {
    my $d = "$row->{domain}.test";
    push @zones, "zone $d " . ($row->{zone} // 'signed') . "\n$d. MX 10 mx.$d.\nmx.$d. A $at{$row->{at}}\n",
        map { "_$port._tcp.mx.$d. TLSA $_\n" } @{$row->{tlsa}};
    $breaks{"TLSA _$port._tcp.mx.$d"} = $row->{how} if $row->{how};
}
my $text = join '', @zones, <<"Z";
zone alias.test signed
alias.test. MX 10 mail.alias.test.
mail.alias.test. CNAME mx.good.test.
zone next.test signed
next.test. MX 10 mx.wrong.test.
next.test. MX 20 mx2.next.test.
mx2.next.test. A $at{second}
_$port._tcp.mx2.next.test. TLSA @{[key('good')]}
zone half.test signed
half.test. MX 10 mx.forged.test.
half.test. MX 20 mx.good.test.
zone asdomain.test signed
asdomain.test. A $at{other}
_$port._tcp.asdomain.test. TLSA 2 0 0 @{[whole($ca->file)]}
zone other.test signed
other.test. MX 10 mx.onward.test.
zone turns.test signed
turns.test. MX 10 mx.turns.test.
mx.turns.test. A $at{good}
_$port._tcp.mx.turns.test. 0 TLSA @{[key('good')]}
zone onward.test signed
mx.onward.test. A $at{other}
_$port._tcp.mx.onward.test. TLSA 2 0 0 @{[whole($ca->file)]}
Z
my $dns = T::DNS->start($text, signed => 1);
$dns->breaks(%breaks);

my $out = T::Run->start(
    'sallyport-out',
    dns    => $dns->address,
    anchor => $dns->anchor,
    ca     => T::CA->new->file,
    conf   => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
trust-anchor-file = "@anchor@"
acct-file @dir@/acct.csv { }
spool-directory = "@dir@/spool"
workers = 1
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    use-mta-sts = no
}
domain off.test { use-dane = off }
domain offfail.test { use-dane = off }
domain required.test { use-dane = required }
domain lacking.test { use-dane = required }
domain useless.test { use-dane = required }
domain plainreq.test { use-dane = required }
domain both.test { require-starttls = yes  smtp-tls-verify = ca  smtp-tls-ca-file = "@ca@" }
CONF

# A message; what its RCPT was told, and the last thing that was said of it.
sub give {
    my ($domain) = @_;
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, "MAIL FROM:<$domain\@from.test>" => qr/^250 /);
    $c->say("RCPT TO:<b\@$domain.test>");
    my $said = $c->read_line;
    if ($said =~ /^250/) {
        $c->talk('DATA' => qr/^354/);
        $c->send("Subject: x\r\n\r\nsecret\r\n.\r\n");
        $said = $c->read_line;
    }
    $c->close;
    return $said;
}

sub row {
    my ($type, $domain) = @_;
    my ($found) = spool_wait(stage_dir() . '/spool', sub { $_->{type} eq $type && $_->{rcpt} eq "b\@$domain.test" && $_->{do} ne 'intent' });
    return $found // do { fail("a $type row of $domain"); {} };
}

# What a server heard of this domain, and was it in TLS?
sub heard {
    my ($sink, $domain) = @_;
    my %tls;
    for (split /\n/, $sink->log_text) {
        $tls{$1} = 1 if /^(\d+) TLS /;
        return $tls{$1} ? 'in TLS' : 'in the clear' if /^(\d+) C: (?:MAIL|RCPT|DATA).*\b\Q$domain\E(?:\@|\.test)/;
    }
    return 'nothing';
}

for my $row (@rows) {
    subtest "$row->{domain}: $row->{name}" => sub {
        my $d = $row->{domain};
        my $said = give($d);
        my $sink = $sink{$row->{at}};
        if ($row->{ok}) {
            like($said, qr/^250 /, 'delivered');
            is(row(d => $d)->{dlvTlsPolicy}, $row->{policy}, 'its policy');
            is(heard($sink, $d), $row->{clear} ? 'in the clear' : 'in TLS', 'so it came');
        } else {
            like($said, qr/^451 \Q$row->{said}\E /, 'deferred');
            is(row(t => $d)->{dlvTlsError} || row(t => $d)->{dsnDiag}, $row->{error}, 'for that');
            is(heard($sink, $d), 'nothing', 'and the server heard nothing of it');
        }
    };
}

subtest 'an alias of the server: the records and the name are those of its end' => sub {
    like(give('alias'), qr/^250 /);
    is(row(d => 'alias')->{dlvTlsPolicy}, 'dane');
};
subtest 'the first server does not match, the second does' => sub {
    like(give('next'), qr/^250 /);
    is(heard($sink{good}, 'next'), 'nothing', 'the first heard nothing');
    is(heard($sink{second}, 'next'), 'in TLS');
};
subtest 'bogus addresses of one server take out that one' => sub {
    like(give('half'), qr/^250 /);
    is(heard($sink{good}, 'half'), 'in TLS');
};
subtest 'a certificate for the domain, not the server, will do with usage 2' => sub {
    like(give('other'), qr/^250 /);
    is(row(d => 'other')->{dlvTlsPolicy}, 'dane');
};
subtest 'no MX: the domain is the server, and the certificate for another name' => sub {
    like(give('asdomain'), qr/^451 4\.7\.5 /);
    is(heard($sink{other}, 'asdomain'), 'nothing');
};
subtest 'new records are heeded, whatever a connection that is kept has proven' => sub {
    like(give('turns'), qr/^250 /) for 1, 2;
    $dns->zone($text =~ s/^(_$port\._tcp\.mx\.turns\.test\. 0 TLSA) .*/$1 $wrong/mr);
    like(give('turns'), qr/^451 4\.7\.5 /);
    is(row(t => 'turns')->{dlvTlsError}, 'validation-failure');
    is(scalar(() = $sink{good}->log_text =~ /C: MAIL FROM:<turns\@/g), 2, 'the server heard nothing of it');
};
all_done();

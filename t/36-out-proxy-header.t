#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# hand-over = proxy-header: a mail server that found the server itself says which in a PROXY header, as
# PowerMTA (use-proxy) and KumoMTA (ha_proxy_server) do.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::DNS;
use T::Far;
use T::Head;
use T::Peer;
use T::Printed;
use T::Run;
use T::Spool;
use T::Through;

T::Far::or_skip_all();
my $far = T::Far->new('world', near => ['2001:db8::7/64'], far => ['2001:db8::22/64']);
my ($source6, $mx6) = qw(2001:db8::7 2001:db8::22);
my $ca = T::CA->new;
my $dns = T::DNS->start(<<'Z');
two.test.     MX 10 mx1.two.test.
two.test.     MX 20 mx2.two.test.
mx1.two.test. A 127.0.0.21
mx2.two.test. A 127.0.0.22
mx2.two.test. AAAA 2001:db8::22
same.test.    MX 20 beta.same.test.
same.test.    MX 10 alpha.same.test.
alpha.same.test. A 127.0.0.22
beta.same.test.  A 127.0.0.22
name.test.    MX 10 mx.name.test.
mx.name.test. A 127.0.0.21
null.test.    MX 0 .
home.test.    MX 10 mx.home.test.
mx.home.test. A 10.1.2.3
Z
sub serve { my $addr = shift; return T::Peer->listen(port => port('mx'), addr => $addr, name => $addr) }
my %mx = ((map { $_ => serve($_) } qw(127.0.0.21 127.0.0.22)), $mx6 => $far->inside(sub { serve($mx6) }));

my $conf = <<'CONF';
relay-listener 127.0.0.1:@port:out@ { hand-over = proxy-header }
relay-listener [::1]:@port:out@ { hand-over = proxy-header }
relay-listener 127.0.0.1:@port:far@ { hand-over = proxy-header  allow = 127.0.0.9 }
name-server = "@dns@"
acct-file @dir@/acct.csv { }
spool-directory = "@dir@/spool"
workers = 1
domain * { allow-private-destinations = yes  connection-idle-timeout = 0 }
domain name.test { require-starttls = yes  smtp-tls-verify = name  smtp-tls-ca-file = "@ca@" }
domain listed.test { smtp-hosts = "mx1.two.test" }
domain loose.test { smtp-hosts = "mx1.two.test"  use-dane = off }
domain home.test { allow-private-destinations = no }
CONF
my $out = T::Run->start('sallyport-out', conf => $conf, dns => $dns->address, ca => $ca->file);

my %to = (src => '127.0.0.1', sport => 4711, dport => port('mx'));
my @heads = (
    [v1 => '127.0.0.1', {%to, version => 1, dst => '127.0.0.22'}], [v2 => '127.0.0.1', {%to, src => '127.0.0.7', dst => '127.0.0.22'}],
    ['v2 with TLVs, by IPv6' => '::1', {%to, dst => '127.0.0.22', tlv => "\xee\0\x02hi"}],
    ['v1 IPv6' => '127.0.0.1', {%to, version => 1, src => $source6, dst => $mx6}],
    ['v2 IPv6' => '::1', {%to, src => $source6, dst => $mx6}],
);

sub call {
    my ($head, %o) = @_;
    return T::Peer->connect(port($o{port} // 'out'), name => 'mta', to => $o{to} // '127.0.0.1', head => $head, ($o{from} ? (from => $o{from}) : ()));
}

sub envelope {
    my ($c, $domain) = @_;
    $c->hear(qr/^220 proxy\.test ESMTP/);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 2\.1\.0 /);
    $c->say("RCPT TO:<b\@$domain>");
    return $c;
}

sub answer {
    my ($mx, @offers) = @_;
    my $s = $mx->accept;
    $s->say('220 mx ESMTP');
    $s->hear(qr/^EHLO proxy\.test$/);
    $s->say('250-mx', (map { "250-$_" } @offers), '250 PIPELINING');
    return $s;
}

sub deliver {
    my ($c, $s, $shown) = @_;
    through($c, $s, shown => $shown);
    $s->hear(qr/^QUIT$/);
    $s->say('221 bye');
    $c->talk('QUIT' => qr/^221 /);
    return;
}

for (@heads) {
    my ($name, $here, $head) = @$_;
    subtest $name => sub {
        my $c = envelope(call($head, to => $here), 'two.test');
        my $s = answer($mx{$head->{dst}});
        is($s->peer_addr, $head->{src}, 'called from the address that it asks for');
        deliver($c, $s, "mx2.two.test $head->{dst}");
    };
}
my @rows = grep { $_->{do} eq "outcome" } spool_rows(stage_dir() . "/spool");
is(scalar @rows, scalar @heads, 'a row for each');
is_deeply([map { "$_->{dlvSourceIp} $_->{dlvDestinationIp}" } @rows], [map { "$_->[2]{src} $_->[2]{dst}" } @heads], 'with both addresses');

subtest 'the best of several names' => sub {
    my $c = envelope(call({%to, dst => '127.0.0.22'}), 'same.test');
    deliver($c, answer($mx{'127.0.0.22'}), 'alpha.same.test 127.0.0.22');
};

subtest 'a header in pieces, and the mail behind it at once' => sub {
    for my $version (1, 2) {
        my $bytes = T::Head::write(%to, version => $version, dst => '127.0.0.21');
        my $c = call(undef);
        for my $byte (split //, $bytes) {
            $c->send($byte);
            select undef, undef, undef, 0.001;
        }
        envelope($c, 'two.test');
        deliver($c, answer($mx{'127.0.0.21'}), 'mx1.two.test 127.0.0.21');
        $c = call(undef);
        $c->send($bytes . "EHLO mta.test\r\n");
        $c->hear(qr/^220 /);
        $c->hear(qr/^250-/);
        $c->talk('QUIT' => qr/^221 /);
    }
};

subtest 'only there: no other server is tried' => sub {
    my $c = envelope(call({%to, dst => '127.0.0.21'}), 'two.test');
    my $s = $mx{'127.0.0.21'}->accept;
    $s->say('421 4.3.2 busy');
    $c->hear(qr/^451 4\.3\.2 .*\[mx1\.two\.test 127\.0\.0\.21\]$/);
    $c->close;
    $c = envelope(call({%to, dst => '127.0.0.23'}), 'two.test');
    $c->hear(qr/^451 4\.4\.1 .*\[127\.0\.0\.23\]$/);
    $c->close;
};

subtest 'TLS as the rule demands, for the name that has the address' => sub {
    my $c = envelope(call({%to, dst => '127.0.0.21'}), 'name.test');
    my $s = answer($mx{'127.0.0.21'}, 'STARTTLS');
    $s->starttls(server => 1, cert => $ca->cert('mx.name.test'));
    $s->hear(qr/^EHLO/);
    $s->say('250-mx', '250 PIPELINING');
    deliver($c, $s, 'mx.name.test 127.0.0.21');

    $c = envelope(call({%to, dst => '127.0.0.21'}), 'name.test');
    $s = answer($mx{'127.0.0.21'});
    $c->hear(qr/^451 4\.7\.4 .*\[mx\.name\.test 127\.0\.0\.21\]$/, 'none offered');
    $c->close;
};

subtest 'an address that is none of the domain\'s must prove the name of its only server; or it has no name' => sub {
    my $tls = sub {
        my $s = answer($mx{'127.0.0.22'}, 'STARTTLS');
        $s->starttls(server => 1, cert => $ca->cert(shift));
        return $s;
    };
    my $c = envelope(call({%to, dst => '127.0.0.22'}), 'name.test');
    my $s = $tls->('mx1.two.test');
    $c->hear(qr/^451 4\.7\.5 .*another name.*\[mx\.name\.test 127\.0\.0\.22\]$/);
    $c->close;
    $c = envelope(call({%to, dst => '127.0.0.22'}), 'name.test');
    $s = $tls->('mx.name.test');
    $s->hear(qr/^EHLO/);
    $s->say('250-mx', '250 PIPELINING');
    deliver($c, $s, 'mx.name.test 127.0.0.22');
    for my $domain ('null.test', 'nowhere.test') {
        $c = envelope(call({%to, dst => '127.0.0.22'}), $domain);
        deliver($c, answer($mx{'127.0.0.22'}), '127.0.0.22');
    }
};

subtest 'servers that are known for sure, and an address that is none of them' => sub {
    my $c = envelope(call({%to, dst => '127.0.0.21'}), 'listed.test');
    deliver($c, answer($mx{'127.0.0.21'}), 'mx1.two.test 127.0.0.21');
    $c = envelope(call({%to, dst => '127.0.0.22'}), 'listed.test');
    $c->hear(qr/^451 4\.7\.5 The address is none of the domain's servers/);
    $c->close;
    $c = envelope(call({%to, dst => '127.0.0.22'}), 'loose.test');
    deliver($c, answer($mx{'127.0.0.22'}), '127.0.0.22');
};

subtest 'what is private stays so' => sub {
    my $c = envelope(call({%to, dst => '127.0.0.22'}), 'home.test');
    $c->hear(qr/^451 4\.4\.4 .*private/);
    $c->close;
};

subtest 'a source that is not ours' => sub {
    for (1, 2) {
        my $c = envelope(call({%to, src => '192.0.2.99', dst => '127.0.0.22'}), 'two.test');
        my $s = answer($mx{'127.0.0.22'});
        is($s->peer_addr, '127.0.0.1', 'the kernel chooses');
        deliver($c, $s, 'mx2.two.test 127.0.0.22');
    }
    is(scalar(() = $out->log_text =~ /source-not-ours address=192\.0\.2\.99 .*add it and reload/g), 1, 'said once');
};

subtest 'no delivery' => sub {
    my $all = length $out->log_text;
    for my $head (T::Head::write(local => 1), "PROXY UNKNOWN\r\n") {
        my $c = call(undef);
        $c->send($head);
        $c->hear(qr/^554 5\.7\.1 /);
        $c->hear_close;
        $out->log_like(qr/closed why=health-check client=127\.0\.0\.1 /);
    }
    unlike(substr($out->log_text, $all), qr/not-taken/, 'a health check is nobody\'s fault');
    my $c = call({%to, dst => '127.0.0.1', dport => port('out')});
    $c->hear(qr/^554 5\.7\.1 /, 'to ourselves');
    $c->close;
    $out->log_like(qr/not-taken why=loop .*remedy=/);
    for my $bytes ("EHLO x\r\n", "PROXY TCP4 1.2.3.4\r\n", T::Head::write(%to, dst => '127.0.0.22', version => 1, dport => 70000), "\r\n\r\n\0\r\nQUIX", 'P' x 3000) {
        $c = call(undef);
        $c->send($bytes);
        $c->hear_close;
        $out->log_like(qr/not-taken why=no-header .*remedy=.*PROXY/, 'garbage');
    }
    $c = call({%to, dst => '127.0.0.22', dport => 0});
    $c->hear(qr/^554 5\.7\.1 /, 'port 0');
    $c->close;
    $c = call(undef);
    $c->send('PROXY TCP4');
    $c->half_close;
    $c->hear_close;
    $out->log_like(qr/closed why=no-header /, 'cut off');
    $c = call(undef);
    $c->hear_close; # after some seconds
    $out->log_like(qr/not-taken why=no-header .*in time/, 'nothing comes');
};

subtest 'as it is printed' => sub {
    my $printed = T::Printed::blocks('PowerMTA and KumoMTA', 'handover')->{'sallyport.conf'};
    my ($status, $said) = T::Run->prepare('sallyport-out', conf => T::Printed::fit($printed, ''))->outcome('-t');
    is($status, 0, 'right') or diag($said);
};

subtest 'from whom it is believed' => sub {
    my $c = call({%to, dst => '127.0.0.22'}, port => 'far', from => '127.0.0.8');
    $c->hear(qr/^554 5\.7\.1 proxy\.test takes no mail from you$/);
    $c->close;
    $c = call({%to, dst => '127.0.0.22'}, port => 'far', from => '127.0.0.9');
    $c->hear(qr/^220 /);
    $c->talk('QUIT' => qr/^221 /);
};
all_done();

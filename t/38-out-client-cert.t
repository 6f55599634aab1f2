#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out: our certificate, towards servers that ask for one.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use IO::Socket::SSL;
use Net::SSLeay ();
use T::CA;
use T::DNS;
use T::Peer;
use T::Run;
use T::Spool;
use T::Through;

my $ca     = T::CA->new;
my $middle = $ca->cert('Middle', authority => 1);
my $crt    = $ca->cert('mx.test');
my $one    = $ca->cert('one.us', use => 'client', by => $middle, password => 'sesame');
my $two    = $ca->cert('two.us', use => 'client');
my $dns    = T::DNS->start(<<'Z');
one.test.  MX 10 mx.test.
two.test.  MX 10 mx.test.
may.test.  MX 10 mx.test.
none.test. MX 10 mx.test.
next.test. MX 10 mx.test.
next.test. MX 20 my.test.
mx.test.   A 127.0.0.41
my.test.   A 127.0.0.42
Z
my ($mx, $my) = map { T::Peer->listen(port => port('mx'), addr => $_, name => $_) } '127.0.0.41', '127.0.0.42';
my $out = T::Run->start('sallyport-out', dns => $dns->address, one => $one->{pem}, two => $two->{pem}, conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
acct-file @dir@/acct.csv { }
spool-directory = "@dir@/spool"
workers = 1
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    connection-idle-timeout = 60s
    require-starttls = yes
}
domain one.test { smtp-client-certificate = {"@one@", sesame} }
domain two.test { smtp-client-certificate = "@two@" }
domain next.test { smtp-client-certificate = "@two@" }
domain may.test { smtp-client-certificate = "@two@"  require-starttls = no }
CONF

sub hand_over {
    my ($domain) = @_;
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 /);
    $c->say("RCPT TO:<b\@$domain.test>");
    return $c;
}

sub greet {
    my ($server) = @_;
    my $s = $server->accept;
    $s->say('220 mx ESMTP');
    $s->hear(qr/^EHLO /);
    $s->say('250-mx', '250-STARTTLS', '250 PIPELINING');
    return $s;
}

# A server that asks for a certificate. require: refuses whoever shows none.
sub asking {
    my ($version, %o) = @_;
    return IO::Socket::SSL::SSL_Context->new(SSL_server => 1, SSL_cert_file => $crt->{cert}, SSL_key_file => $crt->{plain},
        SSL_version => $version, SSL_session_id_context => 'mx',
        SSL_verify_mode => SSL_VERIFY_PEER | ($o{require} ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        SSL_ca_file => ($o{ca} // $ca)->file);
}

sub within {
    my ($s) = @_;
    $s->hear(qr/^EHLO /);
    $s->say('250-mx', '250 PIPELINING');
    return $s;
}

sub deliver {
    my ($c, $s) = @_;
    through($c, $s);
    $c->close;
}

my %nth;
sub row {
    my ($type, $domain) = @_;
    my $nth = ++$nth{"$type $domain"};
    my @found = spool_wait(stage_dir() . '/spool', sub { $_->{type} eq $type && $_->{rcpt} eq "b\@$domain.test" && $_->{do} ne 'intent' }, $nth);
    return $found[$nth - 1] // {};
}

# The common names of all that was shown.
sub chain_of {
    my ($s) = @_;
    return join ' ', map { Net::SSLeay::X509_NAME_get_text_by_NID(Net::SSLeay::X509_get_subject_name($_), &Net::SSLeay::NID_commonName) =~ s/\0//gr }
        Net::SSLeay::get_peer_cert_chain($s->{socket}->_get_ssl_object);
}

my $s1;
subtest 'encrypted key, and the chain with it' => sub {
    my $c = hand_over('one');
    $s1 = greet($mx);
    ok($s1->starttls(server => 1, context => asking('TLSv1_3', require => 1)), 'verified: the intermediate came, too');
    is($s1->tls_peer, 'one.us');
    like(chain_of($s1), qr/\bMiddle\b/, 'the chain');
    deliver($c, within($s1));
    is(row(d => 'one')->{dlvTlsClientCert}, $one->{pem}, 'in the record');
};

my $s2;
subtest 'another for another domain, on its own connection' => sub {
    my $c = hand_over('two');
    $s2 = greet($mx);
    $s2->starttls(server => 1, context => asking('TLSv1_2', require => 1));
    is($s2->tls_peer, 'two.us');
    deliver($c, within($s2));
    is(row(d => 'two')->{dlvTlsClientCert}, $two->{pem});
    $s1->hear_nothing(0.1, 'the first was not used');
};

for my $version ('TLSv1_2', 'TLSv1_3') {
    my $other = T::CA->new;
    for my $case (['none', 'there is none'], ['two', 'ours is of a CA that it does not know'], ['may', 'refused at may']) {
        my ($domain, $name) = @$case;
        subtest "$version: $name" => sub {
            $s2->close if $s2;
            undef $s2;
            my $c = hand_over($domain);
            my $s = greet($mx);
            $s->starttls(server => 1, context => asking($version, require => 1, ca => $other), maybe => 1);
            $s->close;
            if ($domain eq 'may') {
                my $again = greet($mx);
                deliver($c, $again);
                my $row = row(d => 'may');
                is($row->{dlvTlsError}, 'client-certificate-refused', 'why it went in the clear');
                is($row->{dlvTlsPolicyResult}, 'clear');
                $again->close;
                return;
            }
            $c->hear(qr/^451 4\.7\.5 Server does not take our certificate \[mx\.test 127\.0\.0\.41\]$/);
            $mx->no_connection(0.1, 'nothing in the clear');
            my $row = row(t => $domain);
            is($row->{dlvTlsError}, 'client-certificate-refused');
            is($row->{dlvTlsPolicyResult}, 'failed');
            is($row->{dsnStatus}, '4.7.5 (cryptographic failure)');
            $c->close;
        };
    }
}

subtest 'refused by one, taken by the next' => sub {
    my $c = hand_over('next');
    my $s = greet($mx);
    $s->starttls(server => 1, context => asking('TLSv1_3', require => 1, ca => T::CA->new), maybe => 1);
    $s->close;
    my $next = greet($my);
    $next->starttls(server => 1, context => asking('TLSv1_3', require => 1));
    deliver($c, within($next));
};

subtest 'written anew, it is taken without being told' => sub {
    my $new = $ca->cert('new.us', use => 'client', by => $middle, password => 'sesame');
    rename $new->{pem}, $one->{pem} or die "$one->{pem}: $!";
    $out->log_like(qr/file-changed file=\S+one\.us\.pem/, 'it is seen');
    $out->log_like(qr/ reloaded generation=2/, 'and others serve');
    $s1->hear(qr/^QUIT$/, 'what was kept under the old one goes');
    my $c = hand_over('one');
    my $s = greet($mx);
    $s->starttls(server => 1, context => asking('TLSv1_3', require => 1));
    is($s->tls_peer, 'new.us', 'the new one is shown');
    deliver($c, within($s));
};

all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A load balancer in front says who the client is; from anybody else that is garbage.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Head;
use T::Peer;
use T::Run;

my $ca  = T::CA->new;
my $mta = T::Peer->listen(port => port('mta'), name => 'mta');
my $in  = T::Run->start('sallyport-in', cert => $ca->cert('mx.test')->{pem}, conf => <<'CONF');
smtp-listener 127.0.0.1:@port:in@ { proxy-protocol-from = {127.0.0.9, ::1} }
smtp-listener 127.0.0.1:@port:smtps@ { tls = yes proxy-protocol-from = {127.0.0.9} }
smtp-listener [::1]:@port:in6@ { proxy-protocol-from = {127.0.0.9, ::1} }
smtp-server-tls-certificate = {"@cert@", ""}
backend mta { server = "127.0.0.1:@port:mta@" }
source 0/0 { allow-starttls = yes }
source 192.0.2.66 { smtp-service = no }
workers = 1
CONF

# From the load balancer, with these bytes first.
sub balanced {
    my ($head, %o) = @_;
    my $c = T::Peer->connect(port($o{to} // 'in'), from => '127.0.0.9');
    $c->send($head);
    return $c;
}

sub heads_of { return T::Head::write(src => '192.0.2.7', sport => 4321, dst => '192.0.2.1', dport => 25, @_) }

my $slow = balanced('PROXY TCP4 192.0.2.7 ');
my $silent = balanced('', to => 'smtps');

for my $version (1, 2) {
    my $c = balanced(heads_of(version => $version));
    $c->hear(qr/^220 /);
    $c->say('EHLO c.test');
    my $s = $mta->accept(head => 1);
    is("$s->{head}{src}:$s->{head}{sport}", '192.0.2.7:4321', "version $version: the MTA hears of the client");
    is("$s->{head}{dst}:$s->{head}{dport}", '192.0.2.1:25', 'and where it came in');
    $s->close;
    $c->close;
    $in->log_like(qr/closed .*client=192\.0\.2\.7:4321 via=127\.0\.0\.9:\d+ listener=192\.0\.2\.1:25 /, 'the log has both');
}

subtest 'TLVs are passed on, and SSL is ours' => sub {
    my $tlv = sub { pack 'C n/a*', @_ };
    my $lb = $tlv->(0x20, "\x01\0\0\0\0" . $tlv->(0x21, 'TLSv0.0'));
    my $c = balanced(heads_of(tlv => $tlv->(0x01, 'smtp') . $tlv->(0xe1, 'own') . $lb), to => 'in');
    $c->hear(qr/^220 /);
    $c->say('HELO c.test', 'MAIL FROM:<a@x.test>');
    my $s = $mta->accept(head => 1);
    is($s->{head}{tlv}{0x01}, 'smtp', 'ALPN');
    is($s->{head}{tlv}{0xe1}, 'own', 'an unknown type');
    like($s->{head}{tlv}{0x20}, qr/TLSv0\.0/, "the load balancer's SSL, without TLS of ours");
    ok($s->{head}{tlv}{0x05}, 'our unique id');
    $s->close;
    $c->close;

    $c = balanced(heads_of(tlv => $lb . $tlv->(0x01, 'smtp')), to => 'smtps');
    $c->start_tls(name => 'mx.test', ca => $ca);
    $c->hear(qr/^220 /);
    $c->say('EHLO c.test');
    $s = $mta->accept(head => 1);
    is($s->{head}{src}, '192.0.2.7', 'the header goes before the handshake');
    like($s->{head}{tlv}{0x20}, qr/TLSv1\.3/, 'our TLS');
    unlike($s->{head}{tlv}{0x20}, qr/TLSv0\.0/, 'and not that of the load balancer');
    like($s->{head}{tlv}{0x20}, qr/\x25\0.(?:EC|RSA)\d+/, 'with the key of our certificate');
    is($s->{head}{tlv}{0x01}, 'smtp', 'and the rest');
    $s->close;
    $c->close;
};

subtest 'byte by byte, with SMTP behind it' => sub {
    my $c = balanced('');
    $c->hear_nothing(0.1, 'no greeting before the header');
    my $bytes = heads_of(version => 1) . "EHLO c.test\r\n";
    $c->send($_) for split //, $bytes;
    $c->hear(qr/^220 /);
    my $s = $mta->accept(head => 1);
    is($s->{head}{src}, '192.0.2.7', 'the client');
    $s->close;
    $c->close;
};

subtest 'over IPv6' => sub {
    my $c = T::Peer->connect(port('in6'), to => '::1', from => '::1');
    $c->send(heads_of(src => '2001:db8::7', dst => '2001:db8::1'));
    $c->hear(qr/^220 /);
    $c->say('EHLO c.test');
    my $s = $mta->accept(head => 1);
    is($s->{head}{src}, '2001:db8::7', 'the client');
    $s->close;
    $c->close;
};

subtest 'rules go by the client' => sub {
    my $c = balanced(heads_of(src => '192.0.2.66'));
    $c->hear(qr/^521 /);
    $c->close;
};

subtest "the balancer's own connections" => sub {
    for my $head ("PROXY UNKNOWN\r\n", heads_of(local => 1)) {
        my $c = balanced($head);
        $c->hear(qr/^220 /);
        $c->talk('QUIT' => qr/^221 /);
        $c->close;
        $in->log_like(qr/closed why=quit .*client=127\.0\.0\.9:\d+ via=/);
    }
};

subtest 'a balancer must say it, first and right' => sub {
    my @wrong = ("EHLO c.test\r\n", "PROXY TCP4 nonsense\r\n", "\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", "\x16\x03\x01\x02\x00",
        'PROXY TCP4 ' . 'x' x 200);
    for my $bytes (@wrong) {
        for my $to ('in', 'smtps') {
            my $c = balanced($bytes, to => $to);
            $c->hear_close;
            $in->log_like(qr/closed why=head .*broke="no PROXY header, or a wrong one"/);
        }
    }
    my $c = balanced('PROXY TCP4 192.');
    $c->close;
    $in->log_like(qr/closed why=head .*broke="closed inside of the PROXY header"/);
    $c = balanced('');
    $c->close;
    $in->log_like(qr/closed why=client-left doing="waiting for the load balancer's header"/, 'a look whether the port is open');
};

subtest 'from anybody else it is garbage' => sub {
    for my $version (1, 2) {
        my $c = T::Peer->connect(port('in'), from => '127.0.0.5');
        $c->hear(qr/^220 /);
        $c->send(heads_of(version => $version) . "EHLO c.test\r\n");
        $c->hear(qr/^500 5\.5\.2 /) for $version == 2 ? 1 .. 2 : (); # two empty lines
        $c->hear($version == 1 ? qr/^421 4\.7\.0 No PROXY header is taken from here$/ : qr/^500 5\.5\.2 Commands end in CRLF/);
        $c->hear_close;
        $in->log_like(qr/closed why=foreign .*client=127\.0\.0\.5:/, "version $version");
        $c = T::Peer->connect(port('smtps'), from => '127.0.0.5');
        $c->send(heads_of(version => $version));
        $c->close;
        $in->log_like(qr/closed why=handshake .*client=127\.0\.0\.5:/, "version $version, before a handshake");
    }
    $mta->no_connection(0.2);
};
subtest 'and it must come in time' => sub {
    $_->hear_close for $slow, $silent;
    like($in->log_text, qr/closed why=timed-out doing="waiting for the load balancer's header"/, 'the log says so');
};
$in->stop;
all_done();

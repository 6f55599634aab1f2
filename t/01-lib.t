#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The tests' own tools do what they say: both ends of T::Peer against each other, T::DNS, T::Postfix.
use v5.36;
use lib 't/lib';
use Test::More;
use T::CA;
use T::Csv;
use T::DNS;
use T::Peer;
use T::Postfix;
use T::Sink;
use T::Stage;
use T::Witness;

my $ca = T::CA->new;
my $cert = $ca->cert('mx.test', names => ['*.a.test']);

subtest 'plain words, both ends in one script' => sub {
    my $server = T::Peer->listen(port => port('plain'));
    my $c = T::Peer->connect(port('plain'), from => '127.0.0.5', head => {src => '192.0.2.9', tlv => "\x20\0\1x"});
    my $s = $server->accept(head => 1);
    is($s->peer_addr, '127.0.0.5', 'from an address of choice');
    is_deeply($s->{head}, {version => 2, local => '', src => '192.0.2.9', sport => 4321, dst => '192.0.2.1',
            dport => 25, tlv => {0x20 => 'x'}}, 'a PROXY header of version 2');
    $s->say('220-mx', '220 mx');
    is($c->hear(qr/^220-/), "220-mx\n220 mx", 'a reply of two lines is one');
    $c->send("DATA\r\n..x\r\n.\r\n");
    $s->hear(qr/^DATA$/);
    is($s->hear_body, "..x\r\n", 'a message to its dot');
    $c->hear_nothing(0.05);
    $c->close;
    $s->hear_close;
    $server->no_connection(0.05);
    my $one = T::Peer->connect(port('plain'), head => {version => 1, src => '2001:db8::1', dst => '::1'});
    is($server->accept(head => 1)->{head}{src}, '2001:db8::1', 'a PROXY header of version 1');
};

# In a child, so that both can shake hands at once.
sub tls_server {
    my ($server, %o) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    my $s = $server->accept;
    $s->start_tls(server => 1, maybe => 1, %o) and $s->say('220 ' . ($s->tls_peer || 'nobody') . ' ' . ($s->tls_sni // ''));
    $s->{in} = '';
    $s->fill_until(sub { 0 }, 5);
    POSIX::_exit(0);
}

for my $kind (qw(ec rsa)) {
    subtest "TLS with $kind, certificates on both sides" => sub {
        my $server = T::Peer->listen(port => port($kind));
        my $mine = $ca->cert('mx.test', key => $kind, password => 'secret');
        my $client = $ca->cert('client.test', use => 'client');
        like(do { open my $in, '<', $mine->{key}; <$in> }, qr/ENCRYPTED/, 'the key is encrypted');
        my $pid = tls_server($server, cert => $mine, ask_client => 1, ca => $ca);
        my $c = T::Peer->connect(port($kind), tls => {name => 'mx.test', ca => $ca, cert => $client});
        $c->hear(qr/^220 client\.test mx\.test$/);
        is($c->tls_version, 'TLSv1_3', 'version');
        is($c->tls_peer, 'mx.test', 'name');
        $c->close;
        waitpid $pid, 0;
    };
}

for my $bad ({name => 'mx.test', days => -2, from => -5, why => 'expired'}, {name => 'other.test', why => 'of another name'}) {
    my $why = $bad->{why};
    my $server = T::Peer->listen(port => port("bad-$why"));
    my $pid = tls_server($server, cert => $ca->cert($bad->{name}, %$bad));
    my $c = T::Peer->connect(port("bad-$why"));
    ok(!$c->start_tls(name => 'mx.test', ca => $ca, maybe => 1), "a certificate that is $why is seen");
    $c->close;
    waitpid $pid, 0;
}

subtest 'what should be heard and is not' => sub {
    my $server = T::Peer->listen(port => port('wrong'));
    my ($c, $s) = (T::Peer->connect(port('wrong')), $server->accept);
    $s->say('250 yes');
    my @said;
    no warnings 'redefine';
    local *Test::More::ok = sub { push @said, $_[0] ? 1 : 0 };
    local *Test::More::fail = sub { push @said, 0 };
    local *Test::More::diag = sub { };
    ok(!eval { $c->hear(qr/^220 (x)/); 1 }, 'ends the script');
    is("@said", '0 0', 'after a failed assertion');
};

is_deeply([csv_fields(qq{a,"b ""c"", d",\r\n,,"x\r\ny"\r\n})], [['a', 'b "c", d', ''], ['', '', "x\r\ny"]], 'CSV');
ok(!eval { csv_fields("a,b\n"); 1 }, 'a bare LF is no end of a row');

my $dns = T::DNS->start("example.test. MX 10 mx.example.test.\n");
ok($dns->serial_served, 'the name server answers');
$dns->zone("other.test. A 127.0.0.1\n");
is($dns->serial_served, 2, 'and takes another zone');

my $sink = T::Sink->start(port => port('sink'), cert => $cert, replies => [qr/^RCPT.*no@/ => '550 5.1.1 no']);
my @many = map { T::Peer->connect(port('sink')) } 1 .. 3;
for my $c (@many) {
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/STARTTLS/);
    $c->starttls(name => 'mx.test', ca => $ca);
    $c->talk('EHLO c.test' => qr/DSN/, 'MAIL FROM:<>' => qr/^250 /, 'RCPT TO:<no@a.test>' => qr/^550 /, 'RSET' => qr/^250 /);
}
$_->mail(from => '', rcpt => 'yes@a.test') for @many;
is($sink->count, 3, 'a server by itself takes messages');

SKIP: {
    skip T::Postfix::why_not(), 3 if T::Postfix::why_not();
    my $mx = T::Postfix->start('mx', T::Postfix::remote(port('mx'), refuse => 'no@a.test'), cert => $cert, ca => $ca);
    my $mta = T::Postfix->start(
        'mta', services => [['haproxy', port('in')]], users => {alice => 'secret'},
        main => {default_transport => 'smtp:[127.0.0.1]:' . port('mx'), smtp_tls_security_level => 'may'},
    );
    subtest 'two Postfixes: a login, a message on to the other, a refusal, a queue' => sub {
        my $c = T::Peer->connect(port('in'), head => {src => '192.0.2.9'});
        $c->hear(qr/^220 /);
        $c->talk('EHLO c.test' => qr/AUTH PLAIN/);
        $c->auth_plain('alice@mta.test', 'secret');
        $c->mail(from => 'alice@mta.test', rcpt => ['yes@a.test', 'no@a.test']);
        $mta->log_like(qr/client=unknown\[192\.0\.2\.9\].*sasl_username=alice/);
        $mx->log_like(qr/Anonymous TLS connection established.*TLSv1\.3/);
        $mta->log_like(qr/to=<no\@a\.test>.*status=bounced.*550 5\.1\.1/);
        ok($mta->has_logged(qr/to=<yes\@a\.test>.*status=sent/), 'the other is sent');
        ok($mta->wait_queue_empty, 'the queue is empty');
        $mx->stop;
        $c->mail(from => 'alice@mta.test', rcpt => 'yes@a.test');
        ok($mta->has_logged(qr/status=deferred/), 'without the other it waits');
        is_deeply([map { [$_->{sender}, @{$_->{rcpt}}] } $mta->queue], [['alice@mta.test', 'yes@a.test']], 'in the queue');
    };
}

subtest 'T::Witness finds each lie' => sub {
    my %row = map { $_ => {type => $_, dsnStatus => $_ eq 't' ? '4.2.2 (full)' : '2.0.0', dsnDiag => ''} } qw(d b t);
    my $unknown = {type => 't', dsnStatus => '4.4.2 (bad connection)'};
    my ($asked, $taken, $refused) = ({asked => 1}, {asked => 1, taken => 1}, {asked => 1, refused => 1});
    my @true = ([{%$taken, heard => [250, 'dot']}, 'ok', $row{d}], [$taken, 'ok', $row{d}], [$taken, 'hang', $unknown], [$asked, 'ok'],
        [{%$asked, heard => [550, 'rcpt']}, 'no', $row{b}], [{%$refused, heard => [552, 'dot']}, 'full', $row{b}], [{heard => [452, 'mail']}, 'ok']);
    is(T::Witness::lie(0, @$_), undef, 'true') for @true;
    is(T::Witness::lie(1, {%$taken, heard => [451, 'dot']}, 'ok', $row{d}), undef, 'or not on the disk');
    my @lies = ([{%$taken, heard => [250, 'dot']}, 'ok'], [{%$taken, heard => [250, 'dot']}, 'ok', $row{d}, $row{d}], [{%$taken, heard => [250, 'dot']}, 'ok', $unknown],
        [$taken, 'ok'], [$taken, 'ok', $row{t}], [$asked, 'ok', $row{d}], [{}, 'ok', $row{t}], [$asked, 'ok', $row{b}], [{%$asked, heard => [550, 'rcpt']}, 'no'],
        [$taken, 'hang', $row{d}], [{%$taken, heard => [451, 'dot']}, 'ok', $row{d}], [{%$taken, taken => 2}, 'ok', $row{d}]);
    ok(T::Witness::lie(0, @$_), T::Witness::lie(0, @$_) // 'a lie') for @lies;
};

all_done();

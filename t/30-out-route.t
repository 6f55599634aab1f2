#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out: which servers are tried, in which order, and which never.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use IO::Socket::INET;
use T::DNS;
use T::Peer;
use T::Run;
use T::Spool;

my $dns = T::DNS->start(<<'Z');
two.test.      MX 10 mx1.two.test.
two.test.      MX 20 mx2.two.test.
mx1.two.test.  A 127.0.0.31
mx2.two.test.  A 127.0.0.32
null.test.     MX 0 .
bare.test.     A 127.0.0.33
alias.test.    MX 10 www.alias.test.
www.alias.test. CNAME mx1.two.test.
cname.test.    CNAME two.test.
empty.test.    MX 10 nowhere.empty.test.
self.test.     MX 10 us.self.test.
us.self.test.  A 127.0.0.1
loop.test.     MX 10 mx1.two.test.
loop.test.     MX 20 us.loop.test.
loop.test.     MX 30 mx2.two.test.
us.loop.test.  A 127.0.0.77
private.test.  MX 10 mx.private.test.
mx.private.test. A 10.0.0.1
xn--bcher-kva.test. MX 10 mx1.two.test.
Z
my %at = (mx1 => '127.0.0.31', mx2 => '127.0.0.32', bare => '127.0.0.33');
my %mx = map { $_ => T::Peer->listen(port => port('mx'), addr => $at{$_}, name => $_) } keys %at;
my $conf = <<'CONF';
relay-listener 127.0.0.1:@port:out@ { }
relay-listener 127.0.0.1:@port:other@ { allow = 192.0.2.0/24 }
name-server = "@dns@"
local-addresses = 127.0.0.77
acct-file @dir@/acct.csv { }
spool-directory = "@dir@/spool"
workers = 1
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    connection-idle-timeout = 0
    use-starttls = no
    route-deadline = 10s
    connect-timeout = 2s
}
domain self.test { default-smtp-port = @port:out@ }
domain private.test { allow-private-destinations = no }
domain told.test { smtp-hosts = "[127.0.0.39], mx1.two.test; [127.0.0.32]:@port:mx@"  allow-private-destinations = no }
domain again.test { smtp-hosts = "lookup-mx:two.test"  ehlo-name = other.test  source-address = "127.0.0.99" }
domain [0/0] { default-smtp-port = @port:mx@ }
CONF
my $out = T::Run->start('sallyport-out', dns => $dns->address, conf => $conf, expect => qr/role=facts/);

sub ask {
    my (@rcpt) = @_;
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 /);
    $c->say(map { "RCPT TO:<$_>" } @rcpt);
    return $c;
}

sub served {
    my ($server, %o) = @_;
    my $s = $server->accept;
    $s->say('220 mx ESMTP');
    $s->hear(qr/^EHLO @{[$o{ehlo} \/\/ 'proxy\.test']}$/);
    $s->say('250-mx', '250 PIPELINING');
    $s->hear(qr/^MAIL FROM/);
    $s->hear(qr/^RCPT TO:<\Q$o{rcpt}\E>$/);
    $s->say($o{answers} ? @{$o{answers}} : ('250 2.1.0 Ok', '250 2.1.5 Ok'));
    return $s;
}

sub refused {
    my ($rcpt, $like, $type, $status) = @_;
    my $c = ask($rcpt);
    $c->hear($like);
    my ($row) = spool_wait(stage_dir() . '/spool', sub { $_->{rcpt} eq $rcpt });
    is($row->{type}, $type, "a $type row");
    like($row->{dsnStatus}, qr/^\Q$status\E/, $status);
    $c->close;
}

subtest 'the best MX first' => sub {
    my $c = ask('a@two.test');
    my $s = served($mx{mx1}, rcpt => 'a@two.test');
    $c->hear(qr/^250 .*\[mx1\.two\.test 127\.0\.0\.31\]$/);
};

my @next = (
    ['a greeting of 5xx', sub { my $s = shift->accept; $s->say('554 no'); $s->hear_close }],
    ['a greeting of 4xx', sub { my $s = shift->accept; $s->say('421 no'); $s->hear_close }],
    ['no SMTP', sub { my $s = shift->accept; $s->say('SSH-2.0-x'); $s->hear_close }],
    ['closed at once', sub { shift->accept->close }],
    ['MAIL 4xx', sub { served(shift, rcpt => 'a@two.test', answers => ['451 4.3.0 no', '503 no']) }],
    ['RCPT 4xx', sub { served(shift, rcpt => 'a@two.test', answers => ['250 Ok', '450 4.2.0 no']) }],
    ['lost after RCPT', sub { served(shift, rcpt => 'a@two.test', answers => ['250 Ok'])->close }],
);
for my $how (@next) {
    subtest "the next MX: $how->[0]" => sub {
        my $c = ask('a@two.test');
        my $first = $how->[1]->($mx{mx1});
        my $s = served($mx{mx2}, rcpt => 'a@two.test');
        $c->hear(qr/^250 .*\[mx2\.two\.test 127\.0\.0\.32\]$/);
    };
}

subtest 'the next MX: refused' => sub {
    my $port = port('mx');
    undef $mx{mx1};
    my $c = ask('a@two.test');
    served($mx{mx2}, rcpt => 'a@two.test');
    $c->hear(qr/^250 .*\[mx2\.two\.test 127\.0\.0\.32\]$/);
    $mx{mx1} = T::Peer->listen(port => $port, addr => '127.0.0.31', name => 'mx1');
};

subtest 'RCPT 5xx is an answer: b' => sub {
    my $c = ask('b@two.test');
    my $s = served($mx{mx1}, rcpt => 'b@two.test', answers => ['250 Ok', '550 5.1.1 Nobody']);
    $c->hear(qr/^550 5\.1\.1 Nobody \[mx1/);
    $mx{mx2}->no_connection(0.2, 'nobody else is asked');
    my ($row) = spool_wait(stage_dir() . '/spool', sub { $_->{rcpt} eq 'b@two.test' });
    is($row->{type}, 'b');
    is($row->{dsnStatus}, '5.1.1 (bad destination mailbox address)');
    is($row->{bounceCat} // '', '', 'the accountant finds the category');
};

subtest 'no MX: the domain itself' => sub {
    my $c = ask('a@bare.test');
    served($mx{bare}, rcpt => 'a@bare.test');
    $c->hear(qr/^250 .*\[bare\.test 127\.0\.0\.33\]$/);
};

subtest 'an MX that is an alias; a domain that is one' => sub {
    my $c = ask('a@alias.test');
    served($mx{mx1}, rcpt => 'a@alias.test');
    $c->hear(qr/^250 .*\[www\.alias\.test 127\.0\.0\.31\]$/);
    $c = ask('a@cname.test');
    served($mx{mx1}, rcpt => 'a@cname.test');
    $c->hear(qr/^250 .*\[mx1\.two\.test 127\.0\.0\.31\]$/);
};

subtest 'a domain in UTF-8' => sub {
    my $c = ask('a@xn--bcher-kva.test');
    served($mx{mx1}, rcpt => 'a@xn--bcher-kva.test');
    $c->hear(qr/^250 /);
};

subtest 'null MX' => sub { refused('a@null.test', qr/^556 5\.1\.10 /, b => '5.1.10') };
subtest 'no such domain' => sub { refused('a@nothing.test', qr/^550 5\.1\.2 /, b => '5.1.2') };
subtest 'MX without an address' => sub { refused('a@empty.test', qr/^451 4\.4\.4 /, t => '4.4.4') };
subtest 'ourselves' => sub { refused('a@self.test', qr/^554 5\.4\.6 /, b => '5.4.6') };
subtest 'private' => sub { refused('a@private.test', qr/^451 4\.4\.4 /, t => '4.4.4') };

subtest 'what is beyond ourselves is not tried (RFC 5321, 5.1)' => sub {
    my $c = ask('a@loop.test');
    $mx{mx1}->accept->say('421 not now');
    $c->hear(qr/^451 4\.3\.2 /);
    $mx{mx2}->no_connection(0.2);
};

subtest 'smtp-hosts: one that is not there, one by name, and the private one that was told' => sub {
    my $c = ask('a@told.test');
    served($mx{mx2}, rcpt => 'a@told.test');
    $c->hear(qr/^250 .*\[127\.0\.0\.32\]$/);
};

subtest 'smtp-hosts: lookup-mx; ehlo-name; source-address' => sub {
    my $c = ask('a@again.test');
    my $s = served($mx{mx1}, rcpt => 'a@again.test', ehlo => 'other\.test');
    is($s->peer_addr, '127.0.0.99', 'from there');
    $c->hear(qr/^250 .*\[mx1\.two\.test 127\.0\.0\.31\]$/);
};

subtest 'an address literal' => sub {
    my $c = ask('a@[127.0.0.33]');
    served($mx{bare}, rcpt => 'a@[127.0.0.33]');
    $c->hear(qr/^250 .*\[127\.0\.0\.33\]$/);
};

subtest 'a second domain in one transaction' => sub {
    my $c = ask('a@two.test', 'b@bare.test');
    served($mx{mx1}, rcpt => 'a@two.test');
    $c->hear(qr/^250 /);
    $c->hear(qr/^452 4\.5\.3 /);
};

subtest 'who is not listed may not hand over' => sub {
    my $c = T::Peer->connect(port('other'));
    $c->hear(qr/^554 5\.7\.1 /);
    $c->hear_close;
};

subtest 'the facts process dies, and is asked again' => sub {
    my ($facts) = $out->children_of('facts');
    ok($facts, 'it is there');
    kill 'KILL', $facts;
    my $c = ask('a@bare.test');
    served($mx{bare}, rcpt => 'a@bare.test');
    $c->hear(qr/^250 /);
};

subtest 'name servers that say nothing, or that they fail' => sub {
    my $deaf = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => port('deaf'), Proto => 'udp');
    my $none = T::Run->start('sallyport-out', conf => <<'CONF');
relay-listener 127.0.0.1:@port:none@ { }
name-server = "127.0.0.1@@port:deaf@"
workers = 1
domain * { route-deadline = 5s }
CONF
    my $c = T::Peer->connect(port('none'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 /);
    my $began = T::Stage::now();
    $c->talk('RCPT TO:<a@b.test>' => qr/^451 4\.4\.3 /);
    cmp_ok(T::Stage::now() - $began, '<', 10, 'within route-deadline');
    $c->close;
    $none->stop;
};

subtest 'mistakes in the configuration' => sub {
    open my $empty, '>', stage_dir() . '/no-key.pem' or die;
    close $empty;
    my @wrong = (
        ['domain x.test { smtp-hosts = "a..b" }', qr/:\d+: smtp-hosts: 'a\.\.b': not a host name; write/],
        ['domain x.test { smtp-client-certificate = "@dir@/no-key.pem" }', qr/domain x\.test: .*no-key\.pem/],
    );
    for (@wrong) {
        my $try = T::Run->prepare('sallyport-out', conf => "relay-listener 127.0.0.1:2525 { }\n$_->[0]\n");
        my ($status, $said) = $try->outcome('-t');
        is($status, 1, $_->[0]);
        like($said, $_->[1]);
    }
};

all_done();

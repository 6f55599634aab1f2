#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out: domains whose servers are the same (mx-rollup-list), macros, other alphabets and address literals in
# rules, smtp-hosts cleared.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::DNS;
use T::Peer;
use T::Run;
use T::Spool;

my $dns = T::DNS->start(<<'Z');
one.test.      MX 10 mx.shared.test.
one.test.      MX 20 mx.other.test.
two.test.      MX 5 MX.Shared.test.
half.test.     MX 10 mx1.pair.test.
strict.test.   MX 10 mx.shared.test.
alone.test.    MX 10 mx.shared.test.
wild.test.     MX 10 wild-test.mail.test.
each.test.     MX 10 a.each-mail.test.
both.test.     MX 10 b.each-mail.test.
macro.com.     MX 10 mx.other.test.
macro.de.      MX 10 mx.other.test.
xn--bcher-kva.test. MX 10 mx.other.test.
clear.told.test. MX 10 mx.other.test.
mx.shared.test. A 127.0.0.31
mx.other.test. A 127.0.0.32
mx1.pair.test. A 127.0.0.32
wild-test.mail.test. A 127.0.0.39
a.each-mail.test. A 127.0.0.31
b.each-mail.test. A 127.0.0.32
in.told.test.  A 127.0.0.33
Z
my %at = (shared => '127.0.0.31', other => '127.0.0.32', told => '127.0.0.33');
my %mx = map { $_ => T::Peer->listen(port => port('mx'), addr => $at{$_}, name => $_) } keys %at;
my $out = T::Run->start('sallyport-out', dns => $dns->address, expect => qr/role=facts/, conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
acct-file @dir@/acct.csv { }
spool-directory = "@dir@/spool"
workers = 1
domain-macro tld com, de
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    connection-idle-timeout = 0
    use-starttls = no
    route-deadline = 5s
    smtp-greeting-timeout = 4s
}
mx-rollup-list {
    mx mx.shared.test shared.rollup
    mx mx1.pair.test pair.rollup
    mx mx2.pair.test pair.rollup
    mx *.mail.test wild.rollup
    mx "*.each-mail.test" each.rollup rollup-by-ip
}
domain shared.rollup { ehlo-name = shared.example  max-smtp-out = 1 }
domain pair.rollup { ehlo-name = pair.example }
domain wild.rollup { ehlo-name = wild.example  smtp-hosts = "[127.0.0.33]" }
domain each.rollup { ehlo-name = each.example  max-smtp-out = 1 }
domain alone.test { disable-mx-rollup = yes  ehlo-name = alone.example }
domain set.test { smtp-hosts = mx.shared.test  ehlo-name = set.example }
domain strict.test { use-starttls = yes  require-starttls = yes  ehlo-name = strict.example }
domain macro.$tld { ehlo-name = macro.example }
domain macro.de { ehlo-name = written.example }
domain bücher.test { ehlo-name = books.example }
domain *.told.test { smtp-hosts = "in.told.test; [127.0.0.39]" }
domain clear.told.test { smtp-hosts = "" }
domain [0/0] { allow-private-destinations = no }
domain [127.0.0.32/31] { allow-private-destinations = yes  ehlo-name = literal.example }
CONF

sub ask {
    my $rcpt = shift;
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 /);
    $c->say("RCPT TO:<$rcpt>");
    return $c;
}

# The server that took it, when its RCPT was answered so.
sub served {
    my ($server, $ehlo, $rcpt, $answer) = @_;
    my $s = $server->accept;
    $s->say('220 mx ESMTP');
    $s->hear(qr/^EHLO \Q$ehlo\E$/);
    $s->say('250-mx', '250 PIPELINING');
    $s->hear(qr/^MAIL FROM/);
    $s->hear(qr/^RCPT TO:<\Q$rcpt\E>$/);
    $s->say('250 2.1.0 Ok', $answer // '250 2.1.5 Ok');
    return $s;
}

# One recipient to the end: who serves it, under which name of ours, by which rule.
sub goes {
    my ($rcpt, $server, $ehlo, $rule, $queue) = @_;
    return subtest "$rcpt: $rule" => sub {
        my $c = ask($rcpt);
        my $s = served($mx{$server}, $ehlo, $rcpt, '550 5.1.1 Nobody');
        $c->hear(qr/^550 5\.1\.1 /);
        my ($row) = spool_wait(stage_dir() . '/spool', sub { ($_->{rcpt} // '') eq $rcpt });
        utf8::encode(my $by = $row->{domainRule} // '');
        is($by, $rule, 'the rule');
        like($row->{queue}, qr{^\Q$queue\E/}, 'the queue is the domain\'s');
        $c->close;
        $s->close;
    };
}

goes('a@one.test', 'shared', 'shared.example', 'shared.rollup', 'one.test');
goes('a@two.test', 'shared', 'shared.example', 'shared.rollup', 'two.test');
goes('a@half.test', 'other', 'proxy.test', '*', 'half.test');
goes('a@alone.test', 'shared', 'alone.example', 'alone.test', 'alone.test');
goes('a@set.test', 'shared', 'set.example', 'set.test', 'set.test');
goes('a@wild.test', 'told', 'wild.example', 'wild.rollup', 'wild.test');
goes('a@macro.com', 'other', 'macro.example', 'macro.$tld', 'macro.com');
goes('a@macro.de', 'other', 'written.example', 'macro.de', 'macro.de');
goes('a@xn--bcher-kva.test', 'other', 'books.example', 'bücher.test', 'xn--bcher-kva.test');
goes('a@in.told.test', 'told', 'proxy.test', '*.told.test', 'in.told.test');
goes('a@clear.told.test', 'other', 'proxy.test', 'clear.told.test', 'clear.told.test');
goes('a@[127.0.0.33]', 'told', 'literal.example', '[127.0.0.32/31]', '[127.0.0.33]');

subtest 'an address literal that is private, by its rule' => sub {
    for my $literal ('[127.0.0.31]', '[10.0.0.1]', '[IPv6:::1]', '[IPv6:fd00::1]') {
        my $c = ask("a\@$literal");
        $c->hear(qr/^451 4\.4\.4 /);
        $c->close;
    }
    $mx{shared}->no_connection(0.2, 'nobody is called');
};

subtest 'what the domain demands of TLS is not lowered by its servers' => sub {
    my $c = ask('a@strict.test');
    my $s = $mx{shared}->accept;
    $s->say('220 mx ESMTP');
    $s->hear(qr/^EHLO strict\.example$/);
    $s->say('250 mx');
    $c->hear(qr/^451 4\.7\.4 /);
};

subtest 'connections count for the rollup' => sub {
    my $c = ask('b@one.test');
    my $s = served($mx{shared}, 'shared.example', 'b@one.test');
    $c->hear(qr/^250 /);
    my $late = ask('b@two.test');
    $late->hear(qr/^451 4\.3\.2 /);
    $mx{shared}->no_connection(0.1, 'there is but one');
    $c->close;
    $s->close;
};

subtest 'and with rollup-by-ip for each address' => sub {
    my $c = ask('b@each.test');
    my $s = served($mx{shared}, 'each.example', 'b@each.test');
    $c->hear(qr/^250 /);
    my $same = ask('c@each.test');
    my $other = ask('b@both.test');
    my $t = served($mx{other}, 'each.example', 'b@both.test');
    $other->hear(qr/^250 /);
    $same->hear(qr/^451 4\.3\.2 /);
};

all_done();

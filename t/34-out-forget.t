#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# `sallyport forget` beside a running sallyport-out: its MTA-STS policy, that it has shown TLS, and that TLS
# with its servers broke lately are forgotten at once by who holds them, and learnt anew.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Cli;
use T::DNS;
use T::Https;
use T::Peer;
use T::Run;
use T::Sink;

my $ca = T::CA->new;
my $dns = T::DNS->start(join '', map { "$_.test. MX 10 mx.$_.test.\nmx.$_.test. A 127.0.0.31\nmta-sts.$_.test. A 127.0.0.1\n"
    . "_mta-sts.$_.test. TXT \"v=STSv1; id=7;\"\n" } qw(a b));
my $https = T::Https->start(port => port('https'), ca => $ca);
sub policy ($domain, $mode, $mx) {
    return $https->serve("$domain.test", body => "version: STSv1\nmode: $mode\nmx: $mx\nmax_age: 86400\n");
}
my $sink = T::Sink->start(port => port('mx'), addr => '127.0.0.31', cert => $ca->cert('mx.a.test', names => ['mx.b.test']));
my $dir = stage_dir();
mkdir "$dir/state" or die $!;
my $conf = <<"CONF" =~ s/\@port:(\w+)\@/port($1)/ger;
state-directory = "$dir/state"
relay-listener 127.0.0.1:\@port:out\@ { }
name-server = "@{[$dns->address]}"
mta-sts-port = \@port:https\@
mta-sts-ca-file = "@{[$ca->file]}"
mta-sts-allow-private = yes
workers = 1
domain * { allow-private-destinations = yes default-smtp-port = \@port:mx\@ use-dane = off connection-idle-timeout = 0 }
domain odd.test { smtp-hosts = "[127.0.0.1]:\@port:odd\@" starttls-memory = 0 }
domain shy.test { smtp-hosts = "[127.0.0.1]:\@port:shy\@" starttls-memory = 30d }
CONF
my $file = "$dir/sallyport.conf";
open my $to, '>', $file or die "$file: $!";
print $to $conf;
close $to or die "$file: $!";
my $out = T::Run->start('sallyport-out', conf => $conf, env => {SSL_CERT_FILE => $ca->file});

sub forget ($domain) { return T::Cli::outcome('forget', file => $file, args => [$domain]) }

sub begin ($domain) {
    my $c = T::Peer->connect(port('out'), name => $domain);
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<x@x.test>' => qr/^250 /);
    $c->say("RCPT TO:<y\@$domain.test>");
    return $c;
}

sub rcpt ($domain, $answer, $why) {
    my $c = begin($domain);
    $c->hear($answer, $why);
    return $c->close;
}

my $listed = qr/^451 4\.7\.5 .*does not name this server/;
subtest 'the policy' => sub {
    policy($_, 'enforce', 'mx.other.test') for qw(a b);
    rcpt($_, $listed, "$_ is under a policy") for qw(a b);
    policy($_, 'none', 'mx.other.test') for qw(a b);
    rcpt($_, $listed, "$_: which holds though there is another") for qw(a b);
    is($https->count('a.test'), 1, 'nobody asked for that');
    my $said = forget('a.test');
    is($said->{status}, 0, 'a.test is forgotten') or diag explain $said;
    like($said->{out}, qr/^a\.test: forgotten: its MTA-STS policy/m, 'and what that was');
    rcpt('a', qr/^250 /, 'the new policy is fetched, and heeded');
    is($https->count('a.test'), 2, 'by one request');
    rcpt('b', $listed, 'another domain keeps its own');
    $out->log_like(qr/forgotten domain=a\.test/, 'and the log says so');
};

subtest 'there is no moment without a policy' => sub {
    policy('b', 'enforce', 'mx.other.test');
    is(forget('b.test')->{status}, 0);
    rcpt('b', $listed, 'the next message waits for it');
    is($https->count('b.test'), 2, 'fetched anew');
    is(forget('b.test')->{status}, 0);
    rcpt('b', $listed, 'and so does the one after that');
    is($https->count('b.test'), 3, 'fetched anew again');
};

my %far = map { $_ => T::Peer->listen(port => port($_), name => $_) } qw(odd shy);

# How the server is spoken to: 'tls' (which it breaks off, or does as it should), or 'clear'.
sub heard ($domain, %o) {
    my $c = begin($domain);
    my $how = '';
    my $s;
    while ($how !~ /clear|done/) {
        $s = $far{$domain}->accept;
        $s->say('220 odd');
        $s->hear(qr/^EHLO/);
        $s->say($o{offers} // 1 ? "250-odd\r\n250 STARTTLS" : '250 odd');
        my $line = $s->read_line // '';
        if ($line =~ /^STARTTLS/ && $o{breaks}) {
            $s->say('220 go');
            $how .= 'broken ';
            $s->close;
            next;
        }
        last if $line =~ /^(?:QUIT)?$/;
        if ($line =~ /^STARTTLS/) {
            $s->say('220 go');
            $s->start_tls(server => 1, cert => $ca->cert('odd.test'));
            $s->hear(qr/^EHLO/);
            $s->say('250 odd');
            $line = $s->hear(qr/^MAIL/);
            $how .= 'done';
        } else { $how .= 'clear' }
        $s->say('250 2.1.0 Ok');
        $s->hear(qr/^RCPT/);
        $s->say('250 2.1.5 Ok');
    }
    $how ||= 'refused';
    $c->hear($how eq 'refused' ? qr/^451 4\.7\.4 / : qr/^250 /, "$domain: $how");
    $_->close for $c, $s;
    return $how;
}

subtest 'that TLS broke' => sub {
    is(heard('odd', breaks => 1), 'broken clear', 'TLS breaks, and it goes in the clear');
    is(heard('odd', breaks => 1), 'clear', 'which is remembered');
    is(forget('odd.test')->{status}, 1, 'of that nothing is in the store');
    ok(T::Stage::wait_for(sub { heard('odd', breaks => 1) eq 'broken clear' }), 'the worker forgets, too, though it asks nothing');
};

subtest 'that it has shown TLS, and that this was told' => sub {
    is(heard('shy'), 'done', 'TLS is shown');
    is(heard('shy', offers => 0), 'refused', 'and remembered');
    forget('shy.test'); # which may not even be in the store yet
    is(heard('shy', offers => 0), 'clear', 'it goes');
    is(heard('shy'), 'done', 'TLS is shown again');
    is(heard('shy', offers => 0), 'refused', 'which is told again at once');
};
all_done();

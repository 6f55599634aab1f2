#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out towards smarthosts: implicit TLS, and logging in.
use v5.36;
use utf8;
use lib 't/lib';
use Test::More;
use T::Stage;
use MIME::Base64 qw(decode_base64 encode_base64);
use T::CA;
use T::DNS;
use T::Peer;
use T::Postfix;
use T::Run;
use T::Spool;
use T::Through;

my $ca  = T::CA->new;
my $crt = $ca->cert('relay.test');
my $dns = T::DNS->start("x.test. A 127.0.0.9\n"); # nobody asks: smtp-hosts has addresses
my %relay = map { $_ => T::Peer->listen(port => port('relay'), addr => "127.0.0.3$_", name => "relay $_") } 1, 2;
my $implicit = T::Peer->listen(port => 465, addr => '127.0.0.33', name => 'implicit');
my $secret = "p\"a\\s\x{df} \x{263a}"; # as bytes: UTF-8
utf8::encode($secret);
my $postfix;
if (!T::Postfix::why_not()) {
    $postfix = T::Postfix->start('mx', cert => $ca->cert('mx.test'), users => {alice => 'sesame'},
        services => [['plain', port('submission')], ['smtps', port('submissions')]],
        main => {smtpd_recipient_restrictions => 'permit_sasl_authenticated, reject',
            smtpd_relay_restrictions => 'permit_sasl_authenticated, reject', smtpd_tls_auth_only => 'yes'});
}

my $out = T::Run->start('sallyport-out', dns => $dns->address, ca => $ca->file, conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
acct-file @dir@/acct.csv { }
spool-directory = "@dir@/spool"
log-level = debug
workers = 1
domain * {
    default-smtp-port = @port:relay@
    connection-idle-timeout = 0
    smtp-hosts = "[127.0.0.31]"
    auth-username = "ted@x.test"
    auth-password = "p\"a\\sß ☺"
}
domain two.test { smtp-hosts = "[127.0.0.31];[127.0.0.32]" }
domain plain.test { use-starttls = no  use-unencrypted-plain-auth = yes }
domain kept.test { connection-idle-timeout = 60s }
domain other.test {
    connection-idle-timeout = 60s
    auth-username = ann
    auth-password = another
}
domain implicit.test { smtp-hosts = "[127.0.0.33]:465"  smtp-implicit-tls = yes  use-starttls = no }
domain [*.]mx.test {
    smtp-hosts = "[127.0.0.1]:@port:submission@"
    require-starttls = yes
    smtp-tls-ca-file = "@ca@"
    smtp-tls-verify = ca
    auth-username = alice@mx.test
    auth-password = sesame
}
domain s.mx.test { smtp-hosts = "[127.0.0.1]:@port:submissions@"  smtp-implicit-tls = yes }
domain wrong.mx.test { auth-username = alice@mx.test  auth-password = please }
CONF

sub hand_over {
    my ($domain) = @_;
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 /);
    $c->say("RCPT TO:<b\@$domain.test>");
    return $c;
}

sub offer {
    my ($s, @offers) = @_;
    $s->hear(qr/^EHLO proxy\.test$/);
    $s->say('250-relay', (map { "250-$_" } @offers), '250 PIPELINING');
    return $s;
}

# Greeted, and in TLS if it is offered.
sub greet {
    my ($server, $before, @within) = @_;
    my $s = $server->accept;
    $s->say('220 relay ESMTP');
    offer($s, @$before);
    return $s unless grep { $_ eq 'STARTTLS' } @$before;
    $s->starttls(server => 1, cert => $crt);
    return offer($s, @within);
}

sub plain_of { return encode_base64("\0$_[0]\0$_[1]", '') }

sub deliver {
    my ($c, $s) = @_;
    through($c, $s);
    $c->close;
}

sub unsaid {
    my ($s, $name) = @_;
    unlike(join("\n", $s->told), qr/^< (?:AUTH|MAIL|RCPT)/m, $name);
}

subtest 'PLAIN in TLS, with a password of any bytes' => sub {
    my $c = hand_over('a');
    my $s = greet($relay{1}, ['STARTTLS', 'AUTH LOGIN'], 'AUTH LOGIN PLAIN');
    my $line = $s->hear(qr/^AUTH PLAIN \S+$/);
    is(decode_base64($line =~ s/.* //r), "\0ted\@x.test\0$secret", 'what it holds');
    $s->say('235 2.7.0 Welcome');
    deliver($c, $s);
};

subtest 'LOGIN where there is no PLAIN; what was offered before TLS is forgotten' => sub {
    my $c = hand_over('a');
    my $s = greet($relay{1}, ['STARTTLS', 'AUTH PLAIN'], 'AUTH CRAM-MD5 LOGIN');
    $s->hear(qr/^AUTH LOGIN$/);
    $s->say('334 VXNlcm5hbWU6');
    is(decode_base64($s->hear(qr/^\S+$/)), 'ted@x.test');
    $s->say('334 UGFzc3dvcmQ6');
    is(decode_base64($s->hear(qr/^\S+$/)), $secret);
    $s->say('235 2.7.0 Welcome');
    deliver($c, $s);
};

subtest 'AUTH hidden in TLS: no mail without a login, but by the next server' => sub {
    my $c = hand_over('two');
    my $s = greet($relay{1}, ['STARTTLS', 'AUTH PLAIN']);
    my $next = greet($relay{2}, ['STARTTLS'], 'AUTH PLAIN');
    unsaid($s, 'nothing of the mail to the first');
    $next->hear(qr/^AUTH PLAIN /);
    $next->say('235 2.7.0 Welcome');
    deliver($c, $next);
};

subtest 'no TLS: nobody logs in, and no mail goes' => sub {
    my $c = hand_over('a');
    my $s = greet($relay{1}, ['AUTH PLAIN LOGIN']);
    $c->hear(qr/^451 4\.7\.0 Server does not offer a way to log in \[127\.0\.0\.31\]$/);
    unsaid($s, 'not a word of it');
    $c->close;
};

subtest 'use-unencrypted-plain-auth' => sub {
    my $c = hand_over('plain');
    my $s = greet($relay{1}, ['AUTH PLAIN']);
    $s->hear(qr/^AUTH PLAIN /);
    $s->say('235 2.7.0 Welcome');
    deliver($c, $s);
};

# What a server may say to our password.
my $base64 = plain_of('ted@x.test', $secret);
my %answers = (
    'refused, with the password in its words' => ["535 5.7.8 no $secret $base64", '4\.7\.8'],
    'not now'                                 => ['454 4.7.0 Later', '4\.7\.8'],
    'unknown after all'                       => ['504 5.5.4 Which?', '4\.7\.8'],
    'a question instead'                      => ['334 ', '4\.7\.8'],
    'no SMTP: a line of 8 KB'                 => ['535 ' . 'x' x 8192, '4\.5\.0'],
    'lines without end'                       => [join("\r\n", ('535-x') x 2000), '4\.5\.0'],
);
for my $name (sort keys %answers) {
    subtest "PLAIN: $name" => sub {
        my ($answer, $status) = @{$answers{$name}};
        my $c = hand_over('a');
        my $s = greet($relay{1}, ['STARTTLS'], 'AUTH PLAIN');
        $s->hear(qr/^AUTH PLAIN /);
        $s->say($answer);
        $c->hear(qr/^451 $status .*\[127\.0\.0\.31\]$/);
        unlike(join("\n", $s->told), qr/^< (?:MAIL|RCPT)/m, 'no mail');
        $c->close;
    };
}

subtest 'not now, and the next server takes it' => sub {
    my $c = hand_over('two');
    my $s = greet($relay{1}, ['STARTTLS'], 'AUTH PLAIN');
    $s->hear(qr/^AUTH PLAIN /);
    $s->say('454 4.7.0 Later');
    my $next = greet($relay{2}, ['STARTTLS'], 'AUTH PLAIN');
    $next->hear(qr/^AUTH PLAIN /);
    $next->say('235 2.7.0 Welcome');
    deliver($c, $next);
};

subtest 'LOGIN: questions without end' => sub {
    my $c = hand_over('a');
    my $s = greet($relay{1}, ['STARTTLS'], 'AUTH LOGIN');
    $s->hear(qr/^AUTH LOGIN$/);
    $s->say('334 ');
    $s->hear(qr/^\S+$/), $s->say('334 ') for 1, 2;
    $c->hear(qr/^451 4\.7\.8 /);
    $s->hear_close;
    $c->close;
};

subtest 'a connection that is kept belongs to its login' => sub {
    my $c = hand_over('kept');
    my $s = greet($relay{1}, ['STARTTLS'], 'AUTH PLAIN');
    $s->hear(qr/^AUTH PLAIN \Q$base64\E$/);
    $s->say('235 2.7.0 Welcome');
    deliver($c, $s);
    $c = hand_over('kept');
    deliver($c, $s);
    $c = hand_over('other');
    my $other = greet($relay{1}, ['STARTTLS'], 'AUTH PLAIN');
    is($other->hear(qr/^AUTH PLAIN/), 'AUTH PLAIN ' . plain_of('ann', 'another'));
    $other->say('235 2.7.0 Welcome');
    deliver($c, $other);
    $s->hear_nothing(0.2, 'nothing on the first');
};

for my $version ('TLSv1_2', 'TLSv1_3') {
    subtest "implicit TLS, $version: the greeting is inside" => sub {
        my $c = hand_over('implicit');
        my $s = $implicit->accept;
        $s->start_tls(server => 1, cert => $crt, version => $version);
        $s->say('220 relay ESMTP');
        offer($s, 'AUTH PLAIN', 'STARTTLS');
        $s->hear(qr/^AUTH PLAIN /, 'and no second STARTTLS');
        $s->say('235 2.7.0 Welcome');
        deliver($c, $s);
    };
}

subtest 'implicit TLS: never without, whatever comes' => sub {
    for my $answer ("220 relay ESMTP\r\n", "\x15\x03\x01\x00\x02\x02\x28") {
        my $c = hand_over('implicit');
        my $s = $implicit->accept;
        $s->hear_bytes(1);
        $s->send($answer);
        $c->hear(qr/^451 4\.7\.5 TLS handshake failed \[127\.0\.0\.33\]$/);
        $implicit->no_connection(0.2, 'no second one, in the clear');
        $c->close;
    }
    my ($row) = spool_wait(stage_dir() . '/spool', sub { $_->{rcpt} eq 'b@implicit.test' && $_->{type} eq 't' && $_->{do} eq 'row' });
    is($row->{dlvTlsPolicy}, 'encrypt');
    is($row->{dlvTlsPolicyResult}, 'failed');
};

SKIP: {
    skip T::Postfix::why_not(), 1 unless $postfix;
    subtest 'a real Postfix, by STARTTLS and by implicit TLS' => sub {
        for my $domain ('mx', 's.mx') {
            my $c = hand_over($domain);
            $c->hear(qr/^250 2\.1\.5 Ok \[127\.0\.0\.1\]$/);
            $c->talk('DATA' => qr/^354 /);
            $c->send("Subject: x\r\n\r\nHello.\r\n.\r\n");
            $c->hear(qr/^250 2\.0\.0 Ok: queued as /);
            $c->close;
            $postfix->log_like(qr/sasl_method=PLAIN, sasl_username=alice\@mx\.test/);
        }
        my $c = hand_over('wrong.mx');
        $c->hear(qr/^451 4\.7\.8 /);
        $c->close;
        $postfix->log_like(qr/SASL PLAIN authentication failed/);
    };
}

subtest 'the password is told to nobody' => sub {
    my @told = map { open my $in, '<:raw', $_ or die "$_: $!"; local $/; <$in> } $out->{log}, glob(stage_dir() . '/spool/*');
    ok(@told > 1, 'log and spool were read');
    like($told[0], qr/not-reached .*auth-refused.*said="535 5\.7\.8"/, 'the log says what was answered, without its words');
    for my $word ($secret, 'another', $base64, plain_of('ann', 'another'), encode_base64($secret, '')) {
        ok(!(grep { index($_, $word) >= 0 } @told), 'nowhere');
    }
};

all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out with hand-over = transport-map: what Postfix is told, and that it is true.
use v5.36;
use lib 't/lib';
use Test::More;
use IO::Socket::UNIX;
use T::Stage;
use T::Peer;
use T::Run;

my $out = T::Run->start('sallyport-out', expect => qr/child-died/, conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ {
    hand-over = transport-map
    map = "127.0.0.1:@port:map@"
    local-domains = {home.test}
}
relay-listener 127.0.0.1:@port:out6@ {
    hand-over = transport-map
    map = "[::1]:@port:map6@"
    local-domains = {other.test}
}
relay-listener 127.0.0.1:@port:path@ {
    hand-over = transport-map
    map = unix:@dir@/map
    socket-mode = 0600
    allow = 192.0.2.1
}
name-server = "127.0.0.1@1"
workers = 2
CONF

my $c = T::Peer->connect(port('map'), name => 'postfix');

sub frame { my $text = shift; return length($text) . ":$text," }

sub asked {
    my ($question, $peer) = @_;
    $peer //= $c;
    $peer->send(frame($question));
    $peer->{in} =~ /,\z/ or $peer->fill_until(sub { $_[0] =~ /\A\d+:[^,]*,\z/ });
    my ($answer) = $peer->{in} =~ /\A\d+:([^,]*),\z/;
    $peer->{in} = '';
    return $answer // 'nothing';
}

my %to;
for my $domain (qw(a.test b.test)) {
    my $answer = asked("transport user\@$domain");
    like($answer, qr/^OK smtp:\[127\.\d+\.\d+\.\d+\]:@{[port('out')]}$/, $answer);
    ($to{$domain}) = $answer =~ /\[(.*?)\]/;
    is(asked("transport other\@\U$domain"), $answer, 'the same for the whole domain');
    my $mta = T::Peer->connect(port('out'), to => $to{$domain});
    $mta->hear(qr/^220 /, 'somebody is there');
    $mta->close;
}
isnt($to{'a.test'}, $to{'b.test'}, 'domains are told apart');
is(asked($_), 'NOTFOUND ', $_) for 'transport *', 'transport root', 'transport u@home.test';

subtest 'questions that come in pieces, and several at once' => sub {
    my $p = T::Peer->connect(port('map'));
    my $text = frame('transport u@a.test');
    $p->send($_), select undef, undef, undef, 0.001 for split //, $text;
    $p->hear_bytes(length frame("OK smtp:[$to{'a.test'}]:" . port('out')));
    $p->send($text x 50);
    my $all = $p->hear_bytes(50 * length frame("OK smtp:[$to{'a.test'}]:" . port('out')));
    is(() = $all =~ /\Q$to{'a.test'}\E/g, 50, 'all are answered');
};

subtest 'who does not speak netstrings, or too much, is hung up on' => sub {
    for my $bytes ("GET / HTTP/1.0\r\n\r\n", '99999:', '5:hello;') {
        my $p = T::Peer->connect(port('map'));
        $p->send($bytes);
        $p->hear_close;
    }
    is(asked('transport u@home.test'), 'NOTFOUND ', 'the others are served');
};

subtest 'another map, by IPv6, has domains and a port of its own' => sub {
    my $six = T::Peer->connect(port('map6'), to => '::1');
    like(asked('transport u@home.test', $six), qr/^OK smtp:\[.*\]:@{[port('out6')]}$/);
    is(asked('transport u@other.test', $six), 'NOTFOUND ');
    like(asked('transport u@other.test'), qr/^OK smtp:\[.*\]:@{[port('out')]}$/);
};

subtest 'and one at a unix socket, where it is for its mode to say who may ask' => sub {
    my $path = stage_dir() . '/map';
    is((stat $path)[2] & 0777, 0600, 'socket-mode');
    like(asked('transport u@a.test', T::Peer->wrap(IO::Socket::UNIX->new(Peer => $path), 'postfix')), qr/^OK smtp:\[\Q$to{'a.test'}\E\]:@{[port('path')]}$/);
};

# Else Postfix would deliver it by itself, whatever our rules are.
subtest 'what is no name comes to us, to be refused' => sub {
    for my $domain ('b..test', '', 'a b', "\xff.test") {
        my ($to) = asked("transport u\@$domain") =~ /^OK smtp:\[(.*?)\]/ or return fail("'$domain' has an address");
        my $mta = T::Peer->connect(port('out'), to => $to);
        $mta->hear(qr/^220 /);
        $mta->talk('EHLO mta.test' => qr/^250/, 'MAIL FROM:<a@a.test>' => qr/^250/, "RCPT TO:<u\@$domain>" => qr/^5\d\d /);
        $mta->close;
    }
};

subtest 'the address is only for Postfix to tell domains apart' => sub {
    my $mta = T::Peer->connect(port('out'), to => $to{'a.test'});
    $mta->hear(qr/^220 /);
    $mta->talk('EHLO mta.test' => qr/^250/, 'MAIL FROM:<a@a.test>' => qr/^250/, 'RCPT TO:<u@[127.0.0.1]>' => qr/^451 4\.4\.4 .*private/);
    $mta->close;
};

subtest 'killed and reloaded' => sub {
    my $answer = asked('transport u@a.test', my $p = T::Peer->connect(port('map')));
    my @workers = $out->children_of('worker');
    kill 'KILL', @workers;
    $p->hear_close;
    $out->log_like(qr/child-died .*role=worker/) for @workers;
    T::Stage::wait_for(sub { $out->children_of('worker') == 2 });
    is(asked('transport u@a.test', T::Peer->connect(port('map'))), $answer, 'the same after a crash');
    $out->signal('HUP');
    $out->log_like(qr/ reloaded generation=2/);
    is(asked('transport u@a.test', T::Peer->connect(port('map'))), $answer, 'and after a reload');
    like(asked('transport u@a.test', T::Peer->wrap(IO::Socket::UNIX->new(Peer => stage_dir() . '/map'), 'postfix')), qr/^OK /, 'at the path, too');
};

all_done();

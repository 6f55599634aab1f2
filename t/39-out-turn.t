#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out: sessions that have something to do in the same round of the loop: the worker stands
# still while their clients and servers speak, and then finds it all at once (net/turn.h).
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::DNS;
use T::Peer;
use T::Run;

my $crt = T::CA->new->cert('mx.test');
my $dns = T::DNS->start("a.test. MX 10 mx.test.\ntls.test. MX 10 mx.test.\nmx.test. A 127.0.0.41\n");
my $mx  = T::Peer->listen(port => port('mx'), addr => '127.0.0.41', name => 'mx');
my $out = T::Run->start('sallyport-out', dns => $dns->address, conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
workers = 1
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    use-starttls = no
    connection-idle-timeout = 60s
}
domain tls.test { use-starttls = yes  require-starttls = yes }
CONF

sub at_once { return $out->at_once(@_) }

sub pair {
    my ($domain) = @_;
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/, 'MAIL FROM:<a@a.test>' => qr/^250 /);
    $c->say("RCPT TO:<u\@$domain>");
    my $s = $mx->accept;
    $s->say('220 mx ESMTP');
    $s->hear(qr/^EHLO /);
    $s->say('250-mx', ($domain =~ /tls/ ? '250-STARTTLS' : ()), '250 PIPELINING');
    if ($domain =~ /tls/) {
        $s->starttls(server => 1, cert => $crt);
        $s->hear(qr/^EHLO /);
        $s->say('250-mx', '250 PIPELINING');
    }
    $s->hear($_) for qr/^MAIL FROM:<a\@a\.test>$/, qr/^RCPT TO:<u\@\Q$domain\E>$/;
    return [$c, $s];
}

sub each_of {
    my ($do, @pairs) = @_;
    $do->(@{$pairs[$_]}, $_) for 0 .. $#pairs;
    return;
}

for my $domain ('a.test', 'tls.test') {
    subtest "messages of four to $domain" => sub {
        my @pairs = map { pair($domain) } 1 .. 4;
        for my $round (1, 2) {
            if ($round == 2) {
                at_once(sub { each_of(sub { $_[0]->say('MAIL FROM:<a@a.test>', "RCPT TO:<u\@$domain>") }, @pairs) });
                each_of(sub { $_[1]->hear($_) for qr/^MAIL/, qr/^RCPT/ }, @pairs);
            }
            at_once(sub { each_of(sub { $_[1]->say('250 m', '250 r') }, @pairs) });
            each_of(sub { $_[0]->hear(qr/^250 /) for 1 .. $round }, @pairs);
            at_once(sub { each_of(sub { $_[0]->say('DATA') }, @pairs) });
            each_of(sub { $_[1]->hear(qr/^DATA/) }, @pairs);
            at_once(sub { each_of(sub { $_[1]->say('354 go') }, @pairs) });
            each_of(sub { $_[0]->hear(qr/^354/) }, @pairs);
            my @text = map { "$_ of $round\r\n" x 10**$_ } 0 .. 3;
            at_once(sub { each_of(sub { $_[0]->send("$text[$_[2]].\r\n") }, @pairs) });
            # The second goes by whichever connection was kept.
            is_deeply([sort map { $_->[1]->hear_body } @pairs], [sort @text], 'the messages');
            each_of(sub { $_[0]->hear_nothing(0.05, 'no answer before there is one') }, @pairs);
            at_once(sub { each_of(sub { $_[1]->say("250 t$_[2]") }, @pairs) });
            each_of(sub { $_[0]->hear(qr/^250 /) }, @pairs);
        }
        at_once(sub { each_of(sub { $_[0]->say('QUIT') }, @pairs) });
        each_of(sub { $_[0]->hear(qr/^221 /); $_[0]->hear_close }, @pairs);
        each_of(sub { $_[1]->hear_nothing(0.05, 'its connection is kept'); $_[1]->close }, @pairs);
    };

    # What a connection is let go with must leave it at once, too.
    subtest "ends beside each other to $domain" => sub {
        my ($resets, $leaves, $breaks, $loses, $stays) = my @pairs = map { pair($domain) } 1 .. 5;
        each_of(sub { $_[1]->say('250 m', '250 r'); $_[0]->hear(qr/^250 /) }, @pairs);
        at_once(sub {
            $resets->[0]->say('RSET');
            $leaves->[0]->say('QUIT');
            $leaves->[0]->half_close;
            $breaks->[0]->reset;
            $loses->[1]->say('421 4.3.2 going');
            $loses->[1]->close;
            $stays->[0]->say('DATA');
        });
        $resets->[0]->hear(qr/^250 /);
        $resets->[1]->hear(qr/^RSET/);
        $leaves->[0]->hear(qr/^221 /);
        $leaves->[0]->hear_close;
        $_->[1]->hear(qr/^RSET|^QUIT/) for $leaves, $breaks;
        $loses->[0]->talk(DATA => qr/^4\d\d /);
        $stays->[1]->hear(qr/^DATA/);
        $stays->[1]->say('354 go');
        $stays->[0]->hear(qr/^354/);
        $_->close for map { @$_ } $resets, $leaves, $stays;
        $_->close for $breaks->[1], $loses->[0];
    };
}

$out->stop;
done_testing;

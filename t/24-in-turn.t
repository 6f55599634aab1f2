#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Sessions that have something to do in the same round of the loop: the worker stands still while
# their clients and mail servers speak, and then finds it all at once (net/turn.h).
use v5.36;
use lib 't/lib';
use Test::More;
use IO::Select;
use Socket;
use T::Stage;
use T::CA;
use T::Peer;
use T::Run;
use T::Sink;

my $ca  = T::CA->new;
my $mta = T::Peer->listen(port => port('mta'), name => 'mta');
my $in  = T::Run->start('sallyport-in', cert => $ca->cert('mx.test')->{pem}, conf => <<'CONF');
smtp-listener 127.0.0.1:@port:in@ { }
smtp-listener 127.0.0.1:@port:starttls@ { source = starttls }
smtp-listener 127.0.0.1:@port:tls@ { tls = yes }
smtp-server-tls-certificate = {"@cert@", ""}
backend mta { server = 127.0.0.1:@port:mta@ check-interval = 0 connect-at = ehlo mail-at = mail }
source starttls { allow-starttls = yes }
workers = 1
CONF

sub at_once { return $in->at_once(@_) }

# The mail server's side comes back.
sub introduced {
    my ($c) = @_;
    $c->say('EHLO c.test');
    my $s = $mta->accept(head => 1);
    $s->say('220 mta.test');
    $s->hear(qr/^EHLO/);
    $s->say('250-mta.test', '250 PIPELINING');
    $c->hear(qr/^250/);
    return $s;
}

sub pair {
    my ($port, %o) = @_;
    my $c = T::Peer->connect(port($port), %o);
    $c->hear(qr/^220 /);
    return [$c, introduced($c)];
}

sub pairs {
    my ($count, $port, %o) = @_;
    return map { pair($port, %o) } 1 .. $count;
}

sub each_of {
    my ($do, @pairs) = @_;
    $do->(@{$pairs[$_]}, $_) for 0 .. $#pairs;
    return;
}

my %ways = (in => {}, tls => {tls => {}});

for my $way (sort keys %ways) {
    subtest "messages of five ($way)" => sub {
        my @pairs = pairs(5, $way, %{$ways{$way}});
        for my $round (1, 2) {
            at_once(sub { each_of(sub { $_[0]->say("MAIL FROM:<$_[2]\@a.test>", "RCPT TO:<$round\@b.test>", 'DATA') }, @pairs) });
            each_of(sub { $_[1]->hear($_) for qr/^MAIL FROM:<$_[2]\@a\.test>/, qr/^RCPT TO:<$round\@b\.test>/, qr/^DATA/ }, @pairs);
            at_once(sub { each_of(sub { $_[1]->say('250 m', "250 r$_[2]", '354 go') }, @pairs) });
            each_of(sub { $_[0]->hear($_) for qr/^250 m/, qr/^250 r$_[2]/, qr/^354/ }, @pairs);
            my @text = map { join '', map { "$_ of $round " . 'x' x 60 . "\r\n" } 1 .. 10**$_ } 0 .. 4;
            at_once(sub { each_of(sub { $_[0]->send_some("$text[$_[2]].\r\n", 0.2) == length "$text[$_[2]].\r\n" or $_[2] == 4 or fail('it takes all that is small') }, @pairs[0 .. 3]) });
            $pairs[4][0]->send("$text[4].\r\n");
            each_of(sub { is($_[1]->hear_body, $text[$_[2]], 'the message') }, @pairs);
            at_once(sub { each_of(sub { $_[1]->say("250 t$_[2]") }, @pairs) });
            each_of(sub { $_[0]->hear(qr/^250 t$_[2]/) }, @pairs);
        }
        at_once(sub { each_of(sub { $_[0]->say('QUIT') }, @pairs) });
        each_of(sub { $_[0]->hear(qr/^221 /); $_[0]->hear_close }, @pairs);
    };

    subtest "ends beside each other ($way)" => sub {
        my @pairs = pairs(5, $way, %{$ways{$way}});
        my ($quits, $leaves, $resets, $loses, $stays) = @pairs;
        $loses->[0]->say('MAIL FROM:<a@a.test>');
        $loses->[1]->hear(qr/^MAIL/);
        at_once(sub {
            $quits->[0]->say('EHLO c.test', 'QUIT');
            $leaves->[0]->say('EHLO c.test');
            $leaves->[0]{tls} ? $leaves->[0]{socket}->stop_SSL(SSL_no_shutdown => 0, SSL_fast_shutdown => 1) : $leaves->[0]->half_close;
            $resets->[0]->reset;
            $loses->[1]->say('421 4.3.2 going');
            $loses->[1]->close;
            $stays->[0]->say('MAIL FROM:<a@a.test>');
        });
        $quits->[0]->hear(qr/^250-/);
        $quits->[0]->hear(qr/^221 /);
        $quits->[0]->hear_close;
        if ($way eq 'in') {
            $leaves->[0]->hear(qr/^250-/, 'who says no more is answered all the same');
            $leaves->[0]->hear_close;
        }
        $loses->[0]->hear(qr/^421 /);
        $stays->[1]->hear(qr/^MAIL/);
        $stays->[1]->say('250 Ok');
        $stays->[0]->hear(qr/^250 /);
        $_->[1]->hear(qr/^QUIT/, 'the mail server hears it') for $quits;
        $_->[1]->hear_close for $resets, $leaves;
        $_->close for @$stays, $loses->[0];
    };
}

subtest 'STARTTLS' => sub {
    # What is offered before TLS is known from those who came before.
    my @all = map { my $c = T::Peer->connect(port('starttls')); $c->hear(qr/^220 /); $c->talk('EHLO c.test' => qr/^250-/); $c } 1 .. 3;
    my ($hasty, @well) = @all;
    at_once(sub { $_->say('STARTTLS') for @well; $hasty->say('STARTTLS', 'MAIL FROM:<a@a.test>') });
    for (@well) {
        $_->hear(qr/^220 /);
        ok($_->start_tls, 'the handshake');
        introduced($_)->close;
    }
    like($hasty->read_reply, qr/^(?:5\d\d|421) /, 'what comes behind it in the same breath is refused');
    $_->close for @all;
};

# RFC 8446, 6.2: who ends TLS for a fault says which.
subtest 'an alert' => sub {
    my @pairs = pairs(2, 'tls', tls => {});
    my ($raw) = $pairs[0][0]{socket};
    open my $wire, '+<&', fileno $raw or die "dup: $!";
    at_once(sub {
        syswrite $wire, "\x17\x03\x03\x00\x20" . 'x' x 32;
        $pairs[1][0]->say('EHLO c.test');
    });
    $pairs[1][0]->hear(qr/^250/);
    my $heard = '';
    while (IO::Select->new($wire)->can_read(5)) { sysread $wire, $heard, 4096, length $heard or last }
    # In TLS 1.3 a record of 19 bytes, in which there are two and their kind.
    like($heard, qr/\A(?:.*)\x17\x03\x03\x00\x13.{19}\z/s, 'it is the last that comes');
    $_->close for map { @$_ } @pairs;
};

$in->stop;

# Who says no more hears the rest, be it that his socket is full when the turn is over.
subtest 'slow readers' => sub {
    plan skip_all => 'needs a network of its own' unless -w '/proc/sys/net/ipv4/tcp_wmem' && T::Stage::is_root();
    open my $small, '>', '/proc/sys/net/ipv4/tcp_wmem' or die $!;
    print $small "4096 8192 8192\n";
    close $small or die $!;
    my $long = '250-2.1.5 ' . 'y' x 400 . "\r\n"; # so that 51 to 54 of them fill the sockets
    my $sink = T::Sink->start(port => port('sink'), head => 1, keywords => ['PIPELINING'], replies => [qr/^RCPT/ => $long x 4 . '250 2.1.5 Ok ' . 'x' x 400]);
    my $in = T::Run->start('sallyport-in', cert => $ca->cert('mx.test')->{pem}, conf => <<'CONF');
smtp-listener 127.0.0.1:@port:slow@ { }
smtp-listener 127.0.0.1:@port:slow-tls@ { tls = yes }
smtp-server-tls-certificate = {"@cert@", ""}
backend mta { server = "127.0.0.1:@port:sink@" }
workers = 1
CONF
    my @all;
    for my $i (1 .. 80) {
        socket my $c, AF_INET, SOCK_STREAM, 0 or die "socket: $!";
        setsockopt $c, SOL_SOCKET, SO_RCVBUF, 4096; # before it connects: the window is small then
        connect $c, pack_sockaddr_in(port('slow'), inet_aton('127.0.0.1')) or die "connect: $!";
        push @all, {socket => $c, heard => '', rcpt => 50 + $i % 5, quits => $i > 40};
    }
    for my $line ('', "EHLO c.test\r\n") {
        for my $c (@all) { syswrite $c->{socket}, $line if $line }
        for my $c (@all) { sysread $c->{socket}, my $answer, 1000 }
    }
    for my $c (@all) {
        syswrite $c->{socket}, "MAIL FROM:<a\@a.test>\r\n" . join '', map { "RCPT TO:<$_\@b.test>\r\n" } 1 .. $c->{rcpt};
        $c->{quits} ? syswrite $c->{socket}, "QUIT\r\n" : shutdown $c->{socket}, 1;
    }
    sleep 2; # until all that fits is in the sockets
    my %by = map { $_->{socket} => $_ } @all;
    my $open = IO::Select->new(map { $_->{socket} } @all);
    my $until = T::Stage::now() + 90;
    while ($open->count && T::Stage::now() < $until) {
        for my $c (map { $by{$_} } $open->can_read(0.5)) {
            sysread $c->{socket}, $c->{heard}, 300, length $c->{heard} or $open->remove($c->{socket});
        }
    }
    is(join(' ', map { scalar(() = $_->{heard} =~ /^250 2\.1\.5 Ok x{400}\r$/mg) } @all), join(' ', map { $_->{rcpt} } @all), 'each hears all its replies');
    is(scalar(grep { $_->{heard} =~ /^221 .*\n\z/m } @all), 40, 'and who says so a farewell');

    # What he still says when we have closed would reset the connection, and what he has not heard is lost.
    for my $way (qw(slow slow-tls)) {
        socket my $socket, AF_INET, SOCK_STREAM, 0 or die "socket: $!";
        setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 4096;
        connect $socket, pack_sockaddr_in(port($way), inet_aton('127.0.0.1')) or die "connect: $!";
        my $c = T::Peer->wrap(IO::Socket::INET->new_from_fd($socket, '+<'), $way);
        $c->start_tls if $way eq 'slow-tls';
        $c->hear(qr/^220 /);
        $c->talk('EHLO c.test' => qr/^250/);
        $c->say('MAIL FROM:<a@a.test>', (map { "RCPT TO:<$_\@b.test>" } 1 .. 20), 'QUIT');
        sleep 1; # until all is answered and waits
        $way eq 'slow' ? $c->say('') : Net::SSLeay::shutdown($c->{socket}->_get_ssl_object); # close_notify
        sleep 1;
        $c->hear(qr/^250 /);
        $c->hear(qr/^250 2\.1\.5 Ok x{400}$/m) for 1 .. 20;
        $c->hear(qr/^221 /, "$way: who says more than QUIT hears all, too");
        $c->close;
    }
    $in->stop;
    $sink->stop;
};

done_testing;

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# SMTP smuggling: whatever a client takes for the end of a message, no mail server behind us ever
# makes two of one. All mixes of line ends around a dot, each with a whole transaction behind it.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Debian qw(exim opensmtpd sendmail);
use T::Stage;
use T::Exim;
use T::Mta;
use T::OpenSMTPD;
use T::Peer;
use T::Postfix;
use T::Run;
use T::Sendmail;

T::Mta->or_skip_all;

# What ends a line, for somebody: all of it before and behind a dot, and the likely ones around what
# somebody may take for a dot.
my @likely = ("\n", "\r", "\r\n", "\r\r\n", "\0", '');
my @ends = (@likely, "\n\r", "\r\r", "\n\n", "\r\n\n", "\0\n", "\r\0\n", "\r\n\0", "\0\r\n", "\x0b", "\x0c", "\x85", " \r\n");
my %seen;
my @variants = grep { !$seen{$_}++ && !/\r\n\.\r\n/ } around('.', @ends), around('..', @likely), around(".\0", @likely), around("\0.", @likely);

sub around {
    my ($dot, @all) = @_;
    return map { my $before = $_; map { "$before$dot$_" } @all } @all;
}

sub is_bare { return scalar($_[0] =~ s/\r\n//gr =~ /[\r\n\0]/) }
sub shown { return $_[0] =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger }

# A message with the variant in it, and behind it what a smuggler wants to be heard. A part of them
# has the variant across the border of a buffer, and all come in two pieces.
sub message {
    my ($mode, $number) = @_;
    my $variant = $variants[$number];
    my $head = "Subject: $number\r\n\r\n";
    my $room = $number % 3 ? 0 : 16384 - length($head) - $number % 5;
    $head .= ('x' x 70 . "\r\n") x ($room / 72) . 'y' x ($room % 72 + 1);
    my $smuggled = "MAIL FROM:<second-$mode-$number\@x.test>\r\nRCPT TO:<b\@mx.test>\r\nDATA\r\nSubject: 2\r\n\r\nsmuggled\r\n.\r\nQUIT\r\n";
    my $cut = length($head) + int(length($variant) / 2);
    my $whole = $head . $variant . $smuggled;
    return (substr($whole, 0, $cut), substr $whole, $cut);
}

# A bare CR at the end of the first piece.
sub is_torn { return $_[0] =~ /\r\z/ && $_[1] !~ /\A\n/ || 0 }

# What is said from the message on, to the end of the session.
sub send_variant {
    my ($port, $mode, $number) = @_;
    my $c = T::Peer->connect($port, from => '127.0.0.5');
    $c->read_reply;
    $c->send("EHLO c.test\r\n");
    $c->read_reply;
    my ($some, $rest) = message($mode, $number);
    $c->send("MAIL FROM:<first-$mode-$number\@x.test>\r\nRCPT TO:<b\@mx.test>\r\n");
    $c->read_reply for 1, 2;
    if ($mode =~ /chunks/) {
        $some = 'BDAT ' . length($some) . "\r\n$some";
        $rest = 'BDAT ' . length($rest) . " LAST\r\n${rest}QUIT\r\n";
    } else {
        $c->send("DATA\r\n");
        $c->read_reply;
    }
    $c->send($some);
    $c->send_some($rest, $T::Stage::PATIENCE); # it may have closed
    $c->fill_until(sub { 0 });
    return $c->{in};
}

# In chunks (BDAT) even CRLF.CRLF ends nothing, and some of all will do.
sub numbers { return grep { $_[0] !~ /chunks/ || $_ % 4 == 0 } 0 .. $#variants }
sub port_of { return port($_[0] =~ s/-chunks//r . "-$_[1]") }

# All of them to one port, in a process of its own: the answers are in the file, one a line.
sub send_all {
    my ($port, $mode) = @_;
    my $file = stage_dir() . "/answers-$port";
    my $pid = fork // die "fork: $!";
    return ($pid, $file) if $pid;
    open my $out, '>', $file;
    for my $number (numbers($mode)) {
        print $out send_variant($port, $mode, $number) =~ s/\r?\n/ /gr . "\n";
    }
    close $out;
    require POSIX;
    POSIX::_exit(0);
}

# How many of each the server took, by sender. What was sent last shows that its log is whole.
sub taken {
    my ($mta, $mode, $port) = @_;
    my $c = T::Peer->connect($port, from => '127.0.0.5');
    $c->hear(qr/^220/);
    $c->talk('EHLO c.test' => qr/^250/);
    $c->mail(from => "last-$mode\@x.test", rcpt => 'b@mx.test');
    $c->talk('QUIT' => qr/^221/);
    T::Stage::wait_for(sub { grep { ($_->{from} // '') eq "last-$mode\@x.test" } $mta->taken });
    my %count;
    $count{$_->{from} =~ s/\@.*//r}++ for $mta->taken;
    return \%count;
}

my %plain = map { $_ => port("plain-$_") } qw(Exim OpenSMTPD Postfix Sendmail);
my %behind = (%plain, map { $_ => port("behind-$_") } qw(OpenSMTPD Postfix));
my %mta = (
    Exim => T::Exim->start('exim', port => $plain{Exim}, conf => "hosts_proxy = 127.0.0.77\n"),
    OpenSMTPD => T::OpenSMTPD->start('opensmtpd', port => $plain{OpenSMTPD}, conf => "listen on 127.0.0.1 port $behind{OpenSMTPD} proxy-v2\n"),
    Postfix => T::Postfix->start('mx', services => [['plain', $plain{Postfix}], ['haproxy', $behind{Postfix}]]),
    Sendmail => T::Sendmail->start('sendmail', port => $plain{Sendmail}, access => "Connect:127.0.0.77 OK\n"),
);
my $conf = "workers = 2\nsource lenient { smtp-bare-newline = normalize }\n";
for my $name (sort keys %mta) {
    my $identity = $name eq 'Sendmail' ? 'none' : 'proxy-v2';
    $conf .= "smtp-listener 127.0.0.1:" . port("reject-$name") . " { backend = $name }\n"
        . "smtp-listener 127.0.0.1:" . port("normalize-$name") . " { backend = $name source = lenient }\n"
        . "backend $name { server = \"127.0.0.1:$behind{$name}\" identity = $identity backend-source = 127.0.0.77 }\n";
}

my $in = T::Run->start('sallyport-in', conf => $conf);

# Sends all to the servers named; by name, what became of them: {number, shown, first, second, answer}.
sub outcomes {
    my ($mode, @names) = @_;
    my %sent = map { $_ => [send_all(port_of($mode, $_), $mode)] } @names;
    waitpid $_->[0], 0 for values %sent;
    my %outcomes;
    for my $name (@names) {
        open my $answers, '<', $sent{$name}[1] or die "$sent{$name}[1]: $!";
        my @answers = <$answers>;
        is(scalar @answers, scalar numbers($mode), "$name: all were sent ($mode)");
        my $count = taken($mta{$name}, $mode, port_of($mode, $name));
        $outcomes{$name} = [map { {
            shown => shown($variants[$_]), bare => is_bare($variants[$_]), answer => shift @answers,
            torn => is_torn(message($mode, $_)), first => $count->{"first-$mode-$_"} // 0, second => $count->{"second-$mode-$_"} // 0,
        } } numbers($mode)];
    }
    return \%outcomes;
}

sub none_is {
    my ($like, $outcomes, $name) = @_;
    my @bad = grep { $like->($_) } @$outcomes;
    ok(!@bad, $name) or diag(map { "$_->{shown}: $_->{first} and $_->{second} messages, heard $_->{answer}" } @bad[0 .. ($#bad < 9 ? $#bad : 9)]);
    return;
}

cmp_ok(scalar @variants, '>', 350, 'there is a matrix');

# Else this test could not fail: Postfix 3.7, as it is by default, takes two messages by many of them.
my @smuggled = grep { $_->{second} } @{outcomes('plain', 'Postfix')->{Postfix}};
cmp_ok(scalar @smuggled, '>', 40, 'without us they work: ' . @smuggled . ' of them with Postfix');

my @all = sort keys %mta;
my @chunking = qw(Exim Postfix);
for my $way (['reject', @all], ['normalize', @all], ['reject-chunks', @chunking], ['normalize-chunks', @chunking]) {
    my ($mode, @names) = @$way;
    my $outcomes = outcomes($mode, @names);
    for my $name (@names) {
        my $all = $outcomes->{$name};
        none_is(sub { $_->{second} }, $all, "$name, $mode: never two messages of one");
        none_is(sub { !$_->{bare} && $_->{first} != 1 }, $all, "$name, $mode: what has no bare CR, LF or NUL is one message");
        # The server has the end of a chunk before the next comes: a CR there is too late to mend.
        my $refuses = sub { $mode =~ /reject/ || $mode =~ /chunks/ && $_->{torn} };
        none_is(sub { $_->{bare} && ($refuses->() ? $_->{first} || $_->{answer} !~ /550 5\.6\.11/ : $_->{first} != 1) }, $all,
            $mode =~ /reject/ ? "$name, $mode: all others are refused" : "$name, $mode: all others are one message, too");
    }
}
all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The dialogues of t/dialog/out-*.dlg over real sockets; t/unit/out-dialog.c plays them in process.
# Their rows are looked at there.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::DNS;
use T::Dialog;
use T::Peer;
use T::Run;

# What only a player inside of the process can do.
my $inside = qr/^!(?:ids|none|lost|again|foreign|disk|lmtp|takes)\b|^!server .*\b(?:kept|secure)\b/;
my %at = ('mx.b.test' => '127.0.0.51', 'mx1.b.test' => '127.0.0.51', 'mx2.b.test' => '127.0.0.52');
my $dns = T::DNS->start(join '', map { "$_. A $at{$_}\n" } sort keys %at);
my %mx  = map { $_ => T::Peer->listen(port => port('mx'), addr => $_, name => $_) } qw(127.0.0.51 127.0.0.52);

sub answer {
    my ($name, @words) = @_;
    my $s = $mx{$at{$name}}->accept;
    $s->say("220 $name ESMTP");
    $s->hear(qr/^EHLO out\.test/);
    my @reply = ($name, map { tr/_/ /r } grep { $_ ne 'more' } @words);
    $s->say(map { ($_ == $#reply ? '250 ' : '250-') . $reply[$_] } 0 .. $#reply);
    return $s;
}

sub play {
    my @lines = @_;
    my $c = T::Peer->connect(port('out'), name => 'mta');
    my @served;
    while (defined(my $line = shift @lines)) {
        if ($line =~ /^!/) {
            push @served, answer($1, split ' ', $2 // '') if $line =~ /^!server (\S+) \S+ ?(.*)/;
            $c->hear_close if $line eq '!ended';
            # Else what follows could be heard first.
            $served[-1]->hear_close if $line eq '!left spent' && grep { /^c>/ } @lines;
            next;
        }
        my ($mark, $text) = $line =~ /^([cs][<>=]) ?(.*)/s or die "what is '$line'?";
        my $side = $mark =~ /^c/ ? $c : $served[-1];
        $text =~ s/\b192\.0\.2\.([12])\b/127.0.0.5$1/g;
        if ($mark =~ /</) {
            is($side->read_line, $text, $line);
            next;
        }
        $side->send(dialog_said($line, \@lines));
    }
    $_->close for $c, @served;
}

my $played = 0;
for my $path (sort glob 't/dialog/out-*.dlg') {
    my @lines = dialog_lines($path);
    next if grep { /$inside/ } @lines;
    next if $path =~ /out-early-/; # when the reply has come is not to be seen from outside
    $played++;
    subtest $path => sub {
        my @servers = (grep { /mx1\.b\.test/ } @lines) ? qw(mx1.b.test mx2.b.test) : 'mx.b.test';
        my $hosts = join ';', map { "$_:" . port('mx') } @servers;
        my $out = T::Run->start('sallyport-out', name => "out-$played", dns => $dns->address,
            hosts => $hosts, conf => <<'CONF');
host-name = out.test
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
workers = 1
domain * {
    allow-private-destinations = yes
    use-starttls = no
    connection-idle-timeout = 0
    smtp-hosts = "@hosts@"
}
CONF
        play(@lines);
        $out->stop;
    };
}
cmp_ok($played, '>=', 15, 'many of them need no more than sockets');
all_done();

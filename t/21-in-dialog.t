#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The dialogues of t/dialog/in-*.dlg over real sockets; t/unit/dialog.c plays them in process.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Dialog;
use T::Peer;
use T::Run;

# What only a player inside of the process can do or see.
my $inside = qr/^!(?:accounts|disk-full|granted|idle|recorded|no-connect|no-certificate|drop|connect spare|knows-no-more|backend-tls|use-tls|said|name|reported|limit|failures|barred|rule verify_client_certificate)\b/;
my $ca     = T::CA->new;
my $cert   = $ca->cert('proxy.example')->{pem};

sub configuration {
    my @lines = @_;
    my %rule  = ('allow-starttls' => 'yes', 'allow-auth' => 'yes');
    my ($identity) = map { /^!identity (\S+)/ ? $1 : () } @lines;
    my ($connect_at) = map { /^!connect-at (\S+)/ ? $1 : () } @lines;
    my ($mail_at) = map { /^!mail-at (\S+)/ ? $1 : () } @lines;
    for (@lines) { $rule{$1 =~ tr/_/-/r} = $2 if /^!rule (\S+)=(\S+)/ }
    my $tls  = (grep { $_ eq '!implicit-tls' } @lines) ? 'yes' : 'no';
    my @reports = map { /^!report (\S+)/ ? $1 : () } @lines;
    $rule{'report-only'} = '{' . join(', ', @reports) . '}' if @reports;
    my $rule = join ' ', map { "$_ = $rule{$_}" } sort keys %rule;
    my $auth = join ' ', map { /^!auth (\S+)=(\S+)/ ? $1 =~ tr/_/-/r . " = $2" : () } @lines;
    return sprintf <<'CONF', $tls, $identity // 'proxy-v1', $connect_at // 'ehlo', $mail_at // 'mail', $rule, $auth;
host-name = proxy.example
workers = 1
smtp-listener 127.0.0.1:@port:in@ { tls = %s }
smtp-listener 127.0.0.1:@port:teach@ { source = teach }
smtp-server-tls-certificate = {"@cert@", ""}
backend mta { server = "127.0.0.1:@port:mta@" identity = %s connect-at = %s mail-at = %s }
source 0/0 { %s }
source {auth} { %s }
source teach { allow-starttls = no smtp-service = yes require-starttls = no }
CONF
}

# What the mail server offered to somebody before.
sub teach {
    my ($mta, $header, @said) = @_;
    my $c = T::Peer->connect(port('teach'), name => 'somebody');
    $c->hear(qr/^220 /);
    $c->say('EHLO before.example');
    my $s = $mta->accept(head => $header);
    $s->say('220 mta.example ESMTP');
    $s->hear(qr/^EHLO /);
    $s->say(@said);
    $c->hear(qr/^250/);
    $c->talk(QUIT => qr/^221/);
    $_->close for $s, $c;
}

sub play {
    my ($mta, @lines) = @_;
    my $header = !grep { /^!identity (?:xclient|none)/ } @lines;
    my @tls = (grep { $_ eq '!implicit-tls' } @lines) ? (tls => {}) : ();
    my @known = map { /^!knows (.*)/ ? $1 : () } @lines;
    teach($mta, $header, @known) if @known;
    my $c = T::Peer->connect(port('in'), name => 'client', @tls);
    my $s;
    while (defined(my $line = shift @lines)) {
        my ($mark, $text) = $line =~ /^([cs][<>=~]) ?(.*)/s;
        next if $line =~ /^s< PROXY /; # accept() has read it
        if ($line eq '!tls') {
            # What was slipped in is where the handshake should be.
            my $ends = @lines && $lines[0] =~ /^!closed/;
            is($c->start_tls(maybe => $ends) ? 'yes' : 'no', $ends ? 'no' : 'yes', 'a handshake');
            return $c->close if $ends;
            next;
        }
        if (!$mark) {
            $s = $mta->accept(head => $header) if $line eq '!connect';
            $s->close                          if $line eq '!gone';
            $c->hear_close                     if $line =~ /^!closed/;
            next;
        }
        my $side = $mark =~ /^c/ ? $c : $s;
        # Where the client and we really are.
        $text =~ s/192\.0\.2\.[17]\b/127.0.0.1/g;
        $text =~ s/\bPORT=4321\b/'PORT=' . $c->local_port/e;
        if ($mark =~ /~/) {
            my $want = dialog_bytes($line);
            is($side->hear_bytes(length $want), $want, $line);
            next;
        }
        if ($mark =~ /</) {
            is($side->read_line, $text, $line);
            next;
        }
        $side->send(dialog_said($line, \@lines));
    }
    $_->close for grep { defined } $c, $s;
}

my $played = 0;
for my $path (sort glob 't/dialog/in-*.dlg') {
    my @lines = dialog_lines($path);
    next if grep { /$inside/ } @lines;
    $played++;
    subtest $path => sub {
        my $mta = T::Peer->listen(port => port('mta'), name => 'mta');
        my $in = T::Run->start('sallyport-in', name => "in-$played", cert => $cert,
            expect => (grep { $_ eq '!closed backend-identity' } @lines) ? qr/identity-not-taken/ : undef,
            conf => configuration(@lines));
        play($mta, @lines);
        $in->stop;
        $mta->close;
    };
}
cmp_ok($played, '>=', 25, 'most of them need no more than sockets');
all_done();

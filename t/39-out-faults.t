#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out: each fault of a far server in each phase, what the mail server hears of it, and its row.
# Faults by chance, and against all kinds of demands: 39-out-property.t.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use POSIX ();
use T::CA;
use T::DNS;
use T::Peer;
use T::Run;
use T::Spool;

# What the mail server hears, with its status, and the row's type and dlvTlsError.
my %word = (
    taken   => ['250 2.0.0 Taken', 'd', ''],
    lost    => ['451 4.4.2 Connection lost', 't', ''],
    late    => ['451 4.4.2 No answer in time', 't', ''],
    strange => ['451 4.5.0 Server does not speak SMTP', 't', ''],
    away    => ['451 4.3.2 Server does not take mail now', 't', ''],
    body    => ['451 4.4.2 Connection lost in the message', 't', ''],
    reply   => ['451 4.4.2 Connection lost before the answer to the message', 't', ''],
    no4     => ['451-4.3.0 Not', 't', ''],
    no5     => ['550 5.7.1 No', 'b', ''],
    bye     => ['451 4.3.2 Bye', 't', ''],
    refused => ['451 4.7.4 TLS is required and refused', 't', 'starttls-refused'],
    bare    => ['451 4.7.4 TLS is required and not offered', 't', 'starttls-not-offered'],
    inject  => ['451 4.7.5 Plaintext behind STARTTLS', 't', 'starttls-injected'],
    broken  => ['451 4.7.5 TLS handshake failed', 't', 'handshake'],
    stalled => ['451 4.7.5 TLS handshake did not finish in time', 't', 'handshake-stalled'],
    login   => ['451 4.7.8 Server refuses our login', 't', ''],
    lost_refused  => ['451 4.4.2 Connection lost', 't', 'starttls-refused'],
    clear_refused => ['250 2.0.0 Taken', 'd', 'starttls-refused'],
    clear_bare    => ['250 2.0.0 Taken', 'd', 'starttls-not-offered'],
    clear_broken  => ['250 2.0.0 Taken', 'd', 'handshake'],
    clear_stalled => ['250 2.0.0 Taken', 'd', 'handshake-stalled'],
);

# By demand and phase: faults, and the word for each.
my @ends = (close => 'lost', reset => 'lost', cut => 'lost');
my @strange = map { $_ => 'strange' } qw(nonsense barelf mixed 1xx long endless babble drip);
my @table = (
    encrypt => greeting => {@ends, @strange, stall => 'late', shut => 'lost', no4 => 'away', no5 => 'away', 421 => 'away', lie => 'away', drops => 'taken'},
    encrypt => ehlo => {@ends, @strange, stall => 'late', shut => 'lost', no4 => 'away', no5 => 'away', 421 => 'away', lie => 'away', drops => 'taken'},
    encrypt => starttls => {@ends, @strange, stall => 'late', shut => 'broken', inject => 'inject',
        no4 => 'refused', no5 => 'refused', 421 => 'refused', lie => 'refused', drops => 'taken'},
    encrypt => handshake => {alert => 'broken', clear => 'broken', half => 'broken', close => 'broken', reset => 'broken',
        stall => 'stalled', halfstall => 'stalled'},
    encrypt => ehlo2 => {@ends, @strange, stall => 'late', shut => 'lost', cutnotify => 'lost', record => 'lost', banner => 'away',
        no4 => 'away', no5 => 'away', 421 => 'away', lie => 'away', drops => 'taken', update => 'taken'},
    login => auth => {@ends, @strange, stall => 'late', shut => 'lost', cutnotify => 'lost', record => 'lost', no4 => 'login', no5 => 'login', 421 => 'login',
        lie => 'login', 334 => 'login', drops => 'taken', update => 'taken'},
    (map {; encrypt => $_ => {@ends, @strange, cutnotify => 'lost', record => 'lost', shut => 'lost', no4 => 'no4', no5 => 'no5', 421 => 'bye', lie => 'strange',
        drops => 'taken', update => 'taken'} } qw(mail rcpt data)),
    encrypt => message => {close => 'body', reset => 'body', no4 => 'no4', no5 => 'no5', 421 => 'bye', lie => 'body', nonsense => 'body', stall => 'reply'},
    encrypt => dot => {(map { $_ => 'reply' } qw(close reset cut cutnotify record stall)), (map { $_ => 'reply' } qw(nonsense barelf mixed 1xx long endless babble drip lie)),
        shut => 'taken', no4 => 'no4', no5 => 'no5', 421 => 'bye', drops => 'taken', update => 'taken', again => 'taken'},
    encrypt => rset => {map { $_ => 'taken' } qw(close reset cut cutnotify record nonsense barelf mixed 1xx long endless babble drip stall no4 no5 421 lie shut drops update)},
    encrypt => quit => {map { $_ => 'taken' } qw(close reset cut cutnotify record nonsense barelf mixed 1xx long endless babble drip stall no4 no5 421 lie shut twice drops update)},
    encrypt => none => {strip => 'bare'},
    may => starttls => {@ends, @strange, stall => 'late', shut => 'clear_broken', inject => 'inject',
        no4 => 'clear_refused', no5 => 'clear_refused', 421 => 'lost_refused', lie => 'clear_refused', drops => 'taken'},
    may => handshake => {alert => 'clear_broken', clear => 'clear_broken', half => 'clear_broken', close => 'clear_broken', reset => 'clear_broken',
        stall => 'clear_stalled', halfstall => 'clear_stalled'},
    may => ehlo => {no5 => 'clear_bare'}, # HELO will do
    may => none => {strip => 'clear_bare'},
);

my ($port, $n, @rows) = (port('mx'), 0);
while (my ($demand, $phase, $faults) = splice @table, 0, 3) {
    for my $fault (sort keys %$faults) {
        push @rows, {n => ++$n, demand => $demand, phase => $phase, fault => $fault, word => $faults->{$fault}};
    }
}
my %is = (encrypt => 'require-starttls = yes', may => '', login => 'require-starttls = yes  auth-username = u  auth-password = p');
my $crt = T::CA->new->cert('mx.test');
my ($rules, $sections) = ('', '');
for my $r (@rows) {
    my $at = sprintf '127.1.%d.%d', $r->{n} / 250, 1 + $r->{n} % 250;
    my $tls = $r->{fault} eq 'strip' ? 'none' : $r->{fault} eq 'again' ? '1.2' : '1.3';
    $rules .= join(' ', $at, @$crt{qw(cert plain)}, $tls, $r->{phase}, 1, $r->{fault}) . "\n";
    my $idle = $r->{phase} eq 'rset' ? '' : 'connection-idle-timeout = 0';
    $sections .= "domain f$r->{n}.test { smtp-hosts = \"[$at]\"  $is{$r->{demand}}  $idle }\n";
}
open my $to, '>', stage_dir() . '/rules' or die;
print $to $rules;
close $to or die;
my $faulty = fork // die;
if ($faulty == 0) {
    exec T::Stage::with_us(), "$ENV{T_BUILD}/t/tool/faulty", $port, map({ stage_dir() . "/$_" } qw(rules faulty.log)) or POSIX::_exit(127);
}
T::Stage::wait_for(sub { eval { T::Peer->connect($port)->close; 1 } });
my $dns = T::DNS->start("x.test. A 127.0.0.1\n");
my $out = T::Run->start('sallyport-out', dns => $dns->address, sections => $sections, conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
acct-file "@dir@/acct.csv" { records = {d, b, t} }
spool-directory = "@dir@/spool"
workers = 1
tls-handshake-timeout = 5s
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    smtp-greeting-timeout = 5s
    smtp-data-termination-timeout = 5s
    data-send-timeout = 5s
    use-dane = off
    use-mta-sts = no
}
@sections@
CONF

# Up to the question about the recipient, and on to the last answer.
sub begin {
    my ($r) = @_;
    my $c = $r->{c} = T::Peer->connect(port('out'), name => "$r->{phase} $r->{fault}");
    $c->read_reply;
    $c->send("EHLO mta.test\r\nMAIL FROM:<a\@a.test>\r\nRCPT TO:<b\@f$r->{n}.test>\r\n");
    return;
}

sub last_answer {
    my ($r) = @_;
    my $c = $r->{c};
    $c->read_reply for 1 .. 2;
    my $said = $c->read_reply // return 'nothing';
    return $said if $said !~ /^2/;
    if ($r->{phase} eq 'rset') {
        $c->send("RSET\r\nMAIL FROM:<a\@a.test>\r\nRCPT TO:<b\@f$r->{n}.test>\r\n");
        $c->read_reply for 1 .. 3;
    }
    $c->say('DATA');
    $said = $c->read_reply // return 'nothing';
    return $said if $said !~ /^354/;
    # What goes wrong in the message has gone wrong before its end.
    $c->send("x\r\n");
    spool_wait(stage_dir() . '/spool', sub { $_->{rcpt} eq "b\@f$r->{n}.test" && $_->{do} ne 'intent' })
        if $r->{phase} eq 'message' && $r->{fault} ne 'stall';
    $c->send("y\r\n.\r\n");
    return $c->read_reply // 'nothing';
}

# Some at a time, so that nobody is late who need not be; those first that wait for it.
my @left = sort { ($b->{fault} =~ /stall/) <=> ($a->{fault} =~ /stall/) || $a->{n} <=> $b->{n} } @rows;
while (my @some = splice @left, 0, 16) {
    begin($_) for @some;
    $_->{said} = last_answer($_) for @some;
    $_->{c}->close for @some;
}
my %spooled;
push @{$spooled{$_->{rcpt}}}, $_ for grep { $_->{do} ne 'intent' } spool_rows(stage_dir() . '/spool');
for my $r (@rows) {
    my ($reply, $type, $error) = @{$word{$r->{word}}};
    my $is = join ' | ', substr($r->{said}, 0, length $reply), map { ($_->{type}, $_->{dlvTlsError} // '') } @{$spooled{"b\@f$r->{n}.test"} // []};
    is($is, join(' | ', $reply, $type, $error), "$r->{demand}: $r->{fault} at $r->{phase}");
}
kill 'TERM', $faulty;
waitpid $faulty, 0;
all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# duplicate-memory with real mail servers: the remote server has said 250, and the connection is cut
# before the mail server hears it. One delivery, one d row, and its queue is empty in the end.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Debian qw(exim sendmail);
use T::Stage;
use T::Csv;
use T::Cutter;
use T::Exim;
use T::Mta;
use T::Peer;
use T::Postfix;
use T::Run;
use T::Sendmail;
use T::Sink;

T::Mta->or_skip_all;
T::Postfix->or_skip_all;
my $dir = stage_dir();
mkdir "$dir/$_" or die $! for qw(spool state);
my %o = (dir => $dir, csv => "$dir/acct.csv");
my $common = <<'CONF';
spool-directory = "@dir@/spool"
state-directory = "@dir@/state"
acct-file "@csv@" {
    records = {d, b, t}
    record-fields d { fields = {type, rcpt, queueId} }
    record-fields b { fields = {type, rcpt, queueId} }
    record-fields t { fields = {type, rcpt, queueId} }
}
CONF
my $accountant = T::Run->start('sallyport-milter', %o, conf => "$common\nmilter-listener inet:\@port:milter\@\@127.0.0.1 { set-envid = yes }\n");
my $sink = T::Sink->start(port => port('mx'), replies => [qr/^RCPT TO:<lost/ => '550 5.1.1 Nobody']);
my $out = T::Run->start('sallyport-out', %o, expect => qr/child-died/, conf => $common . <<'CONF');
workers = 1
relay-listener 127.0.0.1:@port:out@ { }
relay-listener 127.0.0.1:@port:lmtp@ { protocol = lmtp }
relay-listener 127.0.0.1:@port:auth@ { queue-id = auth }
domain * { smtp-hosts = "[127.0.0.1]:@port:mx@" use-starttls = no }
CONF

sub submit ($port, $sender, @to) {
    my $c = T::Peer->connect(port($port), name => 'person');
    $c->hear(qr/^220/);
    $c->talk('EHLO c.test' => qr/^250/, "MAIL FROM:<$sender>" => qr/^250/);
    $c->talk("RCPT TO:<$_>" => qr/^250/) for @to;
    $c->talk('DATA' => qr/^354/, "From: <$sender>\r\nSubject: x\r\n\r\n..Hello.\r\n." => qr/^250/, 'QUIT' => qr/^221/);
    return $c->close;
}

# How often the remote server took it for this recipient.
sub deliveries ($to) { return scalar(() = $sink->log_text =~ /^\d+ message .*<\Q$to\E>/mg) }

sub settled_once ($mta, $wire, @to) {
    is(deliveries($_), 1, "$_: one delivery") for @to;
    for my $to (@to) {
        csv_wait("$dir/acct.csv", sub { $_->{rcpt} eq $to && $_->{type} eq 'd' });
        is(join(' ', map { $_->{type} } grep { $_->{rcpt} eq $to } csv_rows("$dir/acct.csv")), 'd', "$to: one row, and a d");
    }
    return;
}

sub kill_worker {
    my ($pid) = reverse $out->log_text =~ /role=worker .*pid=(\d+)/g;
    kill 'KILL', $pid;
    $out->log_like(qr/child-started role=worker .*slot=0 pid=(?!$pid)/);
    return;
}

my $number = 0;
for my $way (
    ['SMTP, cut in order', 'out', how => 'close'],
    ['SMTP, reset', 'out', how => 'reset'],
    ['SMTP, the worker killed', 'out', how => 'hold'],
    ['LMTP, cut in order', 'lmtp', how => 'close'],
    ['LMTP, cut between two answers', 'lmtp', how => 'close', pass => 1],
    ['LMTP, the worker killed', 'lmtp', how => 'hold'],
) {
    my ($name, $to, %how) = @$way;
    subtest "Postfix, $name" => sub {
        my $n = ++$number;
        my $wire = T::Cutter->start(port => port("wire$n"), to => port($to), %how);
        my ($kind) = $to eq 'out' ? 'smtp' : 'lmtp';
        my $mta = T::Postfix->start("postfix$n", services => [['plain', port("postfix$n")]], main => {
            default_transport => $kind eq 'smtp' ? 'smtp:[127.0.0.1]:' . port("wire$n") : 'lmtp:inet:127.0.0.1:' . port("wire$n"),
            "${kind}_send_xforward_command" => 'yes',
        });
        my @to = map { "$_$n\@far.test" } qw(a b);
        submit("postfix$n", 'a@x.test', @to);
        if ($how{how} eq 'hold') { $wire->wait_held(1); kill_worker() }
        ok($wire->wait_cut(1), 'the answer is cut off');
        ok($mta->has_logged(qr/to=<$to[-1]>.*status=deferred .*lost connection/), 'Postfix has not heard it');
        ok(T::Stage::wait_for(sub { $mta->flush; !$mta->queue }), 'its queue is empty');
        ok($mta->has_logged(qr/to=<$_>.*status=sent \(250 2\.0\.0 queued as SINK\d+ \[127\.0\.0\.1\]\)/), "$_: in the words of the remote server") for @to;
        settled_once($mta, $wire, @to);
        $_->stop for $mta, $wire;
    };
}

# Their own configuration as doc/outbound has it, with the wire in between.
sub other ($kind, $sender, %o) {
    subtest $kind => sub {
        my $wire = T::Cutter->start(port => port("wire-$kind"), to => port($o{to}));
        my $mta = "T::$kind"->start($kind, port => port($kind), %{$o{options}->(port("wire-$kind"))});
        my $to = lc "$kind\@far.test";
        submit($kind, $sender, $to);
        ok($wire->wait_cut(1), 'the answer is cut off');
        ok($mta->has_logged($o{deferred}), 'it has not heard it');
        csv_wait("$dir/acct.csv", sub { $_->{rcpt} eq $to });
        ok(T::Stage::wait_for(sub { $mta->flush; !(my @left = $mta->queue) }), 'its queue is empty') or diag $mta->log_text;
        ok($mta->has_logged($o{sent}), 'in the words of the remote server');
        settled_once($mta, $wire, $to);
        $_->stop for $mta, $wire;
    };
    return;
}

other('Exim', 'a@mx.test', to => 'auth', deferred => qr/ == exim\@far\.test .*lost|Remote host closed connection|closed connection in response/,
    sent => qr/ => exim\@far\.test .*queued as SINK/, options => sub ($port) { return {routers => <<'ROUTERS', transports => <<"TRANSPORTS"} });
hand_over:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = out
ROUTERS
out:
  driver = smtp
  port = $port
  allow_localhost
  authenticated_sender = \$message_exim_id
  authenticated_sender_force = true
TRANSPORTS
other('Sendmail', 'b@mx.test', to => 'out', deferred => qr/to=<sendmail\@far\.test>.*stat=Deferred/,
    sent => qr/to=<sendmail\@far\.test>.*stat=Sent .*queued as SINK/, options => sub ($port) { return {deliver => 1, mc => <<"MC"} });
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
define(`RELAY_MAILER_ARGS', `TCP \$h $port')dnl
INPUT_MAIL_FILTER(`sallyport', `S=inet:@{[port('milter')]}\@127.0.0.1, F=T')dnl
MC
all_done();

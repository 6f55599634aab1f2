#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The queue id reaches sallyport-out before the first recipient: by the milter's ENVID from a real
# Sendmail and a real Postfix, by AUTH= from a real Exim; so records of both sides are joined even
# where no Received field was seen. A client's own ENVID arrives, and ours does not.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Debian 'sendmail', 'exim';
use T::Stage;
use T::Csv;
use T::Exim;
use T::Mta;
use T::Peer;
use T::Postfix;
use T::Run;
use T::Sendmail;

T::Mta->or_skip_all;
T::Postfix->or_skip_all;
my $dir = stage_dir();
mkdir "$dir/$_" or die $! for qw(spool state);
my $csv = "$dir/acct.csv";
my %o = (dir => $dir, csv => $csv);
my $common = <<'CONF';
spool-directory = "@dir@/spool"
state-directory = "@dir@/state"
source 127.0.0.0/8 { allow-starttls = yes }
acct-file "@csv@" {
    records = {r, b}
    record-fields r { fields = {type, rcpt, queueId} }
    record-fields b { fields = {type, rcpt, queueId, envId, sourceRule} }
}
CONF
my $milter = T::Run->start('sallyport-milter', %o, conf => $common . <<'CONF');
milter-listener inet:@port:milter@@127.0.0.1 { set-envid = yes }
CONF
my $mx = T::Peer->listen(port => port('mx'), name => 'mx');
my $out = T::Run->start('sallyport-out', %o, conf => $common . <<'CONF');
workers = 1
relay-listener 127.0.0.1:@port:out@ { }
relay-listener 127.0.0.1:@port:exim-out@ { queue-id = auth }
domain * { smtp-hosts = "[127.0.0.1]:@port:mx@" use-starttls = no }
CONF
my $plug = 'inet:' . port('milter') . '@127.0.0.1';
my %mta = (
    Sendmail => T::Sendmail->start('sendmail', port => port('sendmail'), deliver => 1, mc => <<"MC"),
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
define(`RELAY_MAILER_ARGS', `TCP \$h @{[port('out')]}')dnl
INPUT_MAIL_FILTER(`sallyport', `S=$plug, F=T')dnl
MC
    Postfix => T::Postfix->start('postfix', services => [['plain', port('postfix')]], main => {
        smtpd_milters => 'inet:127.0.0.1:' . port('milter'), default_transport => 'smtp:[127.0.0.1]:' . port('out'),
    }),
);

# What the remote server hears; it refuses the recipient, so nothing of the message is ever seen.
sub rcpt ($name) { return lc($name) . '@far.test' }

sub hand_over ($name, $params) {
    my $c = T::Peer->connect(port(lc $name), name => $name);
    $c->hear(qr/^220 /);
    $c->talk("EHLO c.test" => qr/^250/, "MAIL FROM:<@{[$name eq 'Exim' ? '' : 'a@x.test']}>$params" => qr/^250 /, "RCPT TO:<@{[rcpt($name)]}>@{[$name eq 'Exim' ? '' : ' NOTIFY=NEVER']}" => qr/^250 /);
    $c->talk('DATA' => qr/^354 /, "Subject: x\r\n\r\nHello\r\n." => qr/^250 /, 'QUIT' => qr/^221 /);
    $c->close;
    my $s = $mx->accept;
    $s->say('220 mx.test');
    $s->hear(qr/^EHLO/);
    $s->say("250-mx.test\r\n250 DSN");
    my $mail = $s->hear(qr/^MAIL/);
    $s->say('250 2.1.0 Ok');
    $s->hear(qr/^RCPT/);
    $s->say('550 5.1.1 Nobody');
    $s->close;
    return $mail;
}

# The last one was learnt from a notification: as long as it can be, so that no other fits in front of it.
my $learnt = ' ENVID=SP1/OLDID/0123456789abcdef/' . 'x' x 70;
for my $own ('', ' ENVID=my+2Bid', $learnt) {
    my $theirs = $own =~ /my/ ? 'my+id' : '';
    for my $name (sort keys %mta) {
        my $mail = hand_over($name, $own);
        like($mail, $theirs ? qr/ ENVID=my\+2Bid\b/ : qr/^(?!.*ENVID)/, "$name: the server hears the client's own ENVID, and no other");
        my ($received) = csv_wait($csv, sub { $_->{type} eq 'r' && $_->{rcpt} eq rcpt($name) });
        my ($bounced) = csv_wait($csv, sub { $_->{type} eq 'b' && $_->{rcpt} eq rcpt($name) && $_->{envId} eq $theirs });
        ok($received && $bounced, "$name: both are recorded") or next;
        ok(scalar(grep { $_->{type} eq 'r' && $_->{queueId} eq $bounced->{queueId} } csv_rows($csv)), "$name: under one queue id");
        is($bounced->{sourceRule}, '127.0.0.0/8', "$name: and joined: what only the milter knew is there");
    }
}

# Exim has no milter: it says its id itself, and its own test shows that of the remote server.
my $exim = T::Exim->start('exim', port => port('exim'), routers => <<'ROUTERS', transports => <<"TRANSPORTS");
hand_over:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = out
ROUTERS
out:
  driver = smtp
  port = @{[port('exim-out')]}
  allow_localhost
  authenticated_sender = \$message_exim_id
  authenticated_sender_force = true
TRANSPORTS
my $heard = hand_over('Exim', '');
unlike($heard, qr/AUTH/, 'Exim: the server hears nothing of AUTH');
my ($bounced) = csv_wait($csv, sub { $_->{type} eq 'b' && $_->{rcpt} eq rcpt('Exim') });
like($exim->log_text, qr/ \Q$bounced->{queueId}\E <= <> /, 'Exim: its message id is in the record') if $bounced;
is($mta{$_}->is_alive ? 1 : 0, 1, "$_ lives") for sort keys %mta;
all_done();

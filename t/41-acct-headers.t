#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Header fields of messages in records: what acct-files name (record-fields, map-header-to-field, X-Job of jobId) is
# taken from messages that come in and go out, by DATA and BDAT; and to the rows of the accounting file.
use v5.36;
use lib 't/lib';
use File::Path qw(make_path);
use Test::More;
use T::Stage;
use T::Csv;
use T::Peer;
use T::Postfix;
use T::Run;
use T::Spool;

my $dir = stage_dir();
make_path("$dir/run", "$dir/spool", "$dir/nothing");
my $mta = T::Peer->listen(port => port('mta'), name => 'mta');
my $mx  = T::Peer->listen(port => port('mx'), name => 'mx');
my %o = (dir => $dir, spool => 'spool');
my $conf = <<'CONF';
run-directory = "@dir@/run"
spool-directory = "@dir@/@spool@"
workers = 1
smtp-listener 127.0.0.1:@port:in@ { }
backend mta { server = "127.0.0.1:@port:mta@" }
source 0/0 { add-received-header = yes }
relay-listener 127.0.0.1:@port:out@ { }
domain * { smtp-hosts = "[127.0.0.1]:@port:mx@"  allow-private-destinations = yes  use-starttls = no }
milter-listener inet:@port:milter@@127.0.0.1 { }
CONF
my $acct = <<'CONF';
acct-file "@dir@/acct.csv" {
    records = {d, r}
    record-fields d { fields = {type, rcpt, jobId, header_X-Two, header_subject} }
    record-fields r { fields = {type, rcpt, jobId, header_X-Two, vmta} }
    map-header-to-field = {"r header_X-Vmta vmta"}
}
CONF
my $in  = T::Run->start('sallyport-in', %o, conf => $conf . $acct);
my $out = T::Run->start('sallyport-out', %o, conf => $conf . $acct);

my $long = 'l' x 600;
my $message = "Received: x\r\nX-JOB :  job\r\n\t=?utf-8?q?7?= \r\nSubject: say \"a,b\"\r\nX-Two: $long\r\nX-Two: not this\r\nX-Vmta: v1\r\n\r\nX-Three: body\r\n";
my %said = ('header_X-Job' => 'job =?utf-8?q?7?=', 'header_X-Two' => 'l' x 512, header_subject => 'say "a,b"', 'header_X-Vmta' => 'v1');

sub has_fields {
    my ($row, $what) = @_;
    my %is = map { $_ => $row->{$_} } grep { /^header_/ } keys %$row;
    is_deeply(\%is, \%said, $what);
    return;
}

# The mail server's side of a message that comes in.
sub called {
    my ($s, @more) = @_;
    for (qw(MAIL RCPT)) {
        $s->hear(qr/^$_ /);
        $s->say('250 Ok');
    }
    return $s;
}

sub come_in {
    my ($rcpt) = @_;
    my $c = T::Peer->connect(port('in'), name => 'client');
    $c->hear(qr/^220 /);
    $c->say('EHLO c.test');
    my $s = $mta->accept(head => 1);
    $s->say('220 mta.test');
    $s->hear(qr/^EHLO /);
    $s->say('250-mta.test', '250-CHUNKING', '250 PIPELINING');
    $c->hear(qr/^250/);
    for my $line ('MAIL FROM:<a@a.test>', "RCPT TO:<$rcpt>") {
        $c->say($line);
        $s->hear(qr/^\Q$line\E/);
        $s->say('250 Ok');
        $c->hear(qr/^250 /);
    }
    return ($c, $s);
}

subtest 'by DATA, coming in' => sub {
    my ($c, $s) = come_in('data@b.test');
    $c->say('DATA');
    $s->hear(qr/^DATA$/);
    $s->say('354 Go ahead');
    $c->hear(qr/^354 /);
    $c->send("$message.\r\n");
    like($s->hear_body, qr/X-Three/, 'it goes on as it is');
    $s->say('250 2.0.0 Ok: queued as 4F2A');
    $c->hear(qr/^250 /);
    $c->close;
    my ($row) = spool_wait("$dir/spool", sub { $_->{type} eq 'r' && $_->{rcpt} eq 'data@b.test' });
    has_fields($row, 'its fields are in the record');
};

subtest 'by BDAT, in pieces' => sub {
    my ($c, $s) = come_in('bdat@b.test');
    my ($first, $rest) = $message =~ /\A(.*?job\r\n)(.*)\z/s; # cut before the line that is folded
    $c->send('BDAT ' . length($first) . "\r\n$first");
    $s->hear(qr/^BDAT \d+/);
    $s->hear(qr/^Received: from/);
    $s->hear(qr/./) for 1 .. 3;
    $s->hear(qr/^Received: x/);
    $s->hear(qr/^X-JOB/);
    $s->say('250 2.0.0 Ok');
    $c->hear(qr/^250 /);
    $c->send('BDAT ' . length($rest) . " LAST\r\n$rest");
    $s->hear(qr/^BDAT \d+ LAST/);
    $s->say('250 2.0.0 Ok: queued as 4F2B');
    $c->hear(qr/^250 /);
    $c->close;
    my ($row) = spool_wait("$dir/spool", sub { $_->{type} eq 'r' && $_->{rcpt} eq 'bdat@b.test' });
    has_fields($row, 'its fields are in the record');
};

# One that goes out, over one connection of the mail server: `@messages` one behind the other.
sub go_out {
    my ($rcpt, @messages) = @_;
    my $c = T::Peer->connect(port('out'), name => 'sender');
    my $s;
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250/);
    for my $text (@messages) {
        $c->talk('MAIL FROM:<a@a.test>' => qr/^250 /);
        $c->say("RCPT TO:<$rcpt>");
        if (!$s) {
            $s = $mx->accept;
            $s->say('220 mx.test');
            $s->hear(qr/^EHLO /);
            $s->say('250-mx.test', '250 PIPELINING');
        }
        called($s);
        $c->hear(qr/^250 /);
        $c->say('DATA');
        $s->hear(qr/^DATA$/);
        $s->say('354 Go ahead');
        $c->hear(qr/^354 /);
        $c->send("$text.\r\n");
        $s->hear_body;
        $s->say('250 2.0.0 Ok');
        $c->hear(qr/^250 /);
    }
    $c->close;
    $s->close;
    return;
}

subtest 'going out' => sub {
    go_out('out@b.test', $message, "Subject: second\r\n\r\nX-Two: body\r\n");
    my @rows = spool_wait("$dir/spool", sub { $_->{rcpt} eq 'out@b.test' && $_->{type} eq 'd' }, 2);
    has_fields($rows[0], 'its fields are in the record');
    my %second = map { $_ => $rows[1]{$_} } grep { /^header_/ } keys %{$rows[1]};
    is_deeply(\%second, {header_subject => 'second'}, 'the next message has its own');
    my ($intent) = spool_wait("$dir/spool", sub { $_->{rcpt} eq 'out@b.test' && $_->{do} eq 'intent' });
    has_fields($intent, 'and what stands for it if nothing more is heard');
};

subtest 'in the file' => sub {
    my $milter = T::Run->start('sallyport-milter', %o, conf => $conf . $acct);
    my ($d) = csv_wait("$dir/acct.csv", sub { $_->{type} eq 'd' && $_->{rcpt} eq 'out@b.test' });
    is($d->{jobId}, 'job =?utf-8?q?7?=', 'X-Job is the jobId');
    is($d->{'header_X-Two'}, 'l' x 512, 'a column of its own');
    is($d->{header_subject}, 'say "a,b"', 'quoted');
    my ($r) = csv_wait("$dir/acct.csv", sub { $_->{type} eq 'r' && $_->{rcpt} eq 'data@b.test' });
    is($r->{vmta}, 'v1', 'one that stands in for a column');
    is($r->{jobId}, 'job =?utf-8?q?7?=', 'X-Job');
    $milter->stop;
};

subtest 'none is wanted' => sub {
    $out->stop;
    $out = T::Run->start('sallyport-out', %o, spool => 'nothing', name => 'none',
        conf => $conf . "acct-file \"\@dir\@/none.csv\" { record-fields d { fields = {rcpt} }  record-fields b { fields = {rcpt} } }\n");
    go_out('none@b.test', $message);
    my ($row) = spool_wait("$dir/nothing", sub { $_->{rcpt} eq 'none@b.test' && $_->{type} eq 'd' });
    is_deeply([grep { /^header_/ } keys %$row], [], 'none is in the record');
};
all_done();

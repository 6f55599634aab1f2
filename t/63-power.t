#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The power is cut at a random moment, and the disk has what was synced and nothing else. With
# sync = reply each 250 that the mail server had heard is one d row, and each that a client of
# sallyport-in had heard one r row; with none some are lost (so the disk of this test does forget).
#
#   T_POWER_ROUNDS=200 t/check t/63-power.t      # 5 in the suite
use v5.36;
use lib 't/lib';
use Test::More;
use POSIX ();
use T::Stage;
use T::Csv;
use T::DNS;
use T::Peer;
use T::Power;
use T::Run;
use T::Sink;

my $rounds = $ENV{T_POWER_ROUNDS} // 5;
my $seed = $ENV{T_SEED} // time;
srand $seed;
diag "T_SEED=$seed" if $ENV{T_POWER_ROUNDS};
my $dns = T::DNS->start("a.test. MX 10 mx.a.test.\nmx.a.test. A 127.0.0.51\n");
my $sink = T::Sink->start(port => port('mx'), addr => '127.0.0.51');
my $mta = T::Sink->start(port => port('mta'), addr => '127.0.0.52', head => 1, replies => [qr/^\.$/ => '250 2.0.0 Ok: queued as 4ABCDE']);
my $conf = <<'CONF';
smtp-listener 127.0.0.1:@port:in@ { }
backend mta { server = "127.0.0.52:@port:mta@" identity = proxy-v1 }
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
acct-file "@disk@/csv/acct.csv" { records = {d, t, r} }
acct-file "@disk@/csv/other.csv" { records = {b} sync = @sync@ }
spool-directory = "@disk@/spool"
state-directory = "@disk@/state"
sync-interval = @interval@
workers = 2
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    use-starttls = no
}
CONF

# A mail server that sends without a pause; what got its 250 stands in $heard, one line each.
sub send_all {
    my ($port, $round, $sender, $heard) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    Test::More->builder->$_(\my $unheard) for qw(output failure_output todo_output);
    $SIG{ALRM} = 'DEFAULT';
    alarm 60;
    open my $out, '>>', $heard;
    eval {
        my $c = T::Peer->connect($port);
        $c->hear(qr/^220 /);
        $c->talk('EHLO mta.test' => qr/^250/);
        for my $n (1 .. 100_000) {
            my $rcpt = "r$round-s$sender-m$n\@a.test";
            $c->send("MAIL FROM:<x\@y.test>\r\nRCPT TO:<$rcpt>\r\nDATA\r\n");
            $c->hear(qr/^250 /);
            $c->hear(qr/^250 /);
            $c->hear(qr/^354 /);
            $c->send("Subject: x\r\n\r\nHello.\r\n.\r\n");
            $c->hear(qr/^250 /);
            syswrite $out, "$rcpt\n";
        }
    };
    POSIX::_exit(0);
}

sub heard_in {
    my ($path) = @_;
    open my $in, '<', $path or return (my @none = ());
    chomp(my @lines = <$in>);
    return @lines;
}

# Records that were left become rows.
sub settle {
    my ($power, $start) = @_;
    my @runs = $start->();
    $runs[0]->stop;
    my $done = T::Stage::wait_for(sub { !glob $power->disk . '/spool/*' }, 30);
    ok($done, 'all of the spool is read');
    $runs[1]->stop;
    return;
}

sub play {
    my ($program, $type, $sync, $interval, $count) = @_;
    my $power = T::Power->on;
    my %fill = (dns => $dns->address, sync => $sync, interval => $interval, disk => $power->disk);
    my $heard = stage_dir() . "/heard-$type-$sync";
    my ($short) = $program =~ /-(\w+)$/;
    my $start = sub {
        return map { T::Run->start($_, %fill, conf => $conf, env => $power->env) } $program, 'sallyport-milter';
    };
    my $last = 0;
    for my $round (1 .. $count) {
        my @runs = $start->();
        my @senders = map { send_all(port($short), $round, $_, $heard) } 1 .. 4;
        T::Stage::wait_for(sub { heard_in($heard) > $last }, 30) // die 'no message is delivered';
        select undef, undef, undef, rand 0.5;
        $power->cut(@runs);
        waitpid $_, 0 for @senders;
        $last = heard_in($heard);
        settle($power, $start) if $round == $count || rand() < 0.5;
    }
    my %rows;
    $rows{$_->{rcpt}}++ for grep { $_->{type} eq $type } csv_rows($power->disk . '/csv/acct.csv');
    return (\%rows, heard_in($heard));
}

for my $way (['sallyport-out', 'd'], ['sallyport-in', 'r']) {
    subtest "$way->[0], sync = reply, $rounds cuts" => sub {
        my ($rows, @heard) = play(@$way, 'reply', '1h', $rounds);
        cmp_ok(scalar @heard, '>=', $rounds, scalar(@heard) . ' answers were heard');
        is_deeply([grep { ($rows->{$_} // 0) != 1 } @heard], [], 'each is one row');
        is_deeply([grep { $rows->{$_} != 1 } keys %$rows], [], 'and no other has two');
    };
    subtest "$way->[0], sync = none: this disk forgets" => sub {
        my ($rows, @heard) = play(@$way, 'none', '1h', 1);
        ok(scalar(grep { !$rows->{$_} } @heard), 'answers were heard of which there is no row');
    };
}

all_done();

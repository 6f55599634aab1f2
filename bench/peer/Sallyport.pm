# SPDX-License-Identifier: Apache-2.0
package Peer::Sallyport;

# What all of this is about, with its defaults on: rules, session table, log lines to a file, and
# accounting with the columns of doc/accounting. One worker; the accountant (sallyport-milter) is
# one of its processes and counts.
use v5.36;
use Peer;
use POSIX ();
use Time::HiRes 'time';
use Tree;

our @plays = qw(inbound outbound);

my $acct = <<'E';
    records = {d, b, t, r}
    record-fields d {
        fields = {*, dlvTlsProtocol, dlvTlsCipher, dlvTlsGroup, dlvTlsVerify, dlvTlsPolicy,
                  dlvTlsPolicyResult, dlvTlsError, domainRule, rcvSourceIp, rcvSmtpUser,
                  rcvTlsProtocol, rcvTlsCipher, sourceRule, queueId, totalSecondsQueued}
    }
    record-fields r { fields = {*, rcvSmtpUser, rcvTlsProtocol, rcvTlsCipher, sourceRule, queueId} }
E

sub is_here { return '' }

sub version {
    my %play = @_;
    return first_line("$play{build}/sallyport-in", '--version') =~ /(\S+)\s*$/ ? $1 : '';
}

# `rules` source rules that say nothing of who comes here, before the one that does. Nobody logs in, as at port 25
# of etc/sallyport.conf.example.
sub inbound {
    my ($play, $port) = @_;
    $port->{$_} = free_port() for qw(starttls implicit);
    my $rules = join '', map { sprintf "source 10.%d.%d.%d { allow-starttls = yes }\n",
        $_ >> 16, $_ >> 8 & 255, $_ & 255 } 1 .. ($play->{rules} // 0);
    my $connect_at = $play->{connect_at} ? "connect-at = $play->{connect_at}" : '';
    return <<"E";
smtp-server-tls-certificate = {"$play->{both}", ""}
smtp-listener 127.0.0.1:$port->{starttls} { }
smtp-listener 127.0.0.1:$port->{implicit} { tls = yes }
$rules
source 0/0 { allow-starttls = yes  allow-auth = no }
backend sink {
    server = "$play->{to}"
    identity = proxy-v2
    $connect_at
}
E
}

# A domain with a server of its own, d1.example and so on.
sub server {
    my ($number, $port) = @_;
    my $at = sprintf '[127.1.%d.%d]:%d', $number >> 8, $number & 255, $port;
    return <<"E";
domain d$number.example {
    use-starttls = yes
    smtp-hosts = "$at"
    allow-private-destinations = yes
}
E
}

# `lmtp`: a unix socket, for a mail server of this machine.
sub outbound {
    my ($play, $port) = @_;
    $port->{plain} = free_port();
    $port->{lmtp} = "$play->{dir}/lmtp";
    my $rules = join '', map { "domain d$_.example { require-starttls = yes }\n" }
      1 .. ($play->{rules} // 0);
    my ($host, $to) = $play->{to} =~ /^(.*):(\d+)$/;
    $rules .= join '', map { server($_, $to) } 1 .. ($play->{servers} // 0);
    return <<"E";
relay-listener 127.0.0.1:$port->{plain} { hand-over = smarthost }
relay-listener unix:$port->{lmtp} {
    protocol = lmtp
    socket-mode = 0666
}
$rules
domain * {
    use-starttls = yes
    smtp-hosts = "[$host]:$to"
    allow-private-destinations = yes
}
E
}

my %way = (inbound => [\&inbound, 'sallyport-in'], outbound => [\&outbound, 'sallyport-out']);

# Its log says so.
sub wait_ready {
    my ($log, $pid) = @_;
    for (1 .. 3000) {
        return if Tree::slurp($log) =~ /\bready\b/;
        last if waitpid($pid, POSIX::WNOHANG()) == $pid;
        select undef, undef, undef, 0.01;
    }
    die "sallyport did not start:\n" . Tree::slurp($log);
}

# Its accountant works in batches, so a sample would have
# less of it than its messages cost, or more: whether the next batch is over.
sub is_at_rest {
    my ($pid, $seconds) = @_;
    my $before = -1;
    Tree::rest();
    for (1 .. $seconds * 50) {
        my $now = Tree::cpu_us(Tree::pids($pid));
        return 1 if $now == $before;
        $before = $now;
        select undef, undef, undef, 0.02;
    }
    return 0;
}

# These programs with these lines of configuration; without_accounting: no acct-file, and no accountant.
sub serve {
    my ($play, $lines, @programs) = @_;
    my $d = $play->{dir};
    my $workers = $play->{workers} // 1;
    my $books = $play->{without_accounting} ? '' : qq(acct-file "$d/acct.csv" {\n$acct}\n);
    my $conf = write_file("$d/conf", <<"E" . $lines . $books);
state-directory = "$d/state"
spool-directory = "$d/spool"
run-directory = "$d/run"
host-name = "bench.test"
workers = $workers
drain-timeout = 5
E
    my (%root, %seconds);
    for my $one (@programs) {
        my $began = time;
        $root{$one} = launch($play->{core}, "$d/$one.log", "$play->{build}/$one", '-c', $conf);
        wait_ready("$d/$one.log", $root{$one});
        $seconds{$one} = time - $began;
    }
    my $accountant = $root{'sallyport-milter'};
    return {
        pids => sub { return Tree::pids(values %root) },
        stop => sub { end_all($root{$_}) for @programs },
        reload => sub { kill HUP => $root{$programs[0]} },
        ready_seconds => $seconds{$programs[0]},
        $accountant ? (settled => sub { return is_at_rest($accountant, $_[0]) }) : (),
        $accountant ? (parts => {accountant => sub { return Tree::pids($accountant) }}) : (),
    };
}

sub start {
    my %play = @_;
    my ($make, $program) = @{$way{$play{which}}};
    my %port;
    my $lines = $make->(\%play, \%port);
    my $handle = serve(\%play, $lines, $program, $play{without_accounting} ? () : 'sallyport-milter');
    return {%$handle, %port};
}

1;

# SPDX-License-Identifier: Apache-2.0
package Peer;

# What the files in bench/peer share. Each of those is a program that the bench measures: package
# Peer::NAME in bench/peer/NAME.pm, with
#
#   our @plays = qw(inbound outbound);   what it can do (which, below)
#   our $idle_most = 500;                where thousands of idle sessions are too many for a test machine
#   our $where_named = 1;                it plays only what says so (only, in Plays.pm)
#   is_here()        '' or what is missing, for the table to say
#   version()        a short text: "nginx 1.22.1"
#   start(%play)     {pids => sub { all of its processes, now }, stop => sub { ... },
#                     starttls => PORT, implicit => PORT,    inbound: where clients come; undef: not
#                     plain => PORT}                         else: where the mail server comes, or mail
#   and, where it is so: user, password (who sends must log in); settled => sub ($seconds) { whether all
#   that came of what it took is done, waited for }, of one that says 250 before that;
#   sent => the same of a mail server's queue alone
#   parts => {NAME => sub { some of its processes }}; reload => sub { ... }; ready_seconds => NUMBER;
#   bare => how load speaks to the sink, there being nobody between (Peer::Bare)
#
# %play: which (inbound: a TLS server before the sink; outbound: a TLS client to it; mail: a mail server
# that hands on to it by TLS; milter: one with a milter, or the same without), dir (its own, fresh),
# cert, key (PEM files), both (one file with both), to (ADDRESS:PORT of a sink: STARTTLS for outbound and
# mail), to_implicit, sessions_most, core (the CPU it is to have for itself), build (where our programs are).
# start() returns when it serves, or dies with a reason.
use v5.36;
use Exporter 'import';
use IO::Socket::INET;
use POSIX ();
use Tree;

our @EXPORT = qw(find_program free_port launch of_pid wait_port end_all write_file first_line);

sub find_program {
    my $name = shift;
    my ($path) = grep { -x } map { "$_/$name" } split(/:/, $ENV{PATH} // ''), qw(/usr/sbin /sbin);
    return $path;
}

# Of one's output: "nginx version: nginx/1.22.1".
sub first_line {
    my @command = @_;
    my $pid = open(my $from, '-|') // return '';
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    }
    my ($line) = <$from>;
    close $from;
    chomp($line //= '');
    return $line;
}

my %given; # a port that is free may be free again

sub free_port {
    for (1 .. 100) {
        my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die $!;
        return $s->sockport unless $given{$s->sockport}++;
    }
    die "no port is free\n";
}

sub write_file {
    my ($path, $text) = @_;
    open my $out, '>', $path or die "$path: $!";
    print $out $text;
    close $out or die "$path: $!";
    return $path;
}

# In the foreground and on its own core, what it says in the file `log`. Its pid.
sub launch {
    my ($core, $log, @command) = @_;
    my $pid = fork // die $!;
    if (!$pid) {
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', $log;
        open STDERR, '>&', \*STDOUT;
        exec 'taskset', '-c', $core, @command or POSIX::_exit(127);
    }
    return $pid;
}

# What start() says of a program that is this process and its children.
sub of_pid {
    my $pid = shift;
    return (pids => sub { return Tree::pids($pid) }, stop => sub { end_all($pid) });
}

# Until somebody listens there, or `pid` is gone.
sub wait_port {
    my ($port, $pid, $log) = @_;
    for (1 .. 1000) {
        return 1 if IO::Socket::INET->new("127.0.0.1:$port");
        last if $pid && waitpid($pid, POSIX::WNOHANG()) == $pid;
        select undef, undef, undef, 0.01;
    }
    die "nobody listens at $port: " . ($log ? Tree::slurp($log) : '') . "\n";
}

# TERM, and KILL for what has not gone in 5 s; the first is our child.
sub end_all {
    my ($root) = @_;
    my @all = Tree::pids($root);
    kill TERM => $root;
    for (1 .. 500) {
        last if waitpid($root, POSIX::WNOHANG()) != 0;
        select undef, undef, undef, 0.01;
    }
    kill KILL => $_ for grep { Tree::slurp("/proc/$_/stat") ne '' } @all;
    waitpid $root, 0;
    return;
}

1;

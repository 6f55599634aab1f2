# SPDX-License-Identifier: Apache-2.0
package Peer::Floor;

# A blind TLS relay (bench/floor.c): what nobody who takes TLS off with OpenSSL can do without.
# STARTTLS is another process of the same program, which plays the two answers itself.
use v5.36;
use Peer;
use POSIX ();

our @plays = qw(inbound);

sub is_here { return '' }
sub version { return first_line(qw(openssl version)) =~ /^(OpenSSL \S+)/ ? $1 : '' }

sub start {
    my %play = @_;
    my (@pids, @ends, %port);
    for my $mode (qw(implicit starttls)) {
        $port{$mode} = free_port();
        pipe my $stdin, my $end or die $!;
        my $pid = fork // die $!;
        if (!$pid) {
            open STDIN, '<&', $stdin;
            close $end;
            close $_ for @ends;
            open STDOUT, '>', "$play{dir}/$mode.log";
            exec 'taskset', '-c', $play{core}, "$play{build}/bench/floor",
              '-a', "127.0.0.1:$port{$mode}", '-b', $play{to}, '-c', $play{both},
              $mode eq 'starttls' ? '-s' : ()
              or POSIX::_exit(127);
        }
        push @pids, $pid;
        push @ends, $end;
        wait_port($port{$mode}, $pid);
    }
    return {
        %port,
        pids => sub { return @pids },
        stop => sub { close $_ for @ends; waitpid $_, 0 for @pids },
    };
}

1;

# SPDX-License-Identifier: Apache-2.0
package Tree;

# What a program and all of its children cost: processor time, memory.
use v5.36;
use Time::HiRes 'clock_gettime';

sub slurp {
    my $path = shift;
    open my $in, '<', $path or return '';
    local $/;
    return <$in> // '';
}

# These processes and all that descend from them, now; zombies too, whose time is not yet their
# parent's.
sub pids {
    my @roots = @_;
    my %children;
    for my $stat (glob '/proc/[0-9]*/stat') {
        my ($pid, $parent) = slurp($stat) =~ /^(\d+) .*\) \S (\d+)/s or next;
        push @{$children{$parent}}, $pid;
    }
    my @all;
    while (defined(my $pid = shift @roots)) {
        push @all, $pid;
        push @roots, @{$children{$pid} // []};
    }
    return @all;
}

# Microseconds so far. Of a process: by its own clock (clock_getcpuclockid(3)), to the nanosecond, with
# all threads that it ever had. And of the children that have gone and been waited for, whom the kernel
# tells in ticks of 10 ms: no finer is a peer known that makes a process for each session.
# Not seen: processes whose parent is gone.
sub cpu_us {
    my $us = 0;
    for my $pid (@_) {
        my $own = clock_gettime(-8 * $pid - 6);
        $us += $own * 1e6 if $own > 0;
        my @stat = split ' ', slurp("/proc/$pid/stat") =~ s/^.*\) //sr;
        $us += ($stat[13] + $stat[14]) * 10_000 if @stat > 14;
    }
    return $us;
}

# Longer than the accountant of ours waits between two batches, which are 0.4 s apart
# (milter/books/accountant.c).
sub rest { select undef, undef, undef, 0.42; return }

# All threads of these processes to this core, whatever they chose: hitch's worker takes the first for
# itself, where load and sink are. To be woken there costs a third of what it costs on another.
sub bind_to {
    my ($core, @pids) = @_;
    for my $thread (map { glob "/proc/$_/task/[0-9]*" } @pids) {
        my $where = sub { slurp("$thread/status") =~ /^Cpus_allowed_list:\s*(\S+)/m ? $1 : $core };
        next if $where->() eq $core;
        my ($id) = $thread =~ /(\d+)$/;
        qx(taskset -cp $core $id 2>&1);
        die "$thread stays at " . $where->() . "\n" if $where->() ne $core;
    }
    return;
}

# Proportional set size: pages that several share count in parts. The kernel's own memory for
# sockets is not in it, for anybody.
sub pss_kb {
    my $kb = 0;
    slurp("/proc/$_/smaps_rollup") =~ /^Pss:\s+(\d+)/m and $kb += $1 for @_;
    return $kb;
}

1;

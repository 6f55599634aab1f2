# SPDX-License-Identifier: Apache-2.0
package Play;

# A play of load, our programs and sink on loopback: what its scripts share. All that is started
# here ends here.
use v5.36;
use Exporter 'import';
use File::Temp;
use IPC::Open2;
use Peer 'free_port';
use POSIX ();

our @EXPORT = qw(say_figure free_port slurp need_build make_cert start_sink stop_sink load start_load
  start_program stop_programs stop $dir %sink $failures);
our $dir = File::Temp->newdir;
our (%sink, $failures);
my @children;
our $build = '.';
$failures = 0;

sub say_figure {
    my ($name, %figure) = @_;
    printf "%-26s %s\n", $name,
      join ' ', map { sprintf '%s=%s', $_, $figure{$_} } sort keys %figure;
}

# The folder of the build is said by whoever calls; without one nothing can be started.
sub need_build {
    -x "$build/$_" or die "bench: no build in '$build': $_ is missing there. ./quickstart build makes one in build/demo\n"
      for qw(bench/sink bench/load bench/floor sallyport-in sallyport-out sallyport-milter);
}

sub slurp { my $path = shift; open my $in, '<', $path or die "$path: $!"; local $/; return <$in> }

sub make_cert {
    my @quiet = qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2);
    open my $err, '>&', \*STDERR;
    open STDERR, '>', '/dev/null';
    0 == system @quiet, '-subj', '/CN=load.test', '-addext', 'subjectAltName=DNS:load.test',
      '-keyout', "$dir/key.pem", '-out', "$dir/cert.pem"
      or die 'openssl made no certificate';
    open STDERR, '>&', $err;
    umask 0077;
    open my $both, '>', "$dir/both.pem" or die $!;
    print $both slurp("$dir/cert.pem"), slurp("$dir/key.pem");
}

# A sink ends when its stdin does. That called everywhere listens at every address of loopback.
sub start_sink {
    my ($name, @args) = @_;
    my $port = free_port();
    my $pid = open2(my $from, my $to, "$build/bench/sink",
        $name eq 'everywhere' ? ('-e', '-a', "0.0.0.0:$port") : ('-a', "127.0.0.1:$port"), @args);
    die "sink $name: not ready" unless (<$from> // '') eq "ready\n";
    $sink{$name} = {port => $port, pid => $pid, to => $to, from => $from};
}

sub stop_sink {
    my $sink = delete $sink{$_[0]};
    close $sink->{to};
    waitpid $sink->{pid}, 0;
}

sub start_load {
    my $pid = open2(my $from, my $to, "$build/bench/load", @_);
    return ($pid, $from, $to);
}

sub load {
    my ($port, @args) = @_;
    my ($pid, $from, $to) = start_load('-a', "127.0.0.1:$port", @args);
    my %got = map { /^(\w+)=(\S+)$/ ? ($1, $2) : () } <$from>;
    waitpid $pid, 0;
    if ($?) { $failures++; say "load @args failed" }
    return \%got;
}

# One of our programs, under the command `under`; the pids of its children come back by their role,
# from its log, and its own as `main`. One of the same `name` shares its spool and its state.
sub start_program {
    my ($program, $text, %how) = @_;
    my $name = $how{name} // $program;
    mkdir "$dir/$name";
    mkdir "$dir/$name/$program";
    open my $conf, '>', "$dir/$name/$program/conf" or die $!;
    print $conf map({ qq($_-directory = "$dir/$name/$_"\n) } qw(state spool)),
      qq(run-directory = "$dir/$name/$program/run"\n),
      qq(host-name = "bench.test"\nworkers = 1\ndrain-timeout = 5\n), $text;
    close $conf;
    pipe my $log, my $write or die $!;
    my $pid = fork // die $!;
    if (!$pid) {
        open STDERR, '>&', $write;
        exec @{$how{under} // []}, "$build/$program", '-c', "$dir/$name/$program/conf"
          or POSIX::_exit(127);
    }
    close $write;
    my $said = '';
    my %pids = (main => $pid);
    while (my $line = <$log> // die "$program did not start:\n$said") {
        $said .= $line;
        $pids{$1} = $2 if $line =~ /child-started .*\brole=(\w+).*\bpid=(\d+)/;
        last if $line =~ /\bready\b/;
    }
    if (!fork) { # whoever reads the log, or the pipe would fill up
        1 while sysread $log, my $bytes, 65536;
        POSIX::_exit(0);
    }
    push @children, $pid;
    return %pids;
}

# Only the programs, and no sink.
sub stop_programs {
    kill TERM => $_ for @children;
    waitpid $_, 0 for @children;
    @children = ();
}

sub stop {
    stop_programs();
    stop_sink($_) for keys %sink;
}
$SIG{$_} = sub { exit 1 } for qw(HUP INT PIPE TERM); # by END, so that nothing is left running
my $owner = $$;
END { my $status = $?; stop() if $$ == $owner; $? = $status }

1;

# SPDX-License-Identifier: Apache-2.0
# T::Run - one of our programs, with a configuration given as text.
#
#   my $in = T::Run->start('sallyport-in', conf => <<'E', cert => $ca->cert('mx.test')->{pem});
#   smtp-listener 127.0.0.1:@port:in@ { }
#   smtp-server-tls-certificate = {@cert@, ""}
#   E
#   $in->log_like(qr/closed why=done/);   # waits for such a line, from where the last one was found
#   $in->signal('HUP');
#   $in->stop;                            # SIGTERM, exit status 0, nothing bad in the log
#
# Options: conf, file (a configuration that is there already, as it is), ready (what the log says when it serves), user (run workers as that user when
# root), args, env, expect (a pattern of bad lines that are wanted), name. All else is filled
# into the text (T::Stage::fill). The directories for state are the test's own.
package T::Run;
use v5.36;
use Carp qw(croak);
use File::Path qw(make_path);
use POSIX qw(WNOHANG);
use T::Stage ();
use Test::More ();

my %count;
my %own = map { $_ => 1 } qw(conf file ready user args env expect name under);
my $sanitizer = qr/(?:ERROR: \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer)/;

sub program_path {
    my $program = shift;
    my $build = $ENV{T_BUILD} // croak 'T_BUILD is not set';
    return $program =~ m{/} ? $program : "$build/$program";
}

sub start {
    my ($class, $program, %o) = @_;
    my $self = $class->prepare($program, %o);
    $self->launch;
    $self->log_like($o{ready} // qr/^\S+ (?:ready|started) /, "$self->{name} serves")
        or croak "$self->{name} did not start";
    return $self;
}

# The folder and the configuration only: for -t, or for a start later on by launch().
sub prepare {
    my ($class, $program, %o) = @_;
    my $name = $o{name} // $program . (++$count{$program} > 1 ? "-$count{$program}" : "");
    my $dir = T::Stage::stage_dir() . "/$name";
    make_path(map { "$dir/$_" } qw(run state spool));
    my $self = bless {
        program => $program, name => $name, dir => $dir, log => "$dir/log", seen => 0,
        args => $o{args} // [], env => $o{env} // {}, expect => $o{expect}, user => $o{user},
        under => $o{under} // [], # a command that starts it, such as prlimit
        fill => {map { $_ => $o{$_} } grep { !$own{$_} } keys %o},
    }, $class;
    $self->{conf} = $o{file};
    $self->configure($o{conf} // '') unless $o{file};
    return $self;
}

# Writes the configuration anew: for SIGHUP.
sub configure {
    my ($self, $text) = @_;
    my $dir = $self->{dir};
    my %places = ('run-directory' => 'run', 'state-directory' => 'state', 'spool-directory' => 'spool');
    my $head = '';
    for my $option (sort keys %places) {
        $head .= "$option = \"$dir/$places{$option}\"\n" unless $text =~ /^\s*$option\b/m;
    }
    # A mail server that a test plays hears nobody but clients, unless the test says otherwise.
    $text =~ s/^(\s*backend\s+\S+\s*\{)(?!(?:[^{}]|\{[^{}]*\})*check-interval)/$1 check-interval = 0/mg;
    $head .= "host-name = proxy.test\n" unless $text =~ /^\s*host-name\b/m;
    if ($self->{user} && T::Stage::is_root()) {
        $head .= "user = $self->{user}\n";
        my (undef, undef, $uid, $gid) = getpwnam $self->{user} or croak "no user $self->{user}";
        chown $uid, $gid, map { "$dir/$_" } values %places;
    }
    $self->{conf} = "$dir/conf";
    open my $out, '>', $self->{conf} or croak "$self->{conf}: $!";
    chmod 0600, $self->{conf};
    print $out $head, T::Stage::fill($text, %{$self->{fill}});
    close $out or croak "$self->{conf}: $!";
    return $self;
}

sub launch {
    my $self = shift;
    my @command = (program_path($self->{program}), @{$self->{args}}, '-c', $self->{conf});
    -x $command[0] or croak "$command[0] is not built";
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        POSIX::setsid();
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $self->{log};
        open STDERR, '>&', \*STDOUT;
        $ENV{$_} = $self->{env}{$_} for keys %{$self->{env}};
        exec T::Stage::with_us(), @{$self->{under}}, @command or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    T::Stage::started($self) unless $self->{listed}++;
    return $self;
}

# Runs to its end: (exit status, what it said). For -t, --help and the like.
sub outcome {
    my ($self, @args) = @_;
    my $pid = open my $out, '-|' // croak "fork: $!";
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        exec @{$self->{under}}, program_path($self->{program}), @args, '-c', $self->{conf} or POSIX::_exit(127);
    }
    my $said = do { local $/; <$out> } // '';
    close $out;
    return ($? >> 8, $said);
}

sub pid { return $_[0]{pid} }

sub log_text {
    my $self = shift;
    open my $in, '<', $self->{log} or return '';
    local $/;
    return <$in> // '';
}

# The next line like this, waited for. Later calls look behind it.
sub log_like {
    my ($self, $pattern, $name, %o) = @_;
    my $line = T::Stage::wait_for(sub {
        my $text = substr $self->log_text, $self->{seen};
        my $at = 0;
        for my $line ($text =~ /([^\n]*\n)/g) {
            $at += length $line;
            next unless $line =~ $pattern;
            $self->{seen} += $at;
            return $line;
        }
        return "\n" if !$self->is_alive;
        return;
    }, $o{seconds});
    my $well = defined $line && $line =~ $pattern;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::ok($well, $name // "$self->{name} logs $pattern");
    chomp $line if $well;
    return $well ? $line : undef;
}

# No such line up to now. Wait for a line that must come behind it first.
sub log_unlike {
    my ($self, $pattern, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::unlike($self->log_text, $pattern, $name // "$self->{name} never logs $pattern");
}

sub is_alive {
    my $self = shift;
    return 0 unless $self->{pid};
    return 1 if waitpid($self->{pid}, WNOHANG) == 0;
    $self->{status} //= $?;
    delete $self->{pid};
    return 0;
}

sub signal {
    my ($self, $signal) = @_;
    return $self->{pid} && kill $signal, $self->{pid};
}

# Processes that it made.
sub children {
    my $self = shift;
    my $pid = $self->{pid} // return;
    open my $in, '<', "/proc/$pid/task/$pid/children" or return;
    return split ' ', <$in> // '';
}

# Those that it logged as its children of a role (worker, facts, milter, accountant) and live.
sub children_of {
    my ($self, $role) = @_;
    my %lives = map { $_ => 1 } $self->children;
    return grep { $lives{$_} } $self->log_text =~ /child-started role=$role .*?\bpid=(\d+)/g;
}

# What `said` says comes to its only worker at once, in one round of its loop.
sub at_once {
    my ($self, $said) = @_;
    my ($worker) = $self->children_of('worker');
    kill STOP => $worker;
    T::Stage::wait_for(sub { open my $stat, '<', "/proc/$worker/stat" or return; readline($stat) =~ /\) T / });
    $said->();
    select undef, undef, undef, 0.1; # loopback is quicker
    kill CONT => $worker;
    return;
}

# log_like() looks from here on.
sub log_mark { $_[0]{seen} = length $_[0]->log_text; return }

# Resident bytes of it and its children.
sub memory {
    my $self = shift;
    my $sum = 0;
    for my $pid ($self->{pid}, $self->children) {
        open my $in, '<', "/proc/$pid/status" or next;
        for (<$in>) { $sum += $1 * 1024 if /^VmRSS:\s+(\d+)/ }
    }
    return $sum;
}

# No assertion: for a test that kills it.
sub kill_hard {
    my $self = shift;
    return unless $self->{pid};
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    delete $self->{pid};
    return;
}

sub stop {
    my $self = shift;
    return if $self->{stopped}++;
    my $was_alive = $self->is_alive;
    if ($was_alive) {
        kill 'TERM', $self->{pid};
        T::Stage::wait_for(sub { !$self->is_alive }, 25);
    }
    my $late = $self->{pid};
    $self->kill_hard if $late;
    $self->judge($late) unless $self->{not_judged};
    return;
}

# Started again after stop() or kill_hard(), with the same configuration.
sub restart {
    my ($self, $ready) = @_;
    $self->stop if $self->{pid};
    $self->{stopped} = $self->{listed} = 0;
    delete $self->{status};
    $self->launch;
    return $self->log_like($ready // qr/^\S+ (?:ready|started) /, "$self->{name} serves again");
}

sub judge {
    my ($self, $late) = @_;
    my @bad;
    push @bad, 'did not stop after SIGTERM' if $late;
    push @bad, sprintf 'ended with status 0x%x', $self->{status} if $self->{status};
    for my $line (split /\n/, $self->log_text) {
        next unless $line =~ $sanitizer || $line =~ / level=error |\bassert/i;
        push @bad, $line unless $self->{expect} && $line =~ $self->{expect};
    }
    Test::More::ok(!@bad, "$self->{name} ends well") or Test::More::diag(join "\n", @bad);
    return;
}

sub dump {
    my $self = shift;
    my @lines = split /\n/, $self->log_text;
    splice @lines, 0, @lines - 60 if @lines > 60;
    Test::More::diag("--- $self->{log}", map { "\n  $_" } @lines);
    return;
}

1;

# SPDX-License-Identifier: Apache-2.0
# A toy (t/tool/toy) in a folder of its own. Waits for what it says, never for time to pass; what
# does not come within the deadline fails the test.
package T::Toy;
use strict;
use warnings;
use File::Temp;
use IO::Select;
use IO::Socket::UNIX;
use Socket;
use Test::More ();
use Time::HiRes 'time';

use constant DEADLINE => 30;

sub new {
    my ($class, @lines) = @_;
    my $self = bless {folder => File::Temp->newdir, log => '', from => 0}, $class;
    $self->configure(@lines);
    return $self;
}

sub folder { "$_[0]{folder}" }
sub file   { $_[0]->folder . '/toy.conf' }
sub pid    { $_[0]{pid} }
sub log    { $_[0]{log} }

# The lines given win over what stands there anyway.
sub configure {
    my ($self, @lines) = @_;
    my $folder = $self->folder;
    my %line = (
        (map { ("$_-directory" => qq($_-directory = "$folder/$_")) } qw(run state spool)),
        workers     => 'workers = 2',
        'host-name' => 'host-name = "one"',
        (map { (/^(\S+)/, $_) } @lines)
    );
    open my $out, '>', $self->file or die $!;
    print $out map { "$line{$_}\n" } sort keys %line;
    close $out or die $!;
}

sub _spawn {
    my ($self, @args) = @_;
    my @leaks = grep { $_ } $ENV{ASAN_OPTIONS};
    pipe my $read, my $write or die $!;
    my $pid = fork // die $!;
    if (!$pid) {
        # One that changed its user cannot be looked at by the leak checker.
        my $conf = do { local (@ARGV, $/) = $self->file; <> };
        $ENV{ASAN_OPTIONS} = join ':', @leaks, 'detect_leaks=0' if $conf =~ /^user/m && !$>;
        open STDOUT, '>&', $write or die $!;
        open STDERR, '>&', $write or die $!;
        exec "$ENV{T_BUILD}/t/tool/toy", @args;
        die "toy: $!";
    }
    close $write;
    return ($pid, $read);
}

# To its end: status and all that it said.
sub call {
    my ($self, @args) = @_;
    my ($pid, $read) = $self->_spawn(@args);
    my $text = do { local $/; <$read> };
    waitpid $pid, 0;
    return ($? >> 8, $text // '');
}

sub launch {
    my ($self, @args) = @_;
    @$self{qw(log from)} = ('', 0);
    @$self{qw(pid read)} = $self->_spawn('-c', $self->file, @args);
    $self->{running} = 1;
    return $self;
}

sub start {
    my $self = shift->launch;
    $self->until(qr/ready generation=1/);
    return $self;
}

# Reads more; false at the end of all who could write.
sub _more {
    my ($self, $until) = @_;
    IO::Select->new($self->{read})->can_read($until - time > 0 ? $until - time : 0)
      or die "nothing came in time; the log:\n$self->{log}";
    return sysread $self->{read}, $self->{log}, 65536, length $self->{log};
}

# The next match in the log, behind the last one.
sub until {
    my ($self, $what) = @_;
    my $until = time + DEADLINE;
    while (1) {
        pos($self->{log}) = $self->{from};
        if ($self->{log} =~ /\G.*?$what/gs) {
            $self->{from} = pos $self->{log};
            return 1;
        }
        $self->_more($until) or die "it ended before $what; the log:\n$self->{log}";
    }
}

# Master and children: whoever lives holds the log open.
sub until_all_gone {
    my $self  = shift;
    my $until = time + DEADLINE;
    1 while $self->_more($until);
    waitpid $self->{pid}, 0 if delete $self->{running};
    return 1;
}

sub signal { my ($self, $name) = @_; kill $name => $self->{pid} }

# Of the one that was launched, once it has ended; the log then has all that it said.
sub status {
    my $self = shift;
    if (delete $self->{running}) {
        local $SIG{ALRM} = sub { die "it does not end; the log:\n$self->{log}" };
        alarm DEADLINE;
        waitpid $self->{pid}, 0;
        alarm 0;
        $self->{status} = $? & 127 ? "signal $?" : $? >> 8;
        my $now = IO::Select->new($self->{read});
        1 while $now->can_read(0) && sysread $self->{read}, $self->{log}, 65536, length $self->{log};
    }
    return $self->{status};
}

sub pid_file {
    my $self = shift;
    open my $in, '<', $self->folder . '/run/toy.pid' or return 0;
    my $pid = <$in> // '';
    chomp $pid;
    return $pid;
}

# A connection, or nothing if nobody takes any.
sub knock { IO::Socket::UNIX->new(Peer => $_[0]->folder . '/run/toy.sock') }

sub session {
    my $self   = shift;
    my $socket = $self->knock or die "no connection: $!; the log:\n$self->{log}";
    my $s      = bless {socket => $socket}, 'T::Toy::Session';
    $s->ask('who');
    return $s;
}

sub listen_to_notify {
    my $self = shift;
    my $path = $self->folder . '/notify';
    $self->{notify} = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path) or die $!;
    $ENV{NOTIFY_SOCKET} = $path;
}

sub notified {
    my $self = shift;
    IO::Select->new($self->{notify})->can_read(DEADLINE) or die 'not notified';
    $self->{notify}->recv(my $text, 4096);
    return $text;
}

# /proc/PID/status
sub proc {
    my ($self, $pid) = @_;
    open my $in, '<', "/proc/$pid/status" or die $!;
    return map { /^(\w+):\s*(.*)$/ ? ($1, $2) : () } <$in>;
}

sub DESTROY {
    my $self = shift;
    local ($?, $@);
    delete $ENV{NOTIFY_SOCKET} if $self->{notify};
    return if !$self->{read};
    if ($self->{running}) { # twice: a test may hold sessions still
        kill TERM => $self->{pid};
        $self->until(qr/stopping how=/);
        kill TERM => $self->{pid};
    }
    $self->until_all_gone;
    Test::More::unlike($self->{log}, qr/Sanitizer|runtime error/, 'no sanitizer spoke');
}

package T::Toy::Session;

sub ask {
    my ($self, $line) = @_;
    syswrite $self->{socket}, "$line\n" or die $!;
    my $answer = readline($self->{socket}) // die 'no answer';
    %$self = (%$self, $answer =~ /(\w+)=(\S+)/g);
    return $self;
}

sub close { close $_[0]{socket} }

1;

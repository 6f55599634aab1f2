# SPDX-License-Identifier: Apache-2.0
# T::Mta - what the private mail servers of the tests have in common: T::Postfix, T::Exim,
# T::Sendmail, T::OpenSMTPD. Each has its folder, its ports and its log.
#
#   my $mta = T::Exim->start('exim', port => port('exim'), conf => "hosts_proxy = 127.0.0.1\n");
#   $mta->log_like(qr/.../);           # waits for such a line, from where the last one was found
#   $mta->taken;                       # messages it took, out of its log: {id, from, client, size}
#   $mta->wait_taken(2);               # as soon as there are two of them
#   $mta->stop;                        # by itself at the end of the test
package T::Mta;
use v5.36;
use Carp qw(croak);
use POSIX qw(WNOHANG);
use T::Stage ();
use Test::More ();

# Why it cannot run here; nothing if it can.
sub why_not {
    return 'root is needed to run a mail server' unless T::Stage::is_root();
    return;
}

# For a test that is nothing without it: the reason is said and must be on the list t/skips.
sub or_skip_all {
    my $class = shift // __PACKAGE__;
    my $why = $class->why_not or return;
    Test::More::plan(skip_all => $why);
    return;
}

sub slurp {
    my ($self, $path) = @_;
    open my $in, '<', $path or return '';
    local $/;
    return <$in> // '';
}

sub log_text { return $_[0]->slurp($_[0]{log}) }
sub log_mark { $_[0]{seen} = length $_[0]->log_text; return }

# The next line like this, waited for; undef if none comes.
sub find {
    my ($self, $pattern, $seconds) = @_;
    return T::Stage::wait_for(sub {
        my ($text, $at) = (substr($self->log_text, $self->{seen} // 0), 0);
        for my $line ($text =~ /([^\n]*\n)/g) {
            $at += length $line;
            next unless $line =~ $pattern;
            $self->{seen} += $at;
            return $line =~ s/\n//r;
        }
        return;
    }, $seconds);
}

sub log_like {
    my ($self, $pattern, $name, %o) = @_;
    my $line = $self->find($pattern, $o{seconds});
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::ok(defined $line, $name // "$self->{name} logs $pattern");
    return $line;
}

sub log_unlike {
    my ($self, $pattern, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::unlike($self->log_text, $pattern, $name // "$self->{name} never logs $pattern");
}

# Anywhere in the log, whatever was looked at before; waited for.
sub has_logged {
    my ($self, $pattern, $seconds) = @_;
    return T::Stage::wait_for(sub { $self->log_text =~ /^(.*$pattern.*)$/m ? $1 : undef }, $seconds);
}

# The messages, if there are as many in time; else those that there are.
sub wait_taken {
    my ($self, $count, $seconds) = @_;
    T::Stage::wait_for(sub { $self->taken >= $count }, $seconds);
    return $self->taken;
}

# Nothing is said to the port: it would be in the log.
sub wait_listening {
    my ($self, $port) = @_;
    my $listens = sprintf ':%04X [0-9A-F]+:0000 0A ', $port;
    T::Stage::wait_for(sub { !$self->is_alive || $self->slurp('/proc/net/tcp') =~ /$listens/ });
    croak "$self->{name} did not start: " . $self->log_text unless $self->is_alive;
    return;
}

# Ours, or a zombie that nobody waits for: it has stopped.
sub is_alive {
    my $self = shift;
    my $pid = $self->{pid} // return 0;
    waitpid $pid, WNOHANG;
    return $self->slurp("/proc/$pid/stat") =~ /\) [^Z]/;
}

sub stop {
    my $self = shift;
    my $pid = $self->{pid} // return;
    kill 'TERM', $pid;
    T::Stage::wait_for(sub { !$self->is_alive }, 10) or kill 'KILL', -$pid;
    delete $self->{pid};
    $self->{jail}->remove if $self->{jail};
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

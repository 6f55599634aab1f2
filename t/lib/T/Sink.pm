# SPDX-License-Identifier: Apache-2.0
# T::Sink - a mail server that runs by itself, many sessions at once: for load, and where the
# conversation does not matter.
#
#   my $sink = T::Sink->start(port => port('mx'), cert => $ca->cert('mx.test'));
#   $sink->count;              # messages that got their 250
#   $sink->log_text;           # "SESSION C: line", "SESSION S: line", "SESSION message BYTES from to..."
# Options: addr, or path (a unix socket), greeting, head (PROXY headers come first), tls (at once), ask_client, ca, version, ciphers, keywords (list for EHLO),
# replies (a list of pattern => reply, for commands; the dot is '.'; a reply of 'close' closes).
package T::Sink;
use v5.36;
use Carp qw(croak);
use POSIX ();
use T::Peer ();
use T::Stage ();
use Test::More ();

my $count = 0;

sub start {
    my ($class, %o) = @_;
    my $name = 'sink' . (++$count > 1 ? "-$count" : '');
    my $self = bless {name => $name, log => T::Stage::stage_dir() . "/$name.log", %o}, $class;
    my $listener = T::Peer->listen(%o, queue => 1024);
    my $pid = fork // croak "fork: $!";
    $self->serve($listener) if $pid == 0;
    $self->{pid} = $pid;
    return T::Stage::started($self);
}

# A process for each session: all may stall without a care for the others.
sub serve {
    my ($self, $listener) = @_;
    my $session = 0;
    Test::More->builder->$_(\my $unheard) for qw(output failure_output todo_output);
    $SIG{CHLD} = 'IGNORE';
    $SIG{TERM} = sub { POSIX::_exit(0) };
    open $self->{out}, '>>', $self->{log};
    while (getppid != 1) {
        my $peer = $listener->accept(seconds => 5, maybe => 1) or next;
        $session++;
        next if fork;
        $listener->close; # or the port is taken for whoever comes after us, until this session ends
        $SIG{ALRM} = 'DEFAULT';
        alarm 300;
        eval { $self->play($peer, $session) };
        $self->tell($session, "ends: $@") if $@;
        POSIX::_exit(0);
    }
    POSIX::_exit(0);
}

# One write a line: lines of several processes do not mix.
sub tell {
    my ($self, $session, $text) = @_;
    syswrite $self->{out}, "$session " . ($text =~ s/\s*\n\s*/ | /gr) . "\n";
    return;
}

sub play {
    my ($self, $peer, $session) = @_;
    local $T::Stage::PATIENCE = 120;
    $peer->{on_line} = sub { $self->tell($session, ($_[0] eq '<' ? 'C: ' : 'S: ') . $_[1]) };
    $self->tell($session, 'from ' . $peer->peer_addr);
    if ($self->{head}) {
        my $head = T::Head::read($peer);
        $self->tell($session, 'for ' . ($head->{src} // 'itself'));
    }
    $self->shake($peer, $session) if $self->{tls};
    my $greeting = $self->{greeting} // '220 sink.test';
    $peer->say($greeting);
    return $peer->close if $greeting !~ /^2/;
    my %mail = (to => []);
    while (defined(my $line = $peer->read_line)) {
        my $reply = $self->answer($peer, $session, $line, \%mail) // last;
        $peer->say(split /\n/, $reply);
        last if $line =~ /^QUIT/i;
        $self->shake($peer, $session) if $line =~ /^STARTTLS/i && $reply =~ /^220/;
    }
    return $peer->close;
}

sub shake {
    my ($self, $peer, $session) = @_;
    $peer->start_tls(server => 1, cert => $self->{cert}, ask_client => $self->{ask_client}, ca => $self->{ca},
        map { $self->{$_} ? ($_ => $self->{$_}) : () } qw(version ciphers));
    return $self->tell($session, join ' ', 'TLS', $peer->tls_version, $peer->tls_cipher, $peer->tls_peer);
}

sub scripted {
    my ($self, $line) = @_;
    my @rules = @{$self->{replies} // []};
    while (my ($pattern, $reply) = splice @rules, 0, 2) { return $reply if $line =~ $pattern }
    return;
}

sub answer {
    my ($self, $peer, $session, $line, $mail) = @_;
    my $said = $self->scripted($line);
    return if ($said // '') eq 'close';
    return $said // $self->features($peer) if $line =~ /^(?:EHLO|HELO)/i;
    @$mail{qw(from to)} = ($line, []) if $line =~ /^MAIL/i;
    push @{$mail->{to}}, $line if $line =~ /^RCPT/i && ($said // '2') =~ /^2/;
    return $said // '220 2.0.0 go' if $line =~ /^STARTTLS/i;
    return $said // '221 2.0.0 bye' if $line =~ /^QUIT/i;
    return $said // '250 2.0.0 ok' if $line !~ /^DATA/i;
    return $said if defined $said && $said !~ /^354/;
    return '503 5.5.1 RCPT first' unless defined $said || @{$mail->{to}};
    $peer->say($said // '354 go on');
    my $bytes = length $peer->hear_body;
    my $last = $self->scripted('.') // "250 2.0.0 queued as SINK$session";
    return if $last eq 'close';
    $self->tell($session, "message $bytes $mail->{from} @{$mail->{to}}") if $last =~ /^2/;
    return $last;
}

sub features {
    my ($self, $peer) = @_;
    my @keywords = @{$self->{keywords} // [qw(PIPELINING 8BITMIME SMTPUTF8 DSN ENHANCEDSTATUSCODES), 'SIZE 50000000']};
    push @keywords, 'STARTTLS' if $self->{cert} && !$peer->{tls};
    my $last = pop @keywords;
    return join "\n", '250-sink.test', (map { "250-$_" } @keywords), "250 $last";
}

sub log_text {
    my $self = shift;
    open my $in, '<', $self->{log} or return '';
    local $/;
    return <$in> // '';
}

sub count { return scalar(() = $_[0]->log_text =~ /^\d+ message /mg) }

sub stop {
    my $self = shift;
    my $pid = delete $self->{pid} or return;
    kill 'TERM', $pid;
    waitpid $pid, 0;
    return;
}

sub dump {
    my $self = shift;
    my @lines = split /\n/, $self->log_text;
    splice @lines, 0, @lines - 30 if @lines > 30;
    Test::More::diag("--- $self->{log}", map { "\n  $_" } @lines);
    return;
}

1;

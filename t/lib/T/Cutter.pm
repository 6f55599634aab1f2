# SPDX-License-Identifier: Apache-2.0
# T::Cutter - a wire with scissors between a mail server and sallyport-out. It passes on what both
# say, and cuts the first connections at the worst moment: behind the message, when the answer to
# it is here and the mail server has not heard it.
#
#   my $wire = T::Cutter->start(port => port('wire'), to => port('out'), cuts => 1, how => 'close');
#   $wire->cut;                # what it swallowed, a string for each cut
#   $wire->wait_cut(1);
# how:  close    both ends, in order: what was said to it was read, and nobody heard it
#       reset    both ends
#       hold     the answer is kept back until sallyport-out is gone
#       early    nothing is waited for: as soon as the message is through, only the mail server's end
#                at once, the other when an answer came
# pass: so many lines of the answer are passed on first (LMTP has several).
package T::Cutter;
use v5.36;
use Carp qw(croak);
use IO::Select;
use IO::Socket::IP;
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER);
use T::Stage ();
use Test::More ();

my $count = 0;

sub start {
    my ($class, %o) = @_;
    my $name = 'wire' . (++$count > 1 ? "-$count" : '');
    my $self = bless {name => $name, log => T::Stage::stage_dir() . "/$name.log", cuts => 1, how => 'close', pass => 0, %o}, $class;
    my $listener = IO::Socket::IP->new(LocalAddr => '127.0.0.1', LocalPort => $o{port}, Listen => 64, ReuseAddr => 1)
        or croak "port $o{port}: $@";
    my $pid = fork // croak "fork: $!";
    $self->serve($listener) if $pid == 0;
    $self->{pid} = $pid;
    return T::Stage::started($self);
}

# A process for each connection.
sub serve {
    my ($self, $listener) = @_;
    Test::More->builder->$_(\my $unheard) for qw(output failure_output todo_output);
    $SIG{CHLD} = 'IGNORE';
    $SIG{ALRM} = 'DEFAULT';
    $SIG{TERM} = sub { POSIX::_exit(0) };
    while (getppid != 1) {
        my $mta = $listener->accept or next;
        next if fork;
        alarm 120;
        my $out = IO::Socket::IP->new(PeerAddr => '127.0.0.1', PeerPort => $self->{to}) or POSIX::_exit(1);
        $self->join_ends($mta, $out);
        POSIX::_exit(0);
    }
    POSIX::_exit(0);
}

sub join_ends {
    my ($self, $mta, $out) = @_;
    my ($said, $body, $answer) = ('', 0, '');
    my $both = IO::Select->new($mta, $out);
    while (1) {
        for my $from ($both->can_read) {
            my $got = sysread $from, my $text, 65536;
            if ($from == $mta) {
                if (!$got) { # Exim says no more behind QUIT, and listens
                    $out->shutdown(1);
                    $both->remove($mta);
                    next;
                }
                syswrite $out, $text;
                $said = substr $said . $text, -200;
                next if !$body || $said !~ /(?:\A|\r\n)\.\r\n(?:QUIT\r\n)?\z/i;
                $body = 2;
                close $mta if $self->{how} eq 'early' && $self->cuts_left && $both->remove($mta);
                next;
            }
            ($body, $said) = (1, '') if ($text // '') =~ /^354/m;
            if ($body == 2 && $self->cuts_left) {
                $answer .= $text // '';
                next if $got && $self->hold($mta, \$answer);
                return $self->snip($answer, $mta, $out);
            }
            return if !$got;
            syswrite $mta, $text;
        }
    }
    return;
}

sub cuts_left { my @cut = $_[0]->cut; return @cut < $_[0]{cuts} }

# True: the rest of the answer is to come.
sub hold {
    my ($self, $mta, $answer) = @_;
    while ($self->{pass} > 0 && $$answer =~ s/\A(.*?\r\n)//) {
        syswrite $mta, $1;
        $self->{pass}--;
    }
    $self->tell("held $$answer") if $self->{how} eq 'hold' && $$answer ne '';
    return $self->{how} eq 'hold' || $$answer eq '';
}

sub snip {
    my ($self, $answer, @ends) = @_;
    if ($self->{how} eq 'reset') { setsockopt $_, SOL_SOCKET, SO_LINGER, pack 'II', 1, 0 for @ends }
    $self->tell("cut $answer");
    close $_ for @ends;
    return;
}

sub tell {
    my ($self, $text) = @_;
    open my $log, '>>', $self->{log} or return;
    syswrite $log, $text =~ s/\r?\n/ | /gr . "\n";
    return;
}

sub lines_of {
    my ($self, $word) = @_;
    open my $in, '<', $self->{log} or return;
    return map { chomp; s/^$word //r } grep { /^$word / } <$in>;
}

sub cut { return $_[0]->lines_of('cut') }

sub wait_cut { my ($self, $n) = @_; return T::Stage::wait_for(sub { (my @n = $self->cut) >= $n }) }
sub wait_held { my ($self, $n) = @_; return T::Stage::wait_for(sub { (my @n = $self->lines_of("held")) >= $n }) }

sub stop {
    my $self = shift;
    my $pid = delete $self->{pid} or return;
    kill 'TERM', $pid;
    waitpid $pid, 0;
    return;
}

sub dump {
    my $self = shift;
    open my $in, '<', $self->{log} or return;
    return Test::More::diag("--- $self->{log}\n", <$in>);
}

1;

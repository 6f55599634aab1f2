# SPDX-License-Identifier: Apache-2.0
# T::Witness - a far server and people who send to it without a pause; both write down what they
# saw, and that is held against the accounting files. No recipient is used twice.
#
#   my $w = T::Witness->start(far => port('mx'), to => port('out'), senders => 4, synced => 0);
#   my $of_r = T::Witness->start(..., received => 1);    # `far` is the mail server behind sallyport-in
#   $w->settle;                             # nobody sends any more
#   my @lies = $w->lies(%rows);             # rows: recipient => list of rows (hashes)
#   $w->heard(250);                         # recipients whose senders heard that
#
# What becomes of a recipient stands in its name: no 550 and later 451 at RCPT, full 552 at the
# dot, hang is taken and not answered, slow is answered late, gone: its sender does not wait.
package T::Witness;
use v5.36;
use Carp qw(croak);
use IO::Socket::INET;
use POSIX ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(sleep);
use T::Stage ();

my $count = 0;
my @kinds = (('ok') x 60, qw(slow no no later full hang gone));

sub start ($class, %o) {
    my $self = bless {%o, name => 'witness', base => T::Stage::stage_dir() . '/witness' . ++$count, people => []}, $class;
    my $listener = IO::Socket::INET->new(LocalAddr => $o{received} ? '127.0.0.52' : '127.0.0.51', LocalPort => $o{far}, Listen => 1024, ReuseAddr => 1) or croak $@;
    $self->{server} = child(sub { $self->serve($listener) });
    close $listener;
    T::Stage::started($self);
    my $senders = $o{senders} // 4;
    push $self->{people}->@*, map { my $who = $_; child(sub { $self->send_on($who) }) } 1 .. $senders;
    return $self;
}

sub child ($code) {
    my $pid = fork // croak "fork: $!";
    return $pid if $pid;
    $SIG{$_} = 'DEFAULT' for qw(ALRM TERM INT HUP);
    eval { $code->(); 1 } or syswrite STDERR, "# $@";
    POSIX::_exit(0);
}

# One write a line: lines of several processes do not mix.
sub note ($self, @words) { return syswrite $self->{notes}, "@words\n" }

sub open_notes ($self, $who) {
    open $self->{notes}, '>>', "$self->{base}-$who" or croak $!;
    return;
}

# A line of a connection; undef at its end.
sub line ($c) {
    while (index($c->{text}, "\n") < 0) {
        sysread($c->{io}, $c->{text}, 65536, length $c->{text}) or return;
    }
    return $c->{text} =~ s/\A([^\n]*?)\r?\n// ? $1 : croak 'no line';
}

sub say_to ($c, $text) { return syswrite $c->{io}, $text =~ s/\n?\z/\r\n/r }

# True behind the dot.
sub body ($c) {
    while (defined(my $line = line($c))) { return 1 if $line eq '.' }
    return 0;
}

sub serve ($self, $listener) {
    $SIG{CHLD} = 'IGNORE';
    my $parent = getppid;
    $self->open_notes('far');
    while (getppid == $parent) {
        my $io = $listener->accept or next;
        setsockopt $io, IPPROTO_TCP, TCP_NODELAY, 1;
        next if fork;
        alarm 600;
        $self->play({io => $io, text => ''});
        POSIX::_exit(0);
    }
    return;
}

sub play ($self, $c) {
    my $to;
    say_to($c, '220 far.test');
    while (defined(my $line = line($c))) {
        if ($line =~ /^EHLO/) {
            say_to($c, "250-far.test\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES");
        } elsif ($line =~ /^RCPT TO:<((\w+)-[^>]*)>/) {
            $self->note(asked => $to = $1);
            say_to($c, $2 eq 'no' ? '550 5.1.1 nobody' : $2 eq 'later' ? '451 4.2.2 later' : '250 2.1.5 ok');
        } elsif ($line =~ /^DATA/) {
            say_to($c, '354 go');
            body($c) or return;
            my ($kind) = $to =~ /^(\w+)/;
            $self->note($kind eq 'full' ? 'refused' : 'taken', $to);
            return if $kind eq 'hang';
            sleep 0.15 if $kind eq 'slow';
            say_to($c, $kind eq 'full' ? '552 5.2.2 full' : '250 2.0.0 Ok: queued as ' . sprintf '%08X%04X', time, ++$self->{queued} + ($$ << 8 & 0xff00));
        } elsif ($line =~ /^PROXY /) {
            next;
        } elsif ($line =~ /^QUIT/) {
            return say_to($c, '221 2.0.0 bye');
        } else {
            say_to($c, '250 2.0.0 ok');
        }
    }
    return;
}

# The answer to what was said: its code, or 0 at the end of the connection.
sub answer ($c) {
    while (defined(my $line = line($c))) { return $1 if $line =~ /^(\d{3})(?: |\z)/ }
    return 0;
}

sub connected ($self) {
    my $io = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{to}, Timeout => 10) or return;
    my $c = {io => $io, text => ''};
    return $c if answer($c) == 220 && say_to($c, 'EHLO mta.test') && answer($c) == 250;
    return;
}

sub send_on ($self, $who) {
    my $n = 0;
    srand $who + ($self->{seed} // 0) * 100;
    $self->open_notes("mta$who");
    while (!-e "$self->{base}.stop") {
        my $c = $self->connected;
        sleep 0.02 if !$c;
        while ($c && !-e "$self->{base}.stop") {
            my $kind = $kinds[rand @kinds];
            my $rcpt = "$kind-$who-" . ++$n . ($self->{received} ? '@here.test' : '@a.test');
            my ($code, $at) = eval { local $SIG{ALRM} = sub { die "late\n" }; alarm 60; message($c, $rcpt, $kind eq 'gone') };
            alarm 0;
            $self->note(heard => $rcpt, $code // 0, $at // 'late');
            undef $c if !$code || $kind eq 'gone';
        }
    }
    return;
}

# The code that decided, and where it was said.
sub message ($c, $rcpt, $gone) {
    my $code;
    say_to($c, "MAIL FROM:<x\@y.test>\r\nRCPT TO:<$rcpt>");
    my $mail = answer($c);
    if (($code = answer($c)) != 250) {
        say_to($c, 'RSET') && answer($c) == 250 or return (0, "rcpt-$code") if $code;
        return $mail == 250 ? ($code, 'rcpt') : ($mail, 'mail');
    }
    say_to($c, 'DATA');
    ($code = answer($c)) == 354 or return (0, "data-$code");
    say_to($c, "Subject: x\r\n\r\n" . ("Hello, this is a line of a message.\r\n" x rand 40) . '.');
    return (0, 'gone') if $gone;
    return (answer($c), 'dot');
}

sub settle ($self) {
    open my $stop, '>', "$self->{base}.stop" or croak $!;
    waitpid $_, 0 for splice $self->{people}->@*;
    return;
}

sub notes ($self) {
    my %all;
    for my $path (glob "$self->{base}-*") {
        open my $in, '<', $path or croak "$path: $!";
        while (<$in>) {
            chomp;
            my ($what, $rcpt, @more) = split / /;
            $all{$rcpt}{$what} = @more ? [@more] : ($all{$rcpt}{$what} // 0) + 1;
        }
    }
    return %all;
}

sub heard ($self, $code) {
    my %saw = $self->notes;
    return grep { ($saw{$_}{heard}[0] // 0) == $code } sort keys %saw;
}

# The same of r rows: how a message came in.
sub lie_of_reception ($saw, $kind, @rows) {
    my $code = ($saw->{heard} // [0])->[0];
    return 'rows: ' . @rows if @rows > 1;
    return 'a 250 was heard, and no row' if $code == 250 && !@rows;
    return 'a row of what was not taken' if @rows && (!$saw->{taken} || $kind eq 'hang');
    return;
}

# What is wrong with the rows of one recipient, or undef. With sync = reply a 451 may say that what
# was delivered is not on the disk.
sub lie ($synced, $saw, $kind, @rows) {
    my ($code, $at) = ($saw->{heard} // [0, 'never'])->@*;
    my ($row) = @rows;
    return 'rows: ' . join ' ', map { $_->{type} } @rows if @rows > 1;
    return 'taken twice' if ($saw->{taken} // 0) > 1;
    if (!$row) {
        return 'a 250 was heard, and no row' if $code == 250;
        return "$code was heard, and no row" if $code >= 500;
        return 'it was taken, and no row' if $saw->{taken};
        return;
    }
    return "a $row->{type} row of what nobody asked" if !$saw->{asked};
    return "a $row->{type} row, and a 250 was heard" if $row->{type} ne 'd' && $code == 250;
    return 'a d row of what was not taken' if $row->{type} eq 'd' && !$saw->{taken};
    return 'a d row of what was not answered' if $row->{type} eq 'd' && $kind eq 'hang';
    return "a d row, and $code was heard" if $row->{type} eq 'd' && $code >= 400 && !($synced && $code == 451);
    return "a $row->{type} row of what was taken: $row->{dsnDiag}" if $row->{type} ne 'd' && $saw->{taken} && $row->{dsnStatus} !~ /^4\.4\.2/;
    return 'a b row of what was not refused' if $row->{type} eq 'b' && $kind !~ /^(?:no|full)$/;
    return;
}

sub lies ($self, %rows) {
    my %saw = $self->notes;
    my %all = (%saw, %rows);
    my @lies;
    for my $rcpt (sort keys %all) {
        my @of = ($saw{$rcpt} // {}, $rcpt =~ /^(\w+)/, ($rows{$rcpt} // [])->@*);
        my $lie = ($self->{received} ? lie_of_reception(@of) : lie($self->{synced}, @of)) // next;
        push @lies, "$rcpt: $lie (heard @{$saw{$rcpt}{heard} // ['nothing']}; far: " . join(' ', grep { $saw{$rcpt}{$_} } qw(asked refused taken)) . ')';
    }
    return @lies;
}

sub stop ($self) {
    kill 'TERM', $self->{people}->@*;
    $self->settle;
    my $pid = delete $self->{server} or return;
    kill 'TERM', $pid;
    waitpid $pid, 0;
    return;
}

sub dump ($self) { return }

1;

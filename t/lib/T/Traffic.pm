# SPDX-License-Identifier: Apache-2.0
# T::Traffic - people who send mail through a T::Trio all the time, while a test does something.
#
#   my $traffic = T::Traffic->start($trio, senders => 4, messages => 25, to => 'friend.test');
#   $traffic->wait_accepted(20);         # at least so many got their 250
#   $traffic->finish;                    # all have sent all they wanted
#   $traffic->accepted;                  # recipients whose message got 250: each is one message
#   $traffic->troubles;                  # what else happened to them: lines
#
# A sender whose session breaks calls again; the message it was about gets a new recipient, so
# that each accepted recipient stands for one message.
package T::Traffic;
use v5.36;
use POSIX ();
use T::Peer ();
use T::Stage ();
use Test::More ();

sub start {
    my ($class, $trio, %o) = @_;
    my $dir = T::Stage::stage_dir();
    my $self = bless {
        name => 'traffic', trio => $trio, accepted => "$dir/accepted", troubles => "$dir/troubles",
        messages => 25, to => 'friend.test', pause => 0, pids => [], %o,
    }, $class;
    for my $sender (1 .. $o{senders} // 4) {
        my $pid = fork // die "fork: $!";
        $self->send_all($sender) if $pid == 0;
        push @{$self->{pids}}, $pid;
    }
    return T::Stage::started($self);
}

sub append {
    my ($path, $line) = @_;
    open my $out, '>>', $path or return;
    syswrite $out, "$line\n";
    return;
}

# In a child. It gives up after five minutes.
sub send_all {
    my ($self, $sender) = @_;
    Test::More->builder->$_(\my $unheard) for qw(output failure_output todo_output);
    $SIG{ALRM} = 'DEFAULT';
    alarm 300;
    my ($done, $try, $c) = (0, 0);
    while ($done < $self->{messages}) {
        my $rcpt = "s$sender-m$done-t" . $try++ . "\@$self->{to}";
        my $well = eval {
            $c //= $self->call($sender);
            $c->mail(from => 'alice@home.test', rcpt => $rcpt);
            1;
        };
        if ($well) {
            append($self->{accepted}, $rcpt);
            $done++;
        } else {
            append($self->{troubles}, "$rcpt: " . ($@ =~ s/\n.*//sr));
            undef $c;
        }
        select undef, undef, undef, $well ? $self->{pause} : 0.1;
    }
    eval { $c->talk('QUIT' => qr/^221 /) } or append($self->{troubles}, "QUIT: $@") if $c;
    POSIX::_exit(0);
}

sub call {
    my ($self, $sender) = @_;
    my $c = $self->{trio}->client('submission', "127.0.1.$sender");
    $c->hear(qr/^220 /);
    $c->talk('EHLO client.test' => qr/STARTTLS/);
    $c->starttls(name => 'gate.home.test', ca => $self->{trio}{ca});
    $c->talk('EHLO client.test' => qr/AUTH/);
    $c->auth_plain('alice@mta.test', 'wonderland');
    return $c;
}

sub lines_of {
    my $path = shift;
    open my $in, '<', $path or return (my @none = ());
    my @lines = <$in>;
    chomp @lines;
    return @lines;
}

sub accepted { return lines_of($_[0]{accepted}) }
sub troubles { return lines_of($_[0]{troubles}) }

sub wait_accepted {
    my ($self, $count) = @_;
    return T::Stage::wait_for(sub { $self->accepted >= $count }, 60);
}

sub finish {
    my $self = shift;
    waitpid $_, 0 for splice @{$self->{pids}};
    return;
}

sub stop {
    my $self = shift;
    kill 'KILL', $_ for @{$self->{pids}};
    $self->finish;
    return;
}

sub dump {
    my $self = shift;
    Test::More::diag("--- troubles of the senders", map { "\n  $_" } $self->troubles);
    return;
}

1;

# SPDX-License-Identifier: Apache-2.0
# T::Sendmail - a private Sendmail 8.17, with the sendmail.mc and the access map that Debian ships.
# Needs root; `use T::Debian 'sendmail'` comes first.
#
#   my $mta = T::Sendmail->start('sendmail', port => port('s'),   # or its DAEMON_OPTIONS in mc
#       mc => "INPUT_MAIL_FILTER(...)dnl\n",                      # lines of sendmail.mc
#       access => "Connect:127.0.0.77 OK\n",                      # lines of the access map
#       deliver => 1,                                         # at once, and not by hand
#       keys => {'/etc/mail/key.pem' => $text});                  # files that only root may read
#
# It takes mail for b@mx.test from everybody, and for all others, as Debian's access map has it, from
# 127.0.0.0/8. What it takes stays in its queue.
package T::Sendmail;
use v5.36;
use Carp qw(croak);
use T::Debian ();
use T::Jail ();
use T::Mta ();
use T::Stage ();

our @ISA = ('T::Mta');
my ($program, $makemap) = map { "/usr/libexec/sendmail/$_" } qw(sendmail makemap);

sub start {
    my ($class, $name, %o) = @_;
    croak $class->why_not if $class->why_not;
    my $jail = T::Jail->new('sendmail', users => [qw(smmta smmsp mail b)], programs => [$program, $makemap, '/usr/bin/m4']);
    my $self = bless {name => $name, jail => $jail, log => T::Stage::stage_dir() . "/$name.log", seen => 0}, $class;
    $jail->make_dir('/var/spool/mqueue', mode => 0700, user => 'smmta');
    $jail->make_dir($_, user => 'smmta') for qw(/var/lib/sendmail/host_status /run/sendmail/mta /var/run/sendmail/mta);
    $jail->write($_, '') for qw(/etc/resolv.conf /etc/mail/aliases);
    $jail->write($_, $o{keys}{$_}, mode => 0600) for keys %{$o{keys} // {}};
    $jail->write('/etc/mail/local-host-names', "mx.test\n");
    $jail->write('/etc/mail/service.switch', "hosts files\naliases files\n");
    my $listen = $o{port} ? "DAEMON_OPTIONS(`Family=inet, Name=MTA-v4, Port=$o{port}, Addr=127.0.0.1')dnl\n" : '';
    $self->make_cf($listen . ($o{mc} // ''), $o{deliver} ? 'background' : 'queueonly');
    $self->make_access($o{access} // '');
    $jail->listen_syslog($self->{log});
    $self->{pid} = $jail->start($self->{log}, $program, '-bD');
    T::Stage::started($self);
    T::Stage::wait_for(sub { !$self->is_alive || $self->log_text =~ /starting daemon/ });
    $self->wait_listening($o{port}) if $o{port}; # it says that it starts, and then listens
    croak "$name did not start: " . $self->log_text unless $self->is_alive;
    return $self;
}

# Debian's own file with our lines in place of its listeners; what is private comes last.
sub make_cf {
    my ($self, $lines, $mode) = @_;
    my $jail = $self->{jail};
    my $mc = $self->slurp($jail->path('/usr/share/sendmail/cf/debian/sendmail.mc'));
    $mc =~ s/^(?:DAEMON_OPTIONS|include\(`\/etc\/mail)[^\n]*\n//mg;
    my $private = <<"MC";
define(`confDOMAIN_NAME', `mx.test')dnl
define(`confTO_IDENT', `0')dnl
define(`confDELIVERY_MODE', `$mode')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confCONNECTION_RATE_THROTTLE', `0')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`blocklist_recipients')dnl
MC
    $mc =~ s/^(?=MAILER_DEFINITIONS)/$lines$private/m or croak 'sendmail.mc is not as it was';
    my $made = $jail->run('m4', $jail->write('/etc/mail/sendmail.mc', $mc), '2>/dev/null'); # it misses a shell
    $? == 0 or croak 'm4 failed';
    $jail->write('/etc/mail/sendmail.cf', $made);
    return;
}

sub make_access {
    my ($self, $lines) = @_;
    my $jail = $self->{jail};
    my $shipped = $self->slurp($jail->path('/usr/share/sendmail/examples/db/access'));
    my $map = $jail->path($jail->write('/etc/mail/access', "$lines$shipped\nTo:nobody\@mx.test REJECT\n"));
    $jail->run("$makemap hash /etc/mail/access.db <'$map'");
    $? == 0 or croak 'makemap failed';
    return;
}

# Tries all that is deferred again, now, whatever was found out about hosts; it comes back when that is done.
sub flush { return $_[0]{jail}->run("$program -O HostStatusDirectory= -q 2>&1") }

# Ids of the messages that it still has.
sub queue { return map { m{/qf(\w+)\z} } glob $_[0]{jail}->path('/var/spool/mqueue') . '/qf*' }

# One that was given up is logged alike, but not queued.
sub taken {
    my $self = shift;
    my ($text, @taken) = $self->log_text;
    while ($text =~ /: (\w+): from=<?([^,>]*)>?, size=(\d+),[^\n]* nrcpts=[1-9][^\n]*relay=[^\n]*\[([^\]]+)\]/g) {
        push @taken, {id => $1, from => $2, client => $4, size => $3} if -e $self->{jail}->path("/var/spool/mqueue/qf$1");
    }
    return @taken;
}

1;

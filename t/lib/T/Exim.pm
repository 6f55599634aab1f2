# SPDX-License-Identifier: Apache-2.0
# T::Exim - a private Exim 4.96, as Debian builds it. Needs root; `use T::Debian 'exim'` comes first.
#
#   my $exim = T::Exim->start('exim', port => port('exim'),     # a listener without anything else
#       conf => "local_interfaces = <; 127.0.0.1.10025\n...",   # lines of the main section; without port
#       auth => $text_of_the_authenticators,                    # that section
#       routers => $text, transports => $text,     # it delivers at once: by these, ahead of our own
#       rcpt => $text,                             # of acl_smtp_rcpt, ahead of the rest
#       log_selector => '', accept_max => 5000,    # in place of a talkative log, and of 200 sessions
#       spool => 'memory');                        # and not on the disk
#   $exim->taken;  # see T::Mta
#
# It takes mail for @mx.test from everybody, and for all others from relay_from_hosts (as Debian
# has it: 127.0.0.1 and ::1) and from who has logged in. What it takes stays in its queue.
package T::Exim;
use v5.36;
use Carp qw(croak);
use T::Jail ();
use T::Mta ();
use T::Stage ();

our @ISA = ('T::Mta');
my $program = '/usr/sbin/exim4';

sub start {
    my ($class, $name, %o) = @_;
    croak $class->why_not if $class->why_not;
    my $jail = T::Jail->new('exim', users => ['Debian-exim'], programs => [$program]);
    my $self = bless {name => $name, jail => $jail, log => $jail->path('/var/log/exim4/mainlog'), seen => 0}, $class;
    $jail->make_dir($_, user => 'Debian-exim') for qw(/var/log/exim4 /var/spool/exim4);
    $jail->in_memory('/var/spool/exim4', user => 'Debian-exim') if ($o{spool} // '') eq 'memory';
    my $listen = $o{port} ? "local_interfaces = <; 127.0.0.1.$o{port}" : '';
    $jail->write('/etc/exim4/exim4.conf', main_section($listen, %o) . ($o{auth} ? "begin authenticators\n$o{auth}" : ''));
    $jail->write($_, '') for '/etc/mailname', '/etc/resolv.conf';
    $self->{pid} = $jail->start($jail->path('/var/log/exim4/said'), $program, '-C', '/etc/exim4/exim4.conf', '-bdf');
    T::Stage::started($self);
    $self->wait_for_ready;
    return $self;
}

sub main_section {
    my ($listen, %o) = @_;
    my %with = (
        listen => $listen, queue => $o{routers} ? '' : 'queue_only',
        log_selector => '+all_parents +incoming_port +incoming_interface +proxy +smtp_connection +smtp_protocol_error',
        accept_max => 200, map({ $_ => '' } qw(conf routers transports rcpt)), %o,
    );
    return <<'CONF' =~ s/\@(\w+)\@/$with{$1}/ger;
primary_hostname = mx.test
domainlist local_domains = mx.test
hostlist relay_from_hosts = 127.0.0.1 : ::::1
host_lookup =
rfc1413_query_timeout = 0s
log_selector = @log_selector@
smtp_accept_max = @accept_max@
@queue@
keep_environment =
@listen@
@conf@
acl_smtp_rcpt = acl_check_rcpt
begin acl
acl_check_rcpt:
@rcpt@
  deny local_parts = nobody
       message = no such person here
  deny local_parts = ^[.] : ^.*[@%!/|]
  accept domains = +local_domains
  accept hosts = +relay_from_hosts
  accept authenticated = *
  deny message = relay not permitted
begin routers
@routers@
all:
  driver = accept
  transport = nowhere
begin transports
@transports@
nowhere:
  driver = appendfile
  file = /dev/null
begin retry
* * F,2h,1m
CONF
}

sub wait_for_ready {
    my $self = shift;
    T::Stage::wait_for(sub { !$self->is_alive || $self->log_text =~ /daemon started/ });
    croak "$self->{name} did not start: " . $self->slurp($self->{jail}->path('/var/log/exim4/said')) . $self->log_text
        unless $self->is_alive && $self->log_text =~ /daemon started/;
    return;
}

# Tries all that is deferred again, now; it comes back when that is done.
sub flush { return $_[0]{jail}->run("$program -C /etc/exim4/exim4.conf -qff 2>&1") }

# Ids of the messages that it still has.
sub queue { return map { m{([^/]+)-H\z} } glob $_[0]{jail}->path('/var/spool/exim4/input') . '/{*,*/*}-H' }

sub taken {
    my $text = $_[0]->log_text;
    my @taken;
    while ($text =~ /^\S+ \S+ (\S+) <= (\S+) [^\n]*? \[([^\]\s]+)\](?::\d+)? [^\n]*?S=(\d+)/mg) {
        push @taken, {id => $1, from => $2 eq '<>' ? '' : $2, client => $3, size => $4};
    }
    return @taken;
}

1;

# SPDX-License-Identifier: Apache-2.0
# T::OpenSMTPD - a private OpenSMTPD 6.8. Needs root; `use T::Debian 'opensmtpd'` comes first.
#
#   my $mta = T::OpenSMTPD->start('opensmtpd', port => port('o'), conf => "listen on ... proxy-v2\n");
#
# `out` are lines in place of those that relay, at the end. `conf` are lines of smtpd.conf; the listener on `port` is plain, and may be left out. It takes mail for
# b@mx.test from everybody, and for all others from `local`, which is loopback. What it takes stays
# in its queue.
package T::OpenSMTPD;
use v5.36;
use Carp qw(croak);
use T::Jail ();
use T::Mta ();
use T::Stage ();

our @ISA = ('T::Mta');
my $program = '/usr/sbin/smtpd';
my $relay = <<'CONF';
action "relay" relay host "smtp://127.0.0.1:9"
match from local for any action "relay"
CONF

sub start {
    my ($class, $name, %o) = @_;
    croak $class->why_not if $class->why_not;
    my $jail = T::Jail->new('opensmtpd', users => [qw(opensmtpd opensmtpq b)], programs => [$program]);
    my $self = bless {name => $name, jail => $jail, log => T::Stage::stage_dir() . "/$name.log", seen => 0}, $class;
    $jail->make_dir('/var/lib/opensmtpd/empty');
    $jail->make_dir('/var/spool/smtpd', mode => 0711);
    $jail->make_dir('/var/spool/smtpd/purge', mode => 0700, user => 'opensmtpq', group => 'root');
    $jail->write('/etc/mailname', "mx.test\n");
    $jail->write('/etc/resolv.conf', "nameserver 127.0.0.1\n");
    my $listen = $o{port} ? "listen on 127.0.0.1 port $o{port}" : '';
    $jail->write('/etc/smtpd.conf', conf($listen, $o{conf} // '', $o{out} // $relay));
    $self->{pid} = $jail->start($self->{log}, $program, '-d');
    T::Stage::started($self);
    $self->wait_listening($_) for $o{port} // (), ($o{conf} // '') =~ /^listen on \S+ port (\d+)/mg;
    return $self;
}

sub conf {
    return <<"CONF";
$_[0]
$_[1]
action "keep" maildir
match from any for domain "mx.test" action "keep"
$_[2]
CONF
}

sub taken {
    my ($text, %client, @taken) = $_[0]->log_text;
    while ($text =~ /^(\S+) smtp (?:connected address=(\S+)|message msgid=(\S+) size=(\d+)|envelope \S+ from=<(\S*)>)/mg) {
        if (defined $2) { $client{$1} = $2 }
        elsif (defined $3) { push @taken, {id => $3, client => $client{$1}, size => $4} }
        else { $taken[-1]{from} = $5 } # one line each recipient, behind the message's
    }
    return grep { $_->{client} ne 'local' } @taken; # bounces: there is nobody to deliver
}

1;

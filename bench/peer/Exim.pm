# SPDX-License-Identifier: Apache-2.0
package Peer::Exim;

# Exim that hands each message on while it comes (control = cutthrough_delivery): no 250 before the
# server behind has said it; one connection to that for each message, as it does there. As Debian builds it
# (heavy, TLS by GnuTLS), unpacked by quickstart into the build folder. Its spool is in memory, as Postfix's.
#   hosts_require_tls, tls_verify_hosts empty   STARTTLS always, no verification (the sink has no name);
#                    GnuTLS's own order of suites
#   log              its default lines, to a file
#   limits           sessions as many as the play has; no DNS, no ident, no queue runner
use v5.36;
use FindBin;
use PrivateMta;
use Peer;
use T::Debian ();
use T::Exim ();

our @plays = qw(outbound);

# The build folder where Exim was unpacked.
sub place {
    my %play = @_;
    my @places = grep { defined } $play{build}, $ENV{T_BUILD}, map { "$FindBin::Bin/../build/$_" } qw(demo check);
    return (grep { -e "$_/t/mta/exim/whole" } @places)[0];
}

sub is_here {
    return T::Exim->why_not if T::Exim->why_not;
    return place(@_) ? '' : 'exim4-daemon-heavy (unpacked)';
}

sub version {
    my $changes = place(@_) . '/t/mta/exim/usr/share/doc/exim4-daemon-heavy/changelog.Debian.gz';
    return first_line('gzip', '-dc', $changes) =~ /\(([\d.]+)/ ? "Exim $1" : '';
}

sub start {
    my %play = @_;
    local $ENV{T_BUILD} = place(%play);
    my $port = free_port();
    my ($host, $to) = split /:/, $play{to};
    my $umask = umask 0022;
    my $exim = pinned($play{core}, sub {
        T::Exim->start('exim', port => $port, log_selector => '', accept_max => $play{sessions_most} + 20,
            spool => 'memory',
            conf => "message_size_limit = 0\nsmtp_connect_backlog = 4096\n",
            rcpt => "  warn control = cutthrough_delivery\n", routers => <<"R", transports => <<"T");
out:
  driver = manualroute
  route_list = * $host
  self = send
  transport = out
  no_more
R
out:
  driver = smtp
  port = $to
  allow_localhost
  hosts_require_tls = *
  tls_verify_hosts =
  tls_try_verify_hosts =
T
    });
    umask $umask;
    return {plain => $port, of($exim)};
}

1;

# SPDX-License-Identifier: Apache-2.0
package Peer::PostfixSallyport;

# Postfix that hands over to sallyport-out, which does the TLS: the sum of both, accounting on. Postfix
# is Peer::PostfixOut but for what doc/handover says of LMTP at a unix socket: a transport of its own that
# is not in the chroot, no TLS, and no connections kept, since sallyport-out keeps those to the server. Its
# limit for one destination stays 20: here the world is one server, for all of them. sallyport-out is
# Peer::Sallyport.
use v5.36;
use PrivateMta;
require peer::PostfixOut;
require peer::Sallyport;

our @plays = qw(mail);

sub is_here { return missing_postfix() || Peer::Sallyport::is_here() }
sub version { my %play = @_; return postfix_version() . ', ' . Peer::Sallyport::version(%play) }

sub in_front {
    my ($play, $path) = @_;
    return Peer::PostfixOut::serve($play,
        master => ['sallyport unix - - n - - lmtp'],
        default_transport => "sallyport:unix:$path", relay_transport => "sallyport:unix:$path",
        lmtp_connection_cache_on_demand => 'no', lmtp_send_xforward_command => 'yes',
        lmtp_tls_security_level => 'none');
}

sub start {
    my %play = @_;
    my $dir = "$play{dir}/sallyport";
    mkdir $dir;
    chmod 0711, $play{dir}, $dir; # for the user postfix, to the socket
    my $sallyport = Peer::Sallyport::start(%play, which => 'outbound', dir => $dir);
    my $postfix = eval { in_front(\%play, $sallyport->{lmtp}) };
    if (!$postfix) {
        my $why = $@;
        $sallyport->{stop}->();
        die $why;
    }
    my ($mail, $stop, $settled) = @$postfix{qw(pids stop settled)};
    return {
        %$postfix,
        pids => sub { return $mail->(), $sallyport->{pids}->() },
        parts => {postfix => $mail, sallyport => $sallyport->{pids}},
        stop => sub { $stop->(); $sallyport->{stop}->() },
        settled => sub { return $settled->(@_) && $sallyport->{settled}->(@_) },
    };
}

1;

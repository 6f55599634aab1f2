# SPDX-License-Identifier: Apache-2.0
package Peer::PostfixSallyport;

# Postfix that hands over to sallyport-out, which does the TLS: the sum of both, accounting on. Postfix
# is Peer::PostfixOut but for what doc/handover says of a smarthost by SMTP: no TLS, a recipient in a
# transaction. Its limit for one destination stays 20: here the world is one server, for all of them.
# Connections to sallyport-out are kept as those of Peer::PostfixReuse are. sallyport-out is Peer::Sallyport.
use v5.36;
use Peer;
use PrivateMta;
use Tree;
require peer::PostfixOut;
require peer::Sallyport;

our @plays = qw(outbound);

sub is_here { return missing_postfix() || Peer::Sallyport::is_here() }
sub version { my %play = @_; return postfix_version() . ', ' . Peer::Sallyport::version(%play) }

sub in_front {
    my ($play, $port) = @_;
    return Peer::PostfixOut::serve($play,
        default_transport => "smtp:[127.0.0.1]:$port", relay_transport => "smtp:[127.0.0.1]:$port",
        smtp_destination_recipient_limit => 1, smtp_send_xforward_command => 'yes',
        smtp_tls_security_level => 'none', smtp_connection_cache_destinations => "[127.0.0.1]:$port");
}

sub start {
    my %play = @_;
    my $dir = "$play{dir}/sallyport";
    mkdir $dir;
    my $sallyport = Peer::Sallyport::start(%play, dir => $dir);
    my $port = $sallyport->{plain};
    my $postfix = eval { in_front(\%play, $port) };
    if (!$postfix) {
        my $why = $@;
        $sallyport->{stop}->();
        die $why;
    }
    my ($mail, $stop) = @$postfix{qw(pids stop)};
    return {
        %$postfix,
        pids => sub { return $mail->(), $sallyport->{pids}->() },
        parts => {postfix => $mail, sallyport => $sallyport->{pids}},
        stop => sub { $stop->(); $sallyport->{stop}->() },
    };
}

1;

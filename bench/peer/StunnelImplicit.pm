# SPDX-License-Identifier: Apache-2.0
package Peer::StunnelImplicit;

# stunnel as a client to a server where TLS comes first. All else as Peer::Stunnel says.
use v5.36;
use Peer;
require peer::Stunnel;

our @plays = qw(outbound);

sub is_here { return Peer::Stunnel::is_here() }
sub version { return Peer::Stunnel::version() }

sub start {
    my %play = @_;
    my %port = (plain => free_port());
    return Peer::Stunnel::serve(\%play, \%port, Peer::Stunnel::service('out', client => 'yes',
        accept => "127.0.0.1:$port{plain}", connect => $play{to_implicit}));
}

1;

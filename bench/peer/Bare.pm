# SPDX-License-Identifier: Apache-2.0
package Peer::Bare;

# The outbound floor: nobody is between, load itself speaks TLS to the sink, and its own processor time is
# the figure. It writes commands and messages and reads answers meanwhile, as whoever delivers must.
use v5.36;
use Peer;

our @plays = qw(outbound);

sub is_here { return '' }
sub version { return first_line(qw(openssl version)) =~ /^(OpenSSL \S+)/ ? $1 : '' }

sub start {
    my %play = @_;
    my ($port) = $play{to} =~ /:(\d+)$/;
    return {plain => $port, bare => 'starttls', pids => sub { return () }, stop => sub { }};
}

1;

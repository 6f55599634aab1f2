# SPDX-License-Identifier: Apache-2.0
package Peer::Nginx64k;

# nginx mail as somebody writes it who has measured it: over Peer::Nginx
#   proxy_buffer     64 KB, so that a message of that size is not stopped by Nagle at each 4 KB, and
#                    TLS records are full (each session has the memory for it: that is its price)
#   xclient off, proxy_protocol on    who calls is told in the connection's first bytes, without a
#                    round trip of XCLIENT and a second EHLO
#   TLS as Nginx.pm says
use v5.36;
use Nginx ();
require peer::Nginx;

our @plays = qw(inbound);

sub is_here { return Nginx::is_missing('mail') }
sub version { return Nginx::version_text() }

sub start {
    my %play = @_;
    return Peer::Nginx::serve(\%play, Nginx::tls(%play) . <<"E");
    proxy_buffer 64k;
    xclient off;
    proxy_protocol on;
E
}

1;

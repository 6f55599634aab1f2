# SPDX-License-Identifier: Apache-2.0
package Peer::SallyportAtEhlo;

# Peer::Sallyport with connect-at = ehlo: each session calls the mail server, as with the peers that are blind.
use v5.36;
require peer::Sallyport;

our @plays = qw(inbound);
our $where_named = 1;

sub is_here { return Peer::Sallyport::is_here(@_) }
sub version { return Peer::Sallyport::version(@_) }
sub start { return Peer::Sallyport::start(@_, connect_at => 'ehlo') }

1;

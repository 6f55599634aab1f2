# SPDX-License-Identifier: Apache-2.0
package Peer::SallyportWithout;

# Peer::Sallyport without an acct-file and without an accountant: what accounting costs is what that takes
# beyond it.
use v5.36;
require peer::Sallyport;

our @plays = qw(inbound outbound);
our $where_named = 1;

sub is_here { return Peer::Sallyport::is_here(@_) }
sub version { return Peer::Sallyport::version(@_) }
sub start { return Peer::Sallyport::start(@_, without_accounting => 1) }

1;

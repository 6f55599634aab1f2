# SPDX-License-Identifier: Apache-2.0
package Peer::SallyportAtMail;

# Peer::Sallyport with connect-at = mail: a session without a message does not call the mail server, as with
# nginx mail.
use v5.36;
require peer::Sallyport;

our @plays = qw(inbound);
our $where_named = 1;

sub is_here { return Peer::Sallyport::is_here(@_) }
sub version { return Peer::Sallyport::version(@_) }
sub start { return Peer::Sallyport::start(@_, at_mail => 1) }

1;

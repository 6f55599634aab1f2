# SPDX-License-Identifier: Apache-2.0
package Peer::PostfixReuse;

# Postfix with its own TLS client that keeps its TLS connections: smtp hands the TLS to tlsproxy, and
# connections between messages to scache. Over Peer::PostfixOut:
#   smtp_tls_connection_reuse  yes; tlsproxy in master.cf as it is shipped
#   smtp_connection_cache_destinations   the server, so that connections are always kept and not only
#                              when its queue is long; they live their default 2 s unused, 300 s in all
use v5.36;
use PrivateMta;
require peer::PostfixOut;

our @plays = qw(mail);

sub is_here { return missing_postfix() }
sub version { return postfix_version() }

sub start {
    my %play = @_;
    return Peer::PostfixOut::start_with(\%play,
        master => ['tlsproxy unix - - n - 0 tlsproxy'],
        smtp_tls_connection_reuse => 'yes', smtp_connection_cache_destinations => '$relayhost');
}

1;

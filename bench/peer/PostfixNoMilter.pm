# SPDX-License-Identifier: Apache-2.0
package Peer::PostfixNoMilter;

# What takes a message and throws it away, in PrivateMta.pm's Postfix: what a milter costs is what the others
# take beyond it.
use v5.36;
use PrivateMta;

our @plays = qw(milter);

sub is_here { return missing_postfix() }
sub version { return postfix_version() }
sub start { my %play = @_; return with_milter(\%play) }

1;

# SPDX-License-Identifier: Apache-2.0
package Peer::PostfixBehind;

# Peer::PostfixMilter with behind-proxy: of what came through sallyport-in it writes no second record.
use v5.36;
use PrivateMta;
require peer::PostfixMilter;

our @plays = qw(milter);

sub is_here { return Peer::PostfixMilter::is_here() }
sub version { return Peer::PostfixMilter::version(@_) }
sub start { my %play = @_; return Peer::PostfixMilter::start_with(\%play, 'behind-proxy = yes') }

1;

# SPDX-License-Identifier: Apache-2.0
package Peer::PostfixMilter;

# Postfix with sallyport-milter at a unix socket: Peer::PostfixNoMilter, and our accounting as
# Peer::Sallyport has it. The accountant is one of the milter's processes.
use v5.36;
use PrivateMta;
require peer::Sallyport;

our @plays = qw(milter);

sub is_here { return missing_postfix() || Peer::Sallyport::is_here() }
sub version { my %play = @_; return postfix_version() . ', ' . Peer::Sallyport::version(%play) }
sub start { my %play = @_; return start_with(\%play, '') }

# `options` of the listener.
sub start_with {
    my ($play, $options) = @_;
    my $socket = "$play->{dir}/milter.sock";
    chmod 0711, $play->{dir}; # for the user postfix
    my $milter = Peer::Sallyport::serve($play, <<"E", 'sallyport-milter');
milter-listener unix:$socket { $options }
source 0/0 { }
E
    chmod 0666, $socket;
    return with_milter($play, {%$milter, socket => $socket});
}

1;

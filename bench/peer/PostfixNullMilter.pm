# SPDX-License-Identifier: Apache-2.0
package Peer::PostfixNullMilter;

# Postfix with a milter that does nothing at all the steps that sallyport-milter asks for (bench/null.c): what
# libmilter costs, whoever uses it.
use v5.36;
use Peer;
use PrivateMta;
use T::Stage ();

our @plays = qw(milter);

sub is_here { return missing_postfix() }
sub version { return postfix_version() }

sub start {
    my %play = @_;
    my $socket = "$play{dir}/null.sock";
    chmod 0711, $play{dir}; # for the user postfix
    my $pid = launch($play{core}, "$play{dir}/null.log", "$play{build}/bench/null", "unix:$socket");
    T::Stage::wait_for(sub { -S $socket }, 10) or die "null does not listen\n";
    return with_milter(\%play, {of_pid($pid), socket => $socket});
}

1;

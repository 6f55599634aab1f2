# SPDX-License-Identifier: Apache-2.0
# T::Printed - the configurations that doc/inbound prints, for a test to run.
#
#   my $exim = T::Printed::blocks('In front of Exim');   # by the line above each, without its colon
#   $exim->{'sallyport.conf'}
#   T::Printed::fit($text, $pem)                   # with ports and paths of the test
# The certificate's key must have the password that is printed, $T::Printed::password.
package T::Printed;
use v5.36;
use Carp qw(croak);
use T::Stage ();

my $path = "$ENV{T_SOURCE}/doc/inbound";

# A section's blocks; without a name all sections, by name.
sub blocks {
    my $wanted = shift;
    open my $in, '<', $path or croak "$path: $!";
    my (%sections, $section, $block, $last);
    while (my $line = <$in>) {
        if ($line =~ /^-{4,}$/) { $section = $last; $block = undef }
        elsif ($line =~ /^(\S.*):$/) { $block = $1 =~ s/ \(.*//r }
        elsif (defined $block && $line =~ /^    (.*\n)/) { $sections{$section}{$block} .= $1 }
        elsif (defined $block && $line eq "\n" && defined $sections{$section}{$block}) { $sections{$section}{$block} .= "\n" }
        elsif ($line =~ /\S/) { $block = undef }
        chomp($last = $line);
    }
    return $wanted ? $sections{$wanted} // croak "no section '$wanted' in $path" : \%sections;
}

our $password = 'password of its key';

# Ports are called by their number: port('25').
sub fit {
    my ($text, $cert) = @_;
    $text =~ s{\b(25|465|587|1002\d)\b}{T::Stage::port($1)}ge;
    $text =~ s{\b0\.0\.0\.0:}{127.0.0.1:}g if ($ENV{T_STAGE} // '') ne 'private';
    $text =~ s{/etc/sallyport/mail\.pem}{$cert}g;
    return $text;
}

1;

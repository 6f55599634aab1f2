# SPDX-License-Identifier: Apache-2.0
# T::Dialog - reads the written conversations of t/dialog for those who play them over sockets.
#
#   my @lines = dialog_lines($path);                # without remarks
#   my $bytes = dialog_said($line, \@lines);        # all that this side says at one go
#   my $bytes = dialog_bytes($line);                # what one line says, or wants to hear
package T::Dialog;
use v5.36;
use Exporter 'import';
our @EXPORT = qw(dialog_lines dialog_said dialog_bytes);

sub dialog_lines {
    my $path = shift;
    open my $in, '<', $path or die "$path: $!";
    return grep { $_ ne '' && !/^#/ } map { chomp; $_ } <$in>;
}

sub dialog_bytes {
    my $line = shift;
    my %escaped = (r => "\r", n => "\n", 0 => "\0", t => "\t", '\\' => '\\');
    my ($mark, $text) = $line =~ /^[cs]([>=~]) ?(.*)/s or die "nobody says '$line'";
    return $mark ne '>' ? $text =~ s/\\(.)/$escaped{$1}/gr : "$text\r\n";
}

# Takes the lines that follow from the same side off the list.
sub dialog_said {
    my ($line, $rest) = @_;
    my $side = substr $line, 0, 1;
    my $said = dialog_bytes($line);
    $said .= dialog_bytes(shift @$rest) while @$rest && $rest->[0] =~ /^\Q$side\E[>=]/;
    return $said;
}

1;

# SPDX-License-Identifier: Apache-2.0
# T::Spool - records as workers leave them in the spool, before any accountant.
#
#   my ($row) = spool_wait($dir, sub { $_->{type} eq 'd' && $_->{rcpt} eq 'a@b.test' });
#   is($row->{do}, 'outcome');
package T::Spool;
use v5.36;
use Carp qw(croak);
use Exporter qw(import);
use JSON::PP ();
use T::Stage ();

our @EXPORT = qw(spool_rows spool_wait);

# Hashes by column name, with `do` and `key`; in the order of each segment.
sub spool_rows {
    my $dir = shift;
    my @rows;
    for my $file (sort glob "$dir/*") {
        next unless -f $file;
        open my $in, '<:raw', $file or croak "$file: $!";
        while (my $line = <$in>) {
            next unless $line =~ /\A\{.*\}\n\z/s;
            push @rows, JSON::PP::decode_json($line);
        }
    }
    return @rows;
}

# The rows that are like that, as soon as there are `count` (1) of them.
sub spool_wait {
    my ($dir, $like, $count) = @_;
    my @found;
    T::Stage::wait_for(sub {
        @found = grep { local $_ = $_; $like->() } map { {type => '', rcpt => '', %$_} } spool_rows($dir);
        return @found >= ($count // 1);
    });
    return @found;
}

1;

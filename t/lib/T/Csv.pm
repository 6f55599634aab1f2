# SPDX-License-Identifier: Apache-2.0
# T::Csv - the accounting file as rows (RFC 4180: CRLF, a header line, quotes doubled).
#
#   my @rows = csv_rows($path);                       # hashes by column name
#   my ($row) = csv_wait($path, sub { $_->{type} eq 'd' && $_->{rcpt} eq 'a@b.test' });
package T::Csv;
use v5.36;
use Carp qw(croak);
use Exporter 'import';
use T::Stage ();

our @EXPORT = qw(csv_fields csv_rows csv_wait);

# Lists of values, the header's too. Dies where the text is not what RFC 4180 allows.
sub csv_fields {
    my $text = shift;
    my (@lines, @line);
    pos($text) = 0;
    while (pos($text) < length $text) {
        $text =~ /\G(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gc
            or croak 'not CSV at byte ' . pos($text) . ': ' . substr $text, pos($text), 60;
        my ($quoted, $plain, $end) = ($1, $2, $3);
        push @line, defined $quoted ? $quoted =~ s/""/"/gr : $plain;
        next if $end eq ',';
        push @lines, [@line];
        @line = ();
    }
    croak 'the last line has no end' if @line;
    return @lines;
}

sub csv_rows {
    my $path = shift;
    open my $in, '<:raw', $path or return;
    my $text = do { local $/; <$in> } // '';
    my ($head, @lines) = csv_fields($text =~ s/[^\n]*\z//r);
    return unless $head;
    return map {
        my %row;
        @$_ == @$head or croak 'a row has ' . @$_ . ' fields, the header ' . @$head;
        @row{@$head} = @$_;
        \%row;
    } @lines;
}

# The rows that are like that, as soon as there are `count` (1) of them.
sub csv_wait {
    my ($path, $like, %o) = @_;
    my $got = T::Stage::wait_for(sub {
        my @rows = grep { $like->($o{with}) } csv_rows($path);
        return @rows >= ($o{count} // 1) ? \@rows : undef;
    }, $o{seconds});
    return $got ? @$got : ();
}

1;

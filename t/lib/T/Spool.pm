# SPDX-License-Identifier: Apache-2.0
# T::Spool - records as workers leave them in the spool, before any accountant.
#
#   my ($row) = spool_wait($dir, sub { $_->{type} eq 'd' && $_->{rcpt} eq 'a@b.test' });
#   is($row->{do}, 'outcome');
#   spool_put($dir, map { {type => 'd', rcpt => $_} } @rcpts);   # a closed segment of such rows
package T::Spool;
use v5.36;
use Carp qw(croak);
use Exporter qw(import);
use JSON::PP ();
use T::Stage ();

our @EXPORT = qw(spool_put spool_rows spool_wait);

# What the end alone says; the rest an outcome leaves to its intent.
my %of_end = map { ($_ => 1) } qw(do type dsnAction dsnStatus dsnDiag bounceCat dlvSize disabled);

# Hashes by column name, with `do` and `key`, an outcome with what its intent says; in the order of
# each segment.
sub spool_rows {
    my $dir = shift;
    my (@rows, %intent);
    for my $file (sort glob "$dir/*") {
        next unless -f $file;
        open my $in, '<:raw', $file or croak "$file: $!";
        while (my $line = <$in>) {
            next unless $line =~ /\A\{.*\}\n\z/s;
            my $row = JSON::PP::decode_json($line);
            $intent{$row->{key}} = $row if $row->{do} eq 'intent';
            if ($row->{do} eq 'outcome' && (my $from = $intent{$row->{key}})) {
                $row->{$_} //= $from->{$_} for grep { !$of_end{$_} } keys %$from;
            }
            push @rows, $row;
        }
    }
    return @rows;
}

# A segment of a worker that is gone; each row is a hash by column name.
my $put = 0;
sub spool_put {
    my ($dir, @rows) = @_;
    my $name = sprintf '%014x-%s.%d-%06d.delivered', time * 1e6 + ++$put, "t$$", $put, 1;
    open my $out, '>:raw', "$dir/.$name" or croak "$dir: $!";
    my $key = 0;
    for my $row (@rows) {
        my %line = (do => 'row', key => "$put." . ++$key, %$row);
        my $json = JSON::PP->new->canonical->encode(\%line);
        print $out $json =~ s/\A\{/sprintf '{"at":%.6f,', time/er, "\n";
    }
    close $out or croak "$dir: $!";
    rename "$dir/.$name", "$dir/$name" or croak "$dir: $!";
    return;
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

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What comes after a pause waits a moment, and with it comes what follows: one batch. It would be
# dearer, and keep the next message waiting, if the first record had a batch of its own.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::Run;
use T::Spool;

my $m = T::Run->prepare('sallyport-milter', name => 'pause', conf => <<'E');
acct-file "@dir@/pause/rows.csv" { records = {d} record-fields d { fields = {rcpt} } }
E
$m->launch;
$m->log_like(qr/ ready | started /, 'it serves');
my ($accountant) = $m->children_of('accountant');
my $csv = "$m->{dir}/rows.csv";

sub put { spool_put("$m->{dir}/spool", {type => 'd', rcpt => "$_[0]\@x.test", dsnDiag => 'smtp;250 ok'}); return }

sub woken {
    open my $in, '<', "/proc/$accountant/status" or die $!;
    return join '', grep { /^voluntary/ } <$in>;
}

# In a row of batches it sleeps no longer than 0.4 s; who sleeps longer has nothing to do. When that was seen: of a
# second that it sleeps there is enough left.
sub rests {
    my ($last, $since) = (woken(), T::Stage::now());
    return T::Stage::wait_for(sub {
        my $now = woken();
        ($last, $since) = ($now, T::Stage::now()) if $now ne $last;
        return T::Stage::now() - $since > 0.6 && T::Stage::now();
    });
}

# Every size that the file has until `enough` of them.
sub sizes_until {
    my ($enough) = @_;
    my %seen;
    T::Stage::wait_for(sub {
        for (1 .. 20) {
            my $size = -s $csv;
            $seen{$size}++;
            return 1 if $enough->($size);
            select undef, undef, undef, 0.001;
        }
        return;
    }) or die "no more rows\n";
    return keys %seen;
}

put('zeroth');
T::Stage::wait_for(sub { -s $csv });
my $row = length("d,zeroth\@x.test\r\n");
my ($counts, @between);
for (1 .. 20) {
    my $began = rests() or last;
    my $size = -s $csv;
    put('first_');
    my @sizes = sizes_until(sub { T::Stage::now() > $began + 0.05 });
    put('second');
    $counts = T::Stage::now() - $began < 0.15; # or it was we who were late
    push @sizes, sizes_until(sub { $_[0] >= $size + 2 * $row });
    @between = grep { $_ > $size && $_ < $size + 2 * $row } @sizes;
    last if $counts;
}
ok($counts, 'two records come one behind the other, after a pause');
is("@between", '', 'their rows are written together');
$m->stop;
all_done();

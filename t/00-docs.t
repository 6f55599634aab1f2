#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The documents in step with the code: README's configuration is read, its rooms are there.
use v5.36;
use lib 't/lib';
use Test::More;
use T::CA;
use T::Printed;
use T::Stage;

sub lines_of {
    my $path = shift;
    open my $in, '<', $path or die "$path: $!";
    return <$in>;
}

# What is indented and begins like a section or an option of the file, to its last brace.
sub configuration {
    my ($depth, $text) = (0, '');
    for (@_) {
        next unless $depth || /^    [a-z-]+ (?:\S+ )?(?:\{|= )/ && !/^    \w+\.cf/;
        $text .= $_;
        $depth += tr/{// - tr/}//;
    }
    return $text;
}

my $print = "$ENV{T_BUILD}/t/tool/settings-print";
my @readme = lines_of('README');
my $conf = configuration(@readme);
like($conf, qr/smtp-listener.*relay-listener.*acct-file/s, 'README has a configuration');
my $ca = T::CA->new;
my $etc = T::Printed::etc($ca);
my $cert = $ca->cert('mx.test')->{pem};
my $anchor = stage_dir() . '/root.key';
open my $key, '>', $anchor or die "$anchor: $!";
close $key;
$conf =~ s{/usr/share/dns/root\.key}{$anchor};
$conf =~ s{\{/etc/sallyport/\w+\.pem, "[^"]*"\}}{\{$cert, ""\}}g;
my $path = stage_dir() . '/readme.conf';
open my $out, '>', $path or die "$path: $!";
print $out $conf;
close $out or die "$path: $!";
is(`$print $path 2>&1`, '', 'it is read without complaint');

# Of each page: each file for sallyport, with what is for all of them.
for my $name (qw(accounting inbound outbound handover)) {
    my $page = T::Printed::blocks(undef, $name);
    my $common = delete $page->{$name =~ /^(?:accounting|outbound)$/ ? 'To begin with' : 'For all of them'};
    my $all = join "\n", @$common{grep { /^sallyport\.conf/ } sort keys %$common};
    is(scalar(grep { /^In front of/ } keys %$page), 4, 'doc/inbound has four mail servers') if $name eq 'inbound';
    for my $section (sort keys %$page) {
        for my $block (grep { /^sallyport\.conf/ } sort keys %{$page->{$section}}) {
            open my $file, '>', $path or die "$path: $!";
            print $file T::Printed::fit(T::Printed::over($all, $page->{$section}{$block}), $etc) =~ s{/usr/share/dns/root\.key}{$anchor}r;
            close $file or die "$path: $!";
            is(`$print $path 2>&1`, '', "doc/$name, $section: $block");
        }
    }
}

my $readme = join '', @readme;
for my $room (map { (split)[0] } grep { /^[a-z]/ } lines_of('t/rooms')) {
    next if $room =~ /\.h$|\// && $room !~ m{^common/[a-z]+$};
    like($readme, qr/^(?:.*\s)?\Q$room\E\s/m, "README's map has $room") if -d $room;
    ok(-e "$room/README", "$room has a README") if -d $room;
}
all_done();

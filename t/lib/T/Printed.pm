# SPDX-License-Identifier: Apache-2.0
# T::Printed - the configurations that the pages in doc print, for a test to run.
#
#   my $exim = T::Printed::blocks('In front of Exim');   # by the line above each, without its colon
#   $exim->{'sallyport.conf'}
#   T::Printed::blocks('Netfilter', 'handover')    # of that page
#   T::Printed::fit($text, $pem)                   # with ports and paths of the test
#   T::Printed::over($base, $text)                 # sections and options of $text in place of those of $base
#   my $etc = T::Printed::etc($ca);                # a folder with all files that are named, for fit()
# The certificate's key must have the password that is printed, $T::Printed::password.
package T::Printed;
use v5.36;
use Carp qw(croak);
use File::Copy qw(copy);
use T::Stage ();

# A section's blocks; without a name all sections, by name.
sub blocks {
    my ($wanted, $page) = (@_, undef, undef);
    my $path = "$ENV{T_SOURCE}/doc/" . ($page // 'inbound');
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
    $text =~ s#/etc/sallyport/([\w.-]+)#-d $cert ? "$cert/$1" : $cert#ge;
    $text =~ s{/var/spool/postfix/public/}{$cert/public/}g if -d $cert;
    $text =~ s{"\|/usr/local/bin/[\w-]+}{"|/bin/cat};
    return $text;
}

# What stands outside of sections, and sections, each as [what it is called, its lines]. There is one
# backend, and certificates go together.
sub statements {
    my @all;
    for my $line (split /^/, shift) {
        my ($word, $title) = $line =~ /^([a-z][\w-]*)(?: ([^\s{=]\S*|\{auth\}))?/;
        push @all, [$word eq 'backend' ? $word : join(' ', $word, $title // ()), ''] if defined $word;
        $all[-1][1] .= $line if @all;
    }
    return @all;
}

sub over {
    my ($base, $text) = @_;
    my @own = statements($text);
    my %own = map { $_->[0] => 1 } @own;
    return join '', map { $_->[1] } (grep { !$own{$_->[0]} } statements($base)), @own;
}

sub etc {
    my $ca = shift;
    my $dir = T::Stage::stage_dir() . '/etc';
    mkdir $_ for $dir, "$dir/public";
    my $mx = 'mx.example.org';
    my %cert = (
        'mail.pem' => $ca->cert($mx, password => $password), 'mx-ecdsa.pem' => $ca->cert($mx),
        'mx-rsa.pem' => $ca->cert($mx, key => 'rsa', password => $password), 'mail.example.net.pem' => $ca->cert('mail.example.net'),
        'client.pem' => $ca->cert('client.example.org', use => 'client', password => $password),
    );
    rename $cert{$_}{pem}, "$dir/$_" or croak "$_: $!" for keys %cert;
    $ca->ocsp($cert{"$_.pem"}, file => "$dir/$_.ocsp") for qw(mx-ecdsa mx-rsa);
    $ca->crl("$dir/client-ca.crl");
    copy($ca->file, "$dir/$_") or croak "$_: $!" for qw(client-ca.pem mta-ca.pem insurer-ca.pem);
    return $dir;
}

1;

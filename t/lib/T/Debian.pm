# SPDX-License-Identifier: Apache-2.0
# T::Debian - mail servers out of Debian's packages, unpacked but not installed: they conflict with
# each other as packages.
#
#   use T::Debian qw(exim sendmail opensmtpd);  # before T::Stage: there is no network behind it
#   my $root = T::Debian::unpacked('exim');     # a folder with /usr and so on
#
# They are fetched once, to t/mta in the build folder. Where that cannot be, the test dies and
# says so: it does not skip what it is there to show.
package T::Debian;
use v5.36;
use Carp qw(croak);
use Fcntl qw(LOCK_EX);
use File::Path qw(make_path remove_tree);
use T::Stage ();

# With the libraries that a Debian 12 on which sallyport was built may lack.
my %packages = (
    exim => [qw(exim4-daemon-heavy libgnutls-dane0 libidn12 libldap-2.5-0 libmariadb3 libpcre2-8-0 libperl5.36
        libpq5 libspf2-2 libsqlite3-0)],
    sendmail => [qw(sendmail-base sendmail-bin sendmail-cf libldap-2.5-0 liblockfile1 libwrap0)],
    opensmtpd => [qw(opensmtpd)],
);

sub import {
    my ($class, @names) = @_;
    return unless @names && T::Stage::is_root();
    fetch($_) for @names;
    return;
}

sub fetch_all { fetch($_) for sort keys %packages; return }

sub cache { return ($ENV{T_BUILD} // croak 'T_BUILD is not set') . '/t/mta' }

sub unpacked {
    my $name = shift;
    my $root = cache() . "/$name";
    -e "$root/whole" or croak "$name was not fetched: './quickstart install-deps' does it";
    return $root;
}

# One at a time: tests run side by side.
sub fetch {
    my $name = shift;
    my $wanted = $packages{$name} // croak "no mail server '$name'";
    make_path(cache());
    open my $lock, '>', cache() . '/lock' or croak cache() . "/lock: $!";
    flock $lock, LOCK_EX or croak "flock: $!";
    my $root = cache() . "/$name";
    return if -e "$root/whole";
    remove_tree($root);
    make_path("$root/packages");
    chmod 0755, $root;
    download("$root/packages", @$wanted);
    for my $package (glob "$root/packages/*.deb") {
        system('dpkg', '-x', $package, $root) == 0 or croak "dpkg -x $package failed";
    }
    remove_tree("$root/packages");
    open my $out, '>', "$root/whole" or croak "$root/whole: $!";
    return;
}

# Where apt does not know the packages yet, or knows versions that are gone, its lists are old.
sub download {
    my ($dir, @packages) = @_;
    my $get = 'apt-get -q -o APT::Sandbox::User=root';
    my $said = `cd '$dir' && { $get download @packages || { $get update && $get download @packages; } } 2>&1`;
    $? == 0 or croak "Debian's packages @packages cannot be fetched: $said";
    return;
}

1;

# SPDX-License-Identifier: Apache-2.0
# T::CA - a private authority and certificates by it, as PEM files in the test's folder.
#
#   my $ca = T::CA->new;
#   my $mx = $ca->cert('mx.example.test');           # {cert} {key} {pem} (both) {password} {name}
#   $ca->cert('mx.test', names => ['*.a.test'], key => 'rsa', password => 'secret',
#             from => -20, days => -10, use => 'client', by => $intermediate);
#   $ca->ocsp($mx, days => 3)                        # a file with an OCSP response about it
#   $ca->file                                         # the authority's own certificate
package T::CA;
use v5.36;
use Carp qw(croak);
use File::Path qw(make_path);
use IO::Socket::SSL::Utils;
use Net::SSLeay ();
use T::Stage ();

my ($count, $day) = (0, 86400);

sub new {
    my ($class, %o) = @_;
    my $name = $o{name} // 'Test CA ' . ++$count;
    my $dir = ($o{dir} // T::Stage::stage_dir()) . '/ca' . ($count > 1 ? "-$count" : '');
    make_path($dir);
    my ($cert, $key) = CERT_create(
        CA => 1, purpose => ['cRLSign'], subject => {commonName => $name, organizationName => 'Test'},
        key => KEY_create_ec('prime256v1'), digest => 'sha256',
        not_before => time - $day, not_after => time + 90 * $day
    );
    my $self = bless {dir => $dir, cert => $cert, key => $key, file => "$dir/ca.pem"}, $class;
    PEM_cert2file($cert, $self->{file});
    chmod 0644, $self->{file};
    return $self;
}

sub file { return $_[0]{file} }

# 'weak' is one that nobody should take any more.
sub make_key {
    my $kind = shift;
    return $kind eq 'rsa' ? KEY_create_rsa(2048) : $kind eq 'weak' ? KEY_create_rsa(1024) : KEY_create_ec('prime256v1');
}

sub cert {
    my ($self, $name, %o) = @_;
    my @names = ($name, @{$o{names} // []});
    my $by = $o{by};
    my @usage = ($o{use} // 'server') eq 'client' ? ('client') : ('server');
    my ($cert, $key) = CERT_create(
        subject => {commonName => $name}, key => make_key($o{key} // 'ec'), digest => 'sha256',
        issuer => $by ? [$by->{x509}, $by->{evp}] : [$self->{cert}, $self->{key}],
        not_before => time + ($o{from} // -1) * $day, not_after => time + ($o{days} // 60) * $day,
        subjectAltNames => [map { [/^[\d.]+$|:/ ? 'IP' : 'DNS', $_] } @names],
        $o{authority} ? (CA => 1) : (purpose => \@usage)
    );
    my $chain = $by ? PEM_cert2string($by->{x509}) : '';
    my $files = $self->write_files($o{file} // $name, $cert, $key, $o{password} // '', $chain);
    return {%$files, name => $name, password => $o{password} // '', x509 => $cert, evp => $key};
}

sub write_files {
    my ($self, $name, $cert, $key, $password, $chain) = @_;
    my $path = "$self->{dir}/" . ($name =~ s/[^\w.-]/_/gr);
    $path .= '-' . ++$count while -e "$path.pem";
    my %text = (cert => PEM_cert2string($cert) . $chain, key => key_text($key, $password));
    $text{pem} = $text{cert} . $text{key};
    $text{plain} = PEM_key2string($key); # what T::Peer takes
    for my $kind (keys %text) {
        open my $out, '>', "$path.$kind" or croak "$path.$kind: $!";
        chmod $kind eq 'cert' ? 0644 : 0600, "$path.$kind";
        print $out $text{$kind};
        close $out or croak "$path.$kind: $!";
    }
    return {map { $_ => "$path.$_" } keys %text};
}

sub key_text {
    my ($key, $password) = @_;
    return PEM_key2string($key) if $password eq '';
    my $cipher = Net::SSLeay::EVP_get_cipherbyname('AES-256-CBC') or croak 'no AES-256-CBC';
    return Net::SSLeay::PEM_get_string_PrivateKey($key, $password, $cipher);
}

# Options: days (until it ends), revoked, file (to write to).
sub ocsp {
    my ($self, $cert, %o) = @_;
    my $file = $o{file} // "$self->{dir}/" . ++$count . '.ocsp';
    my ($index, $key) = ("$file.index", "$self->{dir}/ca.key");
    PEM_key2file($self->{key}, $key) unless -e $key;
    my $serial = Net::SSLeay::P_ASN1_INTEGER_get_hex(Net::SSLeay::X509_get_serialNumber($cert->{x509}));
    open my $out, '>', $index or croak "$index: $!";
    print $out join("\t", $o{revoked} ? 'R' : 'V', '300101000000Z', $o{revoked} ? '260101000000Z' : '',
        $serial, 'unknown', "/CN=$cert->{name}"), "\n";
    close $out or croak "$index: $!";
    my @command = (qw(openssl ocsp -index), $index, '-rsigner', $self->{file}, '-rkey', $key, '-CA', $self->{file},
        '-issuer', $self->{file}, '-cert', $cert->{cert}, '-ndays', $o{days} // 3, '-respout', $file);
    my $said = qx(@command 2>&1);
    croak "openssl ocsp: $said" if $?;
    return $file;
}

# Of a client that is its own authority.
sub self_signed {
    my ($self, $name) = @_;
    my ($cert, $key) = CERT_create(subject => {commonName => $name}, key => make_key('ec'), digest => 'sha256',
        not_before => time - $day, not_after => time + 60 * $day, subjectAltNames => [['DNS', $name]]);
    return {%{$self->write_files("self-$name", $cert, $key, '', '')}, name => $name, x509 => $cert, evp => $key};
}

sub time_of {
    my $at = Net::SSLeay::ASN1_TIME_new();
    Net::SSLeay::ASN1_TIME_set($at, time + $_[0] * $day);
    return $at;
}

# Writes a revocation list to this file. Options: revoked (a list of certificates), from, days.
sub crl {
    my ($self, $file, %o) = @_;
    my $crl = Net::SSLeay::X509_CRL_new();
    Net::SSLeay::X509_CRL_set_version($crl, 1);
    Net::SSLeay::X509_CRL_set_issuer_name($crl, Net::SSLeay::X509_get_subject_name($self->{cert}));
    Net::SSLeay::X509_CRL_set_lastUpdate($crl, time_of($o{from} // -1));
    Net::SSLeay::X509_CRL_set_nextUpdate($crl, time_of($o{days} // 30));
    for my $cert (@{$o{revoked} // []}) {
        my $serial = Net::SSLeay::P_ASN1_INTEGER_get_hex(Net::SSLeay::X509_get_serialNumber($cert->{x509}));
        Net::SSLeay::P_X509_CRL_add_revoked_serial_hex($crl, $serial, time_of(-1), 0, 0);
    }
    Net::SSLeay::X509_CRL_sort($crl);
    Net::SSLeay::X509_CRL_sign($crl, $self->{key}, Net::SSLeay::EVP_get_digestbyname('sha256')) or croak 'no list';
    open my $out, '>', "$file.new" or croak "$file.new: $!";
    print $out Net::SSLeay::PEM_get_string_X509_CRL($crl);
    close $out or croak "$file.new: $!";
    rename "$file.new", $file or croak "$file: $!";
    Net::SSLeay::X509_CRL_free($crl);
    return $file;
}

# SHA-256 of its public key (SubjectPublicKeyInfo), in hexadecimal.
sub key_fingerprint {
    my (undef, $cert) = @_;
    my $said = `openssl x509 -in $cert->{cert} -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256`;
    return $said =~ /([0-9a-f]{64})/ ? $1 : croak "openssl: $said";
}

# SHA-256 of a certificate, in hexadecimal.
sub fingerprint {
    my (undef, $cert) = @_;
    return unpack 'H*', Net::SSLeay::X509_digest($cert->{x509},
        Net::SSLeay::EVP_get_digestbyname('sha256'));
}

1;

# SPDX-License-Identifier: Apache-2.0
# T::Head - PROXY headers, versions 1 and 2, written and read.
package T::Head;
use v5.36;
use Socket qw(AF_INET AF_INET6 inet_ntop inet_pton);

my $signature = "\r\n\r\n\0\r\nQUIT\n";

# Options: version (2), src, sport, dst, dport, tlv (bytes), local (the command LOCAL).
sub write {
    my %o = (version => 2, src => '192.0.2.7', sport => 4321, dst => '192.0.2.1', dport => 25, @_);
    my $six = $o{src} =~ /:/;
    if ($o{version} == 1) {
        return sprintf "PROXY %s %s %s %d %d\r\n", $six ? 'TCP6' : 'TCP4', @o{qw(src dst sport dport)};
    }
    my $family = $six ? AF_INET6 : AF_INET;
    my $body = $o{local} ? '' : inet_pton($family, $o{src}) . inet_pton($family, $o{dst})
        . pack 'nn', $o{sport}, $o{dport};
    $body .= $o{tlv} // '';
    return $signature . pack('CCn', $o{local} ? 0x20 : 0x21, $o{local} ? 0 : $six ? 0x21 : 0x11, length $body) . $body;
}

# What comes first on a T::Peer: {version src sport dst dport}, with version 2 {local tlv}
# where tlv is a hash from type to bytes.
sub read {
    my $peer = shift;
    local $peer->{chunk} = 1; # what stands behind may be TLS's
    $peer->fill_until(sub { length $_[0] >= 16 || $_[0] =~ /^[^\r].*\n/s }) or $peer->wrong('no PROXY header');
    return read_2($peer) if index($peer->{in}, $signature) == 0;
    my $line = $peer->read_line;
    $line =~ /^PROXY TCP([46]) (\S+) (\S+) (\d+) (\d+)$/ or $peer->wrong("no PROXY header: $line");
    return {version => 1, src => $2, dst => $3, sport => $4, dport => $5};
}

sub read_2 {
    my $peer = shift;
    my (undef, $command, $family, $length) = unpack 'a12 C C n', $peer->hear_bytes(16);
    my $body = $peer->hear_bytes($length);
    my %head = (version => 2, local => $command == 0x20);
    return {%head, tlv => tlvs($body)} if $family == 0;
    my ($af, $size) = $family == 0x21 ? (AF_INET6, 16) : (AF_INET, 4);
    my ($src, $dst, $sport, $dport, $rest) = unpack "a$size a$size n n a*", $body;
    return {%head, src => inet_ntop($af, $src), dst => inet_ntop($af, $dst), sport => $sport,
        dport => $dport, tlv => tlvs($rest)};
}

sub tlvs {
    my $bytes = shift;
    my %tlv;
    while (length $bytes >= 3) {
        my ($type, $length) = unpack 'C n', $bytes;
        $tlv{$type} = substr $bytes, 3, $length;
        $bytes = substr $bytes, 3 + $length;
    }
    return \%tlv;
}

1;

# SPDX-License-Identifier: Apache-2.0
package Peer::Hitch;

# hitch: takes TLS off and nothing else.
#   workers 1; backlog as the others'; user _hitch, Debian's
#   tls-protos, ciphersuites   TLS 1.2 and 1.3, AES-128-GCM first, the server's order
#   tickets          on (default); no session cache of its own: TLS 1.3 resumes by tickets
#   write-proxy-v2   who calls is told in the connection's first bytes
#   TCP_NODELAY      set by itself; ring buffers are its defaults
#   log              to a file, what it says by default (errors; it has no line per session)
use v5.36;
use Peer;

our @plays = qw(inbound);

sub is_here { return find_program('hitch') ? '' : 'hitch' }
sub version { return first_line(find_program('hitch'), '--version') =~ /^(hitch \S+)/ ? $1 : '' }

sub start {
    my %play = @_;
    my $d = $play{dir};
    my $port = free_port();
    my ($host, $to) = split /:/, $play{to};
    my $conf = write_file("$d/hitch.conf", <<"E");
frontend = {
    host = "127.0.0.1"
    port = "$port"
}
backend = "[$host]:$to"
pem-file = "$play{both}"
workers = 1
backlog = 4096
user = "_hitch"
group = "_hitch"
daemon = off
tls-protos = TLSv1.2 TLSv1.3
ciphersuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
prefer-server-ciphers = on
write-proxy-v2 = on
syslog = off
log-level = 1
log-filename = "$d/hitch.log"
E
    my $pid = launch($play{core}, "$d/said", find_program('hitch'), "--config=$conf");
    wait_port($port, $pid, "$d/said");
    return {implicit => $port, of_pid($pid)};
}

1;

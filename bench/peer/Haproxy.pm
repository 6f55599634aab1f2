# SPDX-License-Identifier: Apache-2.0
package Peer::Haproxy;

# HAProxy as a TCP proxy: takes TLS off (inbound), puts it on (outbound); no STARTTLS either way.
#   one thread       as the others have one worker; maxconn as many as the play needs
#   TLS              Debian's own haproxy.cfg (Mozilla's "intermediate": 1.2 and 1.3, AES-128-GCM first),
#                    but for no-tls-tickets: with tickets a session resumes without a cache
#   buffers 16 KB, TCP_NODELAY, session reuse towards servers   defaults, and good ones
#   send-proxy-v2    who calls is told in the connection's first bytes
#   log              a line a session (tcplog), to a file by stdout
#   timeouts         SMTP's 5 minutes; outbound: no verification, as MTAs do where nothing is demanded
use v5.36;
use Peer;

our @plays = qw(inbound outbound);

sub is_here { return find_program('haproxy') ? '' : 'haproxy' }
sub version { return first_line(find_program('haproxy'), '-v') =~ /version (\d[\d.]*\d)/ ? "HAProxy $1" : '' }

my $suites = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';

sub start {
    my %play = @_;
    my $d = $play{dir};
    my $port = free_port();
    my $most = $play{sessions_most} + 100;
    my $is_out = $play{which} eq 'outbound';
    my ($here, $there) = $is_out
      ? ('', "mx $play{to_implicit} ssl verify none sni str(load.test)")
      : ("ssl crt $play{both}", "mta $play{to} send-proxy-v2");
    my $conf = write_file("$d/haproxy.cfg", <<"E");
global
    log stdout format raw local0
    user haproxy
    group haproxy
    nbthread 1
    maxconn $most
    ssl-default-bind-ciphersuites $suites
    ssl-default-bind-options ssl-min-ver TLSv1.2
    ssl-default-server-ciphersuites $suites
    ssl-default-server-options ssl-min-ver TLSv1.2
defaults
    mode tcp
    log global
    maxconn $most
    option tcplog
    option dontlognull
    timeout connect 30s
    timeout client 5m
    timeout server 5m
listen mail
    bind 127.0.0.1:$port $here backlog 4096
    server $there
E
    my $pid = launch($play{core}, "$d/log", find_program('haproxy'), '-db', '-f', $conf);
    wait_port($port, $pid, "$d/log");
    return {
        ($is_out ? 'plain' : 'implicit') => $port,
        of_pid($pid),
    };
}

1;

# SPDX-License-Identifier: Apache-2.0
package Peer::NginxStream;

# nginx stream: TLS from the first byte only, a blind relay. TCP_NODELAY is on (default); buffers are
# the default 16 KB, a TLS record: larger ones cost memory in each idle session, and bring little. Who
# calls is told by proxy_protocol. proxy_timeout is SMTP's 5 minutes (RFC 5321, 4.5.3.2). TLS as
# Nginx.pm says. A line of access log for each session, of the manual's form, to a file and buffered.
use v5.36;
use Nginx ();
use Peer;

our @plays = qw(inbound);

sub is_here { return Nginx::is_missing('stream') }
sub version { return Nginx::version_text() }

sub start {
    my %play = @_;
    my %port = (implicit => free_port());
    my $tls = Nginx::tls(%play);
    return Nginx::serve(\%play, 'stream', \%port, <<"E");
stream {
    log_format basic '\$remote_addr [\$time_local] \$protocol \$status \$bytes_sent \$bytes_received '
        '\$session_time \$ssl_protocol \$ssl_cipher';
    access_log $play{dir}/access.log basic buffer=64k flush=1s;
$tls
    server {
        listen 127.0.0.1:$port{implicit} ssl backlog=4096;
        proxy_pass $play{to};
        proxy_protocol on;
        proxy_timeout 5m;
    }
}
E
}

1;

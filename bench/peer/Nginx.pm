# SPDX-License-Identifier: Apache-2.0
package Peer::Nginx;

# nginx mail as it is shipped: no more than the manual's example for SMTP without logins, in the frame
# of Nginx.pm (worker, sockets). Buffers of 4 KB, XCLIENT, two tickets: all as it comes. It never sets
# TCP_NODELAY, and there is no directive that would. But TLS 1.3, which 1.22 has only if told: all play
# the same handshake. It has no access log: error_log at info would be
# one (4 lines a session); warn writes none.
#   auth_http   it asks for each session where to pass it: a server of its own, in the same process,
#               at a unix socket, answers with headers. That costs the least that can be had.
use v5.36;
use Nginx ();
use Peer;

our @plays = qw(inbound);

sub is_here { return Nginx::is_missing('mail') }
sub version { return Nginx::version_text() }

sub start {
    my %play = @_;
    return serve(\%play, <<"E");
    ssl_certificate $play{cert};
    ssl_certificate_key $play{key};
    ssl_protocols TLSv1.2 TLSv1.3;
E
}

# Both servers, with these lines in the section.
sub serve {
    my ($play, $lines) = @_;
    my %port = map { $_ => free_port() } qw(starttls implicit);
    my ($host, $to) = split /:/, $play->{to};
    return Nginx::serve($play, 'mail', \%port, <<"E");
mail {
    server_name mail.test;
    auth_http unix:$play->{dir}/auth:/;
    smtp_capabilities PIPELINING "SIZE 200000000" 8BITMIME SMTPUTF8 ENHANCEDSTATUSCODES;
$lines
    server {
        listen 127.0.0.1:$port{starttls} backlog=4096;
        protocol smtp;
        smtp_auth none;
        starttls on;
    }
    server {
        listen 127.0.0.1:$port{implicit} ssl backlog=4096;
        protocol smtp;
        smtp_auth none;
    }
}
http {
    access_log off;
    server {
        listen unix:$play->{dir}/auth backlog=4096;
        location / {
            add_header Auth-Status OK;
            add_header Auth-Server $host;
            add_header Auth-Port $to;
            return 204;
        }
    }
}
E
}

1;

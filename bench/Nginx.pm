# SPDX-License-Identifier: Apache-2.0
package Nginx;

# What the three nginx peers share: the frame of a configuration, one worker, and its start.
#
#   TLS              as Mozilla's "intermediate" has it: 1.2 and 1.3, AES-128-GCM first, the server's
#                    order; curves are OpenSSL's own (X25519 first): nginx says auto
#   tickets          on, keys made at start (all defaults); no session cache: TLS 1.3 resumes by tickets
#   accept_mutex     off, the default; multi_accept on: calls come in crowds, and there is one worker
#   worker_connections   enough for each session to have two, and nginx mail two more to ask auth_http
use v5.36;
use Exporter 'import';
use Peer;

our @EXPORT_OK = qw(is_missing version_text tls serve);
my $modules = '/usr/lib/nginx/modules';

sub is_missing {
    my $module = shift;
    return 'nginx' unless find_program('nginx');
    return -e "$modules/ngx_${module}_module.so" ? '' : "libnginx-mod-$module";
}

sub version_text { return first_line(find_program('nginx'), '-v') =~ m{(nginx)/(\S+)} ? "$1 $2" : '' }

sub tls {
    my %play = @_;
    return <<"E";
    ssl_certificate $play{cert};
    ssl_certificate_key $play{key};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers on;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256;
E
}

# `body`: the sections behind events; `port`: where it is to listen, as start() says it.
sub serve {
    my ($play, $module, $port, $body) = @_;
    my $d = $play->{dir};
    my $sockets = 4 * $play->{sessions_most} + 512;
    my $files = $sockets + 512;
    my $conf = write_file("$d/nginx.conf", <<"E" . $body);
daemon off;
user www-data;
worker_processes 1;
worker_rlimit_nofile $files;
pid $d/nginx.pid;
error_log $d/error.log warn;
load_module $modules/ngx_${module}_module.so;
events {
    worker_connections $sockets;
    multi_accept on;
}
E
    chmod 0755, $d;
    my $pid = launch($play->{core}, "$d/said", find_program('nginx'), '-p', $d, '-e', "$d/error.log", '-c', $conf);
    wait_port($_, $pid, "$d/said") for values %$port;
    return {%$port, of_pid($pid)};
}

1;

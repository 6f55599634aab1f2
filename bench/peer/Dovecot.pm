# SPDX-License-Identifier: Apache-2.0
package Peer::Dovecot;

# Dovecot's submission service: it speaks SMTP itself and hands on to the server behind. Nobody sends
# without a login, so this peer says `user` and `password`, and its sessions have an AUTH PLAIN more.
#   submission-login   high performance mode (service_count 0), one process: the one worker
#   submission         a process for each session, used again 1,000 times; a session cannot share one
#   passdb, userdb     static: a login costs no look-up
#   submission_relay_trusted   who calls is told by XCLIENT
#   TLS                1.2 and 1.3, AES-128-GCM first, the server's order; tickets are its default
#   log                its default lines (login, logout), to a file
use v5.36;
use Peer;

our @plays = qw(inbound);
our $idle_most = 500; # sessions: each has a process of its own

sub is_here {
    return 'dovecot-core' unless find_program('dovecot');
    return -x '/usr/lib/dovecot/submission' ? '' : 'dovecot-submissiond';
}

sub version { return first_line(find_program('dovecot'), '--version') =~ /^([\d.]+)/ ? "Dovecot $1" : '' }

sub conf {
    my ($play, $port) = @_;
    my $d = $play->{dir};
    my ($host, $to) = split /:/, $play->{to};
    my $most = $play->{sessions_most} + 20;
    my $logins = 2 * $most;
    return <<"E";
base_dir = $d/run
state_dir = $d/state
log_path = $d/dovecot.log
protocols = submission
listen = 127.0.0.1
mail_location = maildir:$d/mail
mail_max_userip_connections = 0
first_valid_uid = 1
default_client_limit = $logins
default_process_limit = $most
ssl = yes
ssl_cert = <$play->{cert}
ssl_key = <$play->{key}
ssl_min_protocol = TLSv1.2
ssl_cipher_suites = TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256
ssl_prefer_server_ciphers = yes
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=www-data gid=www-data home=$d/mail
}
submission_relay_host = $host
submission_relay_port = $to
submission_relay_trusted = yes
service submission-login {
  service_count = 0
  process_min_avail = 1
  process_limit = 1
  inet_listener submission {
    port = $port->{starttls}
  }
  inet_listener submissions {
    port = $port->{implicit}
    ssl = yes
  }
}
service submission {
  service_count = 1000
  process_limit = $most
}
E
}

sub start {
    my %play = @_;
    my $d = $play{dir};
    my %port = map { $_ => free_port() } qw(starttls implicit);
    mkdir "$d/mail";
    chmod 0755, $d;
    chown +(getpwnam 'www-data')[2, 3], "$d/mail";
    my $conf = write_file("$d/dovecot.conf", conf(\%play, \%port));
    my $pid = launch($play{core}, "$d/said", find_program('dovecot'), '-F', '-c', $conf);
    wait_port($_, $pid, "$d/said") for values %port;
    return {
        %port, user => 'bench', password => 'secret',
        of_pid($pid),
    };
}

1;

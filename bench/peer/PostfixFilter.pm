# SPDX-License-Identifier: Apache-2.0
package Peer::PostfixFilter;

# Postfix's smtpd before the queue of another server: TLS, commands and all are its own, and the message
# goes through it to the server behind while it comes (smtpd_proxy_filter), with no queue between.
#   smtpd_tls_security_level   may, and wrappermode at the other port
#   tickets          on, keys by tlsmgr: with no smtpd_tls_session_cache_database, as its manual advises
#   smtpd_tls_loglevel 1   a line about TLS in each session, as most have it; the rest is its default log,
#                    to a file by its own postlogd (which counts: a syslogd would not)
#   limits           none by client (all of a benchmark is one client), processes as many as sessions;
#                    max_use 100 as it comes
#   names of clients are not looked up: there is no DNS here; no map, no policy, no milter
# Its TLS 1.3 suites cannot be ordered in 3.7: OpenSSL's own order (AES-256-GCM first).
use v5.36;
use Peer;
use PrivateMta;

our @plays = qw(inbound);
our $idle_most = 500; # sessions: each has a process of its own

sub is_here { return missing_postfix() }
sub version { return postfix_version() }

sub start {
    my %play = @_;
    my %port = map { $_ => free_port() } qw(starttls implicit);
    my $postfix = postfix(\%play,
        services => [['plain', $port{starttls}], ['smtps', $port{implicit}]],
        cert => {cert => $play{cert}, key => $play{key}},
        main => {smtpd_proxy_filter => "inet:$play{to}", message_size_limit => 0});
    return {%port, of($postfix)};
}

1;

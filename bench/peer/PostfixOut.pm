# SPDX-License-Identifier: Apache-2.0
package Peer::PostfixOut;

# Postfix with its own TLS client: what comes by smtpd is queued, and smtp hands it to the server behind
# (relayhost). All of its processes count; its queue is in memory. 250 comes before the message has gone:
# settled() waits for that.
#   smtp_tls_security_level    may, as Debian has it and most run it; no verification
#   smtp_tls_session_cache_database   as Debian has it: sessions resume
#   smtp_tls_loglevel 1        a line about TLS for each connection; the rest is its default log
#   concurrency                its default of 20 connections to one server
#   smtpd                      without restrictions that ask anybody; no DNS, no map, no milter, no
#                              limits by client; in_flow_delay 0
use v5.36;
use Peer;
use PrivateMta;

our @plays = qw(mail);

sub is_here { return missing_postfix() }
sub version { return postfix_version() }

sub start { my %play = @_; return start_with(\%play) }

# `main`: what is otherwise.
sub start_with {
    my ($play, %main) = @_;
    return serve($play,
        relayhost => $play->{to} =~ s/^(.*):/[$1]:/r, default_transport => 'smtp', relay_transport => 'smtp',
        smtp_tls_security_level => 'may', smtp_tls_loglevel => 1,
        smtp_tls_session_cache_database => 'btree:$data_directory/smtp_scache', %main);
}

# Where mail goes is said by options of main.cf; `master`: lines of master.cf.
sub serve {
    my ($play, %main) = @_;
    my $port = free_port();
    my $master = delete $main{master} // [];
    my $postfix = postfix($play, services => [['plain', $port]], master => $master,
        main => {message_size_limit => 0, %main});
    return {plain => $port, of($postfix)};
}

1;

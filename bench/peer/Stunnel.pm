# SPDX-License-Identifier: Apache-2.0
package Peer::Stunnel;

# stunnel: the one small tool that does STARTTLS, both ways. A thread for each session.
#   protocol = smtp  STARTTLS; where TLS comes first, protocol = proxy tells the server who calls (with
#                    STARTTLS it cannot)
#   ciphersuites     AES-128-GCM first; TLS 1.2 and 1.3; curves are its defaults (X25519 first)
#   tickets          on (default), sessions resume towards servers, too
#   TCP_NODELAY      both sockets, its default, said again
#   debug notice     the default: some lines a session, to a file
#   no verification outbound, as MTAs do where nothing is demanded (and its default)
use v5.36;
use Peer;

our @plays = qw(inbound outbound);

sub is_here { return find_program('stunnel4') ? '' : 'stunnel4' }
sub version { return join ' ', (grep { /^stunnel / } qx(stunnel4 -version 2>&1))[0] =~ /^(stunnel) ([\d.]+)/ }

sub service {
    my ($name, %option) = @_;
    return join "\n", "[$name]", (map { "$_ = $option{$_}" } sort keys %option), '';
}

# `port`: where its services listen, as start() says it.
sub serve {
    my ($play, $port, @services) = @_;
    my $d = $play->{dir};
    my $conf = write_file("$d/stunnel.conf", join "\n", <<"E", @services);
foreground = quiet
pid =
syslog = no
output = $d/stunnel.log
debug = notice
setuid = stunnel4
setgid = stunnel4
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
sslVersionMin = TLSv1.2
ciphersuites = TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256
E
    my $files = 2 * $play->{sessions_most} + 1000; # it takes no more clients than half of them
    chown +(getpwnam 'stunnel4')[2, 3], write_file("$d/stunnel.log", '');
    chmod 0755, $d;
    my $pid = launch($play->{core}, "$d/said", 'prlimit', "--nofile=$files:$files", find_program('stunnel4'), $conf);
    wait_port($_, $pid, "$d/said") for values %$port;
    return {%$port, of_pid($pid)};
}

sub start {
    my %play = @_;
    if ($play{which} eq 'outbound') {
        my %port = (plain => free_port());
        return serve(\%play, \%port, service('out', client => 'yes', protocol => 'smtp',
            accept => "127.0.0.1:$port{plain}", connect => $play{to}));
    }
    my %port = map { $_ => free_port() } qw(starttls implicit);
    my %common = (cert => $play{cert}, key => $play{key}, connect => $play{to});
    return serve(\%play, \%port,
        service('smtps', %common, accept => "127.0.0.1:$port{implicit}", protocol => 'proxy'),
        service('smtp', %common, accept => "127.0.0.1:$port{starttls}", protocol => 'smtp'));
}

1;

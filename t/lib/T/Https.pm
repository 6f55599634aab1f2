# SPDX-License-Identifier: Apache-2.0
# T::Https - an HTTPS server by itself, for MTA-STS policies, that can be told how to misbehave.
#
#   my $https = T::Https->start(port => 443, addr => '127.0.0.1', ca => $ca);
#   $https->serve('a.test', body => "version: STSv1\n...");    # at mta-sts.a.test, from now on
#   $https->count('a.test');                                   # requests that came, by name (SNI)
#   $https->requests;                                          # "NAME METHOD PATH HOST" each
#   $https->posted;                                            # [type, body] of each POST
# How it answers:
#   status (200), type ('text/plain'), head (a list of more lines), body, how:
#   length (the usual), close (HTTP/1.0, no length), chunked, early (half of it, then closed),
#   stall (nothing after the request), mute (nothing at all, not even TLS), drip (a byte at a time),
#   endless (a body without an end), headers (without an end), redirect (302 to a good policy),
#   plain (no TLS).
#   cert: another certificate, of T::CA; refuse: closes at once. tls: 'TLSv1_1' alone.
# The rules are a file that each connection reads, so that a test can change them at any time.
package T::Https;
use v5.36;
use Carp qw(croak);
use IO::Socket::IP;
use IO::Socket::SSL;
use JSON::PP ();
use POSIX ();
use Socket qw(MSG_PEEK);
use T::Stage ();
use Test::More ();

my $count = 0;

sub start {
    my ($class, %o) = @_;
    my $name = 'https' . (++$count > 1 ? "-$count" : '');
    my $dir = T::Stage::stage_dir();
    my $self = bless {name => $name, log => "$dir/$name.log", rules => "$dir/$name.rules", at => {}, %o}, $class;
    my $listener = IO::Socket::IP->new(LocalAddr => $o{addr} // '127.0.0.1', LocalPort => $o{port}, Listen => 128,
        ReuseAddr => 1) or croak "port $o{port}: $!";
    $self->write_rules;
    my $pid = fork // croak "fork: $!";
    $self->wait_for_clients($listener) if $pid == 0;
    $self->{pid} = $pid;
    return T::Stage::started($self);
}

sub serve {
    my ($self, $domain, %how) = @_;
    my $name = "mta-sts.$domain";
    my $cert = $how{cert} // ($self->{certs}{$name} //= $self->{ca}->cert($name));
    $self->{at}{$name} = {how => 'length', status => 200, type => 'text/plain', head => [], body => '', %how,
        cert => {cert => $cert->{cert}, key => $cert->{plain}}};
    $self->write_rules;
    return;
}

sub write_rules {
    my $self = shift;
    open my $out, '>', "$self->{rules}.new" or croak "$self->{rules}: $!";
    print $out JSON::PP::encode_json($self->{at});
    close $out or croak "$self->{rules}: $!";
    rename "$self->{rules}.new", $self->{rules} or croak "$self->{rules}: $!";
    return;
}

sub read_rules {
    my $self = shift;
    open my $in, '<', $self->{rules} or croak "$self->{rules}: $!";
    local $/;
    return JSON::PP::decode_json(<$in>);
}

# A process for each connection.
sub wait_for_clients {
    my ($self, $listener) = @_;
    Test::More->builder->$_(\my $unheard) for qw(output failure_output todo_output);
    $SIG{CHLD} = 'IGNORE';
    $SIG{TERM} = sub { POSIX::_exit(0) };
    $SIG{ALRM} = 'DEFAULT';
    alarm 0;
    open $self->{out}, '>>', $self->{log};
    while (getppid != 1) {
        my $client = $listener->accept or next;
        next if fork;
        close $listener;
        alarm 120;
        eval { $self->answer($client) };
        syswrite $self->{out}, "# $@" if $@;
        POSIX::_exit(0);
    }
    POSIX::_exit(0);
}

sub answer {
    my ($self, $client) = @_;
    my $rules = $self->read_rules;
    recv $client, my $hello, 4096, MSG_PEEK; # the ClientHello, in which the name stands (SNI)
    my ($key) = sort { length $b <=> length $a } grep { index($hello, $_) >= 0 } keys %$rules;
    my $rule = $rules->{$key // ''} // return syswrite $self->{out}, "# nothing for this one\n";
    syswrite $self->{out}, "@ $key\n";
    return if $rule->{refuse};
    return wait_for_end($client) if $rule->{how} eq 'mute';
    return syswrite $client, "HTTP/1.1 200 OK\r\n\r\n$rule->{body}" if $rule->{how} eq 'plain';
    IO::Socket::SSL->start_SSL($client, SSL_server => 1, SSL_cert_file => $rule->{cert}{cert},
        SSL_key_file => $rule->{cert}{key}, ($rule->{tls} ? (SSL_version => $rule->{tls},
        SSL_cipher_list => 'ALL:@SECLEVEL=0') : ())) or die "TLS: $IO::Socket::SSL::SSL_ERROR\n";
    my $request = '';
    while ($request !~ /\r\n\r\n/) { sysread $client, $request, 4096, length $request or return }
    my ($method, $path) = $request =~ /^(\S+) (\S+) HTTP/;
    my ($host) = $request =~ /^Host: (\S+)/mi;
    syswrite $self->{out}, "$key $method $path $host\n";
    syswrite $self->{out}, "# more: $_\n" for $request =~ /^((?:Cookie|Authorization|Referer|Accept-Encoding):.*?)\r/mgi;
    $self->keep_body($client, $request) if $method eq 'POST';
    $self->send_answer($client, $rule);
    $client->close;
    return;
}

sub keep_body {
    my ($self, $client, $request) = @_;
    my ($head, $body) = split /\r\n\r\n/, $request, 2;
    my ($type) = $head =~ /^Content-Type: (\S+)/mi;
    my ($length) = $head =~ /^Content-Length: (\d+)/mi;
    while (length $body < $length) { sysread $client, $body, 65536, length $body or return }
    open my $out, '>>', "$self->{log}.posted" or die "posted: $!";
    print $out "$type ", unpack('H*', $body), "\n";
    close $out or die "posted: $!";
    return;
}

sub posted {
    my $self = shift;
    open my $in, '<', "$self->{log}.posted" or return;
    return map { my ($type, $hex) = split; [$type, pack 'H*', $hex] } <$in>;
}

sub wait_for_end {
    my $client = shift;
    1 while sysread $client, my $unheard, 4096;
    return;
}

sub send_answer {
    my ($self, $client, $rule) = @_;
    my $how = $rule->{how};
    my $body = $rule->{body};
    my $head = "HTTP/1." . ($how eq 'close' ? 0 : 1) . " $rule->{status} Status\r\n"
        . ($rule->{type} ? "Content-Type: $rule->{type}\r\n" : '') . join '', map { "$_\r\n" } @{$rule->{head}};
    return wait_for_end($client) if $how eq 'stall';
    if ($how eq 'headers') { syswrite $client, $head; syswrite $client, "X-More: " . 'x' x 1000 . "\r\n" or return for 1 .. 1e6 }
    $head .= "Content-Length: " . length($body) . "\r\n" if $how =~ /^(?:length|early|drip)$/;
    if ($how eq 'chunked') {
        $head .= "Transfer-Encoding: chunked\r\n";
        $body = join '', (map { sprintf "%x\r\n%s\r\n", length, $_ } $body =~ /(.{1,7})/sg), "0\r\n\r\n";
    }
    $body = substr $body, 0, length($body) / 2 if $how eq 'early';
    if ($how eq 'drip') { syswrite $client, "$head\r\n"; for (split //, $body) { syswrite $client, $_ or return; sleep 1 } return }
    syswrite $client, "$head\r\n$body";
    if ($how eq 'endless') { syswrite $client, "a: b\n" x 1000 or return for 1 .. 1e6 }
    return;
}

sub requests {
    my $self = shift;
    open my $in, '<', $self->{log} or return;
    return grep { !/^[#@]/ } map { chomp; $_ } <$in>;
}

sub log_text {
    my $self = shift;
    open my $in, '<', $self->{log} or return '';
    local $/;
    return <$in> // '';
}

sub count {
    my ($self, $domain) = @_;
    return scalar grep { index($_, "mta-sts.$domain ") == 0 } $self->requests;
}

# Connections, whatever became of them.
sub calls {
    my ($self, $domain) = @_;
    return scalar(() = $self->log_text =~ /^\@ mta-sts\.\Q$domain\E$/mg);
}

sub stop {
    my $self = shift;
    my $pid = delete $self->{pid} or return;
    kill 'TERM', $pid;
    waitpid $pid, 0;
    return;
}

sub dump {
    my $self = shift;
    Test::More::diag("--- $self->{log}\n", $self->log_text);
    return;
}

1;

# SPDX-License-Identifier: Apache-2.0
# T::Peer - one end of a conversation, played step by step; clients and servers alike.
#
# One script plays both ends: the kernel holds a connection until accept() is called.
#
#   my $mta = T::Peer->listen(port => port('mta'));
#   my $c = T::Peer->connect(port('in'), from => '127.0.0.5');
#   $c->hear(qr/^220 /);                 # one whole reply, all its lines; fails and dies if unlike
#   $c->talk('EHLO c.test' => qr/^250-.*STARTTLS/s);
#   $c->starttls(name => 'mx.test');     # says STARTTLS, hears 220, shakes hands
#   my $s = $mta->accept(head => 1);     # reads a PROXY header: $s->{head}{src}
#   $s->say('220 mta.test');
#   $s->hear(qr/^EHLO/);
#   $s->hear_body;  $s->hear_close;  $s->hear_nothing(0.3);
#   $c->send("raw bytes");  $c->close;  $c->reset;  $c->half_close;
#
# Every wait ends after T::Stage's patience. A step that goes wrong fails the test and dies:
# what follows would only wait.
package T::Peer;
use v5.36;
use Carp qw(croak);
use Errno qw(EAGAIN EINPROGRESS);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::IP;
use IO::Socket::SSL;
use IO::Socket::UNIX;
use MIME::Base64 qw(encode_base64);
use Socket qw(IPPROTO_TCP SOL_SOCKET SO_LINGER SO_RCVBUF SO_SNDBUF TCP_NODELAY);
use T::Head ();
use T::Stage ();
use Test::More ();

my $count = 0;

# Options: addr, port, queue (backlog), rcvbuf, name; or path, of a unix socket.
sub listen {
    my ($class, %o) = @_;
    return $class->listen_unix(%o) if $o{path};
    my $socket = IO::Socket::IP->new(
        LocalAddr => $o{addr} // '127.0.0.1', LocalPort => $o{port}, Listen => $o{queue} // 128,
        ReuseAddr => 1, Proto => 'tcp'
    ) or croak 'listen on ' . ($o{addr} // '') . " $o{port}: $@";
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, $o{rcvbuf} if $o{rcvbuf};
    return bless {socket => $socket, name => $o{name} // 'server'}, $class;
}

sub listen_unix {
    my ($class, %o) = @_;
    unlink $o{path};
    my $socket = IO::Socket::UNIX->new(Local => $o{path}, Listen => $o{queue} // 128) or croak "listen on $o{path}: $!";
    return bless {socket => $socket, name => $o{name} // 'server'}, $class;
}

# Options: to (address), from, from_port, tls (options of start_tls: TLS at once), rcvbuf, name,
# head (PROXY header to send first: options of T::Head::write).
sub connect {
    my ($class, $port, %o) = @_;
    my $socket = IO::Socket::IP->new(
        PeerAddr => $o{to} // '127.0.0.1', PeerPort => $port, Proto => 'tcp', Timeout => $T::Stage::PATIENCE,
        ($o{from} ? (LocalAddr => $o{from}) : ()), ($o{from_port} ? (LocalPort => $o{from_port}) : ()),
        ReuseAddr => 1
    ) or croak "connect to port $port: $@";
    my $self = $class->wrap($socket, $o{name} // 'client', %o);
    $self->send(T::Head::write(%{$o{head}})) if $o{head};
    $self->start_tls(%{$o{tls}}) if $o{tls};
    return $self;
}

sub wrap {
    my ($class, $socket, $name, %o) = @_;
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, $o{rcvbuf} if $o{rcvbuf};
    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    $socket->blocking(0);
    return bless {socket => $socket, name => $name, in => '', told => [], on_line => $o{on_line}}, $class;
}

# The next connection. Options: head (1: a PROXY header comes first), tls (TLS at once), seconds,
# maybe (nothing comes: undef, and no failure).
sub accept {
    my ($self, %o) = @_;
    my $ready = IO::Select->new($self->{socket})->can_read($o{seconds} // $T::Stage::PATIENCE);
    if (!$ready) {
        return if $o{maybe};
        $self->wrong('a connection should come');
    }
    my $socket = $self->{socket}->accept or croak "accept: $!";
    my $peer = ref($self)->wrap($socket, $o{name} // $self->{name} . ++$self->{taken}, %o);
    $peer->{head} = T::Head::read($peer) if $o{head};
    $peer->start_tls(%{$o{tls}}, server => 1) if $o{tls};
    return $peer;
}

sub no_connection {
    my ($self, $seconds, $name) = @_;
    my $came = $self->accept(seconds => $seconds // 0.3, maybe => 1);
    return $self->verdict(!$came, $name // "nobody connects");
}

# --- saying

sub send {
    my ($self, $bytes) = @_;
    my $until = T::Stage::now() + $T::Stage::PATIENCE;
    while (length $bytes) {
        my $done = syswrite $self->{socket}, $bytes;
        if ($done) { substr $bytes, 0, $done, ''; next }
        $self->await('write', $until) or $self->wrong('could not write: ' . ($! // ''));
    }
    return $self;
}

# As much as the other side takes at once or within `seconds`: the number of bytes.
sub send_some {
    my ($self, $bytes, $seconds) = @_;
    my ($until, $sum) = (T::Stage::now() + ($seconds // 0.5), 0);
    while ($sum < length $bytes) {
        my $done = syswrite $self->{socket}, substr $bytes, $sum, 65536;
        if ($done) { $sum += $done; next }
        $self->await('write', $until) or last;
    }
    return $sum;
}

# Lines, in one write.
sub say {
    my ($self, @lines) = @_;
    $self->note('>', $_) for @lines;
    return $self->send(join '', map { "$_\r\n" } @lines);
}

# Pairs of what is said and what must be heard.
sub talk {
    my ($self, @steps) = @_;
    croak "talk() takes pairs" if @steps % 2;
    my $heard;
    while (my ($line, $like) = splice @steps, 0, 2) {
        $self->say($line);
        $heard = $self->hear($like, "$line");
    }
    return $heard;
}

sub auth_plain {
    my ($self, $user, $password, $like) = @_;
    return $self->talk('AUTH PLAIN ' . encode_base64("\0$user\0$password", '') => $like // qr/^235 /);
}

# A whole transaction; what was said to the final dot comes back. rcpt is one or a list.
sub mail {
    my ($self, %o) = @_;
    my @rcpt = ref $o{rcpt} ? @{$o{rcpt}} : $o{rcpt};
    $self->talk("MAIL FROM:<$o{from}>" => qr/^250 /);
    $self->talk("RCPT TO:<$_>" => qr/^250 /) for @rcpt;
    $self->talk('DATA' => qr/^354 /);
    my $text = $o{text} // "Subject: test\r\nMessage-ID: <" . ++$count . "\@test>\r\n\r\nHello.\r\n";
    return $self->send("$text.\r\n")->hear($o{like} // qr/^250 /, 'the final dot');
}

# --- hearing

# One reply (`250-` goes on, `250 ` ends) or one command, without its last line end.
sub read_reply {
    my ($self, $seconds) = @_;
    my @lines;
    while (1) {
        my $line = $self->read_line($seconds) // return;
        push @lines, $line;
        last if $line !~ /^\d{3}-/;
    }
    return join "\n", @lines;
}

sub read_line {
    my ($self, $seconds) = @_;
    $self->fill_until(sub { $_[0] =~ /\n/ }, $seconds) or return;
    $self->{in} =~ s/\A([^\n]*?)\r?\n//;
    $self->note('<', $1);
    return $1;
}

sub hear {
    my ($self, $like, $name, %o) = @_;
    my $text = $self->read_reply($o{seconds});
    return $text if defined $text && $self->verdict(scalar($text =~ $like), said($name, $like), $text);
    $self->wrong(($name // '') . " should hear $like, heard " . (defined $text ? "'$text'" : $self->silence));
}

sub hear_line {
    my ($self, $like, $name) = @_;
    my $line = $self->read_line;
    return $line if defined $line && $self->verdict(scalar($line =~ $like), said($name, $like), $line);
    $self->wrong(($name // '') . " should hear $like, heard " . ($line // $self->silence));
}

# A message up to its final dot, as it came; the dot is taken too.
sub hear_body {
    my $self = shift;
    $self->fill_until(sub { $_[0] =~ /(?:\A|\r\n)\.\r\n/ }) or $self->wrong('no end of a message');
    $self->{in} =~ s/\A(.*?(?:\A|\r\n))\.\r\n//s;
    return $1;
}

sub hear_bytes {
    my ($self, $length) = @_;
    $self->fill_until(sub { length $_[0] >= $length }) or $self->wrong("no $length bytes");
    return substr $self->{in}, 0, $length, '';
}

sub hear_close {
    my ($self, $name) = @_;
    $self->fill_until(sub { 0 });
    my $well = $self->{ended} && $self->{in} eq '';
    return $self->verdict($well, $name // "the other side closes", $self->{in});
}

sub hear_nothing {
    my ($self, $seconds, $name) = @_;
    $self->fill_until(sub { length $_[0] }, $seconds // 0.3);
    my $well = !$self->{ended} && $self->{in} eq '';
    return $self->verdict($well, $name // "nothing is said", $self->{in});
}

# --- TLS

# Options: context (an IO::Socket::SSL::SSL_Context, so that sessions can be resumed; as a server),
# name (SNI and the name to check), ca (then the certificate is checked), cert (of
# T::CA: shown), as a client; as a server cert (or certs: a hash by name), ask_client ('must': and ends without one), ca.
# min/max protocol: version ('TLSv1_2'), ciphers, session (of another peer, to resume),
# maybe (a failure comes back as 0 and is in {tls_error}).
sub start_tls {
    my ($self, %o) = @_;
    my %ssl = $o{server} ? server_options(%o) : client_options(%o);
    $ssl{SSL_version} = $o{version} if $o{version};
    $ssl{SSL_cipher_list} = $o{ciphers} if $o{ciphers};
    $self->wrong('bytes before the handshake: ' . $self->{in}) if length $self->{in};
    IO::Socket::SSL->start_SSL($self->{socket}, %ssl, SSL_startHandshake => 0, SSL_server => $o{server} ? 1 : 0)
        or $self->wrong("TLS: $SSL_ERROR");
    my $until = T::Stage::now() + $T::Stage::PATIENCE;
    my $shake = $o{server} ? 'accept_SSL' : 'connect_SSL';
    until ($self->{socket}->$shake) {
        next if $self->await(undef, $until);
        $self->{tls_error} = "$SSL_ERROR";
        return 0 if $o{maybe};
        $self->wrong("the handshake fails: $SSL_ERROR");
    }
    return $self->{tls} = 1;
}

sub client_options {
    my %o = @_;
    return (
        SSL_verify_mode => $o{ca} ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
        ($o{ca} ? (SSL_ca_file => ref $o{ca} ? $o{ca}->file : $o{ca}) : ()),
        ($o{name} ? (SSL_hostname => $o{name}) : (SSL_hostname => '')),
        ($o{name} && $o{ca} ? (SSL_verifycn_name => $o{name}, SSL_verifycn_scheme => 'smtp') : ()),
        ($o{cert} ? (SSL_cert_file => $o{cert}{cert}, SSL_key_file => $o{cert}{plain}) : ()),
        ($o{session} ? (SSL_session_cache => $o{session}) : ()),
    );
}

sub server_options {
    my %o = @_;
    my %cert = $o{certs} ? %{$o{certs}} : ('' => $o{cert});
    return (SSL_reuse_ctx => $o{context}) if $o{context};
    return (
        SSL_cert_file => {map { $_ => $cert{$_}{cert} } keys %cert},
        SSL_key_file => {map { $_ => $cert{$_}{plain} } keys %cert},
        SSL_verify_mode => !$o{ask_client} ? SSL_VERIFY_NONE
            : SSL_VERIFY_PEER | ($o{ask_client} eq 'must' ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        ($o{ask_client} ? (SSL_verify_callback => sub { 1 }) : ()),
        ($o{ca} ? (SSL_ca_file => ref $o{ca} ? $o{ca}->file : $o{ca}) : ()),
    );
}

# From a client: STARTTLS said, 220 heard, hands shaken. From a server: STARTTLS heard.
sub starttls {
    my ($self, %o) = @_;
    if ($o{server}) {
        $self->hear(qr/^STARTTLS$/i);
        $self->say('220 2.0.0 go');
    } else {
        $self->talk('STARTTLS' => qr/^220 /);
    }
    return $self->start_tls(%o);
}

sub tls_version { return $_[0]{socket}->get_sslversion }
sub tls_cipher { return $_[0]{socket}->get_cipher }
sub tls_resumed { return $_[0]{socket}->get_session_reused }
sub tls_sni { return $_[0]{socket}->get_servername }

# Common name of the other side's certificate, '' without one.
sub tls_peer {
    my $self = shift;
    return $self->{socket}->peer_certificate ? $self->{socket}->peer_certificate('cn') : '';
}

# --- ending

sub close {
    my $self = shift;
    $self->{socket}->close($self->{tls} ? (SSL_no_shutdown => 0, SSL_fast_shutdown => 1) : ()) if $self->{socket};
    delete $self->{socket};
    return;
}

# No farewell of TLS, no FIN: RST.
sub reset {
    my $self = shift;
    setsockopt $self->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    $self->{socket}->close($self->{tls} ? (SSL_no_shutdown => 1) : ());
    delete $self->{socket};
    return;
}

sub half_close { return shutdown $_[0]{socket}, 1 }

sub local_port { return $_[0]{socket}->sockport }
sub local_addr { return $_[0]{socket}->sockhost }
sub peer_port { return $_[0]{socket}->peerport }
sub peer_addr { return $_[0]{socket}->isa('IO::Socket::UNIX') ? 'unix' : $_[0]{socket}->peerhost }

# All that was said (>) and heard (<), line by line.
sub told { return @{$_[0]{told}} }

# --- inside

sub note {
    my ($self, $way, $line) = @_;
    push @{$self->{told}}, "$way $line";
    $self->{on_line}->($way, $line) if $self->{on_line};
    return;
}

# Reads until the code is content with what is there: 1; 0 at the end of file or of patience.
sub fill_until {
    my ($self, $content, $seconds) = @_;
    my $until = T::Stage::now() + ($seconds // $T::Stage::PATIENCE);
    until ($content->($self->{in})) {
        return 0 if $self->{ended};
        my $got = sysread $self->{socket}, $self->{in}, $self->{chunk} // 65536, length $self->{in};
        next if $got;
        if (defined $got) { $self->{ended} = 'end of file'; next }
        next if $self->await('read', $until);
        $self->{ended} = "$!" unless $self->{waited};
        return $content->($self->{in}) ? 1 : 0;
    }
    return 1;
}

# Waits for the socket: false when the time is over ({waited}) or the connection broken.
sub await {
    my ($self, $for, $until) = @_;
    $self->{waited} = 0;
    my $tls = ref $self->{socket} eq 'IO::Socket::SSL';
    return 0 if $! != EAGAIN && $! != EINPROGRESS && !($tls && wants());
    $for = $SSL_ERROR == SSL_WANT_WRITE ? 'write' : 'read' if $tls && wants();
    my $left = $until - T::Stage::now();
    my $select = IO::Select->new($self->{socket});
    return 1 if $left > 0 && ($for eq 'write' ? $select->can_write($left) : $select->can_read($left));
    $self->{waited} = 1;
    return 0;
}

sub wants { return $SSL_ERROR == SSL_WANT_READ || $SSL_ERROR == SSL_WANT_WRITE }

# A pattern as it was written, behind what it answers.
sub said {
    my ($name, $like) = @_;
    my ($pattern) = "$like" =~ /^\(\?\^\w*:(.*)\)$/s;
    return defined $name ? "$name => $pattern" : $pattern;
}

sub silence {
    my $self = shift;
    return $self->{ended} ? "the end ($self->{ended})" : 'nothing in time';
}

sub verdict {
    my ($self, $well, $name, $heard) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 2;
    Test::More::ok($well, "$self->{name}: $name");
    Test::More::diag("heard: '$heard'") if !$well && defined $heard;
    return $well;
}

sub wrong {
    my ($self, $why) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 2;
    my @told = @{$self->{told}};
    splice @told, 0, @told - 20 if @told > 20;
    Test::More::fail("$self->{name}: $why");
    croak join "\n  ", "$self->{name}: $why", @told;
}

1;

# SPDX-License-Identifier: Apache-2.0
# T::Story - the main job, step by step on a T::Trio: what the demonstration shows.
#
#   T::Story::play($trio, saw => sub ($yes, $fact) { ... }, step => sub ($title) { ... },
#       wire => sub ($who, $way, $line) { ... }, quote => sub ($text) { ... }, table => sub (@rows) { ... }, text => sub ($lines) { ... });
package T::Story;
use v5.36;
use MIME::Base64 qw(encode_base64);
use T::Csv qw(csv_rows csv_wait);
use T::Stage ();

my @steps = (
    ['A password in the clear is refused, and the mail server never hears of it' => \&clear_auth],
    ['A submission with STARTTLS and AUTH, to a domain that offers TLS' => \&submission],
    ['A submission on the TLS port, to a domain that demands TLS and our certificate' => \&smtps],
    ['A delivery from outside, in the clear, for our own domain' => \&from_outside],
    ['To a domain whose server has no STARTTLS: in the clear, as its rule allows' => \&no_tls],
    ['To such a domain with require-starttls: it waits in the queue' => \&strict],
    ['A recipient that the remote server refuses' => \&refused],
    ['A domain whose mail server is ourselves' => \&mail_loop],
    ['The accounting file' => \&accounts],
    ['What sallyport report makes of it' => \&report],
);

sub play {
    my ($trio, %tell) = @_;
    my $self = bless {trio => $trio, %tell}, __PACKAGE__;
    for (@steps) {
        my ($title, $step) = @$_;
        $self->{step}->($title);
        eval { $self->$step; 1 } or $self->saw(0, "this step comes to its end: $@");
    }
    return;
}

sub saw { my ($self, $yes, $fact) = @_; return $self->{saw}->($yes ? 1 : 0, $fact) }

# A line of a log, shown, and the fact that it is there.
sub saw_line {
    my ($self, $fact, $line) = @_;
    $self->{quote}->($line) if $line;
    return $self->saw($line, $fact);
}

sub client {
    my ($self, $listener, $from, $greeted) = @_;
    my $ca = $self->{trio}{ca};
    return $self->{trio}->client(
        $listener, $from, on_line => $self->{wire} && sub { $self->{wire}->($from, @_) },
        $listener eq 'smtps' ? (tls => {name => 'gate.home.test', ca => $ca}) : (),
    );
}

sub seen_tls {
    my ($self, $c) = @_;
    $self->{wire}->($c->{name}, '=', join ' ', $c->tls_version, $c->tls_cipher, 'with', $c->tls_peer);
    return;
}

# On the submission port, up to a login; what is said there is the same each time.
sub secured {
    my ($self, $from, $again) = @_;
    local $self->{wire} = sub { } if $again;
    my $c = $self->client('submission', $from);
    $c->hear(qr/^220 /);
    $c->talk('EHLO client.test' => qr/STARTTLS/);
    $c->starttls(name => 'gate.home.test', ca => $self->{trio}{ca});
    $self->seen_tls($c);
    $c->talk('EHLO client.test' => qr/AUTH/);
    $c->auth_plain('alice@mta.test', 'wonderland');
    $again->($from, '=', 'STARTTLS and AUTH as before') if $again;
    return $c;
}

sub send_from_alice {
    my ($self, $c, $rcpt) = @_;
    $c->mail(from => 'alice@home.test', rcpt => $rcpt,
        text => "From: <alice\@home.test>\r\nTo: <$rcpt>\r\nSubject: hello\r\n\r\nHello.\r\n");
    $c->talk('QUIT' => qr/^221 /);
    $c->close;
    return;
}

# How Postfix logs what became of it.
sub outcome {
    my ($self, $rcpt, $status) = @_;
    return $self->{trio}{mta}->has_logged(qr/to=<\Q$rcpt\E>.*status=$status/);
}

sub clear_auth {
    my $self = shift;
    my $c = $self->client('submission', '127.0.0.11');
    $c->hear(qr/^220 /);
    my $ehlo = $c->talk('EHLO client.test' => qr/^250/);
    $self->saw($ehlo =~ /STARTTLS/ && $ehlo !~ /AUTH/, 'STARTTLS is offered, AUTH is not');
    $c->say('AUTH PLAIN ' . encode_base64("\0alice\@mta.test\0wonderland", ''));
    my $reply = $c->hear(qr/^\d/);
    $self->saw(!!($reply =~ /^530 5\.7\.0 /), 'AUTH before TLS is refused by the source rule');
    $c->talk('QUIT' => qr/^221 /);
    $c->close;
    return;
}

sub submission {
    my $self = shift;
    my $c = $self->secured('127.0.0.12');
    $self->send_from_alice($c, 'anna@friend.test');
    my ($mta, $mx) = @{$self->{trio}}{qw(mta mx)};
    $self->saw_line('our Postfix logs the true address and the login',
        $mta->has_logged(qr/client=\S*\[127\.0\.0\.12\].*sasl_username=alice/));
    $self->saw($mta->log_text !~ /< \S*\[127\.0\.0\.11\]: AUTH/, 'it has heard no AUTH of the client before, whose every word it would log');
    $self->saw_line('delivered, with the remote server named in the reply',
        $self->outcome('anna@friend.test', 'sent .*mx\.friend\.test'));
    $self->saw_line('over TLS, as the remote server logs', $mx->has_logged(qr/Anonymous TLS connection established.*TLSv1\.3/));
    return;
}

sub smtps {
    my $self = shift;
    my $c = $self->client('smtps', '127.0.0.13');
    $self->seen_tls($c);
    $c->hear(qr/^220 /);
    $c->talk('EHLO client.test' => qr/AUTH/);
    $c->auth_plain('alice@mta.test', 'wonderland');
    $self->send_from_alice($c, 'bert@bank.test');
    my ($mta, $mx) = @{$self->{trio}}{qw(mta mx)};
    $self->saw_line('our Postfix logs the true address and the login',
        $mta->has_logged(qr/client=\S*\[127\.0\.0\.13\].*sasl_username=alice/));
    $self->saw_line('delivered', $self->outcome('bert@bank.test', 'sent .*mx\.bank\.test'));
    $self->saw_line('over TLS, and the remote server has checked our certificate',
        $mx->has_logged(qr/Trusted TLS connection established.*TLSv1\.3/));
    return;
}

sub from_outside {
    my $self = shift;
    my $c = $self->client('smtp', '127.0.0.14');
    $c->hear(qr/^220 /);
    $c->talk('EHLO far.away.test' => qr/STARTTLS/);
    $c->mail(from => 'zoe@away.test', rcpt => 'alice@home.test');
    $c->talk('QUIT' => qr/^221 /);
    $self->saw_line('our Postfix logs the true address', $self->{trio}{mta}->has_logged(qr/: client=\S*\[127\.0\.0\.14\]/));
    $self->saw_line('and has taken the message', $self->outcome('alice@home.test', 'sent'));
    my $relay = $self->client('smtp', '127.0.0.14');
    $relay->hear(qr/^220 /);
    $relay->talk('EHLO far.away.test' => qr/^250/, 'MAIL FROM:<zoe@away.test>' => qr/^250/);
    $relay->say('RCPT TO:<anna@friend.test>');
    $self->saw(!!($relay->hear(qr/^\d/) =~ /^[45]54 /), 'but relays nothing for it: the proxy does not make it look local');
    $relay->close;
    return;
}

sub no_tls {
    my $self = shift;
    $self->send_from_alice($self->secured('127.0.0.12', $self->{wire}), 'otto@old.test');
    $self->saw_line('delivered', $self->outcome('otto@old.test', 'sent .*mx\.old\.test'));
    my $id = $self->{trio}{mx}->has_logged(qr/mx\/plain\/smtpd.*client=/);
    $self->saw_line('to the server without STARTTLS', $id);
    return;
}

sub strict {
    my $self = shift;
    $self->send_from_alice($self->secured('127.0.0.12', $self->{wire}), 'stella@strict.test');
    $self->saw_line('deferred, because TLS is demanded and not offered',
        $self->outcome('stella@strict.test', 'deferred .*451 4\.7\.4'));
    my ($waits) = grep { grep { $_ eq 'stella@strict.test' } @{$_->{rcpt}} } $self->{trio}{mta}->queue;
    $self->saw($waits, 'it stays in the queue of our Postfix');
    $self->saw($self->{trio}{mx}->log_text !~ /stella/, 'the remote server has not even heard the recipient');
    return;
}

sub refused {
    my $self = shift;
    $self->send_from_alice($self->secured('127.0.0.12', $self->{wire}), 'nobody@friend.test');
    $self->saw_line('bounced, with the words of the remote server',
        $self->outcome('nobody@friend.test', 'bounced .*550 5\.1\.1 .*No such person'));
    return;
}

sub mail_loop {
    my $self = shift;
    $self->send_from_alice($self->secured('127.0.0.12', $self->{wire}), 'echo@loop.test');
    $self->saw_line('refused at once instead of going round',
        $self->outcome('echo@loop.test', 'bounced .*554 5\.4\.6'));
    return;
}

my @expected = (
    ['a d row: delivered over TLS, with protocol and cipher' =>
            {type => 'd', rcpt => 'anna@friend.test', dlvTlsProtocol => qr/^TLSv1\.3$/, dlvTlsCipher => qr/^TLS_/}],
    ['a d row with our certificate shown and theirs checked' =>
            {type => 'd', rcpt => 'bert@bank.test', dlvTlsProtocol => qr/^TLSv1/, dlvTlsClientCert => qr/./}],
    ['a d row in the clear' => {type => 'd', rcpt => 'otto@old.test', dlvTlsProtocol => qr/^$/, dlvTlsCipher => qr/^$/}],
    ['a d row says how the message came, too' =>
            {type => 'd', rcpt => 'anna@friend.test', srcMta => qr/127\.0\.0\.12/, rcvTlsProtocol => qr/^TLSv1\.3$/}],
    ['a b row for the refused recipient' =>
            {type => 'b', rcpt => 'nobody@friend.test', dsnStatus => qr/^5\.1\.1/, dsnAction => qr/^failed$/}],
    ['a t row for the deferred one' => {type => 't', rcpt => 'stella@strict.test', dsnStatus => qr/^4\.7\.4/}],
    ['an r row with the TLS of the submission' =>
            {type => 'r', rcpt => 'anna@friend.test', rcvSourceIp => qr/^127\.0\.0\.12$/, rcvTlsProtocol => qr/^TLSv1\.3$/}],
    ['an r row with that of the TLS port' =>
            {type => 'r', rcpt => 'bert@bank.test', rcvSourceIp => qr/^127\.0\.0\.13$/, rcvTlsProtocol => qr/^TLSv1\.3$/}],
    ['an r row without TLS, for the delivery from outside' =>
            {type => 'r', rcpt => 'alice@home.test', rcvSourceIp => qr/^127\.0\.0\.14$/, rcvTlsProtocol => qr/^$/}],
);

sub is_like {
    my ($row, $like) = @_;
    for (keys %$like) {
        my $value = $row->{$_} // return 0;
        return 0 unless ref $like->{$_} ? $value =~ $like->{$_} : $value eq $like->{$_};
    }
    return 1;
}

sub accounts {
    my $self = shift;
    my $csv = $self->{trio}{csv};
    my %there = map { $_->[0] => scalar csv_wait($csv, sub { is_like($_, $_[0]) }, with => $_->[1]) } @expected;
    $self->{table}->(csv_rows($csv)) if $self->{table};
    $self->saw($there{$_->[0]}, $_->[0]) for @expected;
    for my $rcpt (qw(anna@friend.test bert@bank.test otto@old.test)) {
        my @rows = grep { $_->{type} eq 'd' && $_->{rcpt} eq $rcpt } csv_rows($csv);
        $self->saw(@rows == 1, "exactly one d row for $rcpt");
    }
    return;
}

sub report {
    my $self = shift;
    my $csv = $self->{trio}{csv};
    my $text = qx{"$ENV{T_BUILD}/sallyport" report "$csv" 2>&1};
    $self->saw($? == 0, 'it reads the file');
    $self->{text}->($text) if $self->{text};
    my @sent = grep { $_->{type} eq 'd' } csv_rows($csv);
    my ($all, $in_tls) = $text =~ /^  sent +(\d+) +(\d+) /m;
    $self->saw(($all // '') eq @sent && $in_tls eq grep({ $_->{dlvTlsProtocol} } @sent), 'and counts what was sent, and what of it in TLS');
    $self->saw($text =~ /^ +1  starttls-not-offered\b.*\n.*\n +such as strict\.test at mx\.old\.test /m, 'why mail was put off, with an example');
    return;
}

1;

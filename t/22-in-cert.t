#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Our own certificates, seen by OpenSSL's client: names, key types, protocols, ALPN, OCSP; what is
# said of a wrong configuration; and what becomes of them when their files change or they end.
use v5.36;
use lib 't/lib';
use File::Copy qw(copy);
use Test::More;
use T::Stage;
use T::CA;
use T::Peer;
use T::Run;

my $ca = T::CA->new;

# What openssl s_client says of a session that goes on until QUIT.
sub shake {
    my ($port, @args) = @_;
    return scalar qx(printf 'QUIT\\r\\n' | openssl s_client -ign_eof -connect 127.0.0.1:$port @args 2>&1);
}

sub subject_is {
    my ($said, $wanted, $name) = @_;
    return is($said =~ /^subject=.*?CN = ([^\n,]+)/m ? $1 : 'none', $wanted, $name);
}

sub replace {
    my ($from, $to) = @_;
    copy($from, "$to.new") or die "$to.new: $!";
    chmod 0600, "$to.new";
    rename "$to.new", $to or die "$to: $!";
    return;
}

my $ec = $ca->cert('mx.test', names => ['smtp.test']);
my $rsa = $ca->cert('mx.test', names => ['smtp.test'], key => 'rsa', password => 'sesame');
my $mail = $ca->cert('mail.test');
my $wild = $ca->cert('*.w.test');

subtest 'names, keys, protocols, ALPN, OCSP' => sub {
    my $in = T::Run->start('sallyport-in',
        ec => $ec->{pem}, rsa => $rsa->{pem}, mail => $mail->{pem}, wild => $wild->{pem},
        ocsp => $ca->ocsp($ec), rsa_ocsp => $ca->ocsp($rsa), stale => $ca->ocsp($wild, revoked => 1),
        expect => qr/not-used .*revoked/, conf => <<'CONF');
smtp-listener 127.0.0.1:@port:in@ { tls = yes }
smtp-listener 127.0.0.1:@port:new@ { tls = yes  tls-min-protocol = TLSv1.3
    tls-ciphersuites = TLS_CHACHA20_POLY1305_SHA256  tls-groups = "P-384" }
smtp-listener 127.0.0.1:@port:old@ { tls = yes  tls-min-protocol = TLSv1
    tls-ciphers = "ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0"  tls-ocsp-file = {} }
smtp-server-tls-certificate = @ec@
smtp-server-tls-certificate = {@rsa@, sesame}
smtp-server-tls-certificate = @mail@
smtp-server-tls-certificate = @wild@
smtp-server-tls-ocsp-file = {@ocsp@, @rsa_ocsp@, @stale@}
smtp-server-tls-groups = "X25519:P-256"
workers = 1
source 0/0 { }
CONF
    my $port = port('in');
    for my $row (
        ['-servername mx.test', 'mx.test'], ['-servername SMTP.Test', 'mx.test'],
        ['-servername mail.test', 'mail.test'], ['-servername MAIL.test.', 'mail.test'],
        ['-servername a.w.test', '*.w.test'], ['-servername a.b.w.test', 'mx.test'],
        ['-servername other.test', 'mx.test'], ['-noservername', 'mx.test'],
    ) {
        subject_is(shake($port, $row->[0]), $row->[1], $row->[0]);
    }
    for my $version ('-tls1_2', '-tls1_3') {
        my $said = shake($port, $version, '-status -servername mx.test');
        like($said, qr/^Peer signature type: ECDSA/m, "$version: who can gets ECDSA");
        like($said, qr/OCSP Response Status: successful.*Cert Status: good/s, 'with its OCSP response');
        $said = shake($port, $version, '-status -servername mx.test -sigalgs RSA-PSS+SHA256:RSA+SHA256');
        like($said, qr/^Peer signature type: RSA/m, "$version: who knows RSA only gets that");
        my ($serial) = $said =~ /Serial Number: (\w+)/;
        like($said, qr/Cert Status: good/, 'with an OCSP response');
        like(lc qx(openssl x509 -in $rsa->{cert} -noout -serial), qr/=\Q@{[lc $serial]}\E$/m, 'about that one');
        like(shake($port, $version, '-status -servername a.w.test'), qr/OCSP response: no response sent/,
            'a response that says revoked is not sent');
        unlike(shake($port, $version, '-servername mx.test'), qr/OCSP Response Status/, 'nor to who does not ask');

        like(shake($port, $version, '-alpn http/1.1'), qr/alert no application protocol|alert number 120/,
            "$version: a browser is refused");
        $in->log_like(qr/closed why=alpn .*broke="no application protocol"/);
        like(shake($port, $version, '-alpn h2,http/1.1,smtp'), qr/^ALPN protocol: smtp$/m, 'SMTP among others');
        like(shake($port, $version), qr/^No ALPN negotiated$/m, 'and who says nothing of it');
        my $file = stage_dir() . "/alpn$version";
        like(shake($port, $version, "-sess_out $file"), qr/^New, /m, 'a session');
        like(shake($port, $version, "-sess_in $file -alpn h2"), qr/alert number 120/, 'is not resumed by a browser');
        like(shake($port, $version, "-sess_in $file -alpn smtp"), qr/^Reused, .*ALPN protocol: smtp$/ms,
            'but for SMTP');
    }
    my $plain = shake($port, '-tls1_3');
    is(() = ($plain =~ /Post-Handshake New Session Ticket arrived/g), 1, 'one ticket a handshake');
    like($plain, qr/^\s*Max Early Data: 0$/m, 'and no early data');
    like($plain, qr/^Compression: NONE$/m, 'nor compression');
    like(shake($port), qr/^Server Temp Key: X25519/m, 'the group is the first of ours');
    like(shake($port, '-groups P-384'), qr/alert handshake failure|alert number 40/, 'and no other');
    like(shake($port, '-tls1_1 -cipher ALL:@SECLEVEL=0'), qr/alert protocol version|alert number 70/, 'no TLS 1.1');
    like(shake(port('new'), '-tls1_2'), qr/alert protocol version|alert number 70/, 'a listener with TLS 1.3 only');
    like(shake(port('new')), qr/^Server Temp Key: ECDH, secp384r1.*^New, TLSv1\.3, Cipher is TLS_CHACHA20_POLY1305_SHA256/ms,
        'its own group and suite');
    like(shake(port('old'), '-tls1 -cipher ALL:@SECLEVEL=0'), qr/^New, \S+, Cipher is ECDHE-ECDSA-AES256-SHA/m,
        'one that takes TLS 1.0');
    like(shake(port('old'), '-tls1_2'), qr/^New, TLSv1\.\d, Cipher is ECDHE-ECDSA-AES256-SHA/m, 'with its own cipher');
    like(shake(port('old'), '-status'), qr/OCSP response: no response sent/, 'and without responses');
    $in->log_like(qr/closed why=quit .*tls=TLSv1 /);
    like($in->log_text, qr/not-used level=error what="OCSP response" file=\S+ names=\*\.w\.test why="it says that the certificate is revoked/,
        'the log says which response is not used');
    $in->stop;
};

subtest 'a wrong configuration' => sub {
    my $good = "smtp-server-tls-certificate = \@ec\@\n";
    for my $case (
        ["smtp-server-tls-ciphers = \"HIGH:NONESUCH\"\n", qr/:\d+: smtp-server-tls-ciphers: 'NONESUCH' is unknown; see openssl ciphers/],
        ["smtp-server-tls-ciphersuites = TLS_NONE\n", qr/:\d+: smtp-server-tls-ciphersuites: 'TLS_NONE' is unknown/],
        ["smtp-server-tls-groups = \"X25519:P-257\"\n", qr/:\d+: smtp-server-tls-groups: 'P-257' is unknown/],
        ["smtp-server-tls-ocsp-file = none.ocsp\n", qr/:\d+: smtp-server-tls-ocsp-file: \S+none\.ocsp cannot be read/],
        ["smtp-server-tls-certificate = {\@rsa\@, wrong}\n", qr/:\d+: smtp-server-tls-certificate: \S+: wrong password for/],
        ["smtp-server-tls-certificate = \@rsa\@\n", qr/:\d+: smtp-server-tls-certificate: \S+: the private key is encrypted; give/],
    ) {
        my $in = T::Run->prepare('sallyport-in', ec => $ec->{pem}, rsa => $rsa->{pem},
            conf => $good . "smtp-listener 127.0.0.1:2525 { }\nsmtp-listener 127.0.0.1:2526 { }\n$case->[0]");
        my ($status, $said) = $in->outcome('-t');
        is($status, 1, 'it is refused');
        like($said, $case->[1], 'with the option');
        is(($said =~ tr/\n//), 1, 'once, though two listeners have it');
        my ($line) = $said =~ /conf:(\d+):/;
        open my $conf, '<', $in->{conf} or die $!;
        my @lines = <$conf>;
        like($lines[$line - 1], qr/^\Q@{[$case->[0] =~ m{^(\S+)}]}\E/, 'and its line');
    }
    my $in = T::Run->prepare('sallyport-in', ec => $ec->{pem}, conf => <<'CONF');
smtp-server-tls-certificate = @ec@
smtp-listener 127.0.0.1:2525 {
    tls-groups = none
}
CONF
    my ($status, $said) = $in->outcome('-t');
    like($said, qr/conf:(\d+): tls-groups: 'none' is unknown/, 'one of a listener');
    $in = T::Run->prepare('sallyport-in', ec => $ec->{pem}, rsa => $rsa->{pem}, conf => <<'CONF');
smtp-server-tls-certificate = @ec@
smtp-listener 127.0.0.1:2525 { }
backend mta {
    use-tls = starttls
    tls-name = mta.test
    tls-certificate = {@rsa@, wrong}
}
CONF
    ($status, $said) = $in->outcome('-t');
    like($said, qr/conf:(\d+): tls-certificate: \S+: wrong password/, 'one of a backend');
};

subtest 'certificates that end' => sub {
    my %days = (far => 31.5, month => 29.5, fortnight => 13.5, week => 6.5, day => 0.5);
    my %file = map { $_ => $ca->cert("$_.test", days => $days{$_})->{pem} } keys %days;
    $file{back} = $ca->cert('back.test', days => 2.5, use => 'client')->{pem};
    $file{over} = $ca->cert('over.test', from => -20, days => -1.5)->{pem};
    my $in = T::Run->start('sallyport-in', %file, expect => qr/ends-soon|has-ended/,
        stale => $ca->ocsp($ec, days => 1), ec => $ec->{pem}, conf => <<'CONF');
smtp-listener 127.0.0.1:@port:ends@ { }
smtp-listener 127.0.0.1:@port:ends2@ { source = x }
smtp-server-tls-certificate = @far@
smtp-server-tls-certificate = @month@
smtp-server-tls-certificate = @fortnight@
smtp-server-tls-certificate = @week@
smtp-server-tls-certificate = @day@
smtp-server-tls-certificate = @over@
backend mta { use-tls = starttls  tls-name = mta.test  tls-certificate = @back@ }
workers = 1
source 0/0 { }
source x { }
CONF
    my %left = (month => 29, fortnight => 13, week => 6, day => 0, back => 2);
    like($in->log_text, qr/ends-soon level=error what=certificate file=\S+ names=$_\.test days=$left{$_} until=\S+Z soon=5 ended=1 /,
        "$_: told") for sort keys %left;
    like($in->log_text, qr/has-ended level=error what=certificate file=\S+ names=over\.test days=-1 /, 'one is over');
    unlike($in->log_text, qr/far\.test/, 'not one that has more than 30 days');
    is(() = ($in->log_text =~ /names=week\.test/g), 1, 'once, though two listeners have it');
    $in->log_mark;
    $in->signal('HUP');
    $in->log_like(qr/ends-soon .*names=week\.test/, 'again after a reload');
    my ($status, $said) = $in->outcome('-t');
    is($status, 0, '-t passes it');
    like($said, qr/week\.test ends on \S+ \(days: 6\)/, 'and says it');
    $in->stop;
};

subtest 'files that change' => sub {
    my ($a, $b, $c) = map { $ca->cert("$_.test", names => ['x.test'])->{pem} } qw(a b c);
    my ($dir, $client) = (stage_dir() . '/live', stage_dir() . '/client.pem');
    mkdir $dir;
    replace($a, "$dir/mx.pem");
    replace($ca->cert('back1.test', use => 'client')->{pem}, "$dir/back.pem");
    replace($ca->cert('client1.test', use => 'client')->{pem}, $client);
    my $in = T::Run->start('sallyport-in', dir => $dir, expect => qr/reload-failed/, conf => <<'CONF');
smtp-listener 127.0.0.1:@port:live@ { tls = yes }
smtp-server-tls-certificate = "@dir@/mx.pem"
backend mta { use-tls = starttls  tls-name = mta.test  tls-certificate = "@dir@/back.pem" }
workers = 1
source 0/0 { }
CONF
    my $out = T::Run->start('sallyport-out', client => $client, expect => qr/reload-failed/, conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
workers = 1
domain * { use-starttls = yes }
domain bank.test { require-starttls = yes  smtp-client-certificate = "@client@" }
CONF
    my $port = port('live');
    subject_is(shake($port), 'a.test', 'at the start');
    my $old = T::Peer->connect($port, tls => {name => 'x.test', ca => $ca});
    $old->hear(qr/^220 /);

    open my $broken, '>', "$dir/mx.pem" or die $!;
    print $broken "-----BEGIN PRIVATE KEY-----\nMIG\n";
    close $broken;
    unlink $client or die $!;
    $in->log_like(qr/file-changed file=\S+mx\.pem/, 'a broken file is seen');
    $in->log_like(qr/reload-failed level=error why="\S+conf:\d+: smtp-server-tls-certificate: \S+mx\.pem: /, 'and told');
    subject_is(shake($port), 'a.test', 'the old certificate stays');
    $out->log_like(qr/file-changed file=\S+client\.pem/, 'a file that is gone is seen');
    $out->log_like(qr/reload-failed level=error why="\S+conf:\d+: domain bank\.test: \S+client\.pem: No such file/, 'and told');

    # The administrator is at work in the configuration, and has not said that it is ready.
    open my $conf, '>>', $in->{conf} or die $!;
    print $conf "no-such-option = yes\n";
    close $conf;
    replace($ca->cert('client2.test', use => 'client')->{pem}, $client);
    for my $turn (1 .. 20) {
        replace($turn % 2 ? $a : $b, "$dir/mx.pem");
        select undef, undef, undef, 0.1;
    }
    $in->log_like(qr/ reloaded generation=2/, 'it heals when the file is right');
    my $last;
    T::Stage::wait_for(sub { $last = shake($port); $last =~ /CN = b\.test/ });
    subject_is($last, 'b.test', 'with the last of a storm of new ones');
    is(() = ($in->log_text =~ /reload-failed/g), 1, 'the broken one was told once');
    $out->log_like(qr/ reloaded generation=2/, 'sallyport-out heals, too');
    $old->talk('NOOP' => qr/^250 /, 'QUIT' => qr/^221 /);
    $in->signal('HUP');
    $in->log_like(qr/reload-failed .*no-such-option/, 'SIGHUP reads the configuration');

    # As certbot does it.
    symlink $c, "$dir/link" or die $!;
    rename "$dir/link", "$dir/mx.pem" or die $!;
    $in->log_like(qr/ reloaded generation=3/, 'a link in place of the file', seconds => 30);
    subject_is(shake($port), 'c.test', 'leads to another certificate');
    replace($ca->cert('back2.test', use => 'client')->{pem}, "$dir/back.pem");
    $in->log_like(qr/ reloaded generation=4/, 'that for the backend, too', seconds => 30);
    $_->stop for $in, $out;
};
all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What sallyport-in can do, as doc/inbound prints it: each block there is in force, with its addresses.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Cli;
use T::Peer;
use T::Printed;
use T::Run;
use T::Sink;

plan skip_all => 'no network of its own, with addresses as printed' if ($ENV{T_STAGE} // '') ne 'private';
my @addresses = (map({"$_/32"} qw(10.0.0.1 10.0.0.2 10.0.0.5 10.1.2.3 10.1.7.7 10.1.9.9 192.0.2.7 198.51.100.7 198.51.100.8 203.0.113.7)),
    map({"$_/128"} qw(2001:db8::5 2001:db8:1::7)));
for (@addresses) { system('ip', 'address', 'add', $_, 'dev', 'lo', /:/ ? 'nodad' : ()) == 0 or die "ip: $_" }

my $ca = T::CA->new;
my $etc = T::Printed::etc($ca);
my $group = getgrnam 'postdrop' ? 'postdrop' : 'nogroup'; # the former comes with Postfix
my %client = map { $_ => $ca->cert($_, use => 'client') } qw(branch.example.org other.example);
my $page = T::Printed::blocks();
my $base = join "\n", $page->{'For all of them'}{'sallyport.conf'}, $page->{'In front of Postfix'}{'sallyport.conf'};
my @mta = (head => 1, keywords => ['PIPELINING', 'SIZE 99000000', 'CHUNKING', 'AUTH PLAIN CRAM-MD5'],
    replies => [qr/^AUTH PLAIN \S*YmFk$/ => '535 5.7.8 no', qr/^AUTH/ => '235 2.7.0 yes', qr/^MAIL FROM:<bad/ => '550 5.7.1 Not you']);
my $sink = T::Sink->start(port => port('10025'), @mta);

sub printed {
    my ($section, $block) = @_;
    my $own = $page->{$section}{$block} // die "no '$block' in '$section'";
    $own =~ s/\b[0-9a-f]{64}\b/T::CA->key_fingerprint($client{'other.example'})/ge;
    $own =~ s/^user = .*\n(group = )postdrop\n/T::Stage::is_root() ? "user = nobody\n$1$group\n" : ''/me;
    return T::Printed::fit(T::Printed::over($base, $own), $etc);
}

# NAME of each NAME=value.
sub words { return join ' ', $_[0] =~ /\b([a-z]+)=/g }

sub log_line {
    open my $in, '<', "$ENV{T_SOURCE}/doc/inbound" or die "doc/inbound: $!";
    local $/;
    return <$in> =~ /^    (\S+ closed .*?)\n\n/ms ? $1 : die 'doc/inbound has no line of the log';
}

my %tried;
sub start {
    my ($section, $block, %o) = @_;
    $block = join ', ', 'sallyport.conf', $block // ();
    $tried{"$section: $block"}++;
    my $conf = printed($section, $block) =~ s/^user = .*\n//mr; # T::Run has its own
    my $workers = delete $o{workers} // 2;
    return T::Run->start('sallyport-in', conf => "workers = $workers\n$conf", %o);
}

# Greeted; port is as printed.
sub call {
    my ($from, $port, %o) = @_;
    return T::Peer->connect(port($port), from => $from, to => $from =~ /:/ ? '::1' : '127.0.0.1', name => $from, %o);
}

sub client {
    my ($from, $port, %o) = @_;
    my $tls = delete $o{tls};
    my $c = call($from, $port, ($tls && $port eq '465' ? (tls => $tls) : ()), %o);
    $c->hear(qr/^220 /);
    if ($tls && $port ne '465') {
        $c->talk('EHLO c.test' => qr/STARTTLS/);
        $c->starttls(%$tls);
    }
    $c->{shown} = $c->talk('EHLO c.test' => qr/^250/);
    return $c;
}

sub leave { my $c = shift; $c->talk('QUIT' => qr/^221 /); return $c->hear_close }

my ($plain, $cram, $mail) = ('AUTH PLAIN AGFsaWNlAHNlY3JldA==', 'AUTH CRAM-MD5', 'MAIL FROM:<a@a.test>');
my %safe = (tls => {name => 'mx.example.org', ca => $ca});

subtest 'TLS and logins by network' => sub {
    my $in = start('TLS and logins by network');
    my @cases = (
        ['198.51.100.7', 25, {}, qr/STARTTLS/, $plain => qr/^503 5\.5\.1/, $mail => qr/^250/],
        ['198.51.100.7', 25, \%safe, qr/^(?!.*(?:STARTTLS|AUTH))/s, $plain => qr/^503 5\.5\.1/, $mail => qr/^250/],
        ['2001:db8:1::7', 25, {}, qr/STARTTLS/, $mail => qr/^530 5\.7\.0/],
        ['2001:db8:1::7', 25, \%safe, qr/^250/, $mail => qr/^250/],
        ['10.1.2.3', 25, {}, qr/^(?!.*AUTH)/s, $plain => qr/^530 5\.7\.0/],
        ['10.1.2.3', 25, \%safe, qr/AUTH/, $plain => qr/^235/],
        ['2001:db8:1::7', 465, \%safe, qr/AUTH/, $mail => qr/^530 5\.7\.0/, $plain => qr/^235/, "$mail SIZE=99000000" => qr/^552/, "$mail SIZE=1000000" => qr/^250/],
    );
    for (@cases) {
        my ($from, $port, $o, $shown, @talk) = @$_;
        my $c = client($from, $port, %$o);
        like($c->{shown}, $shown, "EHLO to $from");
        $c->talk(@talk);
        leave($c);
    }
    my $c = call('10.1.9.9', 25);
    $c->hear(qr/^521 /);
    my $got = T::Cli::outcome('show', file => $in->{conf}, args => ['source', '10.1.2.3']);
    like($got->{out}, qr/^require-starttls-before-auth = yes\s+# source 10\.1\.0\.0\/16, /m, 'sallyport show');
    $in->stop;
};

subtest 'old devices' => sub {
    my $in = start('TLS and logins by network');
    my $c = client('10.1.7.7', 25);
    like($c->{shown}, qr/AUTH CRAM-MD5$/m, 'shown');
    $c->talk($plain => qr/^538 5\.7\.11/, $cram => qr/^235/);
    leave($c);
    $c = client('10.1.7.7', 25, %safe);
    $c->talk($plain => qr/^235/);
    leave($c);
    $in->stop;
};

subtest 'report-only' => sub {
    my $in = start('TLS and logins by network', 'to report only');
    my $c = client('10.1.2.3', 25);
    $c->talk($mail => qr/^250/);
    leave($c);
    $in->log_like(qr/ would-refuse rule=require-starttls source=10\.1\.0\.0\/16/);
    $in->log_like(qr/closed why=quit .* reported=require-starttls /);
    $in->stop;
};

subtest 'client certificates' => sub {
    my $in = start('Client certificates');
    my @cases = (
        ['198.51.100.7', undef, qr/^250/, 'none'], ['198.51.100.7', 'other.example', qr/^250/, 'ok'],
        ['192.0.2.7', undef, qr/^530 5\.7\.0 .*\(none\)/, 'none'], ['192.0.2.7', 'other.example', qr/^250/, 'ok'],
        ['203.0.113.7', 'branch.example.org', qr/^530 5\.7\.0 .*\(not-listed\)/, 'not-listed'],
        ['203.0.113.7', 'other.example', qr/^250/, 'ok'],
    );
    for (@cases) {
        my ($from, $cert, $answer, $word) = @$_;
        my $c = client($from, 25, tls => {%{$safe{tls}}, $cert ? (cert => $client{$cert}) : ()});
        $c->talk($mail => $answer);
        leave($c);
        $in->log_like(qr/closed why=quit .* verify=$word /);
    }
    $ca->crl("$etc/client-ca.crl", revoked => [$client{'other.example'}]);
    $in->log_like(qr/ reloaded /, 'a new list is noticed');
    my $c = client('192.0.2.7', 25, tls => {%{$safe{tls}}, cert => $client{'other.example'}});
    $c->talk($mail => qr/^530 5\.7\.0 .*\(revoked\)/);
    leave($c);
    $in->stop;
};

subtest 'who may send from a domain' => sub {
    my $in = start('Who may send from a domain');
    my @cases = (
        [undef, undef, 'example.org' => qr/^550 5\.7\.1/], [1, undef, 'example.org' => qr/^550 5\.7\.1/],
        [1, 'other.example', 'example.org' => qr/^550 5\.7\.1/], [1, 'branch.example.org', 'example.org' => qr/^250/],
        [undef, undef, 'x.partner.example' => qr/^550 5\.7\.1/], [1, undef, 'partner.example' => qr/^250/],
        [undef, undef, 'a.test' => qr/^250/],
    );
    for (@cases) {
        my ($tls, $cert, $domain, $answer) = @$_;
        my $c = client('198.51.100.7', 25, $tls ? (tls => {%{$safe{tls}}, $cert ? (cert => $client{$cert}) : ()}) : ());
        $c->talk("MAIL FROM:<a\@$domain>" => $answer);
        leave($c);
    }
    $in->stop;
};

subtest 'limits' => sub {
    my $in = start('Limits');
    my $one = client('198.51.100.8', 25, %safe);
    like($one->{shown}, qr/SIZE 20971520$/m, 'size');
    my @all = map { call('198.51.100.7', 25) } 1 .. 21;
    my @said = map { $_->read_reply // '' } @all;
    is(scalar(grep { /^220 / } @said), 20, 'twenty of one client');
    is(scalar(grep { /^421 4\.7\.0 / } @said), 1, 'and no more');
    $one->talk("$mail SIZE=30000000" => qr/^552 5\.3\.4/);
    $one->talk('AUTH PLAIN AGEAYmFk' => qr/^535/) for 1 .. 10;
    call('198.51.100.8', 25)->hear(qr/^421 4\.7\.0 /, 'after ten failed logins');
    $_->close for $one, @all;
    $in->stop;
};

# What openssl says of a session that goes on until QUIT.
sub shake {
    my ($port, @args) = @_;
    return scalar qx(printf 'QUIT\\r\\n' | openssl s_client -ign_eof -connect 127.0.0.1:@{[port($port)]} -starttls smtp @args 2>&1);
}

subtest 'certificates of ours' => sub {
    my $in = start('Certificates of ours', undef, expect => qr/not-used .*mx-ecdsa\.ocsp/);
    my %cases = (
        '-servername mail.example.net' => qr/^subject=.*CN = mail\.example\.net$/m,
        '-status' => qr/Cert Status: good.*^Peer signature type: ECDSA$/ms,
        '-status -tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384' => qr/Cert Status: good.*^Peer signature type: RSA/ms,
    );
    like(shake(25, $_), $cases{$_}, $_) for sort keys %cases;
    rename $ca->cert('new.example.org', names => ['mx.example.org'])->{pem}, "$etc/mx-ecdsa.pem" or die $!;
    $in->log_like(qr/ reloaded /, 'a new one is noticed');
    like(shake(25, '-noservername'), qr/^subject=.*CN = new\.example\.org$/m, 'and in use');
    $in->stop;
};
T::Printed::etc($ca); # as it was

subtest 'protocols and ciphers' => sub {
    my $in = start('Protocols and ciphers');
    like(shake(25), qr/^Server Temp Key: X25519/m, 'the group');
    like(shake(25, '-groups P-384'), qr/alert handshake failure|alert number 40/, 'no other');
    like(shake(25, '-tls1 -cipher ALL:@SECLEVEL=0'), qr/^New, .*^\s+Protocol\s*: TLSv1$/ms, 'TLS 1.0 on 25');
    like(shake(25, '-alpn h2'), qr/alert number 120/, 'a browser');
    my $said = qx(openssl s_client -connect 127.0.0.1:@{[port(465)]} -tls1_2 2>&1 </dev/null);
    like($said, qr/alert protocol version|alert number 70/, 'TLS 1.3 only on 465');
    my $c = client('198.51.100.7', 465, %safe);
    like($c->tls_version, qr/^TLSv1_3/, 'is there');
    leave($c);
    $in->stop;
};

subtest 'several mail servers' => sub {
    my @two = map { T::Sink->start(addr => $_, port => port('10025'), @mta) } qw(10.0.0.1 10.0.0.2);
    my $in = start('Several mail servers');
    my @clients = map { client('198.51.100.7', 25) } 1 .. 8;
    $_->talk($mail => qr/^250/) for @clients;
    leave($_) for @clients;
    $in->stop;
    like($_->log_text, qr/for 198\.51\.100\.7$/m, 'each has some') for @two;
    $_->stop for @two;
    my $mta = $ca->cert('mta.example.org');
    @two = map { T::Sink->start(addr => $_, port => port('10025'), @mta, cert => $mta) } qw(10.0.0.1 10.0.0.2);
    $in = start('Several mail servers', 'over TLS');
    my $c = client('198.51.100.7', 25);
    $c->talk($mail => qr/^250/);
    leave($c);
    like(join('', map { $_->log_text } @two), qr/^(\d+) for 198\.51\.100\.7\n(?:.*\n)*\1 TLS TLSv1_3 /m, 'over TLS');
    $in->stop;
    $_->stop for @two;
    my $unix = T::Sink->start(path => "$etc/public/sallyport", @mta);
    chmod 0666, "$etc/public/sallyport";
    chmod 0710, "$etc/public"; # as Postfix has it
    chown 0, getgrnam($group) // die("no group $group"), "$etc/public" if T::Stage::is_root();
    $in = start('Several mail servers', 'over a unix socket', user => 'nobody');
    $c = client('198.51.100.7', 25);
    $c->talk($mail => qr/^250/);
    leave($c);
    like($unix->log_text, qr/for 198\.51\.100\.7$/m, 'over a unix socket, with its address');
    $_->stop for $in, $unix;
};

subtest 'called for MAIL, or for each EHLO' => sub {
    my $calls = sub { scalar(() = $sink->log_text =~ /for 203\.0\.113\.7$/mg) };
    for (['MAIL', 'In front of Postfix', undef], ['EHLO', 'Several mail servers', 'called for each EHLO']) {
        my ($at, @block) = @$_;
        my $in = start(@block, workers => 1);
        leave(client('198.51.100.7', 25)); # it hears what is offered
        my $before = $calls->();
        my $c = client('203.0.113.7', 25, %safe);
        like($c->{shown}, qr/CHUNKING/, 'shown');
        leave($c);
        is($calls->() - $before, $at eq 'EHLO' ? 1 : 0, "$at: who only looks in");
        $c = client('203.0.113.7', 25, %safe);
        $c->talk($mail => qr/^250/);
        is($calls->() - $before, $at eq 'EHLO' ? 2 : 1, "$at: who sends mail");
        leave($c);
        $in->stop;
    }
};

subtest 'MAIL with the first RCPT, or at once' => sub {
    my ($bad, $rcpt) = ('MAIL FROM:<bad@a.test>', 'RCPT TO:<b@b.test>');
    for (['In front of Postfix', undef, $bad => qr/^250 /, $rcpt => qr/^550 5\.7\.1 Not you/],
        ['Several mail servers', 'MAIL at once', $bad => qr/^550 5\.7\.1 Not you/]) {
        my ($section, $block, @talk) = @$_;
        my $in = start($section, $block);
        my $c = client('198.51.100.7', 25, %safe);
        $c->talk(@talk, RSET => qr/^250/, $mail => qr/^250/, $rcpt => qr/^250/);
        leave($c);
        $in->stop;
    }
};

subtest 'behind a load balancer' => sub {
    my $in = start('Behind a load balancer');
    my %head = (head => {version => 1, src => '203.0.113.9', sport => 999, dst => '192.0.2.1', dport => 25});
    leave(client('10.0.0.5', 25, %head));
    $in->log_like(qr/closed why=quit .*client=203\.0\.113\.9:999 via=10\.0\.0\.5:/);
    my $c = call('198.51.100.7', 25, %head);
    $c->hear(qr/^220 /);
    $c->hear(qr/^421 4\.7\.0 No PROXY header is taken from here/);
    $c->hear_close;
    $in->stop;
};

subtest 'what a message may hold' => sub {
    my $in = start('What a message may hold');
    my $text = "Subject: x\r\n\r\nHello\n.\nMAIL FROM:<x\@x.test>\r\n";
    my $c = client('198.51.100.7', 25, %safe);
    like($c->{shown}, qr/CHUNKING/, 'CHUNKING');
    $c->mail(from => 'a@a.test', rcpt => 'b@b.test', text => $text, like => qr/^550 5\.6\.11/);
    $c = client('10.1.2.3', 25);
    my $before = $sink->count;
    $c->mail(from => 'a@a.test', rcpt => 'b@b.test', text => $text);
    leave($c);
    is($sink->count, $before + 1, 'one message');
    $c = client('198.51.100.7', 25, %safe);
    $c->mail(from => 'a@a.test', rcpt => 'b@b.test');
    leave($c);
    my $line = $in->log_like(qr/ closed why=quit .* sni=/);
    is(words($line), words(log_line()), 'the line of the log has the words that are printed');
    $in->stop;
};

subtest 'all of them pass -t' => sub {
    for my $section (sort keys %$page) {
        next if $section =~ /^(?:In front of|For all)/;
        for my $block (grep { /^sallyport\.conf/ } sort keys %{$page->{$section}}) {
            my $in = T::Run->prepare('sallyport-in', conf => printed($section, $block));
            my ($status, $said) = $in->outcome('-t');
            is($status, 0, "$section, $block");
            like($said, qr/\A\S+: configuration is right\n\z/, 'without a word more');
            ok($tried{"$section: $block"}, 'and was tried') if $block !~ /another machine/; # 20-in-transparent.t
        }
    }
};
all_done();

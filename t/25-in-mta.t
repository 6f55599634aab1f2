#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-in in front of real mail servers, with the configurations that doc/inbound prints: mail
# goes through, and the client's true address is where it should be.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Debian qw(exim opensmtpd sendmail);
use T::Stage;
use File::Path qw(make_path);
use T::CA;
use T::Cli;
use T::Csv;
use T::Exim;
use T::Far;
use T::Mta;
use T::OpenSMTPD;
use T::Peer;
use T::Postfix;
use T::Printed;
use T::Run;
use T::Sendmail;

T::Mta->or_skip_all;
T::Stage::add_foreign();
my $here = '198.51.100.7';
my ($client, $world) = $here; # where there is a world, the client is there
my $ca = T::CA->new;
my $cert = $ca->cert('mx.test', password => $T::Printed::password);
my $dir = stage_dir();
my $common = T::Printed::blocks('For all of them');

my $state; # where the programs around one server keep what they know

sub fit { return T::Printed::fit($_[0], $cert->{pem}) =~ s{/var/log/sallyport}{$state}gr }

# The lines of one server in the file for all programs.
sub whole {
    my (@blocks) = @_;
    my $conf = "host-name = mx.test\nworkers = 1\nmax-sessions = 1000\n" . join '', map { "$_-directory = \"$state/$_\"\n" } qw(run spool);
    return $conf . fit(join '', $common->{'sallyport.conf'}, @blocks);
}

sub start {
    my ($program, @blocks) = @_;
    return T::Run->start($program, conf => whole(@blocks));
}

sub new_state {
    my ($name) = @_;
    $state = "$dir/state-$name";
    make_path(map { "$state/$_" } qw(run spool));
    return;
}

sub client {
    my ($port, %o) = @_;
    my $call = sub { T::Peer->connect(port($port), $world ? (to => '203.0.113.1') : (from => $client)) };
    my $c = $world ? $world->inside($call) : $call->();
    $c->start_tls(name => 'mx.test', ca => $ca) if $port == 465;
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/^250/);
    return $c if $port == 465 || $o{clear};
    $c->starttls(name => 'mx.test', ca => $ca);
    $c->talk('EHLO c.test' => qr/^250/);
    return $c;
}

my $text = "Subject: test\r\nFrom: <a\@x.test>\r\nMessage-ID: <x\@x.test>\r\n\r\nHello.\r\n..dot\r\n";

# What every mail server must get right behind us.
sub goes_through {
    my ($mta, %o) = @_;
    my $c = client(25);
    my $before = $mta->taken;
    my $chunks = $o{chunking} // 0;
    is(scalar(join("\n", $c->told) =~ /^< 250.CHUNKING$/m) ? 1 : 0, $chunks, 'CHUNKING is offered where the server has it');
    $c->say('MAIL FROM:<a@x.test> BODY=8BITMIME SIZE=2000', 'RCPT TO:<nobody@mx.test>', 'RCPT TO:<b@mx.test>', 'DATA');
    $c->hear($_) for qr/^250/, qr/^5\d\d/, qr/^250/, qr/^354/;
    $c->send("$text\xc3\xa4\r\n.\r\nMAIL FROM:<a\@x.test>\r\nRCPT TO:<b\@mx.test>\r\n");
    $c->hear(qr/^250/) for 1 .. 3;
    $c->talk('RSET' => qr/^250/, 'VRFY b' => qr/^[25]\d\d/, 'EHLO c.test' => qr/^250/);
    if ($chunks) {
        my ($one, $two) = ("Subject: chunks\r\n\r\nOne\r\n.\r", "\nTwo\r\n");
        $c->send("MAIL FROM:<a\@x.test>\r\nRCPT TO:<b\@mx.test>\r\nBDAT " . length($one) . "\r\n${one}BDAT " . length($two) . " LAST\r\n$two");
        $c->hear(qr/^250/) for 1 .. 4;
    }
    my $long = join '', map { sprintf "%-76s\r\n", "line $_" } 1 .. 10_000_000 / 78;
    $c->mail(from => 'a@x.test', rcpt => 'b@mx.test', text => "Subject: long\r\n\r\n$long");
    $c->talk('QUIT' => qr/^221/);
    $c->hear_close;
    my @taken = $mta->wait_taken($before + 2 + $chunks);
    splice @taken, 0, $before;
    is(scalar @taken, 2 + $chunks, 'all messages have come, and no other');
    is($_->{client}, $o{seen_as} // $client, "from $_->{client}") for @taken;
    my ($small, $big) = @taken[0, -1];
    cmp_ok($big->{size}, '>', 9_700_000, '10 MB are whole');
    cmp_ok($small->{size}, '<', 1000, 'and the other is small');
    return;
}

sub no_relay {
    my $c = client(25);
    $c->talk('MAIL FROM:<a@x.test>' => qr/^250/, 'RCPT TO:<b@elsewhere.test>' => qr/^5\d\d/, 'QUIT' => qr/^221/);
    return;
}

# Whoever has logged in may send anywhere, on either port; before TLS there is no AUTH.
sub logs_in {
    my ($user) = @_;
    for my $port (587, 465) {
        my $c = client($port);
        $c->talk('MAIL FROM:<a@x.test>' => qr/^530 5\.7\.0/);
        $c->auth_plain($user, 'wrong', qr/^535/);
        $c->auth_plain($user, 'secret');
        $c->mail(from => 'a@x.test', rcpt => 'b@elsewhere.test', text => $text);
        $c->talk('QUIT' => qr/^221/);
    }
    my $c = client(587, clear => 1);
    $c->talk('AUTH PLAIN AGFsaWNlAHNlY3JldA==' => qr/^530 5\.7\.0/);
    return;
}

# `sallyport check` has nothing to say against what is printed.
sub checks_well {
    my ($in) = @_;
    my $got = T::Cli::outcome('check', file => $in->{conf});
    my $said = $got->{out};
    is($got->{status}, 0, 'sallyport check is content');
    like($said, qr/^ok: backend \S+ \S+ it takes the identity and refuses to relay/m, 'and has asked') or diag($said);
    unlike($said, qr/^(?:error|warning|note):/m, 'nothing else') or diag($said);
    return;
}

sub received {
    my ($count) = @_;
    my @rows = csv_wait("$state/acct.csv", sub { 1 }, count => $count);
    is(@rows, $count, "$count receipts");
    is($_->{rcvSourceIp}, $client, 'the client') for @rows[-2, -1];
    is($_->{rcvTlsProtocol}, 'TLSv1.3', 'its TLS') for @rows[-2, -1];
    return;
}

sub outcome {
    my @command = @_;
    my $said = `@command 2>&1 </dev/null`;
    return ($? >> 8, $said);
}

# Clients that we did not write, each with a whole transaction.
sub others_get_through {
    my ($mta, $user) = @_;
    my $before = $mta->taken;
    my ($smtp, $submission, $smtps) = map { port($_) } 25, 587, 465;
    my $swaks = "swaks --server 127.0.0.1 --local-interface $here --ehlo c.test --from a\@x.test --timeout 10";
    my $login = "--auth PLAIN --auth-user $user --auth-password secret --to b\@elsewhere.test";
    my $verify = '--tls-verify --tls-ca-path ' . $ca->file . ' --tls-sni mx.test';
    for my $way ("--port $smtp --to b\@mx.test", "--port $smtp --tls $verify --pipeline --to b\@mx.test", "--port $submission --tls $login", "--port $smtps --tls-on-connect $login") {
        my ($status, $said) = outcome("$swaks $way");
        is($status, 0, "swaks $way") or diag($said);
    }
    my $lines = join '', map { "$_\r\n" } 'EHLO c.test', 'MAIL FROM:<a@x.test>', 'RCPT TO:<b@mx.test>', 'DATA', 'Subject: x', '', 'Hello.', '.', 'QUIT';
    my $file = "$dir/lines";
    open my $out, '>', $file or die "$file: $!";
    print $out $lines;
    close $out or die "$file: $!";
    for my $version ('-tls1_2', '-tls1_3') {
        my $said = `openssl s_client -connect 127.0.0.1:$smtp -starttls smtp -quiet $version -verify_return_error -verify_hostname mx.test -CAfile @{[$ca->file]} 2>&1 <$file`;
        like($said, qr/^354 .*^250 .*^221 /ms, "openssl s_client $version");
    }
    is($mta->wait_taken($before + 6) - $before, 6, 'six messages');
    return;
}

my ($with_milter, $with_submission) = @$common{'sallyport.conf, with the milter', 'sallyport.conf, with submission'};

# It takes libmilter some seconds to stop: the others go on meanwhile.
my $milter;

subtest 'Postfix' => sub {
    my $doc = T::Printed::blocks('In front of Postfix');
    new_state('postfix');
    my %main = fit($doc->{'main.cf'}) =~ /^(\w+) = (.*)$/mg;
    $main{smtpd_relay_restrictions} = 'permit_mynetworks permit_sasl_authenticated reject_unauth_destination';
    $main{smtpd_recipient_restrictions} = 'check_recipient_access inline:{nobody@mx.test=REJECT}';
    $milter = start('sallyport-milter', $with_milter);
    for my $way ('', ', with XCLIENT') {
        my $mta = T::Postfix->start('mx', main => \%main, master => [fit($doc->{"master.cf$way"})], users => {alice => 'secret'});
        my $in = start('sallyport-in', $with_milter, $with_submission, $doc->{"sallyport.conf$way"});
        goes_through($mta, chunking => 1);
        received($way ? 14 : 3);
        no_relay();
        logs_in('alice@mx.test');
        others_get_through($mta, 'alice@mx.test') if !$way;
        checks_well($in);
        $mta->log_like(qr/client=unknown\[198\.51\.100\.7\], sasl_method=PLAIN, sasl_username=alice/);
        $in->stop;
        $mta->stop;
    }
    $milter->signal('TERM');
};

subtest 'Exim' => sub {
    my $doc = T::Printed::blocks('In front of Exim');
    new_state('exim');
    my $mta = T::Exim->start('exim', conf => fit($doc->{"Exim's main section"}), auth => $doc->{"Exim's authenticators"});
    for my $identity ('proxy-v2', 'proxy-v1') {
        my $in = start('sallyport-in', $with_submission, $doc->{'sallyport.conf'} =~ s/proxy-v2/$identity/r);
        goes_through($mta, chunking => 1);
        no_relay();
        logs_in('alice');
        checks_well($in);
        $in->stop;
    }
    $mta->stop;
};

subtest 'Sendmail' => sub {
    my $doc = T::Printed::blocks('In front of Sendmail');
    new_state('sendmail');
    my $mta = T::Sendmail->start('sendmail', mc => fit($doc->{'sendmail.mc, in place of its DAEMON_OPTIONS'}), access => $doc->{'access, with identity none'});
    $milter->stop;
    $milter = start('sallyport-milter', $with_milter);
    my $in = start('sallyport-in', $with_milter, $doc->{'sallyport.conf, with identity none'});
    goes_through($mta, seen_as => '127.0.0.77');
    no_relay();
    received(2);
    $in->stop;

    # The client is not of this machine: Sendmail's answers to it must find back here.
    $world = T::Far->new('world', near => ['203.0.113.1/24'], far => ['203.0.113.7/24']);
    $client = '203.0.113.7';
    system($_) == 0 or die $_ for split /\n/, fit($doc->{'at each start of the machine'});
    $in = start('sallyport-in', $with_milter, $doc->{'sallyport.conf'});
    goes_through($mta);
    no_relay();
    checks_well($in);
    received(4);
    $in->stop;
    $mta->stop;
    $milter->signal('TERM');
    ($client, $world) = $here;
};

subtest 'OpenSMTPD' => sub {
    my $doc = T::Printed::blocks('In front of OpenSMTPD');
    new_state('opensmtpd');
    my $mta = T::OpenSMTPD->start('opensmtpd', conf => fit($doc->{'smtpd.conf'}));
    my $in = start('sallyport-in', $doc->{'sallyport.conf'});
    goes_through($mta);
    no_relay();
    checks_well($in);
    $in->stop;
    $mta->stop;
};

# As each is shipped it relays for loopback, and we would be loopback.
subtest 'identity none: a server that trusts us is not served' => sub {
    my @mtas = map { "T::$_"->start(lc, port => port($_)) } qw(Exim OpenSMTPD Sendmail);
    push @mtas, T::Postfix->start('postfix', services => [['plain', port('Postfix')]]);
    my @names = qw(Exim OpenSMTPD Sendmail Postfix);
    my $conf = join '', map { lc "smtp-listener 127.0.0.1:" . port("in-$_") . " { backend = $_ }\nbackend $_ { server = \"127.0.0.1:" . port($_) . "\" identity = none }\n" } @names;
    my $in = T::Run->start('sallyport-in', conf => "workers = 1\n$conf", expect => qr/probe-failed/);
    for my $name (@names) {
        ok(T::Stage::wait_for(sub { $in->log_text =~ /probe-failed level=error backend=\L$name\E .*it relays for everybody/ }), "$name relays for 127.0.0.1, and is found out");
        my $c = T::Peer->connect(port("in-$name"), from => $client);
        $c->hear(qr/^421 4\.3\.2/);
    }
    my $got = T::Cli::outcome('check', file => $in->{conf});
    is($got->{status}, 1, 'sallyport check finds it, too');
    like($got->{out}, qr/^error: backend \L$_\E \S+: it relays for everybody /m, $_) for @names;
    $_->stop for $in, @mtas;
};
all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Real mail servers hand over to sallyport-out, configured as doc/handover prints it: what is delivered,
# what stays in their queues for want of TLS, what bounces, and what the accounts say of it.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Debian qw(exim opensmtpd sendmail);
use T::Stage;
use File::Path qw(make_path);
use T::CA;
use T::Csv;
use T::DNS;
use T::Exim;
use T::Mta;
use T::OpenSMTPD;
use T::Peer;
use T::Postfix;
use T::Printed;
use T::Run;
use T::Sendmail;
use T::Sink;

T::Mta->or_skip_all;
my $ca = T::CA->new;
my $dir = stage_dir();
chmod 0711, $dir;
my $dns = T::DNS->start(<<'Z');
bank.example.       MX 10 mx.bank.example.
mx.bank.example.    A 127.0.0.21
partner.example.    MX 10 mx.partner.example.
mx.partner.example. A 127.0.0.22
Z
my $bank = T::Sink->start(addr => '127.0.0.21', port => port('25'), cert => $ca->cert('mx.bank.example'),
    replies => [qr/^RCPT TO:<lost@/ => '550 5.1.1 No such person']);
my $partner = T::Sink->start(addr => '127.0.0.22', port => port('25'));
my $common = T::Printed::blocks('For all of them', 'handover')->{'sallyport.conf'};
my ($state, @running);

sub fit { return T::Printed::fit($_[0], '') =~ s{/var/log/sallyport}{$state}gr =~ s{/run/sallyport/}{$state/run/}gr =~ s/^user = .*\n//mr }

# sallyport-out, and the accountant.
sub start {
    my ($name, @blocks) = @_;
    $state = "$dir/state-$name";
    make_path(map { "$state/$_" } qw(run spool lib));
    my $lab = 'allow-private-destinations = yes default-smtp-port = ' . port('25') . ' smtp-tls-ca-file = "' . $ca->file . '"';
    my $conf = join "\n", 'host-name = out.test', 'workers = 1', 'name-server = "' . $dns->address . '"', "run-directory = \"$state/run\"",
        "spool-directory = \"$state/spool\"", "state-directory = \"$state/lib\"", fit(join '', $common, @blocks) =~ s/^domain \* \{/domain * { $lab/mr, '';
    @running = map { T::Run->start($_, conf => $conf) } qw(sallyport-out sallyport-milter);
    return $running[0];
}

# By SMTP to the mail server, for two domains if nothing else is said.
sub send_one {
    my ($port, $sender, @to) = @_;
    @to = qw(alice@bank.example lost@bank.example bob@partner.example) unless @to;
    my $c = T::Peer->connect(port($port), name => 'person');
    $c->hear(qr/^220/);
    $c->talk('EHLO c.test' => qr/^250/, "MAIL FROM:<$sender>" => qr/^250/);
    $c->talk("RCPT TO:<$_>" => qr/^250/) for @to;
    $c->talk('DATA' => qr/^354/);
    $c->send("From: <$sender>\r\nTo: <alice\@bank.example>\r\nSubject: x\r\n\r\nHello.\r\n.\r\n");
    $c->hear(qr/^250/);
    return $c->talk('QUIT' => qr/^221/);
}

# What every mail server must have come to: its own words by recipient, and ours. The log of the mail
# server has `sent`, `stays` and `bounced`.
sub came_to {
    my ($mta, %o) = @_;
    my $before = $o{before} // 0;
    for (qw(sent bounced stays)) { ok($mta->has_logged($o{$_}), "$_: $o{$_}") or die "$mta->{name}\n" }
    my %row;
    for my $type (qw(d t b)) { ($row{$type}) = csv_wait("$state/acct.csv", sub { $_->{type} eq $type && ($type ne 't' || $_->{rcpt} =~ /^bob/) }) }
    is($row{d}{rcpt}, 'alice@bank.example', 'd');
    is_deeply([@{$row{d}}{qw(dlvTlsProtocol dlvTlsPolicy dlvTlsPolicyResult)}], ['TLSv1.3', 'verify', 'met'], 'in TLS, as was demanded');
    is($row{b}{rcpt}, 'lost@bank.example', 'b');
    like($row{b}{dsnDiag}, qr/550 5\.1\.1 No such person/, 'in the words of the server');
    is($row{t}{rcpt}, 'bob@partner.example', 't');
    like($row{t}{dsnDiag}, qr/4\.7\.4/, 'for want of TLS');
    is($row{t}{dlvTlsPolicyResult}, 'failed', 'which was demanded');
    my @d = csv_wait("$state/acct.csv", sub { $_->{type} eq 'd' });
    is(scalar @d, 1, 'one delivery');
    is($bank->count, $before + 1, 'of one message');
    is($partner->count, 0, 'and nothing in the clear');
    $_->stop for $mta, @running;
    return unless $o{lmtp};
    my @transactions = grep { $_ } $running[0]->log_text =~ / closed why=.* transactions=(\d+)/g;
    is("@transactions", 1, 'all domains in one transaction');
    return;
}

subtest 'Postfix' => sub {
    my $doc = T::Printed::blocks('Postfix', 'handover');
    for my $way (', with transport-map', ', with transport-map at a unix socket', ', by LMTP', ', by LMTP at a port', ', as smarthost') {
        my $out = start('postfix' . ($way =~ s/\W+/-/gr), $doc->{"sallyport.conf$way"});
        my %main = fit($doc->{"main.cf$way"}) =~ /^(\w+) = (.*)$/mg;
        my $mta = T::Postfix->start('mta' . ($way =~ s/\W+/-/gr), services => [['plain', port('mta')]],
            master => [grep { defined } $doc->{"master.cf$way"}],
            main => {default_transport => $way =~ /smarthost/ ? 'smtp' : 'discard', myhostname => 'mail.example.org', mydestination => 'example.org', %main});
        my $before = $bank->count;
        send_one('mta', 'a@example.org');
        came_to($mta, lmtp => scalar $way =~ /LMTP/, before => $before, sent => qr/to=<alice\@bank\.example>, .*status=sent \(250 2\.0\.0 .*\[mx\.bank\.example 127\.0\.0\.21\]\)/,
            bounced => qr/to=<lost\@bank\.example>, .*status=bounced .*550 5\.1\.1 No such person \[mx\.bank\.example/,
            stays => qr/to=<bob\@partner\.example>, .*status=deferred .*451 4\.7\.4 TLS is required/);
    }
};

subtest 'Exim' => sub {
    my $doc = T::Printed::blocks('Exim', 'handover');
    for my $way ('', ', by LMTP') {
        start('exim' . ($way =~ s/\W+/-/gr), $doc->{"sallyport.conf$way"});
        my $mta = T::Exim->start('exim', port => port('exim'), routers => fit($doc->{"first of Exim's routers"}), transports => fit($doc->{"among Exim's transports$way"}));
        my $before = $bank->count;
        send_one('exim', 'a@mx.test');
        came_to($mta, lmtp => scalar $way =~ /LMTP/, before => $before, sent => qr/ => alice\@bank\.example .*\[mx\.bank\.example 127\.0\.0\.21\]/,
            bounced => qr/ \*\* lost\@bank\.example .*550 5\.1\.1 No such person/,
            stays => qr/ == bob\@partner\.example .*451 4\.7\.4 TLS is required/);
    }
};

subtest 'Sendmail' => sub {
    my $doc = T::Printed::blocks('Sendmail', 'handover');
    for my $way ('', ', by LMTP') {
        start('sendmail' . ($way =~ s/\W+/-/gr), $doc->{"sallyport.conf$way"});
        my $mta = T::Sendmail->start('sendmail' . ($way =~ s/\W+/-/gr), port => port('sendmail'), deliver => 1, mc => fit($doc->{"sendmail.mc$way"}));
        my $before = $bank->count;
        my $said = $way ? '' : ' \(.*\[mx\.bank\.example 127\.0\.0\.21\]'; # of LMTP it logs no words
        send_one('sendmail', 'b@mx.test');
        came_to($mta, lmtp => scalar $way =~ /LMTP/, before => $before, sent => qr/to=<alice\@bank\.example>, .*dsn=2\.0\.0, stat=Sent$said/,
            bounced => qr/to=<lost\@bank\.example>, .*dsn=5\.1\.1, .*stat=User unknown/,
            stays => qr/to=<bob\@partner\.example>, .*dsn=4\.7\.4, .*stat=Deferred: 451 4\.7\.4 TLS is required/);
    }
};

subtest 'OpenSMTPD' => sub {
    my $doc = T::Printed::blocks('OpenSMTPD', 'handover');
    start('opensmtpd', $doc->{'sallyport.conf'});
    my $mta = T::OpenSMTPD->start('opensmtpd', port => port('opensmtpd'), out => fit($doc->{'smtpd.conf, its last lines'}));
    my $before = $bank->count;
    # It says the recipients of a message in any order, and those of a second domain have to wait.
    send_one('opensmtpd', 'b@mx.test', qw(alice@bank.example lost@bank.example));
    ok($mta->has_logged(qr/mta delivery .*to=<alice\@bank\.example>/), 'a message for one domain');
    send_one('opensmtpd', 'b@mx.test', 'bob@partner.example');
    came_to($mta, before => $before, sent => qr/mta delivery .*to=<alice\@bank\.example> .*result="Ok" stat="250 2\.0\.0 .*\[mx\.bank\.example 127\.0\.0\.21\]"/,
        bounced => qr/mta delivery .*to=<lost\@bank\.example> .*result="PermFail" stat="550 5\.1\.1 No such person/,
        stays => qr/mta delivery .*to=<bob\@partner\.example> .*result="TempFail" stat="451 4\.7\.4 TLS is required/);
};

# It says the recipients of a message in an order of its own, which is the same each time it tries.
subtest 'OpenSMTPD: a domain that is refused holds up none of the others in a message' => sub {
    my $doc = T::Printed::blocks('OpenSMTPD', 'handover');
    start('opensmtpd-several', $doc->{'sallyport.conf'});
    my $mta = T::OpenSMTPD->start('opensmtpd', port => port('opensmtpd'), out => fit($doc->{'smtpd.conf, its last lines'}));
    my $before = $bank->count;
    for my $n (1 .. 6) {
        send_one('opensmtpd', 'b@mx.test', "bob$n\@partner.example", "alice$n\@bank.example", "eve$n\@partner.example");
        ok($mta->has_logged(qr/mta delivery .*to=<alice$n\@bank\.example> .*result="Ok"/), "alice$n");
        ok($mta->has_logged(qr/mta delivery .*to=<$_$n\@partner\.example> .*result="TempFail"/), "$_$n") for qw(bob eve);
    }
    is($bank->count, $before + 6, 'one message each');
    my @t = csv_wait("$state/acct.csv", sub { $_->{type} eq 't' && $_->{dsnDiag} =~ /4\.7\.4/ });
    isnt(scalar @t, 0, 'though the other came first in some');
    is($partner->count, 0, 'and nothing in the clear');
    $_->stop for $mta, @running;
};
all_done();

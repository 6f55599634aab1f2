#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-milter without a mail server: miltertest plays one that gives Sendmail's macros.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::Csv;
use T::Run;

system('miltertest -V >/dev/null 2>&1') == 0 or plan(skip_all => 'miltertest is not installed');
my $csv = stage_dir() . '/acct.csv';
my $milter = T::Run->start('sallyport-milter', csv => $csv, conf => <<'CONF');
milter-listener inet:@port:milter@@127.0.0.1 { }
source 0/0 {
    require-starttls = yes
}
source ::1 {
    require-starttls = no
}
source 192.0.2.2 {
    verify-client-certificate = required
}
sender-domain partner.test {
    certificate-names = mx.partner.test
}
acct-file "@csv@" {
    records = {r}
    record-fields r { fields = {rcpt, srcMta, rcvTlsProtocol, rcvTlsVerify, rcvTlsClientSubject, queueId} }
}
CONF

# Plays one session: macros at connect and at MAIL, recipients, then what each step was answered.
sub play {
    my ($name, %o) = @_;
    my $lua = stage_dir() . "/$name.lua";
    my $sender = $o{sender} // 'a@x.test';
    my $macros = sub { join ', ', map { qq{"$_"} } @_ };
    open my $out, '>', $lua or die "$lua: $!";
    print $out 'conn = mt.connect("inet:' . port($o{port} // 'milter') . "\@127.0.0.1\")\n",
        'assert(conn, "connect")', "\n",
        'mt.macro(conn, SMFIC_CONNECT, ' . $macros->('j', 'sm.test', '{daemon_addr}', '127.0.0.1', '{daemon_port}', '25') . ")\n",
        qq{assert(mt.conninfo(conn, "client.test", "$o{from}") == nil, "conninfo")\n},
        qq{assert(mt.helo(conn, "client.test") == nil, "helo")\n},
        'mt.macro(conn, SMFIC_MAIL, ' . $macros->('i', $name, @{$o{mail} // []}) . ")\n",
        qq{assert(mt.mailfrom(conn, "<$sender>") == nil, "mail")\n},
        qq{mt.echo("mail " .. mt.getreply(conn))\n};
    print $out qq{assert(mt.rcptto(conn, "<$_>") == nil, "rcpt")\nmt.echo("rcpt " .. mt.getreply(conn))\n} for @{$o{rcpt} // []};
    print $out $o{abort} ? "mt.abort(conn)\n"
        : 'mt.macro(conn, string.byte("E"), ' . $macros->('i', $name) . ")\nassert(mt.eom(conn) == nil, 'eom')\n" . qq{mt.echo("eom " .. mt.getreply(conn))\n}
        if $o{rcpt};
    print $out "mt.disconnect(conn)\n";
    close $out or die "$lua: $!";
    my $said = `miltertest -s $lua 2>&1`;
    is($?, 0, "$name: played") or diag($said);
    # Numbers of libmilter's answers: 'c' goes on, 'y' is a reply of ours.
    return join ' ', map { s/ (\d+)(?:\.0)?$/ " " . chr $1/er } grep { /^(?:mail|rcpt|eom) / } split /\n/, $said;
}

my @tls = ('{tls_version}', 'TLSv1.3', '{cipher}', 'TLS_AES_256_GCM_SHA384', '{cipher_bits}', '256');
is(play('CLEAR', from => '192.0.2.1'), 'mail y', 'TLS is demanded, and not there');
is(play('GOOD', from => '192.0.2.1', mail => [@tls, '{verify}', 'OK', '{cert_subject}', '/O=Lab/CN=a+20b'], rcpt => ['good@x.test']),
    'mail c rcpt c eom c', 'a certificate that holds');
is(play('FORGED', from => '192.0.2.1', mail => [@tls, '{verify}', 'FAIL', '{cert_subject}', '/CN=evil'], rcpt => ['forged@x.test']),
    'mail c rcpt c eom c', 'one that does not');
is(play('NONE', from => '::1', rcpt => ['one@x.test', 'two@x.test']), 'mail c rcpt c rcpt c eom c', 'IPv6, in the clear, allowed');
is(play('GIVENUP', from => '::1', rcpt => ['up@x.test'], abort => 1), 'mail c rcpt c', 'given up');

# {verify}: only OK counts; a name counts where it does.
my @cert = ('{cert_subject}', '/O=Lab/CN=mx.partner.test', '{cn_subject}', 'mx.partner.test');
is(play("V$_", from => '192.0.2.2', mail => [@tls, '{verify}', $_, @cert]), 'mail y', "{verify}=$_ is refused")
    for qw(NO NOT NONE FAIL TEMP PROTOCOL SOFTWARE TRUSTED), '';
is(play('VOK', from => '192.0.2.2', mail => [@tls, '{verify}', 'OK', @cert]), 'mail c', '{verify}=OK is not');
is(play('VUNSAID', from => '192.0.2.2', mail => [@tls, @cert]), 'mail y', 'nothing said is refused');
is(play('VCLEAR', from => '192.0.2.2', mail => ['{verify}', 'OK', @cert]), 'mail y', 'so is what has no TLS');
is(play('NAMED', from => '192.0.2.1', sender => 'a@partner.test', mail => [@tls, '{verify}', 'OK', @cert]), 'mail c', 'the name');
is(play('UNNAMED', from => '192.0.2.1', sender => 'a@partner.test', mail => [@tls, '{verify}', 'OK', @cert[0, 1]]), 'mail y',
    'not by a subject that may have it anywhere');
is(play('LIAR', from => '192.0.2.1', sender => 'a@partner.test', mail => [@tls, '{verify}', 'FAIL', @cert]), 'mail y', 'nor unverified');
is(play('LAST', from => '::1', rcpt => ['last@x.test']), 'mail c rcpt c eom c', 'the last');

csv_wait($csv, sub { $_->{rcpt} eq 'last@x.test' });
my %row = map { $_->{rcpt} => $_ } csv_rows($csv);
is(join(' ', sort keys %row), 'forged@x.test good@x.test last@x.test one@x.test two@x.test', 'receipts of what was taken');
is($row{'good@x.test'}{rcvTlsVerify}, 'ok', 'the certificate held');
is($row{'good@x.test'}{rcvTlsClientSubject}, '/O=Lab/CN=a b', 'so its subject counts');
is($row{'forged@x.test'}{rcvTlsVerify}, 'FAIL', 'the other did not');
is($row{'forged@x.test'}{rcvTlsClientSubject}, '', 'so its subject does not');
is($row{'good@x.test'}{queueId}, 'GOOD', 'the queue id');
is($row{'one@x.test'}{srcMta}, 'client.test (::1)', 'who brought it');
is($row{'one@x.test'}{rcvTlsProtocol}, '', 'in the clear');

# MAIL finds no room for one recipient; or others find none, whose RCPT nobody waits for: the end does not pass.
subtest 'a full disk' => sub {
    my $small = stage_dir() . '/small';
    mkdir $small or die $!;
    my $full = T::Run->start('sallyport-milter', name => 'full', dir => stage_dir(), csv => "$csv.full", conf => <<'CONF',
spool-directory = "@dir@/small"
milter-listener inet:@port:full@@127.0.0.1 { }
acct-file "@csv@" {
    records = {r}
    record-fields r { fields = {rcpt} }
}
CONF
        under => [T::Stage::with_small_disk($small, '1m')]);
    my %o = (port => 'full', from => '192.0.2.1');
    open my $ballast, '>>', '/proc/' . $full->pid . "/root$small/ballast" or die $!;
    1 while syswrite $ballast, 'x' x 4096;
    ok($!{ENOSPC}, 'the disk is full');
    is(play('FULL', %o), 'mail y', 'MAIL is put off');
    truncate $ballast, (-s $ballast) - 12288; # a record may have 8192 bytes
    is(play('TWO', %o, rcpt => ['two@full.test', 'more@full.test']), 'mail c rcpt c rcpt c eom y', 'two are one too many');
    is(play('ONE', %o, rcpt => ['one@full.test']), 'mail c rcpt c eom c', 'there is room for one');
    is(scalar(() = $full->log_text =~ / refused code=452 /g), 2, 'both are 452');
    truncate $ballast, 0;
    is(play('BOTH', %o, rcpt => ['both@full.test', 'and@full.test']), 'mail c rcpt c rcpt c eom c', 'then there is for both');
    csv_wait("$csv.full", sub { $_->{rcpt} eq 'and@full.test' });
    is(join(' ', sort map { $_->{rcpt} } csv_rows("$csv.full")), 'and@full.test both@full.test one@full.test', 'rows of what was taken');
};
all_done();

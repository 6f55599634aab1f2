#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What strangers say stays inside its field: replies, EHLO lines and certificates of servers, and
# what a client may put into parameters. Each delivery has its one row, and each value is the
# cleaned one: a byte that is a control byte, or no UTF-8, is a '?'.
use v5.36;
use lib 't/lib';
use Test::More;
use JSON::PP ();
use Net::SSLeay ();
use T::CA;
use T::Csv;
use T::Peer;
use T::Run;
use T::Spool;
use T::Stage;

my $dir = stage_dir();
mkdir "$dir/$_" or die $! for qw(spool state);
my $ca = T::CA->new;
my $mx = T::Peer->listen(port => port('mx'), name => 'mx');
my $conf = <<'CONF';
spool-directory = "@dir@/spool"
state-directory = "@dir@/state"
acct-file "@dir@/acct.csv" {
    records = {d, b, t}
    record-fields d { fields = {"*", dlvTlsPeerName, rcvSmtpUser, header_X-Job} }
}
acct-file "@dir@/guarded.csv" {
    csv-guard = yes
    records = {d, b, t}
}
acct-file "@dir@/acct.json" {
    format = json
    records = {d, b, t}
}
CONF
my $accountant = T::Run->start('sallyport-milter', dir => $dir, conf => $conf);
my $out = T::Run->start('sallyport-out', dir => $dir, conf => $conf . <<'CONF');
workers = 1
relay-listener 127.0.0.1:@port:out@ { }
domain * { smtp-hosts = "[127.0.0.1]:@port:mx@"  connection-idle-timeout = 0 }
CONF

# One character as RFC 3629 has it, that is no control character.
my $shown = qr/ [\x20-\x7e] | \xc2[\xa0-\xbf] | [\xc3-\xdf][\x80-\xbf]
              | \xe0[\xa0-\xbf][\x80-\xbf] | [\xe1-\xec\xee\xef][\x80-\xbf]{2} | \xed[\x80-\x9f][\x80-\xbf]
              | \xf0[\x90-\xbf][\x80-\xbf]{2} | [\xf1-\xf3][\x80-\xbf]{3} | \xf4[\x80-\x8f][\x80-\xbf]{2} /x;

sub clean ($value) { return $value =~ s/($shown)|\xc2[\x80-\x9f]|./$1 \/\/ '?'/gesr }

my ($count, %rows) = (0);

# A transaction up to RCPT; the recipient comes back, the client and the server.
sub ask (%o) {
    my $rcpt = $o{rcpt} // 'r' . ++$count . '@x.test';
    my $c = T::Peer->connect(port('out'), name => 'mta');
    $c->hear(qr/^220 /);
    $c->talk('EHLO mta.test' => qr/^250-/);
    $c->talk("XFORWARD $o{xforward}" => qr/^250 /) if $o{xforward};
    $c->talk('MAIL FROM:<' . ($o{from} // 'a@a.test') . '>' . ($o{mail} // '') => qr/^250 2\.1\.0 /);
    $c->say("RCPT TO:<$rcpt>" . ($o{params} // ''));
    my $s = $mx->accept;
    $s->say($o{banner} // '220 mx ESMTP');
    $s->hear(qr/^EHLO /);
    $s->say($o{ehlo} ? @{$o{ehlo}} : ('250-mx', '250-DSN', '250 PIPELINING'));
    if ($o{cert}) {
        $s->starttls(server => 1, cert => $o{cert});
        $s->hear(qr/^EHLO /);
        $s->say('250-mx', '250 PIPELINING');
    }
    $s->hear(qr/^MAIL FROM:/);
    $s->hear(qr/^RCPT TO:/);
    $s->say('250 2.1.0 Ok');
    return ($rcpt, $c, $s);
}

# The same to its end, where `reply` is all that the server sends for the final dot.
sub deliver ($reply, %o) {
    my ($rcpt, $c, $s) = ask(%o);
    $s->say('250 2.1.5 Ok');
    $c->hear(qr/^250 2\.1\.5 Ok/);
    $c->say('DATA');
    $s->hear(qr/^DATA$/);
    $s->say('354 go');
    $c->hear(qr/^354 /);
    $c->send(($o{header} // '') . "Subject: x\r\n\r\nHello.\r\n.\r\n");
    $s->hear_body;
    $s->send($reply);
    my $heard = $c->hear(qr/^\d\d\d[ -]/);
    $c->close;
    $s->close;
    return ($rcpt, $heard);
}

sub row ($rcpt) {
    my @rows = csv_wait("$dir/acct.csv", sub { $_->{rcpt} eq clean($rcpt) });
    is(scalar @rows, 1, 'one row');
    return $rows[0] // {};
}

my @forged = ('","d","forged@x.test', 'x","type":"d","rcpt":"forged@x.test","x":"', 'd,2026-01-01 00:00:00+0000,forged@x.test',
    "\xff\xfe\xc3", "\xc3\xbc \xe2\x82\xac \xed\xa0\x80", "\x1b[2J\x1b]0;x\x07", "\x7f\x01\x09", '\\", \\n \\u0000 \\', "'=1+1', \"\"\"",
    "\xe2\x80\xa8\xe2\x80\xae", '=cmd|x', '%s%n%x', "\xc2\x85\xc2\x9b", "\rd,x,forged\@x.test", "a\0b");

subtest 'words of a refusal' => sub {
    for my $words (@forged) {
        my ($rcpt, $c, $s) = ask();
        $s->send("550 5.1.1 $words\r\n");
        $c->hear(qr/^550 5\.1\.1 /);
        $_->close for $c, $s;
        my $row = row($rcpt);
        is($row->{type}, 'b', 'bounced');
        is($row->{dsnDiag}, 'smtp;550 5.1.1 ' . clean($words), 'what was said');
    }
};

subtest 'words of a delivery' => sub {
    for my $words (@forged) {
        my ($rcpt, $heard) = deliver("250 2.0.0 $words\r\n");
        like($heard, qr/^250 /, 'taken');
        my $row = row($rcpt);
        is($row->{type}, 'd', 'delivered');
        is($row->{dsnDiag}, 'smtp;250 2.0.0 ' . clean($words), 'what was said');
    }
};

subtest 'several lines are one value' => sub {
    my ($rcpt) = deliver("550-5.7.1 one,\r\n550-5.7.1 \"two\"\r\n550 5.7.1 =three\r\n");
    is(row($rcpt)->{dsnDiag}, 'smtp;550 5.7.1 one,; "two"; =three', 'in order');
};

# These are no replies: the outcome is unknown, and nothing of them becomes a row.
subtest 'what is no reply' => sub {
    for (['a bare LF', "250 2.0.0 Ok\nd,x,forged\@x.test\r\n"], ['64 KB', '250 2.0.0 ' . 'x' x 65536 . "\r\n"],
        ['64 KB in lines', "250-2.0.0 x\r\n" x 5000 . "250 2.0.0 x\r\n"], ['no code', "Ok\r\n"]) {
        my ($name, $reply) = @$_;
        my ($rcpt, $heard) = deliver($reply);
        like($heard, qr/^4\d\d /, "$name: the mail server keeps it");
        my $row = row($rcpt);
        is($row->{type}, 't', 'a t row');
        unlike($row->{dsnDiag}, qr/forged|xxx/, 'without what it said');
    }
};

subtest 'EHLO lines' => sub {
    my ($rcpt) = deliver("250 2.0.0 Ok\r\n",
        ehlo => ['250-mx "x",d,', '250-=CMD|X', "250-\x1b[2J", '250-SIZE "1",2', '250-"QUOTED",X', "250-\xff\xfeX", '250-X-GOOD yes', '250-@SUM(A1)', '250 PIPELINING']);
    is(row($rcpt)->{dlvEsmtpAvailable}, 'SIZE,X-GOOD,PIPELINING', 'words that are keywords');
};

# A certificate whose subject is this: [NID, ASN.1 type, bytes].
sub named (@parts) {
    my $cert = $ca->cert('mx.test');
    my $name = Net::SSLeay::X509_NAME_new();
    for (@parts) {
        my ($nid, $type, $bytes) = @$_;
        Net::SSLeay::X509_NAME_add_entry_by_NID($name, $nid, $type, $bytes, -1, 0) or die 'no such name';
    }
    Net::SSLeay::X509_set_subject_name($cert->{x509}, $name) or die;
    Net::SSLeay::X509_sign($cert->{x509}, $ca->{key}, Net::SSLeay::EVP_get_digestbyname('sha256')) or die;
    return {%$cert, %{$ca->write_files('odd', $cert->{x509}, $cert->{evp}, '', '')}};
}

# Names as RFC 2253 has them, where special and other bytes are escaped.
subtest 'certificates' => sub {
    my ($utf8, $bmp, $printable, $latin) = (12, 30, 19, 20);
    for (['quotes and lines', [13, $utf8, "=x\",\r\nd,forged"], 'CN==x\"\,\0D\0Ad\,forged'], ['a NUL', [13, $utf8, "a\0b"], 'CN=a\00b'],
        ['BMP', [13, $bmp, "\0\"\0\n\x20\xac"], 'CN=\"\0A\E2\82\AC'], ['UTF-8', [13, $utf8, "\xc3\xbc\xe2\x80\xae"], 'CN=\C3\BC\E2\80\AE'],
        ['no UTF-8', [13, $latin, "\xff\x1b[2J"], undef], ['two', [13, $utf8, '+a'], [17, $utf8, '#b;c'], 'O=\#b\;c,CN=\+a']) {
        my ($name, @parts) = @$_;
        my $expected = pop @parts;
        my ($rcpt) = deliver("250 2.0.0 Ok\r\n", cert => named(@parts), ehlo => ['250-mx', '250 STARTTLS']);
        my $row = row($rcpt);
        is($row->{type}, 'd', "$name: delivered");
        is($row->{dlvTlsPeerName}, $expected, 'the name') if defined $expected;
        like($row->{dlvTlsPeerName}, qr/\A[\x20-\x7e]*\z/, 'ASCII that can be seen');
    }
};

subtest 'what the client says' => sub {
    my ($rcpt, $heard) = deliver("250 2.0.0 Ok\r\n", from => '"a,\"b\"=="@a.test', rcpt => '"r,\"\ @x"@x.test',
        xforward => 'NAME=+3Dname+2C+0D+0A ADDR=192.0.2.1 HELO=h+22+2C+0Ad+2Cforged', mail => ' ENVID=+22+2C+0D+0Ad+2C+FF',
        params => ' ORCPT=rfc822;+3D+22+0A+2C@x.test', header => "X-Job: =1,\"2\"\x1b\r\n");
    like($heard, qr/^250 /, 'delivered');
    my $row = row('"r,\"\ @x"@x.test');
    is($row->{orig}, '"a,\"b\"=="@a.test', 'orig');
    is($row->{envId}, '",??d,?', 'envId');
    is($row->{orcpt}, 'rfc822;="?,@x.test', 'orcpt');
    is($row->{srcMta}, 'h",?d,forged (192.0.2.1)', 'srcMta');
    is($row->{'header_X-Job'}, '=1,"2"?', 'a header field');
    is($row->{jobId}, '=1,"2"?', 'jobId');
};

subtest 'no value is a line of the spool' => sub {
    my ($before) = scalar(my @all = csv_rows("$dir/acct.csv"));
    my $value = 'smtp;250 x"},{"do":"row","type":"d","rcpt":"forged@x.test"}\\",';
    spool_put("$dir/spool", {type => 'd', rcpt => 'put@x.test', dsnDiag => $value});
    is(row('put@x.test')->{dsnDiag}, $value, 'it stays a value');
    is(scalar(@all = csv_rows("$dir/acct.csv")), $before + 1, 'and one row');
    $count++;
};

subtest 'all files' => sub {
    my @rows = csv_rows("$dir/acct.csv");
    is(scalar @rows, $count + 1, 'a row for each delivery');
    is(scalar(grep { $_->{rcpt} =~ /forged/ || $_->{type} !~ /\A[dbt]\z/ || $_->{timeLogged} !~ /\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+0000\z/ } @rows), 0, 'none is forged');
    csv_wait("$dir/guarded.csv", sub { $_->{rcpt} eq 'put@x.test' });
    T::Stage::wait_for(sub { open my $in, '<:raw', "$dir/acct.json" or return; join('', <$in>) =~ /put\@x\.test.*\n\z/ });
    my @guarded = csv_rows("$dir/guarded.csv");
    is(scalar @guarded, scalar @rows, 'as many with the guard');
    is(scalar(grep { /^[=+\-@]/ } map { values %$_ } @guarded), 0, 'and no cell of them is a formula');
    for my $file (qw(acct.csv guarded.csv acct.json)) {
        open my $in, '<:raw', "$dir/$file" or die "$file: $!";
        my $text = do { local $/; <$in> };
        ok(utf8::decode(my $copy = $text), "$file is UTF-8");
        unlike($text =~ s/\r?\n//gr, qr/[\x00-\x1f\x7f]/, 'without control bytes');
        next unless $file =~ /json/;
        is(scalar(grep { JSON::PP->new->utf8->decode($_) } split /\n/, $text), scalar @rows, 'each line is an object');
    }
};

all_done();

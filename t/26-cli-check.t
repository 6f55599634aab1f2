#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport check: each thing that it finds, and that it is quiet where all is right.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Cli;
use T::DNS;
use T::Peer;
use T::Run;
use T::Sink;

my $ca   = T::CA->new;
my $cert = $ca->cert('mx.test', days => 90);
my $no   = '554 5.7.1 Relay access denied';
my @no   = (qr/^RCPT/ => $no);
my $is_private = ($ENV{T_STAGE} // '') eq 'private';
T::Stage::add_foreign() if $is_private; # 198.51.100.1

# A mail server of its own port; what it offers and answers are options of T::Sink.
my $sinks = 0;
sub sink {
    my %o = @_;
    my $port = port('sink' . ++$sinks);
    return ($port, T::Sink->start(port => $port, head => 1, replies => \@no, %o));
}

# Sections besides the backend, and what is in that. Options: listener, pem, source, global.
sub check {
    my ($port, %o) = @_;
    my $listener = $o{listener} // '127.0.0.1:@port:in@ { }';
    my $pem = $o{pem} // $cert->{pem};
    my $source = $o{source} // 'source 0/0 { allow-starttls = yes }';
    my $backend = $o{backend} // '';
    my $global = $o{global} // '';
    $global .= "\nmax-sessions = 1000" if $global !~ /max-sessions/;
    return T::Cli::outcome('check', conf => <<"CONF", %o);
host-name = mx.test
smtp-listener $listener
smtp-server-tls-certificate = {"$pem", ""}
backend mta { server = "127.0.0.1:$port" reply-timeout = 2s $backend }
$source
$global
CONF
}

# Status and the only line, but for a first one that says ok.
sub finds {
    my ($got, $status, $pattern, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @lines = grep { !/^ok: / } split /\n/, $got->{out};
    is($got->{status}, $status, "$name: status $status") or diag($got->{out}, $got->{err});
    is(scalar @lines, 1, "$name: one line") or diag($got->{out}, $got->{err});
    return like($lines[0] // '', $pattern, $name);
}

sub is_quiet {
    my ($got, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($got->{status}, 0, "$name: status 0");
    return unlike($got->{out}, qr/^(?!ok: )./m, "$name: nothing found") || diag($got->{err});
}

subtest 'the configuration comes first' => sub {
    my $got = check(port('nobody'), global => 'wrokers = 1');
    is($got->{status}, 2, 'status 2');
    like($got->{err}, qr/conf:\d+: wrokers: no such option/, 'a line for each mistake');
    is($got->{out}, '', 'and no backend is asked');

    my $open = $ca->cert('open.test', days => 90)->{pem};
    chmod 0644, $open;
    $got = check(port('nobody'), pem => $open);
    is($got->{status}, 2, 'what -t finds counts');
    like($got->{err}, qr/^sallyport-in: \S+conf:\d+: (?:[\w-]+: )?\Q$open\E: others can read/, 'in its words');
    is(scalar(() = $got->{err} =~ /\n/g), 1, 'one line');

    $got = check(port('nobody'), args => ['mtb']);
    is($got->{status}, 2, 'no such backend');
    like($got->{err}, qr/mtb: no such backend; is it mta\?/, 'says so');
    is(T::Cli::outcome('check', conf => 'backend a { }')->{status}, 0, 'nothing to look at');
};

subtest 'all is right' => sub {
    my ($port, $mta) = sink(keywords => ['PIPELINING', 'AUTH PLAIN']);
    my $got = check($port, source => 'source 0/0 { require-auth = yes }');
    is_quiet($got, 'PROXY v2');
    like($got->{out}, qr/^ok: backend mta 127\.0\.0\.1:$port: .*\(RCPT TO:<probe\@\.\.\.>: 554 5\.7\.1 Relay access denied, as 192\.0\.2\.1 by identity proxy-v2\)$/, 'and says what was seen');
    is(scalar(() = $mta->log_text =~ /for 192\.0\.2\.1$/mg), 1, 'as a stranger');
    is_quiet(check($port, backend => 'identity = proxy-v1'), 'PROXY v1');
    is_quiet(check($port, listener => '[::1]:@port:in@ { }'), 'IPv6');
    like($mta->log_text, qr/for 2001:db8::1$/m, 'a stranger with IPv6 where there may be some');
    like($mta->log_text, qr/C: RCPT TO:<probe%relay-test\.invalid\@sink\.test>/, 'with all forms');
    unlike($mta->log_text, qr/C: DATA/, 'and nothing was sent');

    my ($xport) = sink(head => 0, keywords => ['PIPELINING', 'XCLIENT NAME ADDR PORT'], replies => [@no, qr/^XCLIENT \S+ PORT=25000 ADDR=192\.0\.2\.1$/ => '220 sink.test', qr/^XCLIENT/ => '550 what']);
    is_quiet(check($xport, backend => 'identity = xclient'), 'XCLIENT');
    my ($plain) = sink(head => 0);
    is_quiet(check($plain, backend => 'identity = none'), 'none');

    my ($anybody) = sink(replies => [qr/^RCPT TO:<\S+(?<!\@sink\.test)>/ => $no]);
    finds(check($anybody), 0, qr/^note: .*it takes mail for any name .*sink\.test/, 'mail for any name is no relaying');
};

subtest 'backends by name' => sub {
    my ($port) = sink();
    my $second = sprintf 'backend other { server = "127.0.0.1:%d" }', port('nobody');
    my $listener = '127.0.0.1:@port:in@ { backend = mta }';
    is_quiet(check($port, listener => $listener, global => $second, args => ['mta']), 'only mta');
    finds(check($port, listener => $listener, global => $second), 1, qr/^error: backend other /, 'all');
};

subtest 'each server of a backend' => sub {
    my ($port) = sink();
    my ($open) = sink(replies => []);
    my $path = stage_dir() . '/mta.sock';
    my $second = "backend two { server = {\"127.0.0.1:$port\", \"127.0.0.1:$open\", \"unix:$path\"} identity = proxy-v1 }";
    my $got = check($port, listener => '127.0.0.1:@port:in@ { backend = mta }', global => $second, args => ['two']);
    is($got->{status}, 1, 'status 1');
    like($got->{out}, qr/^ok: backend two 127\.0\.0\.1:$port: .*\nerror: backend two 127\.0\.0\.1:$open: it relays for everybody.*\nerror: backend two unix:\Q$path\E: it cannot be reached/m, 'a line for each');
};

subtest 'TLS to the mail server' => sub {
    my $tls = $ca->cert('sink.test');
    my ($port) = sink(cert => $tls, keywords => ['AUTH PLAIN']);
    my %o = (source => 'source 0/0 { require-auth = yes }');
    my $verified = "use-tls = starttls tls-name = sink.test tls-ca-file = \"" . $ca->file . '"';
    is_quiet(check($port, %o, backend => $verified), 'STARTTLS, verified');
    finds(check($port, %o, backend => $verified =~ s/sink\.test/other.test/r), 1, qr/^error: .*TLS with it fails.*not for tls-name.*see use-tls/, 'another name');
    my ($plain) = sink();
    finds(check($plain, backend => $verified), 1, qr/^error: .*TLS with it fails/, 'no STARTTLS');
};

subtest 'the conversation' => sub {
    finds(check(port('nobody')), 1, qr/^error: backend mta \S+: it cannot be reached \(Connection refused, .*\); start the mail server/, 'unreached');
    my $silent = T::Peer->listen(port => port('silent'));
    finds(check(port('silent')), 1, qr/^error: .*it does not greet us \(no answer in time.*smtpd_upstream_proxy_protocol/, 'silent');
    finds(check(port('silent'), backend => 'identity = none'), 1, qr/it does not greet us .*say identity = proxy-v2/, 'silent, without a header');

    my @cases = (
        ['open relay', [replies => []], qr/^error: .*it relays for everybody \(RCPT TO:<probe\@relay-test\.invalid>: 250 2\.0\.0 ok, as 192/],
        ['open to %', [replies => [qr/^RCPT TO:<(?:probe\@|nobody)/ => $no]], qr/^error: .*who writes the address like this \(RCPT TO:<probe%relay-test\.invalid\@sink\.test>: 250/],
        ['greylisted', [replies => [qr/^RCPT/ => '450 4.2.0 Greylisted']], qr/^error: .*does not show that it refuses to relay \(.*450 4\.2\.0 Greylisted/],
        ['blocklisted', [replies => [qr/^RCPT/ => '554 5.7.1 Client host blocked']], qr/^error: .*does not show that it refuses/],
        ['MAIL refused', [replies => [qr/^MAIL/ => '550 5.7.1 not you']], qr/^error: .*it refuses MAIL FROM.*550 5\.7\.1 not you/],
        ['no header wanted', [head => 0, replies => [qr/^EHLO/ => '250 sink.test', qr/./ => '502 5.5.2 what']], qr/^error: .*it does not take the identity \(502 5\.5\.2 what, .*smtpd_upstream_proxy_protocol/],
        ['XCLIENT not offered', [head => 0], qr/^error: .*it does not take the identity \(250 sink\.test; .*XCLIENT/, 'identity = xclient'],
        ['XCLIENT refused', [head => 0, keywords => ['DSN', 'XCLIENT ADDR'], replies => [qr/^XCLIENT/ => '550 5.7.0 not you']], qr/^error: .*it does not take the identity \(550 5\.7\.0 not you/, 'identity = xclient'],
    );
    for (@cases) {
        my ($name, $sink, $pattern, $backend) = @$_;
        my ($port) = sink(@$sink);
        finds(check($port, backend => $backend // 'identity = proxy-v1'), 1, $pattern, $name);
    }
};

subtest 'AUTH where rules need it' => sub {
    my ($port) = sink();
    my ($tls) = sink(cert => $ca->cert('sink.test'));
    finds(check($port, source => 'source 0/0 { require-auth = yes }'), 1, qr/^error: .*it offers no AUTH, and a rule requires it.*\(source 0\/0, \S+conf:\d+\)/, 'required');
    finds(check($port, source => 'source 10/8 { allow-auth = yes }'), 1, qr/^warning: .*it offers no AUTH, which a rule allows .*source 10\/8/, 'allowed in so many words');
    finds(check($port, source => 'source {auth} { max-message-size = 1m }'), 1, qr/^warning: .*which a rule allows .*source \{auth\}/, 'rules for who has logged in');
    my $submission = 'source submission { require-auth = yes }';
    is_quiet(check($port, source => $submission), 'required elsewhere');
    finds(check($port, source => $submission, listener => '127.0.0.1:@port:in@ { source = submission }'), 1, qr/^error: .*requires it/, 'required by name');
    my $got = check($tls, source => 'source 0/0 { require-auth = yes }');
    like($got->{out}, qr/^error: .*behind its own STARTTLS only.*smtpd_tls_auth_only = no/m, 'TLS only');
    is($got->{status}, 1, 'status 1');
    finds(check($tls), 0, qr/^note: .*it offers STARTTLS/, 'a note does not count');
};

subtest 'rules that nobody can keep' => sub {
    my ($port) = sink(keywords => ['AUTH PLAIN']);
    my %cases = (
        'require-starttls = yes' => 'allow-starttls', 'verify-client-certificate = required' => 'allow-starttls',
        'require-auth = yes require-starttls-before-auth = yes' => 'allow-starttls', 'require-auth = yes allow-auth = no' => 'allow-auth',
    );
    for my $rules (sort keys %cases) {
        my $pattern = qr/^warning: source 10\/8: it demands what it does not allow, .*\($cases{$rules} = no at smtp-listener 127\.0\.0\.1:\d+\)/;
        finds(check($port, source => "source 10/8 { $rules }"), 1, $pattern, $rules);
        is_quiet(check($port, source => "source 10/8 { $rules smtp-service = no }"), "nobody is served: $rules");
    }
    is_quiet(check($port, source => 'source 10/8 { require-starttls = yes report-only = require-starttls }'), 'reported only');
    is_quiet(check($port, source => 'source 10/8 { require-starttls = yes }', listener => '127.0.0.1:@port:in@ { tls = yes }'), 'TLS from the first byte');
};

subtest 'who else can reach it' => sub {
    plan skip_all => 'no address besides loopback' if !$is_private;
    my ($port) = sink(addr => '0.0.0.0');
    finds(check($port), 1, qr/^warning: .*open at another address, too.*\(198\.51\.100\.1:$port\); .*loopback only/, 'open');
    is_quiet(check($port, listener => "198.51.100.1:$port { }"), 'where we stand ourselves nobody else is asked');
    my ($own) = sink();
    is_quiet(check($own), 'not open');
    my $got = T::Cli::outcome('check', conf => "smtp-listener 127.0.0.1:\@port:in@ { }\nbackend mta { server = \"203.0.113.9:25\" connect-timeout = 1s }\n");
    like($got->{out}, qr/it cannot be reached/, 'another machine');
};

subtest 'certificates and keys' => sub {
    my ($port) = sink();
    my %cases = (
        'ends soon' => [{days => 5}, qr/^warning: \S+\.pem: the certificate is at its end soon \(in [45] days\)/],
        'not yet' => [{from => 5, days => 90}, qr/^error: \S+\.pem: .*not good yet \(in [45] days\)/],
        'expired' => [{from => -20, days => -10}, qr/^error: \S+\.pem: .*has expired \((?:9|10) days ago\)/],
    );
    for my $name (sort keys %cases) {
        my ($how, $pattern) = @{$cases{$name}};
        my $pem = $ca->cert('mx.test', %$how)->{pem};
        finds(check($port, pem => $pem), 1, $pattern, $name);
    }
    my $other = $ca->cert('other.test', days => 90)->{pem};
    finds(check($port, pem => $other), 1, qr/^warning: smtp-listener \S+: no certificate is for our host-name \(mx\.test\)/, 'another name');
    my $group = $ca->cert('mx.test', days => 90)->{pem};
    chmod 0660, $group;
    finds(check($port, pem => $group), 1, qr/^warning: \Q$group\E: its group may write it \(mode 0660\)/, 'group');
    SKIP: {
        skip 'root is needed to give files away', 1 if !T::Stage::is_root();
        my $owned = $ca->cert('mx.test', days => 90)->{pem};
        chown scalar(getpwnam 'nobody'), -1, $owned;
        finds(check($port, pem => $owned, global => 'user = nobody'), 1, qr/^warning: \Q$owned\E: it belongs to the user that workers become.*\(nobody\)/, 'owner');
    }
};

subtest 'the configuration itself' => sub {
    my ($port) = sink();
    my $locked = $ca->cert('mx.test', days => 90, password => 'sesame')->{pem};
    my $path = stage_dir() . '/own.conf';
    for (['', 0644, undef], [', sesame', 0640, undef], [', sesame', 0644, qr/^warning: \Q$path\E: everybody .* may read the passwords and keys in it \(mode 0644\)/],
        ['', 0660, qr/^error: \Q$path\E: others than its owner may write it \(mode 0660\)/]) {
        my ($password, $mode, $pattern) = @$_;
        open my $out, '>', $path or die "$path: $!";
        print $out map({ "$_-directory = @{[stage_dir()]}\n" } qw(run state spool)), "host-name = mx.test\nmax-sessions = 1000\n",
            "smtp-listener 127.0.0.1:@{[port('in')]} { }\nsource 0/0 { allow-starttls = yes }\n",
            "backend mta { server = 127.0.0.1:$port }\nsmtp-server-tls-certificate = {", $password ? $locked : $cert->{pem}, "$password}\n";
        close $out or die "$path: $!";
        chmod $mode, $path;
        my $got = T::Cli::outcome('check', file => $path);
        if ($pattern) { finds($got, 1, $pattern, sprintf '%04o', $mode) } else { is_quiet($got, sprintf '%04o', $mode) }
    }
};

subtest 'keys of privacy-policy' => sub {
    my ($port) = sink();
    my $path = stage_dir() . '/key.conf';
    for (['redact', 0644, 0], ['{siphash, 0123456789abcdef}', 0640, 0], ['{hmac-sha256, 0123456789abcdef}', 0644, 1]) {
        my ($policy, $mode, $found) = @$_;
        open my $out, '>', $path or die "$path: $!";
        print $out map({ "$_-directory = @{[stage_dir()]}\n" } qw(run state spool)), "host-name = mx.test\nmax-sessions = 1000\n",
            "smtp-listener 127.0.0.1:@{[port('in')]} { }\nsource 0/0 { }\nbackend mta { server = 127.0.0.1:$port }\n",
            "acct-file @{[stage_dir()]}/acct.csv { privacy-policy = $policy }\n";
        close $out or die "$path: $!";
        chmod $mode, $path;
        my $got = T::Cli::outcome('check', file => $path);
        my $warned = () = "$got->{out}$got->{err}" =~ /^warning: \Q$path\E: everybody .* the passwords and keys in it/gm;
        is($warned, $found, sprintf '%s, %04o', $policy =~ /(\S+)/, $mode);
        unlike("$got->{out}$got->{err}", qr/0123456789abcdef/, 'the key is not shown');
    }
};

subtest 'open files' => sub {
    my ($port) = sink();
    my @few = ('prlimit', '--nofile=500:500');
    finds(check($port, under => \@few), 0, qr/^note: max-sessions: .*if sallyport-in is started from here \(500 files are enough for 218 sessions of 1000\)/, 'here');
    is_quiet(check($port, under => \@few, global => 'max-sessions = 200'), 'enough');
    my $in = T::Run->start('sallyport-in', under => \@few, conf => <<"CONF");
smtp-listener 127.0.0.1:\@port:in@ { }
backend mta { server = "127.0.0.1:$port" }
max-sessions = 300
CONF
    finds(T::Cli::outcome('check', file => $in->{conf}), 1, qr/^warning: max-sessions: the limit of open files is too low for max-sessions \(500 files/, 'where it runs');
    $in->stop;
};
subtest 'a program that is not there' => sub {
    my ($prefix) = T::Cli::text_of("$ENV{T_BUILD}/Makefile") =~ m{^prefix = (\S+)$}m;
    plan skip_all => 'it is installed where sallyport looks for it' if -x "$prefix/sbin/sallyport-in";
    my $alone = stage_dir() . '/alone';
    mkdir $alone;
    is(system('cp', "$ENV{T_BUILD}/sallyport", $alone), 0, 'sallyport alone');
    my ($port) = sink();
    finds(check($port, program => "$alone/sallyport"), 1, qr/^warning: \S+sallyport-in: it cannot be run/, 'is said');
};

# --- what goes out
my $dns = T::DNS->start("zone a.test signed\na.test. MX 10 mx.a.test.\n", signed => 1);
my $right = 'name-server = "' . $dns->address . '" trust-anchor-file = "' . $dns->anchor . '" relay-listener 127.0.0.1:@port:out@';
sub outgoing { return T::Cli::outcome('check', conf => join("\n", 'host-name = mx.test', map { s/ (?=trust-|relay-)/\n/gr } @_) . "\n", env => {MAIL_CONFIG => '/nonexistent'}) }
is_quiet(outgoing("$right { allow = {127.0.0.0/8, 10.0.0.0/8, 192.0.2.0/24, fd00::/8, 2001:db8::/32} }"), 'all is well with what goes out');
for my $net (qw(0.0.0.0/1 8.0.0.0/8 2000::/3 128.0.0.0/9 0::/1)) {
    finds(outgoing("$right { allow = $net }"), 1, qr/^warning: relay-listener \S+: strangers may send mail to anywhere through it; /, "allow = $net");
}
(my $blind = "$right { }") =~ s/trust-anchor-file = "[^"]*"//;
finds(outgoing($blind), 0, qr/^note: trust-anchor-file: nothing that DNS says is validated.*dns-root-data/, 'no trust anchors');
is_quiet(outgoing($blind, 'domain * { use-dane = off }'), 'none are needed without DANE');
$dns->breaks('* *' => 'bare');
finds(outgoing("$right { }"), 1, qr/^error: name-server: what DNS says does not validate, so mail waits.*signatures/, 'a name server that takes signatures out');
$dns->breaks('* *' => 'servfail');
finds(outgoing($blind, 'domain * { use-dane = off }'), 1, qr/^error: name-server: nobody answers what DNS is asked/, 'one that does not know');
$dns->stop;
all_done();

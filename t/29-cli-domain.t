#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport show domain: a recipient domain's rule, and where each part of it stands.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Cli;

my $cert = T::CA->new->cert('client.test')->{pem};
my $conf = <<"CONF";
relay-listener 127.0.0.1:2526 { }
domain-macro tld com, de
domain-macro mail yahoo.\$tld, ymail.com
domain * { max-smtp-out = 7 }
domain [*.]example.com {
    connect-timeout = 90s
    smtp-hosts = "a.example; [192.0.2.1]"
}
domain *.example.com { require-starttls = yes }
domain mx.example.com {
    smtp-hosts = ""
    auth-username = us
    auth-password = "very secret"
    smtp-client-certificate = {"$cert", "key secret"}
}
domain \$mail { default-smtp-port = 26 }
domain yahoo.de { connect-timeout = 10s }
domain b\xc3\xbccher.example { starttls-memory = 1d }
domain [10/8] { allow-private-destinations = yes }
domain big.rollup { max-smtp-out = 100  smtp-hosts = big.example }
mx-rollup-list {
    mx *.big.example big.rollup
    mx mx.small.example small.rollup rollup-by-ip
}
CONF

sub show { return T::Cli::outcome('show', conf => $conf, args => ['domain', @_]) }

# Where a line stands: three lines of folders come before.
sub line { my @lines = split /\n/, $conf; my ($n) = grep { $lines[$_] =~ $_[0] } 0 .. $#lines; return $n + 4 }

sub has {
    my ($got, $row, $section, $line) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $from = $section eq 'default' ? '# default' : "# domain \Q$section\E, \\S+conf:" . line($line);
    return like($got->{out}, qr/^\Q$row\E    $from$/m, $row);
}

sub trail {
    my ($got, @titles) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_deeply([$got->{out} =~ /^# (?:matches|then) domain (\S+), /mg], \@titles, "@titles");
}

my $got = show('mx.Example.com');
is($got->{status}, 0, 'a name that several sections match') or diag($got->{err});
trail($got, '*', '[*.]example.com', '*.example.com', 'mx.example.com');
has($got, 'max-smtp-out = 7', '*', qr/^domain \*/);
has($got, 'connect-timeout = 90s', '[*.]example.com', qr/connect-timeout = 90/);
has($got, 'require-starttls = yes', '*.example.com', qr/require-starttls/);
has($got, 'smtp-hosts = ""', 'mx.example.com', qr/smtp-hosts = ""/);
has($got, 'use-dane = on', 'default');
has($got, 'auth-username = "us"', 'mx.example.com', qr/auth-username/);
has($got, 'auth-password = (a password)', 'mx.example.com', qr/auth-password/);
has($got, "smtp-client-certificate = {\"$cert\", (a password)}", 'mx.example.com', qr/smtp-client-certificate/);
unlike("$got->{out}$got->{err}", qr/secret/, 'passwords stay hidden');
like($got->{out}, qr/^# if all its servers .* mx-rollup-list \(\S+:\d+\)/m, 'it may be rolled up');
my $rows = () = $got->{out} =~ /^[^#]/mg;

$got = show('example.com.');
trail($got, '*', '[*.]example.com');
has($got, 'smtp-hosts = "a.example; [192.0.2.1]"', '[*.]example.com', qr/smtp-hosts = "a/);
unlike($got->{out}, qr/mx-rollup-list/, 'smtp-hosts: it is not rolled up');
is(scalar(() = $got->{out} =~ /^[^#]/mg), $rows, 'all options are there');

$got = show('yahoo.de');
trail($got, '*', '$mail', 'yahoo.de');
has($got, 'default-smtp-port = 26', '$mail', qr/^domain \$mail/);
has($got, 'connect-timeout = 10s', 'yahoo.de', qr/^domain yahoo/);
my $macro = line(qr/domain-macro mail/);
like($got->{out}, qr/^# then domain \$mail, \S+, by domain-macro mail, \S+conf:$macro$/m, 'the macro is named');
trail(show('x.yahoo.de'), '*');
trail(show($_), '*', "b\xc3\xbccher.example") for "b\xc3\xbccher.example", "B\xc3\x9ccher.Example", 'xn--bcher-kva.example';
has(show('xn--bcher-kva.example'), 'starttls-memory = 24h', "b\xc3\xbccher.example", qr/cher/);
trail(show('[10.1.2.3]'), '*', '[10/8]');
trail(show('[11.1.2.3]'), '*');
trail(show('[IPv6:2001:db8::1]'), '*');
$got = show('big.rollup');
has($got, 'max-smtp-out = 100', 'big.rollup', qr/^domain big/);
like($got->{out}, qr/^# rollup of mx \*\.big\.example, \S+:@{[line(qr{mx \*\.big})]}$/m, 'which servers it is of');
like(show('small.rollup')->{out}, qr/^# rollup of mx mx\.small\.example by address, /m, 'by address');
like(T::Cli::outcome('show', conf => '', args => ['domain', 'a.test'])->{out},
    qr/^# no domain section matches; all is default$/m, 'none');

for my $wrong ([[], qr/say domain DOMAIN/], [['a.test', 'b.test'], qr/say domain DOMAIN/], [['a..test'], qr/'a\.\.test' is no domain; write/],
    [['[10.0.0]'], qr/is no domain/], [['user@a.test'], qr/is no domain/]) {
    my ($args, $pattern) = @$wrong;
    $got = show(@$args);
    is($got->{status}, 64, "@$args: wrong usage");
    like($got->{err}, $pattern, 'and what would be right');
}
all_done();

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport's words, and sallyport show: a client's rules, and where each of them stands.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::CA;
use T::Cli;

my $cert = T::CA->new->cert('mx.test')->{pem};
my $conf = <<"CONF";
smtp-server-tls-certificate = {"$cert", ""}
smtp-listener 127.0.0.1:2525 { }
smtp-listener 127.0.0.1:2587 { source = submission }
source 0/0 {
    allow-starttls = yes
    smtp-command-timeout = 2m
    max-message-size = 10m
}
source 10/8 { allow-auth = no  smtp-data-timeout = 90s }
source 10.1.0.0/16 {
    max-message-size = 1m
    smtp-bare-newline = normalize
}
source 2001:db8::/32 { smtp-service = no }
source submission { require-auth = yes  allow-auth = yes  report-only = {require-auth} }
source {auth} { max-message-size = 50m }
CONF

sub show { return T::Cli::outcome('show', conf => $conf, args => ['source', @_]) }

# Where a line stands: three lines of folders come before.
sub line { my @lines = split /\n/, $conf; my ($n) = grep { $lines[$_] =~ $_[0] } 0 .. $#lines; return $n + 4 }

sub has {
    my ($got, $row, $section, $line) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $from = $section eq 'default' ? '# default' : "# source $section, \\S+conf:" . line($line);
    return like($got->{out}, qr/^\Q$row\E    $from$/m, $row);
}

my $got = show('192.0.2.7');
is($got->{status}, 0, 'everybody') or diag($got->{err});
has($got, 'allow-starttls = yes', '0/0', qr/allow-starttls/);
has($got, 'smtp-command-timeout = 2m', '0/0', qr/command-timeout/);
has($got, 'max-message-size = 10485760b', '0/0', qr/= 10m/);
has($got, 'allow-auth = yes', 'default');
has($got, 'verify-client-certificate = none', 'default');
has($got, 'once logged in: max-message-size = 52428800b', '\{auth\}', qr/source \{auth/);
my $rules = () = $got->{out} =~ /^(?!once)/mg;
$got = show('10.1.2.3');
has($got, 'max-message-size = 1048576b', '10.1.0.0/16', qr/= 1m/);
has($got, 'smtp-bare-newline = normalize', '10.1.0.0/16', qr/normalize/);
has($got, 'allow-auth = no', '10/8', qr/source 10\/8/);
has($got, 'smtp-data-timeout = 90s', '10/8', qr/source 10\/8/);
has($got, 'allow-starttls = yes', '0/0', qr/allow-starttls/);
is(scalar(() = $got->{out} =~ /^(?!once)/mg), $rules, 'all rules are there');
$got = show('10.1.2.3', '127.0.0.1:2587');
has($got, 'allow-auth = yes', 'submission', qr/source submission/);
has($got, 'require-auth = yes', 'submission', qr/source submission/);
has($got, 'report-only = {require-auth}', 'submission', qr/source submission/);
has(show('2001:db8::9'), 'smtp-service = no', '2001:db8::/32', qr/source 2001/);
has(show('2001:db9::9'), 'smtp-service = yes', 'default');

for my $wrong (
    [['source'], qr/say source ADDRESS/], [['sauce', '192.0.2.1'], qr/say what: source/], [['source', '192.0.2'], qr/'192\.0\.2' is no address; write/],
    [['source', '192.0.2.1', '127.0.0.1:25'], qr/there is no smtp-listener 127\.0\.0\.1:25/], [['source', 'a', 'b', 'c'], qr/say source ADDRESS/],
) {
    my ($args, $pattern) = @$wrong;
    $got = T::Cli::outcome('show', conf => $conf, args => $args);
    is($got->{status}, 64, "@$args: wrong usage");
    like($got->{err}, $pattern, 'and what would be right');
}
$got = T::Cli::outcome('show', conf => 'x = y', args => ['source', '192.0.2.1']);
is($got->{status}, 2, 'a wrong configuration');

sub says {
    my ($words, $status, $pattern) = @_;
    my $said = `$ENV{T_BUILD}/sallyport $words 2>&1`;
    is($? >> 8, $status, "sallyport $words: status $status");
    return like($said, $pattern, 'says so');
}
says('--help', 0, qr/sallyport check \[-c FILE\] \[BACKEND\.\.\.\].*sallyport show.*sallyport --version/s);
says("$_ --help", 0, qr/each OPTION is in sallyport\(1\)$/m) for qw(report probe tlsrpt);
says('--version', 0, qr/^sallyport \d/);
says('check --help', 0, qr/^sallyport check \[-c FILE\]/);
says('show --help', 0, qr/^sallyport show \S+ \S+ source ADDRESS.*^sallyport show \S+ \S+ domain DOMAIN/ms);
says('', 64, qr/say a command; sallyport --help/);
says('chekc', 64, qr/'chekc' is no command; is it 'check'\?/);
says('frobnicate', 64, qr/'frobnicate' is no command; sallyport --help/);
says('check -c', 64, qr/-c needs a value/);
says('check -t', 64, qr/-t is not an option/);
all_done();

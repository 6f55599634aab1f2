#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Random demands against random faults, with real sockets and TLS: what each side saw is written down
# by itself and looked at afterwards (T::Fault knows what was promised). In process, and with bytes
# cut anywhere: t/unit/out-property.c. T_SEED=N plays the same cases again, T_CASES=N so many.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use Digest::SHA qw(sha256_hex);
use IO::Socket::INET;
use POSIX ();
use T::CA;
use T::DNS;
use T::Fault;
use T::Https;
use T::Run;
use T::Spool;

my $seed  = $ENV{T_SEED} // int(rand(1e9));
my $cases = $ENV{T_CASES} // 180;
my $mail_servers = 12;
diag("seed $seed") if $ENV{T_VERBOSE};
note("T_SEED=$seed");
srand($seed);
my @case = map { fault_case($_) } 1 .. $cases;

# --- certificates

my ($ca, $other) = (T::CA->new, T::CA->new);
my $between = $ca->cert('Between', authority => 1);
my $name = '*.p.test';
my %crt = (
    good => $ca->cert($name), expired => $ca->cert($name, from => -20, days => -10),
    notyet => $ca->cert($name, from => 5, days => 10), othername => $ca->cert('*.q.test'),
    unknownca => $other->cert($name), selfsigned => $ca->self_signed($name),
    clientonly => $ca->cert($name, use => 'client'), weak => $ca->cert($name, key => 'weak'),
    truncated => $ca->cert($name, by => $between));
{
    # The certificate between is not sent.
    my $file = $crt{truncated}{cert};
    open my $in, '<', $file or die;
    my ($first) = do { local $/; <$in> } =~ /\A(.*?-----END CERTIFICATE-----\n)/s;
    open my $to, '>', $file or die;
    print $to $first;
    close $to or die;
}
my $whole = unpack 'H*', do { local (@ARGV, $/) = (); open my $from, '-|', 'openssl x509 -outform DER -in ' . $ca->file or die; <$from> };

# --- names, rules, servers

my ($port, $zone, $rules, $sections) = (port('mx'), "zone p.test signed\n", '', '');
my $https = T::Https->start(port => port('https'), ca => $ca);
my $sts = $ca->cert('mta-sts.d.p.test', names => [map { "mta-sts.d$_.p.test" } 1 .. $cases]);
my %demand = (none => 'use-starttls = no', may => '', encrypt => 'require-starttls = yes',
    ca => 'smtp-tls-verify = ca', name => 'smtp-tls-verify = name', dane => 'use-dane = on', dane2 => 'use-dane = required', sts => 'use-mta-sts = yes');

sub address { return sprintf '127.%d.%d.%d', $_[1], $_[0] / 250, 1 + $_[0] % 250 }


my %print = map { $_ => [$ca->key_fingerprint($crt{$_}), $ca->fingerprint($crt{$_})] } keys %crt;
for my $c (@case) {
    my ($n, $crt) = ($c->{n}, $crt{$c->{cert}});
    my $key = $c->{listed} ? $print{$c->{cert}}[0] : 'ab' x 32;
    $zone .= "d$n.p.test. MX 10 m$n.p.test.\nm$n.p.test. A " . address($n, 1) . "\n";
    $zone .= "d$n.p.test. MX 20 n$n.p.test.\nn$n.p.test. A " . address($n, 2) . "\n" if $c->{next};
    if ($c->{demand} =~ /^dane/) {
        $zone .= "_$port._tcp.m$n.p.test. TLSA " . ($c->{demand} eq 'dane' ? "3 1 1 $key" : "2 0 0 $whole") . "\n";
        $zone .= "_$port._tcp.n$n.p.test. TLSA " . ($c->{demand} eq 'dane' ? "3 1 1 $print{good}[0]" : "2 0 0 $whole") . "\n";
    }
    if ($c->{demand} eq 'sts') {
        $zone .= "mta-sts.d$n.p.test. A 127.0.0.1\n_mta-sts.d$n.p.test. TXT \"v=STSv1; id=7;\"\n";
        $https->{at}{"mta-sts.d$n.p.test"} = {how => 'length', status => 200, type => 'text/plain', head => [],
            body => "version: STSv1\nmode: enforce\nmx: *.p.test\nmax_age: 86400\n", cert => {cert => $sts->{cert}, key => $sts->{plain}}};
    }
    $rules .= join(' ', address($n, 1), @$crt{qw(cert plain)}, @$c{qw(tls phase nth fault)}) . "\n"
        . join(' ', address($n, 2), @{$crt{good}}{qw(cert plain)}, qw(1.3 - 1 -)) . "\n";
    my $is = $c->{demand} eq 'fingerprint' ? "smtp-tls-verify = fingerprint  smtp-tls-fingerprints = {\"$key\", \"$print{good}[1]\"}" : $demand{$c->{demand}};
    $is .= '  use-dane = off' if $c->{demand} !~ /^dane/;
    $is .= '  use-mta-sts = no' if $c->{demand} ne 'sts';
    $sections .= "domain d$n.p.test { $is }\n";
}
# Where the first server's certificate is the good one, "not listed" would not hold.
$_->{demand} eq 'fingerprint' && $_->{cert} eq 'good' && ($_->{listed} = 1) for @case;
$https->write_rules;
open my $to, '>', stage_dir() . '/rules' or die;
print $to $rules;
close $to or die;
my $log = stage_dir() . '/faulty.log';
my $dns = T::DNS->start($zone, signed => 1);
my $faulty = fork // die;
if ($faulty == 0) {
    exec T::Stage::with_us(), "$ENV{T_BUILD}/t/tool/faulty", $port, stage_dir() . '/rules', $log or POSIX::_exit(127);
}
T::Stage::wait_for(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) });

my $out = T::Run->start(
    'sallyport-out',
    dns => $dns->address, anchor => $dns->anchor, ca => $ca->file, sections => $sections,
    expect => qr/role=facts/,
    env  => {SSL_CERT_FILE => $ca->file},
    conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
relay-listener 127.0.0.1:@port:lmtp@ { protocol = lmtp }
name-server = "@dns@"
trust-anchor-file = "@anchor@"
mta-sts-port = @port:https@
mta-sts-ca-file = "@ca@"
mta-sts-allow-private = yes
acct-file "@dir@/acct.csv" { records = {d, b, t} }
spool-directory = "@dir@/spool"
workers = 2
tls-handshake-timeout = 5s
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    connection-idle-timeout = 5s
    smtp-greeting-timeout = 5s
    smtp-data-termination-timeout = 5s
    data-send-timeout = 5s
    route-deadline = 30s
    smtp-tls-ca-file = "@ca@"
}
@sections@
CONF

# --- the mail servers

sub body { return "Subject: secret-$_[0]-$_[1]\r\n\r\n..dots\r\n" . ("secret line\r\n" x ($_[0] % 7 ? 3 : 9000)) }

# One reply; its code. Dies at the end of the connection.
sub hear {
    my ($s) = @_;
    while (defined(my $line = <$s>)) {
        die "no reply: $line" if $line !~ /\A(\d{3})([ -]).*\r\n\z/;
        return $1 if $2 eq ' ';
    }
    die "closed\n";
}

sub ask { my ($s, $line) = @_; print {$s} "$line\r\n"; return hear($s) }

sub message {
    my ($s, $c, $k, $tell) = @_;
    my $n = $c->{n};
    ask($s, "MAIL FROM:<a\@a.test>");
    my $code = ask($s, "RCPT TO:<u$n-$k\@d$n.p.test>");
    $tell->($k, rcpt => $code);
    return ask($s, 'RSET') if $code !~ /^2/ || ($c->{phase} eq 'rset' && $k == 1);
    $code = ask($s, 'DATA');
    if ($code != 354) {
        $tell->($k, final => $code);
        return;
    }
    print {$s} body($n, $k), ".\r\n";
    $tell->($k, final => hear($s));
    return;
}

sub mail_server {
    my ($nth) = @_;
    open my $told, '>', stage_dir() . "/told.$nth" or die;
    $told->autoflush;
    for my $c (grep { $_->{n} % $mail_servers == $nth } @case) {
        alarm 60;
        my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => port($c->{lmtp} ? 'lmtp' : 'out')) or die "connect: $!";
        $s->autoflush;
        my $well = eval {
            hear($s);
            ask($s, $c->{lmtp} ? 'LHLO mta.test' : 'EHLO mta.test');
            for my $k (1 .. $c->{messages}) { message($s, $c, $k, sub { say $told join ' ', $c->{n}, @_ }) }
            ask($s, 'QUIT');
            1;
        };
        say $told "$c->{n} 0 broken $@" =~ s/\n//r if !$well;
        say $told "$c->{n} 0 done";
    }
    POSIX::_exit(0);
}

my $since = T::Stage::now();
my @pids = map { my $pid = fork // die; mail_server($_) if $pid == 0; $pid } 0 .. $mail_servers - 1;
waitpid $_, 0 for @pids;
my $took = T::Stage::now() - $since;
$out->stop; # what is still said to servers after the last answer is said, and each of them sees the end
my $listed = "/proc/$faulty/task/$faulty/children";
ok(T::Stage::wait_for(sub { open my $in, '<', $listed or die "$listed: $!"; !<$in> }), 'the servers have written down all');
kill 'TERM', $faulty;
waitpid $faulty, 0;
note(sprintf '%d cases in %.1f s', $cases, $took);

# --- the books

my (%heard, %broken, %done);
for my $file (glob stage_dir() . '/told.*') {
    open my $in, '<', $file or die;
    while (<$in>) {
        my ($n, $k, $what, $code) = split ' ', $_, 4;
        $heard{$n}{$k}{$what} = $code, next if $k;
        $done{$n} = 1;
        $broken{$n} = $code if $what eq 'broken';
    }
}
my (%of, %seen); # lines of each case's servers; messages by hash
{
    my %n = map { (address($_->{n}, 1) => [$_->{n}, 1], address($_->{n}, 2) => [$_->{n}, 2]) } @case;
    open my $in, '<', $log or die;
    while (<$in>) {
        my ($address, $pid, $how, $line) = /^(\S+) (\d+) (clear|tls) (.*)$/ or next;
        my $n = $n{$address} // next;
        push @{$of{$n->[0]}}, {at => $n->[1], pid => $pid, how => $how, line => $line};
    }
}
my %rows;
push @{$rows{$_->{rcpt}}}, $_ for spool_rows(stage_dir() . '/spool');

# What is wrong with a case; '' for nothing.
sub secrecy {
    my ($c) = @_;
    for my $l (@{$of{$c->{n}} // []}) {
        next if $l->{line} !~ /^(?:MAIL|RCPT|DATA|AUTH|BDAT|message|part|took)|secret|u\d+-\d+\@/;
        return "in the clear: $l->{line}" if $l->{how} eq 'clear' && !fault_clear_allowed($c);
        return "in TLS that will not do: $l->{line}" if $l->{how} eq 'tls' && $l->{at} == 1 && !fault_tls_allowed($c);
    }
    return '';
}

sub books {
    my ($c, $k) = @_;
    my ($n, %h) = ($c->{n}, %{$heard{$c->{n}}{$k} // {}});
    my $hash = sha256_hex(body($n, $k) . ".\r\n");
    my @lines = @{$of{$n} // []};
    my $whole = grep { $_->{line} eq "message $hash" } @lines;
    my @rows = @{$rows{"u$n-$k\@d$n.p.test"} // []};
    my @intents = grep { $_->{do} eq 'intent' } @rows;
    my @ends = grep { $_->{do} ne 'intent' } @rows;
    my $last = $h{final} // $h{rcpt} // '';
    my $gave_up = $c->{phase} eq 'rset' && $k == 1 && ($h{rcpt} // '') =~ /^2/;
    return 'the mail server heard no answer' if $last eq '';
    return 'no whole class' if $last !~ /^[245]/;
    return "the message came $whole times" if $whole > 1;
    return 'intents without an end' if @intents > @ends;
    return @ends . ' rows' if @ends != ($gave_up ? 0 : 1);
    return '' if $gave_up;
    my $type = {2 => 'd', 4 => 't', 5 => 'b'}->{substr $last, 0, 1};
    return "it heard $last, and the row is $ends[0]{type}" if $ends[0]{type} ne $type;
    if ($last =~ /^2/) {
        return '250, and no server has it all' if !$whole;
        my ($i) = grep { $lines[$_]{line} eq "message $hash" } 0 .. $#lines;
        return '250, and no server took it' unless grep { $_->{line} eq 'took' && $_->{pid} == $lines[$i]{pid} } @lines[$i .. $#lines];
    }
    my $want = fault_expected($c);
    $want = '' if $c->{messages} > 1 && $want ne '2';
    return "it heard $last, not a $want" if $want ne '' && $last !~ /^$want/;
    return '';
}

my %count;
for my $c (@case) {
    my @wrong = grep { $_ ne '' } $done{$c->{n}} ? '' : 'it never came to its end', $broken{$c->{n}} // '', secrecy($c), map { books($c, $_) } 1 .. $c->{messages};
    $count{substr $heard{$c->{n}}{1}{final} // $heard{$c->{n}}{1}{rcpt} // '-', 0, 1}++;
    ok(!@wrong, fault_text($c)) or diag("T_SEED=$seed T_CASES=$cases: ", join("\n  ", @wrong, map { "$_->{at}.$_->{pid} $_->{how} $_->{line}" } @{$of{$c->{n}} // []}));
}
cmp_ok($count{$_} // 0, '>', $cases / 100, "some were answered by $_") for 2, 4;
all_done();

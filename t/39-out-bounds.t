#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# sallyport-out: far servers that talk without end, or in the smallest pieces: the worker's memory and its
# time stay bounded, and another domain's mail goes out meanwhile.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use POSIX ();
use T::CA;
use T::DNS;
use T::Peer;
use T::Run;

# Each at once from so many connections; the last is whether the mail is taken all the same.
my $many = 10;
my @table = (
    (map { my $phase = $_; map { [$phase, $_, '1.3'] } qw(endless babble drip) } qw(greeting ehlo ehlo2 auth mail rcpt data message dot)),
    [qw(auth 334 1.3)],
    (map { [$_, 'flood', '1.3'] } qw(ehlo2 rcpt dot)),
    (map { [$_, 'hello', '1.2'] } qw(ehlo2 rcpt dot)),
);
my $port = port('mx');
my $crt = T::CA->new->cert('mx.test');
my ($rules, $sections, $n) = ('', '', 0);
for my $row (@table) {
    my ($phase, $fault, $tls) = @$row;
    my $at = '127.1.0.' . ++$n;
    push @$row, $n;
    $rules .= join(' ', $at, @$crt{qw(cert plain)}, $tls, $phase, 1, $fault) . "\n";
    $sections .= "domain f$n.test { smtp-hosts = \"[$at]\" " . ($phase eq 'auth' ? 'auth-username = u  auth-password = p' : '') . " }\n";
}
$rules .= join(' ', '127.1.1.1', @$crt{qw(cert plain)}, qw(1.3 - 1 -)) . "\n";
open my $to, '>', stage_dir() . '/rules' or die;
print $to $rules;
close $to or die;
my $faulty = fork // die;
if ($faulty == 0) {
    exec T::Stage::with_us(), "$ENV{T_BUILD}/t/tool/faulty", $port, map({ stage_dir() . "/$_" } qw(rules faulty.log)) or POSIX::_exit(127);
}
T::Stage::wait_for(sub { eval { T::Peer->connect($port)->close; 1 } });
my $dns = T::DNS->start("x.test. A 127.0.0.1\n");
my $out = T::Run->start('sallyport-out', dns => $dns->address, sections => $sections,
    env => {ASAN_OPTIONS => join ':', grep { $_ } $ENV{ASAN_OPTIONS}, 'quarantine_size_mb=1'}, conf => <<'CONF');
relay-listener 127.0.0.1:@port:out@ { }
name-server = "@dns@"
workers = 1
domain * {
    allow-private-destinations = yes
    default-smtp-port = @port:mx@
    require-starttls = yes
    connection-idle-timeout = 0
    smtp-greeting-timeout = 5s
    smtp-data-termination-timeout = 5s
    data-send-timeout = 5s
    use-dane = off
    use-mta-sts = no
}
domain good.test { smtp-hosts = "[127.1.1.1]" }
@sections@
CONF
my ($worker) = $out->children_of('worker');

# Seconds that it has used.
sub used {
    open my $in, '<', "/proc/$worker/stat" or die "stat: $!";
    my @of = split ' ', <$in> =~ s/^.*\) //r;
    return ($of[11] + $of[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

sub begin {
    my ($domain) = @_;
    my $c = T::Peer->connect(port('out'), name => $domain);
    $c->read_reply;
    $c->send("EHLO mta.test\r\nMAIL FROM:<a\@a.test>\r\nRCPT TO:<b\@$domain>\r\n");
    return $c;
}

sub finish {
    my ($c) = @_;
    $c->read_reply for 1 .. 2;
    my $said = $c->read_reply // 'nothing';
    if ($said =~ /^2/) {
        $c->say('DATA');
        $said = $c->read_reply // 'nothing';
    }
    if ($said =~ /^354/) {
        $c->send("x\r\n.\r\n");
        $said = $c->read_reply // 'nothing';
    }
    $c->close;
    return $said;
}

like(finish(begin('good.test')), qr/^250 /, 'all is well') for 1 .. 3;
for my $row (@table) {
    my ($phase, $fault, undef, $n) = @$row;
    my ($memory, $cpu) = ($out->memory, used());
    my @c = map { begin("f$n.test") } 1 .. $many;
    my $good = finish(begin('good.test'));
    my @said = map { finish($_) } @c;
    my ($more, $took) = ($out->memory - $memory, used() - $cpu);
    my %answers = map { substr($_, 0, 3) => 1 } @said;
    my $well = $fault eq 'flood' || $fault eq 'hello' ? !grep({ !/^(?:250|451)$/ } keys %answers) : join(' ', keys %answers) eq '451';
    ok($well && $good =~ /^250/ && $more < 8 << 20 && $took < 0.3 * $many,
        sprintf '%s at %s: %s; %d KB more, %.3f s each', $fault, $phase, join(' ', keys %answers), $more / 1024, $took / $many)
        or diag("the other domain: $good");
}
is(($out->children_of('worker'))[0], $worker, 'and the worker has lived through it');
kill 'TERM', $faulty;
waitpid $faulty, 0;
all_done();

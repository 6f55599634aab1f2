#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Tens of thousands of rules are read anew, and no session notices: who is connected is answered, who comes is
# greeted, as soon as without. And none of the programs takes longer for them than the others do.
use v5.36;
use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use T::Stage;
use T::CA;
use T::Peer;
use T::Run;
use T::Sink;

my $rules = 20_000;
my $ca = T::CA->new;
my $sink = T::Sink->start(port => port('mta'), head => 1);
my $sources = join '', map {
    sprintf "source 10.%d.%d.%d { allow-starttls = yes require-starttls = yes }\n", $_ >> 16, $_ >> 8 & 255, $_ & 255
} 1 .. $rules;
my $domains = join '', map { "domain d$_.test { require-starttls = yes max-smtp-out = 10 }\n" } 1 .. $rules;
my %conf = (
    in => $sources . <<'CONF',
smtp-listener 127.0.0.1:@port:in@ { }
smtp-server-tls-certificate = {"@cert@", ""}
backend mta { server = "127.0.0.1:@port:mta@" }
source 0/0 { }
CONF
    out => $domains . "relay-listener 127.0.0.1:\@port:out\@ { allow = {127.0.0.0/8} }\n",
    milter => $sources . "milter-listener inet:\@port:milter\@\@127.0.0.1 { }\n",
);
my %run = map {
    $_ => T::Run->start("sallyport-$_", cert => $ca->cert('mx.test')->{pem}, conf => $conf{$_}) } sort keys %conf;

sub seconds :prototype(&) ($work) {
    my $since = time;
    $work->();
    return time - $since;
}

# Of processes that began and ended in it.
sub cpu_seconds :prototype(&) ($work) {
    my ($user, $system) = (times)[2, 3];
    $work->();
    my ($then_user, $then_system) = (times)[2, 3];
    return $then_user + $then_system - $user - $system;
}

sub median { return (sort { $a <=> $b } @_)[@_ / 2] }

sub session ($port) {
    my $c = T::Peer->connect(port($port));
    $c->hear(qr/^220 /);
    $c->talk('EHLO c.test' => qr/^250/);
    return $c;
}

# Of one who is connected and of one who comes, again and again until `done`: their times for an answer. Nobody may
# say NOOP for ever.
sub wait_times ($port, $done) {
    my (@old, @new, $old);
    do {
        $old = session($port) if @old % 40 == 0;
        push @old, seconds { $old->talk('NOOP' => qr/^250 /) };
        push @new, seconds { T::Peer->connect(port($port))->hear(qr/^220 /) };
    } until $done->(scalar @old);
    return (\@old, \@new);
}

# How many answers there were while it read, and whether who is connected (old) and who comes (new) had them in time.
sub reload_once ($program, $calm, $generation) {
    my $run = $run{$program};
    $run->log_mark;
    my $since = time;
    $run->signal('HUP');
    my ($old, $new) = wait_times($program, sub ($count) { $run->log_text =~ /.* reloaded generation=$generation /s });
    my $took = time - $since;
    my $most = $took / 4 > 0.1 ? $took / 4 : 0.1; # who waits for the reading waits as long as all of it
    note sprintf '%s: reading took %.0f ms; calm %.1f and %.1f ms; meanwhile %d answers, at most %.1f and %.1f ms', $program,
        map { $_ } $took * 1000, $calm->{old} * 1000, $calm->{new} * 1000, scalar @$old, map { 1000 * (sort { $b <=> $a } @$_)[0] } $old, $new;
    return {answers => scalar @$old, old => (sort { $b <=> $a } @$old)[1] < $calm->{old} + $most,
        new => (sort { $b <=> $a } @$new)[1] < $calm->{new} + $most};
}

for my $program (qw(in out)) {
    my ($old, $new) = wait_times($program, sub ($count) { $count == 30 });
    my %calm = (old => median(@$old), new => median(@$new));
    my $seen; # one of three, as the others may be the machine's
    for my $generation (2 .. 4) {
        $seen = reload_once($program, \%calm, $generation);
        last if $seen->{answers} >= 4 && $seen->{old} && $seen->{new};
    }
    cmp_ok($seen->{answers}, '>=', 4, "sallyport-$program answers while it reads");
    ok($seen->{old}, 'who is connected is not kept waiting');
    ok($seen->{new}, 'nor who comes');
}

# A walk over all sections for each source was in two of the three only, and cost ten times the rest.
my %took = map { my $program = $_; $program => cpu_seconds { is(($run{$program}->outcome('-t'))[0], 0, "$program: right") } } sort keys %run;
cmp_ok($took{$_}, '<', 4 * $took{out} + 0.5, "sallyport-$_ reads sources as fast as domains are read") for qw(in milter);
all_done();

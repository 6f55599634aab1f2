# SPDX-License-Identifier: Apache-2.0
# T::Fault - cases of t/39-out-property.t: what a rule demands, what a server does, and what must
# become of it, by the promises alone and nothing that sallyport has decided.
#
#   my $case = fault_case($n);      # by perl's rand: {n demand cert listed tls phase nth fault next lmtp messages}
#   fault_expected($case)           # the mail server's last answer: '2', '4', '5', or '' for any
#   fault_clear_allowed($case)      # may a word of the mail go in the clear?
#   fault_tls_allowed($case)        # and in TLS, with this certificate?
package T::Fault;
use v5.36;
use Exporter qw(import);

our @EXPORT = qw(fault_case fault_expected fault_clear_allowed fault_tls_allowed fault_text);

my @demands = qw(none may encrypt ca name fingerprint dane dane2 sts);
my @certs = qw(good good good good expired notyet othername unknownca selfsigned clientonly weak truncated);
my @any = qw(close reset no4 no5 421 lie nonsense barelf mixed 1xx cut early twice endless long drops shut);
my @inside = qw(record update flood cutnotify again);
my %faults = (
    greeting => [@any, 'stall'], ehlo => [@any, 'stall'], starttls => [@any, 'stall', ('inject') x 8],
    handshake => [qw(alert stall clear half halfstall close reset)], ehlo2 => [@any, @inside, 'stall', 'banner', 'banner'],
    (map { $_ => [@any, @inside] } qw(mail rcpt data)), dot => [@any, @inside, 'stall'],
    message => [qw(close reset no4 no5 421 lie nonsense)], rset => [@any], quit => [@any],
);

sub one_of { return $_[rand @_] }

sub fault_case {
    my ($n) = @_;
    my %c = (n => $n, demand => one_of(@demands), cert => one_of(@certs), listed => rand() < 0.7 ? 1 : 0,
        tls => one_of(qw(1.3 1.3 1.3 1.3 1.2 1.2 1.0 1.1 none)), phase => '-', nth => 1, fault => '-',
        next => rand() < 0.2 ? 1 : 0, lmtp => rand() < 0.3 ? 1 : 0, messages => rand() < 0.3 ? 2 : 1);
    if (rand() < 0.8) {
        @c{qw(cert tls listed)} = ('good', one_of('1.2', '1.3'), 1) if rand() < 0.7; # so far all is well
        $c{phase} = one_of(sort(keys %faults), 'starttls', 'starttls');
        $c{fault} = one_of(@{$faults{$c{phase}}});
        $c{nth} = 2 if $c{messages} == 2 && $c{phase} =~ /^(?:mail|rcpt|data|dot)$/ && rand() < 0.7;
        $c{messages} = 2 if $c{phase} eq 'rset';
    }
    return \%c;
}

sub fault_text {
    my ($c) = @_;
    return join ' ', map { "$_=$c->{$_}" } qw(n demand cert listed tls phase nth fault next lmtp messages);
}

sub fault_clear_allowed { return $_[0]{demand} =~ /^(?:none|may)$/ }

# May a word of the mail be said in TLS, as this server speaks it?
sub fault_tls_allowed {
    my ($c) = @_;
    my ($demand, $cert) = @$c{qw(demand cert)};
    return 1 if $demand =~ /^(?:none|may)$/;
    return 0 if $c->{tls} =~ /^1\.[01]$/;
    return 1 if $demand eq 'encrypt';
    return $c->{listed} if $demand eq 'fingerprint' || ($demand eq 'dane' && $cert ne 'weak');
    # A key that is too weak proves nothing.
    return $cert =~ /^(?:good|othername)$/ if $demand eq 'ca';
    return $cert eq 'good'; # name, dane2, sts
}

# Does the server stop before it is asked for mail? '' for who knows.
sub reaches {
    my ($c) = @_;
    my ($phase, $fault, $demand) = @$c{qw(phase fault demand)};
    my $asks = $demand ne 'none' && $c->{tls} ne 'none'; # for TLS
    if ($phase =~ /^(?:greeting|ehlo)$/ && $fault ne 'drops') {
        return '' if $fault =~ /^(?:early|twice)$/;
        return fault_clear_allowed($c) if $phase eq 'ehlo' && $fault eq 'no5'; # HELO will do
        return 0;
    }
    return fault_clear_allowed($c) if !$asks;
    if ($phase eq 'starttls' && $fault ne 'drops') {
        return fault_clear_allowed($c) if $fault =~ /^(?:no4|no5|lie|shut)$/;
        return '' if $fault =~ /^(?:early|twice)$/;
        return 0;
    }
    # Below smtp-tls-min-protocol the handshake fails.
    return fault_clear_allowed($c) if $phase eq 'handshake' || $c->{tls} =~ /^1\.[01]$/;
    return 0 if !fault_tls_allowed($c);
    return $fault eq 'drops' || $fault eq 'update' ? 1 : $fault =~ /^(?:early|twice|again|flood|banner)$/ ? '' : 0
        if $phase eq 'ehlo2';
    return 1;
}

sub fault_expected {
    my ($c) = @_;
    my ($phase, $fault) = @$c{qw(phase fault)};
    my $reaches = reaches($c);
    return '' if $reaches eq '';
    return $c->{next} ? '2' : '4' if !$reaches;
    my $in_clear = $c->{demand} eq 'none' || $c->{tls} =~ /^(?:none|1\.[01])$/;
    # What comes unasked behind the answer to RSET may be taken for that to the next question.
    return '' if $phase eq 'rset' && $fault =~ /^(?:early|twice)$/;
    return '2' if $phase !~ /^(?:mail|rcpt|data|message|dot)$/ || $fault eq 'drops';
    return '' if $fault =~ /^(?:early|twice|again|flood|update)$/ || ($phase eq 'message' && $fault eq 'lie');
    return '' if $fault eq 'record' || ($fault eq 'cutnotify' && $in_clear);
    # One that was kept is made anew where it died at the first word.
    return $phase eq 'mail' && $fault =~ /^(?:close|reset|421|cut|shut)$/ ? '2' : '' if $c->{nth} == 2;
    return '5' if $fault eq 'no5';
    return $phase eq 'dot' ? '2' : $phase eq 'mail' && $c->{next} ? '2' : '4' if $fault eq 'shut';
    return $c->{next} && $phase =~ /^(?:mail|rcpt)$/ ? '2' : '4';
}

1;

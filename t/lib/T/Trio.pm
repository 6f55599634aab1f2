# SPDX-License-Identifier: Apache-2.0
# T::Trio - the three programs around a private Postfix, with a remote Postfix, a name server
# and certificates: what `./quickstart demo` shows and t/60-trio.t holds.
#
#   my $trio = T::Trio->start;       # needs root
#   $trio->{in} {out} {milter}       # T::Run      $trio->{mta} {mx}   # T::Postfix
#   $trio->{ca} {dns} {csv}
#   $trio->client('submission', '127.0.0.12')      # a T::Peer: smtp, submission or smtps
#
# expect => a pattern of errors in the programs' logs that are wanted.
#
# Domains: home.test is the MTA's own. Remote: friend.test (TLS where offered), bank.test (TLS
# demanded, our certificate shown, theirs checked), old.test (its server has no STARTTLS),
# strict.test (the same, but TLS is demanded), loop.test (its MX is ourselves).
package T::Trio;
use v5.36;
use Carp qw(croak);
use File::Path qw(make_path);
use T::CA ();
use T::DNS ();
use T::Peer ();
use T::Postfix ();
use T::Run ();
use T::Stage qw(port stage_dir);

our ($mx_with_tls, $mx_without) = qw(127.0.0.31 127.0.0.32);
my $worker = 'nobody'; # in Postfix's group, which may use the milter's socket

my $zone = <<"ZONE";
friend.test.    MX 10 mx.friend.test.
bank.test.      MX 10 mx.bank.test.
old.test.       MX 10 mx.old.test.
strict.test.    MX 10 mx.old.test.
loop.test.      MX 10 mx.loop.test.
mx.friend.test. A $mx_with_tls
mx.bank.test.   A $mx_with_tls
mx.old.test.    A $mx_without
mx.loop.test.   A 127.0.0.41
ZONE

my $conf = <<'CONF';
# One file for the three programs.
host-name = gate.home.test
run-directory = "@dir@/sallyport/run"
state-directory = "@dir@/sallyport/state"
spool-directory = "@dir@/sallyport/spool"
@user@
workers = 2
smtp-server-tls-certificate = {"@certificate@", ""}

# Clients come in here: as 25, 587 and 465 would be.
smtp-listener 127.0.0.1:@port:smtp@ { }
smtp-listener 127.0.0.1:@port:submission@ { source = submission }
smtp-listener 127.0.0.1:@port:smtps@ { tls = yes, source = submission }
backend postfix {
    server = "127.0.0.1:@port:mta@"
    identity = proxy-v2
}
source 0/0 {
    allow-starttls = yes
    allow-auth = no
}
source submission {
    allow-starttls = yes
    allow-auth = yes
    require-auth = yes
    require-starttls-before-auth = yes
}

# Mail goes out here: Postfix asks the map for the way to each domain.
relay-listener 127.0.0.1:@port:out@ {
    hand-over = transport-map
    map = "127.0.0.1:@port:map@"
    local-domains = {home.test, mta.test}
}
name-server = {"127.0.0.1@@port:dns@"}
local-addresses = {127.0.0.41}
domain * {
    use-starttls = yes
    default-smtp-port = @port:mx@
    allow-private-destinations = yes
}
domain bank.test {
    require-starttls = yes
    smtp-client-certificate = {"@client@", "secret"}
    smtp-tls-ca-file = "@ca@"
    smtp-tls-verify = name
}
domain strict.test {
    require-starttls = yes
}

# The policy plug-in, and the accountant.
milter-listener "unix:@dir@/sallyport/run/milter.sock" { behind-proxy = yes }
acct-file "@dir@/sallyport/acct/acct.csv" {
    records = {d, b, t, r}
    record-fields d { fields = {"*", dlvTlsProtocol, dlvTlsCipher, dlvTlsGroup, dlvTlsPolicy, dlvTlsPolicyResult, dlvTlsVerify,
                                 dlvTlsClientCert, domainRule, rcvTlsProtocol, queueId} }
    record-fields b { fields = {"*", dlvTlsProtocol, dlvTlsCipher, queueId} }
    record-fields t { fields = {"*", dlvTlsProtocol, dlvTlsCipher, dlvTlsError, queueId} }
    record-fields r { fields = {"*", rcvSmtpUser, rcvTlsProtocol, rcvTlsCipher, rcvTlsGroup, rcvTlsVerify, sourceRule, sourceReport, queueId} }
}
CONF

sub start {
    my ($class, %o) = @_;
    my $self = bless {said => $o{said} // sub { }, expect => $o{expect}, csv => stage_dir() . '/sallyport/acct/acct.csv'}, $class;
    $self->certificates;
    $self->{said}->('a name server that knows the domains of this play');
    $self->{dns} = T::DNS->start($zone);
    $self->{said}->('a Postfix as the remote servers, with and without STARTTLS');
    $self->start_remote;
    $self->{said}->('a Postfix as our mail server');
    $self->start_mta;
    $self->{said}->('sallyport-in, sallyport-out and sallyport-milter around it');
    $self->write_conf;
    $self->start_programs;
    return $self;
}

sub certificates {
    my $self = shift;
    my $ca = $self->{ca} = T::CA->new(name => 'Private CA');
    $self->{cert} = $ca->cert('gate.home.test', names => ['localhost']);
    $self->{mx_cert} = $ca->cert('mx.friend.test', names => ['mx.bank.test']);
    $self->{client_cert} = $ca->cert('gate.home.test', use => 'client', password => 'secret', file => 'client');
    return;
}

sub start_remote {
    my $self = shift;
    $self->{mx} = T::Postfix->start(
        'mx', cert => $self->{mx_cert}, ca => $self->{ca},
        T::Postfix::remote([
                ['certs', port('mx'), addr => $mx_with_tls],
                ['plain', port('mx'), addr => $mx_without, smtpd_tls_security_level => 'none'],
            ], refuse => 'nobody@friend.test'),
    );
    return;
}

# Each word of the client at 127.0.0.11 would be in its log, so one sees what it has not heard.
# It trusts no address: clients from outside must not relay through it.
sub start_mta {
    my $self = shift;
    my $no_relay = 'permit_sasl_authenticated, reject_unauth_destination';
    $self->{mta} = T::Postfix->start(
        'mta', services => [['haproxy', port('mta')]], users => {alice => 'wonderland'},
        main => {
            mydestination => 'mta.test home.test', debug_peer_list => '127.0.0.11', mynetworks => '127.0.0.1/32',
            smtpd_relay_restrictions => $no_relay, smtpd_recipient_restrictions => $no_relay,
            transport_maps => 'socketmap:inet:127.0.0.1:' . port('map') . ':transport',
            default_transport => 'smtp', smtp_tls_security_level => 'none', smtp_send_xforward_command => 'yes',
            smtpd_milters => 'unix:' . stage_dir() . '/sallyport/run/milter.sock',
        },
    );
    return;
}

sub write_conf {
    my $self = shift;
    my $dir = stage_dir();
    make_path(map { "$dir/sallyport/$_" } qw(run state spool acct));
    my (undef, undef, $uid, $gid) = getpwnam $worker or croak "no user $worker";
    chown $uid, $gid, map { "$dir/sallyport/$_" } qw(run state spool acct);
    $self->{conf} = "$dir/sallyport.conf";
    open my $out, '>', $self->{conf} or croak "$self->{conf}: $!";
    print $out T::Stage::fill($conf, user => "user = $worker\ngroup = postfix", certificate => $self->{cert}{pem},
        client => $self->{client_cert}{pem}, ca => $self->{ca}->file);
    close $out or croak "$self->{conf}: $!";
    return;
}

# The accountant first and last: it is there for what the others say.
sub start_programs {
    my $self = shift;
    for my $program (qw(milter out in)) {
        $self->{$program} = T::Run->start("sallyport-$program", file => $self->{conf}, expect => $self->{expect});
    }
    return;
}

sub client {
    my ($self, $listener, $from, %o) = @_;
    return T::Peer->connect(port($listener), from => $from, name => $o{name} // $from, %o);
}

1;

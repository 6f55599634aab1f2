# SPDX-License-Identifier: Apache-2.0
# T::Postfix - a private Postfix: its own configuration, queue, log and ports. Needs root.
#
#   my $mta = T::Postfix->start('mta',
#       services => [
#           ['plain', port('mta')],
#           ['haproxy', port('mta-in')],              # smtpd_upstream_proxy_protocol
#           ['xclient', port('mta-x')],               # XCLIENT from 127.0.0.1
#           ['smtps', port('mta-s')], ['certs', port('mta-c')],   # TLS at once; asks for certificates
#           ['plain', port('sub'), smtpd_tls_security_level => 'none', addr => '127.0.0.2'],
#       ],
#       cert => $ca->cert('mta.test'), ca => $ca,
#       users => {alice => 'secret'},                 # SASL; they log in as alice@NAME.test
#       main => {transport_maps => "socketmap:inet:127.0.0.1:$port:transport"},
#   );
#   $mta->log_like(qr/client=unknown\[127.0.0.5\]/);
#   $mta->queue;  $mta->wait_queue_empty;  $mta->flush;
#   my $mx = T::Postfix->start('mx', T::Postfix::remote($port, refuse => 'nobody@a.test'), cert => ...);
#
# Mail that it takes is thrown away (transport discard) where nothing else is said. Only loopback
# is ever asked: no DNS.
package T::Postfix;
use v5.36;
use Carp qw(croak);
use File::Path qw(make_path);
use T::Mta ();
use T::Stage ();

our @ISA = ('T::Mta');

my $programs = '/usr/lib/postfix/sbin';

# Why it cannot run here; nothing if it can.
sub why_not {
    return 'root is needed to run Postfix' unless T::Stage::is_root();
    return 'Postfix is not installed' unless -x '/usr/sbin/postfix';
    return;
}

sub start {
    my ($class, $name, %o) = @_;
    croak why_not() if why_not();
    my $dir = T::Stage::stage_dir() . "/$name";
    my $self = bless {
        name => $name, dir => $dir, etc => "$dir/etc", log => "$dir/mail.log", seen => 0, options => \%o,
    }, $class;
    make_path(map { "$dir/$_" } qw(etc/sasl queue data));
    my (undef, undef, $uid, $gid) = getpwnam 'postfix' or croak 'no user postfix';
    chown $uid, $gid, "$dir/data";
    $self->add_users($gid, %{$o{users}}) if $o{users};
    $self->write_main;
    $self->write_master;
    $self->launch;
    return $self;
}

# Options for start(): a server for mail from outside on `port`. refuse: recipients (one or
# a list) that get 550; without_tls; the certificate is an option of start().
sub remote {
    my ($port, %o) = @_;
    my @refuse = ref $o{refuse} ? @{$o{refuse}} : $o{refuse} // ();
    my @services = ref $port ? @$port : ['certs', $port];
    $services[0] = ['plain', $port, smtpd_tls_security_level => 'none'] if $o{without_tls};
    my $table = join ', ', map { "{$_ = 550 5.1.1 No such person}" } @refuse;
    return (
        services => \@services,
        main => {
            smtpd_recipient_restrictions => (@refuse ? "check_recipient_access inline:{ $table }, " : '') . 'permit_mynetworks, reject',
            smtpd_relay_restrictions => 'permit_mynetworks, reject', smtpd_sasl_auth_enable => 'no', %{$o{main} // {}},
        },
    );
}

sub main_options {
    my $self = shift;
    my ($dir, $name, $o) = @$self{qw(dir name options)};
    my $here = "$name.test";
    my %tls = $o->{cert} ? (
        smtpd_tls_cert_file => $o->{cert}{cert}, smtpd_tls_key_file => $o->{cert}{key},
        smtpd_tls_security_level => 'may', smtpd_tls_loglevel => 1,
    ) : (smtpd_tls_security_level => 'none');
    my $permit = 'permit_mynetworks, permit_sasl_authenticated, reject';
    return (
        compatibility_level => '3.6', queue_directory => "$dir/queue", data_directory => "$dir/data",
        command_directory => '/usr/sbin', daemon_directory => $programs, maillog_file => "$dir/mail.log",
        maillog_file_prefixes => $dir, myhostname => $here, mydomain => $here, mydestination => $here,
        inet_interfaces => 'loopback-only', inet_protocols => 'all', mynetworks => '127.0.0.0/8 [::1]/128',
        local_recipient_maps => '', alias_maps => '', alias_database => '',
        smtpd_recipient_restrictions => $permit, smtpd_relay_restrictions => $permit,
        default_transport => 'discard', relay_transport => 'discard', local_transport => 'discard',
        smtp_host_lookup => 'native', lmtp_host_lookup => 'native', smtp_dns_support_level => 'disabled',
        smtpd_peername_lookup => 'no', enable_long_queue_ids => 'yes', smtputf8_enable => 'yes',
        notify_classes => '', smtpd_sasl_path => 'smtpd', smtpd_sasl_local_domain => $here,
        smtpd_sasl_auth_enable => $o->{users} ? 'yes' : 'no', smtpd_tls_auth_only => 'no',
        smtpd_sasl_security_options => 'noanonymous', smtpd_tls_received_header => 'yes',
        smtpd_sasl_authenticated_header => 'yes', milter_default_action => 'tempfail',
        non_smtpd_milters => '', smtpd_client_connection_rate_limit => 0, in_flow_delay => 0,
        smtpd_client_connection_count_limit => 0,
        ($o->{ca} ? (smtpd_tls_CAfile => ref $o->{ca} ? $o->{ca}->file : $o->{ca}) : ()),
        %tls, %{$o->{main} // {}},
    );
}

sub write_file {
    my ($path, @lines) = @_;
    open my $out, '>', $path or croak "$path: $!";
    print $out map { "$_\n" } @lines;
    close $out or croak "$path: $!";
    return;
}

sub write_main {
    my $self = shift;
    my %main = $self->main_options;
    write_file("$self->{etc}/main.cf", map { "$_ = $main{$_}" } sort keys %main);
    # Debian looks for smtpd.conf in the folder sasl of the configuration.
    write_file("$self->{etc}/sasl/smtpd.conf", 'pwcheck_method: auxprop', 'auxprop_plugin: sasldb',
        "sasldb_path: $self->{dir}/sasldb2", 'mech_list: PLAIN LOGIN CRAM-MD5');
    return;
}

my %kinds = (
    plain => [],
    haproxy => ['smtpd_upstream_proxy_protocol=haproxy'],
    xclient => ['smtpd_authorized_xclient_hosts=127.0.0.0/8'],
    certs => ['smtpd_tls_ask_ccert=yes'],
    smtps => ['smtpd_tls_wrappermode=yes'],
);

sub service_line {
    my ($self, $kind, $port, %o) = @_;
    my $addr = delete $o{addr} // '127.0.0.1';
    my @options = (@{$kinds{$kind} // croak "no kind of service '$kind'"}, map { "$_=$o{$_}" } sort keys %o);
    return "$addr:$port inet n - n - - smtpd", map { "  -o { " . s/=/ = /r . ' }' }
        "syslog_name=$self->{name}/$kind", @options;
}

sub write_master {
    my $self = shift;
    my @lines = map { $self->service_line(@$_) } @{$self->{options}{services} // []};
    write_file("$self->{etc}/master.cf", @lines, split(/\n/, <<'CONF'), @{$self->{options}{master} // []});
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
CONF
    return;
}

sub add_users {
    my ($self, $gid, %users) = @_;
    my $base = "$self->{dir}/sasldb2";
    for my $user (sort keys %users) {
        open my $pipe, '|-', 'saslpasswd2', '-p', '-c', '-f', $base, '-u', "$self->{name}.test", $user
            or croak "saslpasswd2: $!";
        print $pipe "$users{$user}\n";
        close $pipe or croak 'saslpasswd2 failed';
    }
    chown 0, $gid, $base;
    chmod 0640, $base;
    return;
}

sub launch {
    my $self = shift;
    delete local @ENV{grep { /^(?:ASAN|UBSAN|MAIL)_/ } keys %ENV};
    my $said = `/usr/sbin/postfix -c $self->{etc} start 2>&1 </dev/null`;
    $self->{pid} = $self->slurp("$self->{dir}/queue/pid/master.pid") =~ s/\s//gr;
    T::Stage::started($self) unless $self->{listed}++;
    $self->{pid} && $self->find(qr/daemon started/)
        or croak "Postfix '$self->{name}' did not start: $said" . $self->log_text;
    return;
}

# {id, from, client, size} of what came by SMTP.
sub taken {
    my ($text, %client, @taken) = $_[0]->log_text;
    while ($text =~ /: (\w+): (?:client=\S+\[([^\]]+)\]|from=<([^>]*)>, size=(\d+))/g) {
        if (defined $2) { $client{$1} = $2 }
        elsif (defined $client{$1}) { push @taken, {id => $1, from => $3, client => delete $client{$1}, size => $4} }
    }
    return @taken;
}

sub command {
    my ($self, $program, @args) = @_;
    open my $out, '-|', "/usr/sbin/$program", '-c', $self->{etc}, @args or croak "$program: $!";
    local $/;
    my $said = <$out> // '';
    close $out;
    return $said;
}

# What is in the queue: a list of {id, sender, why (of the deferral), rcpt (a list)}.
sub queue {
    my $self = shift;
    my @queue;
    for (split /\n/, $self->command('postqueue', '-p')) {
        if (/^(\w+)[*!]?\s+\d+ .{19}\s+(\S+)/) { push @queue, {id => $1, sender => $2, why => '', rcpt => []} }
        elsif (@queue && /^\s*\((.*)\)$/) { $queue[-1]{why} = $1 }
        elsif (@queue && /^\s+(\S+@\S+)$/) { push @{$queue[-1]{rcpt}}, $1 }
    }
    return @queue;
}

sub wait_queue_empty {
    my ($self, $seconds) = @_;
    return T::Stage::wait_for(sub { !$self->queue }, $seconds);
}

# Tries all that is deferred again, now.
sub flush { return $_[0]->command('postqueue', '-f') }

sub reload {
    my ($self, %main) = @_;
    $self->command('postconf', '-e', "$_=$main{$_}") for sort keys %main;
    $self->command('postfix', 'reload');
    return;
}

1;

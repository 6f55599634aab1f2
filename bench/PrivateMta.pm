# SPDX-License-Identifier: Apache-2.0
package PrivateMta;

# What the peers share that are mail servers: the tests' private Postfix and Exim (t/lib/T), on a core
# of their own. Their queue is in memory (/dev/shm): that flatters them, as in production it is on a
# disk, but what a disk costs is not what is compared here, and it is another on each machine. Who wants
# to see it sets TMPDIR.
#
#   my $postfix = postfix(\%play, services => [...], main => {...});    a T::Postfix
#   return {plain => $port, of($postfix)};
use v5.36;
use Exporter 'import';
use File::Path qw(remove_tree);
use FindBin;
use lib "$FindBin::Bin/../t/lib";
use Peer;
use T::Postfix ();
use T::Stage ();
use Tree;

our @EXPORT = qw(missing_postfix postfix_version postfix pinned fresh_folder of with_milter);
my $count = 0;

sub missing_postfix { return -x '/usr/sbin/postfix' ? T::Postfix::why_not() // '' : 'postfix' }
sub postfix_version { return first_line(qw(/usr/sbin/postconf -dh mail_version)) =~ /^(\S+)/ ? "Postfix $1" : '' }

# What the code starts is bound to that core.
sub pinned {
    my ($core, $code) = @_;
    my ($before) = qx(taskset -p $$) =~ /: (\w+)$/ or die 'taskset does not say where we run';
    system("taskset -cp $core $$ >/dev/null") == 0 or die "no core $core";
    my $got = eval { $code->() };
    my $why = $@;
    system("taskset -p $before $$ >/dev/null");
    return $got // die $why;
}

# For one server, where its users may pass; its name is short, for sockets.
sub fresh_folder {
    my ($base) = grep { -d && -w } $ENV{TMPDIR} // (), '/dev/shm', '/var/tmp';
    my $dir = "$base/sallyport-bench-$$-" . ++$count;
    return T::Stage::use_dir($dir);
}

# For a server that shows TLS: a certificate. Processes for as many sessions as the play has: a session
# is a process, whoever serves it.
sub postfix {
    my ($play, %o) = @_;
    my $umask = umask 0022;
    my $dir = fresh_folder();
    my %main = (
        default_process_limit => $play->{sessions_most} + 20,
        %{$o{main}},
    );
    my $postfix = pinned($play->{core}, sub { T::Postfix->start('mta', %o, main => \%main) });
    umask $umask;
    $postfix->{folder} = $dir;
    return $postfix;
}

# Whether nothing waits in the queue, waited for: the files themselves, as postqueue would cost Postfix time.
sub is_sent {
    my ($postfix, $seconds) = @_;
    my @queues = map { "$postfix->{dir}/queue/$_" } qw(maildrop incoming active deferred/*);
    return T::Stage::wait_for(sub { !grep { -f } map { glob "$_/*" } @queues }, $seconds) // 0;
}

# A Postfix that throws away what it takes, by default with no milter; `milter`: what start() says of that
# one, and its `socket`. Its processes live on, so that what they cost is not told in ticks.
sub with_milter {
    my ($play, $milter) = @_;
    my $port = free_port();
    my $postfix = eval { postfix($play, services => [['plain', $port]], main => {
        max_use => 1_000_000, max_idle => '1000s', message_size_limit => 0,
        $milter ? (smtpd_milters => "unix:$milter->{socket}") : ()}) };
    if (!$postfix) { my $why = $@; $milter->{stop}->() if $milter; die $why }
    my %of = of($postfix);
    return {%of, plain => $port} unless $milter;
    return {
        plain => $port,
        pids => sub { return $of{pids}->(), $milter->{pids}->() },
        parts => {milter => $milter->{pids}},
        sent => $of{sent},
        settled => sub { return $of{settled}->(@_) && (!$milter->{settled} || $milter->{settled}->(@_)) },
        stop => sub { $of{stop}->(); $milter->{stop}->() },
    };
}

# What start() says of any of them.
sub of {
    my $mta = shift;
    return (
        pids => sub { return Tree::pids($mta->{pid}) },
        stop => sub {
            my @all = Tree::pids($mta->{pid});
            $mta->stop;
            T::Stage::wait_for(sub { !grep { Tree::slurp("/proc/$_/stat") =~ /\) [^Z]/ } @all }, 5);
            remove_tree($mta->{folder}) if $mta->{folder} && !$ENV{T_KEEP};
        },
        $mta->isa('T::Postfix') ? map { $_ => sub { return is_sent($mta, @_) } } qw(sent settled) : (),
    );
}

1;

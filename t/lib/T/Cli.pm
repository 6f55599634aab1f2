# SPDX-License-Identifier: Apache-2.0
# T::Cli - one call of `sallyport`.
#
#   my $got = T::Cli::outcome('check', conf => $text, args => ['mta']);
#   $got->{status}; $got->{out}; $got->{err};
# Options: conf (filled as T::Run's) or file, which -c names before args, args, under (a command that starts it), env,
# program (another file than the one that was built).
package T::Cli;
use v5.36;
use Carp qw(croak);
use POSIX ();
use T::Stage ();

my $count = 0;

sub text_of {
    my $path = shift;
    open my $in, '<', $path or return '';
    local $/;
    return <$in> // '';
}

sub write_conf {
    my ($path, $base, $text) = @_;
    open my $out, '>', $path or croak "$path: $!";
    print $out map({ "$_-directory = \"$base\"\n" } qw(run state spool)), T::Stage::fill($text);
    close $out or croak "$path: $!";
    return $path;
}

sub outcome {
    my ($command, %o) = @_;
    my $base = T::Stage::stage_dir() . '/cli-' . ++$count;
    mkdir $base;
    my $file = $o{file} // write_conf("$base/conf", $base, $o{conf});
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', "$base/out";
        open STDERR, '>', "$base/err";
        $ENV{$_} = $o{env}{$_} for keys %{$o{env} // {}};
        exec @{$o{under} // []}, $o{program} // "$ENV{T_BUILD}/sallyport", $command, '-c', $file, @{$o{args} // []}
            or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    return {status => $? & 127 ? "signal $?" : $? >> 8, out => text_of("$base/out"), err => text_of("$base/err")};
}

1;

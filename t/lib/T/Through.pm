# SPDX-License-Identifier: Apache-2.0
# T::Through - one message through sallyport-out, from its MAIL at the server to the 250 that the mail server hears.
#
#   through($c, $s);                            # $c: the mail server (a@a.test), which has said RCPT; $s: the server
#   through($c, $s, shown => 'mx.test [...]');  # what our replies must end with, in brackets
#
# What comes behind it (QUIT, the next message) is the caller's.
package T::Through;
use v5.36;
use Exporter qw(import);

our @EXPORT = qw(through);

sub through {
    my ($c, $s, %o) = @_;
    my $end = defined $o{shown} ? qr/ \[\Q$o{shown}\E\]$/ : qr//;
    $s->hear(qr/^MAIL FROM:<a\@a\.test>/);
    $s->hear(qr/^RCPT TO:/);
    $s->say('250 2.1.0 Ok', '250 2.1.5 Ok');
    $c->hear(qr/^250 2\.1\.5 Ok$end/);
    $c->say('DATA');
    $s->hear(qr/^DATA$/);
    $s->say('354 go');
    $c->hear(qr/^354 /);
    $c->send("Subject: x\r\n\r\nHello.\r\n.\r\n");
    $s->hear_body;
    $s->say('250 2.0.0 Ok: taken');
    $c->hear(qr/^250 2\.0\.0 Ok: taken$end/);
    return;
}

1;

/* SPDX-License-Identifier: Apache-2.0
 *
 * Mistakes in the configuration: where they are, what is wrong, what would be right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/settings.h"

#define STRAY                                                                      \
    "more than a value stands there; a value of several words is quoted, several " \
    "values are {a, b}"

/* One mistake, and all that is said of it. */
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"

/* A name of one letter too many. */
#define LONG "a234567890123456789012345678901234567890123456789012345678901234"

static const struct {
    const char *text, *why;
} mistakes[] = {
    /* names */
    {"\nwrokers = 3\n", "f:2: wrokers: no such option outside of sections; is it workers?"},
    {"quite-something = 3",
     "f:1: quite-something: no such option outside of sections; see sallyport.conf(5)"},
    {"source 0/0 {\n\n  allow-startls = yes\n}",
     "f:3: allow-startls: no such option in source; is it allow-starttls?"},
    {"source 0/0 { allow_starttls = yes }",
     "f:1: allow_starttls: no such option in source; is it allow-starttls?"},
    {"sauce 0/0 { }", "f:1: sauce: no such section; is it source?"},
    {"require-starttls = yes",
     "f:1: require-starttls: no such option outside of sections; see sallyport.conf(5)"},
    {"record-fields d { fields = {type} }",
     "f:1: record-fields: stands inside of acct-file only; move it"},
    {"tls-offload = yes", "f:1: tls-offload: no such option outside of sections; is it "
                          "smtp-server-tls-offload?"},
    {"smtp-listener 127.0.0.1:25 { smtp-server-tls-offload = yes }",
     "f:1: smtp-server-tls-offload: no such option in smtp-listener; is it tls-offload?"},
    {"domain a { tls-offload = yes }",
     "f:1: tls-offload: no such option in domain; is it smtp-tls-offload?"},
    {"offload = yes", "f:1: offload: no such option outside of sections; see sallyport.conf(5)"},
    {"source 0/0 { source = x }", "f:1: source: no such option in source; see sallyport.conf(5)"},
    {"<source 0/0>\n</source>",
     "f:1: <source: sections are written NAME TITLE { ... }, without < and >; rewrite it\n"
     "f:2: </source>: sections are written NAME TITLE { ... }, without < and >; rewrite it"},

    /* rules that are reported only */
    {"source 0/0 {\n report-only = {require-auth, allow-auth}\n}",
     "f:1: report-only: 'allow-auth' cannot be reported only; these can: require-starttls "
     "require-auth smtp-service verify-client-certificate client-certificate-fingerprints"},
    {"\nsource {auth} { require-auth = yes }",
     "f:2: source {auth}: sets what is decided before a client logs in; here may stand "
     "report-only, max-message-size, smtp-bare-newline, add-received-header, "
     "smtp-command-timeout and smtp-data-timeout"},
    {"source {author} { }",
     "f:1: source: the title of the section is missing; write source TITLE { ... }"},

    /* client certificates */
    {"source 0/0 { verify-client-certificate = optional\n client-certificate-fingerprints = 12:34 "
     "}",
     "f:2: client-certificate-fingerprints: '12:34' is no SHA-256 in hex; write 64 digits, with or "
     "without colons: openssl x509 -noout -fingerprint -sha256"},
    {"sender-domain a.example { certificate-fingerprints = 12 }",
     "f:1: certificate-fingerprints: '12' is no SHA-256 in hex; write 64 digits, with or without "
     "colons: openssl x509 -noout -fingerprint -sha256"},
    {"smtp-listener 127.0.0.1:25 { }\nsender-domain a.example { certificate-names = mx.a.example }",
     "f:2: certificate-names: sender-domain a.example: no client is asked for a certificate; say "
     "verify-client-certificate = optional in a source section"},
    {"sender-domain a.example {\n require-tls = no\n certificate-names = mx.a.example\n}",
     "f:2: require-tls: a certificate comes over TLS only; say yes, or name none"},
    {"smtp-listener 127.0.0.1:25 { }\nsource 0/0 { client-certificate-fingerprints = " ONES " }",
     "f:2: client-certificate-fingerprints: source 0/0 asks no client for a certificate; say "
     "verify-client-certificate = required, or optional"},

    /* values */
    {"workers = many", "f:1: workers: 'many' is not a number from 0 to 256; choose one"},
    {"workers = 257", "f:1: workers: '257' is not a number from 0 to 256; choose one"},
    {"workers = -1", "f:1: workers: '-1' is not a number from 0 to 256; choose one"},
    {"workers = \"\"", "f:1: workers: '' is not a number from 0 to 256; choose one"},
    {"workers =\nuser = x", "f:1: workers: the value is missing behind =; write workers = VALUE"},
    {"workers = {3}", "f:1: workers: takes one value; write it without { }"},
    {"workers = 3 4", "f:1: workers: " STRAY},
    {"workers = 3\nworkers = 3", "f:2: workers: is given twice, first in line 1; keep one of them"},
    {"source 0/0 { allow-auth = maybe }",
     "f:1: allow-auth: 'maybe' is neither yes nor no; choose one"},
    {"source 0/0 { allow-auth = yes; }",
     "f:1: allow-auth: lines end without a semicolon; drop it, or quote the value"},
    {"source 0/0 {\n allow-auth = yes\n allow-auth = yes\n}",
     "f:3: allow-auth: is given twice, first in line 2; keep one of them"},
    {"source 0/0 { smtp-command-timeout = 2h }",
     "f:1: smtp-command-timeout: '2h' is not a time (30s, 5m, 1d12h) from 1 to 3600; choose one"},
    {"log-to = file", "f:1: log-to: 'file' is none of its words; choose one of stderr, syslog"},
    {"local-addresses = {10/8, 10.0.0.1/8}",
     "f:1: local-addresses: '10.0.0.1/8' is not a network; write 10.0.0.5, 10.0.0.0/8, "
     "2001:db8::/32 or 0/0, with no bit set behind the prefix"},
    {"local-addresses = {10/8 ::1}",
     "f:1: local-addresses: a comma is missing between its values; add it"},
    {"local-addresses = {,}", "f:1: local-addresses: no list; lists are written {a, b}"},
    {"local-addresses = 10/8, ::1",
     "f:1: ,: stands outside of a list; several values are {a, b}, else quote it"},
    {"local-addresses += {10/8}",
     "f:1: local-addresses: neither local-addresses = VALUE nor a section local-addresses TITLE "
     "{ ... }; a value of several words is quoted, several values are {a, b}"},
    {"local-addresses+= {10/8}",
     "f:1: local-addresses+=: nothing is added to lists; write the whole list with ="},
    {"source 0/0 { allow-auth = yes, }",
     "f:1: ,: stands outside of a list; several values are {a, b}, else quote it"},
    {"source 0/0 { , allow-auth = yes }",
     "f:1: ,: stands outside of a list; several values are {a, b}, else quote it"},
    {"source 0/0 { }\n, source",
     "f:2: ,: stands outside of a list; several values are {a, b}, else quote it"},
    {"user = a, group = b, c",
     "f:1: ,: stands outside of a list; several values are {a, b}, else quote it"},
    {"workers yes", "f:1: workers: neither workers = VALUE nor a section workers TITLE { ... }; a "
                    "value of several words is quoted, several values are {a, b}"},
    {"name-server = {127.0.0.1, 127.0.0.1@0}",
     "f:1: name-server: '127.0.0.1@0' is not ADDRESS or ADDRESS@PORT; write 127.0.0.1@53"},
    {"host-name = \"a b\"",
     "f:1: host-name: 'a b' is not a host name; write mx.example.com, other alphabets as xn--"},
    {"smtp-server-tls-ca-file = /nowhere/ca.pem",
     "f:1: smtp-server-tls-ca-file: /nowhere/ca.pem cannot be read (No such file or directory); "
     "name a file that is there and may be read"},
    {"smtp-server-tls-ca-file = /tmp",
     "f:1: smtp-server-tls-ca-file: /tmp is not a file; name a file that is there and may be read"},
    {"\nsmtp-server-tls-certificate = {\n/nowhere/cert.pem, secret}",
     "f:2: smtp-server-tls-certificate: /nowhere/cert.pem cannot be read (No such file or "
     "directory); name a file that is there and may be read"},
    {"smtp-server-tls-certificate = {a, b, c}",
     "f:1: smtp-server-tls-certificate: write FILE or {FILE, PASSWORD}; for a second certificate "
     "say the option again"},

    /* a password is never shown */
    {"domain a { smtp-client-certificate = /x.pem secret }",
     "f:1: smtp-client-certificate: " STRAY},
    {"domain a { smtp-client-certificate = /x.pem \"secret\" }",
     "f:1: smtp-client-certificate: " STRAY},
    {"domain a { smtp-client-certificate = /x.pem my secret }",
     "f:1: smtp-client-certificate: " STRAY},
    {"domain a { smtp-client-certificate = /x.pem secret! # it\n }",
     "f:1: smtp-client-certificate: " STRAY},
    {"domain a { smtp-client-certificate = {/x.pem} secret }",
     "f:1: smtp-client-certificate: " STRAY},
    {"domain a { smtp-client-certificate = /x.pem secret { }",
     "f:1: smtp-client-certificate: " STRAY},
    {"domain a { smtp-client-certificate = {/x.pem secret} }",
     "f:1: smtp-client-certificate: a comma is missing between its values; add it"},
    {"domain a { smtp-client-certificate = {/x.pem, secret;} }",
     "f:1: smtp-client-certificate: lines end without a semicolon; drop it, or quote the value"},

    /* structure */
    {"source 0/0 {\n allow-auth = yes\n", "f:1: source 0/0: the section has no closing }; add it"},
    {"\nsource 0/0 {\n allow-auth = yes\n\ndomain * {\n}\n",
     "f:2: source 0/0: the section has no closing } before domain * in line 5; add it"},
    {"acct-file a {\n record-fields d {\n}\n",
     "f:1: acct-file a: the section has no closing }; add it"},
    {"source 0/0 { }\n}\nworkers = 2", "f:2: }: no section is open here; drop it"},
    {"source { }", "f:1: source: the title of the section is missing; write source TITLE { ... }"},
    {"source \"\" { }", "f:1: source: the title is empty; write source NETWORK|NAME { ... }"},
    {"user = \"x\nworkers = 3", "f:1: \": the text has no closing \" on its line; add it"},
    {"user = 'x", "f:1: ': the text has no closing ' on its line; add it"},
    {"user = x\"y\"", "f:1: \": stands inside of a word; put the whole word in quotes"},
    {"user = pass#word",
     "f:1: #: stands inside of a word; put the whole word in quotes, or a space before a comment"},
    {"'secret'", "f:1: a text where a name should be; write NAME = \"TEXT\""},
    {"= 3", "f:1: =: no name before it; a value with = in it is quoted"},
    {"user = a=b", "f:1: =: no name before it; a value with = in it is quoted"},
    {"{ }", "f:1: {: neither NAME TITLE nor NAME = before it; add it"},
    {"/* never closed\nuser = x", "f:1: /*: the comment has no end; close it with */"},
    {"name-server = {127.0.0.1,\n", "f:1: name-server: its list has no closing }; add it"},
    {"user",
     "f:1: user: = and a value are missing behind it; or quote it with the value before it"},
    {"user = x\001y", "f:1: a control byte (1) in a word; take it out"},
    {"source 0/0 { include x }", "f:1: include: stands outside of sections only; move it"},
    {"include nowhere.conf",
     "f:1: include: nowhere.conf cannot be read (No such file or directory); mend or drop it"},

    /* titles */
    {"source 10.0.0.1/8 { }",
     "f:1: source 10.0.0.1/8: neither a network nor a name; networks are 10.0.0.5, 10.0.0.0/8, "
     "2001:db8::/32 or 0/0, with no bit set behind the prefix, and names begin with a "
     "letter and have 63 at most"},
    {"source " LONG " { }",
     "f:1: source " LONG ": neither a network nor a name; networks are 10.0.0.5, 10.0.0.0/8, "
     "2001:db8::/32 or 0/0, with no bit set behind the prefix, and names begin with a "
     "letter and have 63 at most"},
    {"\nsource 10/8 { }\nsource 10.0.0.0/8 { }",
     "f:3: source 10.0.0.0/8: is there twice, first in f:2; make one of them"},
    {"domain a..b { }", "f:1: domain a..b: not a pattern; patterns are *, example.com, "
                        "*.example.com, [*.]example.com and [10.0.0.0/8]"},
    {"domain x { }\ndomain X { }",
     "f:2: domain: X is there twice, first in f:1; make one section of them"},
    {"backend a { }\nbackend a { }",
     "f:2: backend: a is there twice, first in f:1; make one section of them"},
    {"smtp-listener 25 { }",
     "f:1: smtp-listener: '25' is not ADDRESS:PORT; write 192.0.2.1:25 or [2001:db8::1]:25"},
    {"smtp-listener 1.2.3.4:0 { }",
     "f:1: smtp-listener: '1.2.3.4:0' is not ADDRESS:PORT; write 192.0.2.1:25 or [2001:db8::1]:25"},
    {"milter-listener milter.sock { }",
     "f:1: milter-listener: 'milter.sock' is no socket; write unix:/run/sallyport/milter or "
     "inet:8890@127.0.0.1"},
    {"acct-file \"|cat\" { }",
     "f:1: acct-file: a program is named by its whole path; write |/usr/bin/PROGRAM ARGUMENTS"},
    {"acct-file \"|/nowhere/cat x\" { }",
     "f:1: acct-file: /nowhere/cat: No such file or directory; install it, or write where it is"},
    {"acct-file \"|/etc/passwd\" { }",
     "f:1: acct-file: /etc/passwd cannot be run; write a program, or chmod +x it"},
    {"acct-file \"|/bin/cat 'x\" { }", "f:1: acct-file: a quote has no end; add it"},
    {"acct-file \"|/bin/cat\" {\n move-to = /tmp\n}",
     "f:2: move-to: is for files, not for programs; drop it"},

    /* sections together */
    {"smtp-listener 127.0.0.1:25 { }\n\nsmtp-listener 127.0.0.1:25 { }",
     "f:3: smtp-listener: 127.0.0.1:25 is there twice, first in f:1; make one section of them"},
    {"smtp-listener [::1]:25 { }\nrelay-listener [0:0::1]:25 { }",
     "f:2: relay-listener: [::1]:25 is taken by smtp-listener [::1]:25 in f:1; choose another"},
    {"relay-listener 127.0.0.1:25 { hand-over = transport-map map = 127.0.0.1:25 }",
     "f:1: relay-listener: 127.0.0.1:25 is taken by relay-listener 127.0.0.1:25 in f:1; choose "
     "another"},
    {"smtp-listener 127.0.0.1:25 {\n backend = mian\n}\nbackend main { }",
     "f:2: backend: there is no section backend mian; is it main?"},
    {"smtp-listener 127.0.0.1:25 { backend = main }",
     "f:1: backend: there is no section backend main; add one"},
    {"smtp-listener 127.0.0.1:25 { }\nbackend a { }\nbackend b { }",
     "f:1: backend: smtp-listener 127.0.0.1:25 does not say which of the 2 backends; add backend "
     "= NAME"},
    {"smtp-listener 127.0.0.1:25 { source = inside }\nsource insider { }",
     "f:1: source: there is no section source inside; is it insider?"},
    {"smtp-listener 127.0.0.1:465 { tls = yes }",
     "f:1: tls: there is no certificate for it; give smtp-server-tls-certificate, or "
     "tls-certificate here"},
    {"smtp-listener 127.0.0.1:25 { }\nsource 0/0 { allow-starttls = yes }",
     "f:2: allow-starttls: no listener has a certificate; give smtp-server-tls-certificate"},
    {"smtp-listener 0.0.0.0:25 { }\nbackend a { server = \"127.0.0.1:25\" }",
     "f:2: server: 127.0.0.1:25 is an smtp-listener of ours; write where the mail server listens"},
    {"backend a { server = localhost:25 }",
     "f:1: server: 'localhost:25' is not ADDRESS:PORT; write 192.0.2.1:25, [2001:db8::1]:25 or "
     "unix:/run/mta/smtp"},
    {"backend a { server = {127.0.0.1:25, unix:run/mta} }",
     "f:1: server: 'unix:run/mta' is not ADDRESS:PORT; write 192.0.2.1:25, [2001:db8::1]:25 or "
     "unix:/run/mta/smtp"},
    {"backend a { server = {127.0.0.1:25, [::1]:25, 127.0.0.1:25} }",
     "f:1: server: 127.0.0.1:25 is there twice; leave one out"},
    {"backend a { server = {unix:/a, unix:/b, unix:/a} }",
     "f:1: server: unix:/a is there twice; leave one out"},
    {"backend a { server = {} }",
     "f:1: server: say where the mail server listens, in 1 to 64 places"},
    {"smtp-listener 0.0.0.0:25 { }\nbackend a { server = {127.0.0.1:26, 127.0.0.1:25} }",
     "f:2: server: 127.0.0.1:25 is an smtp-listener of ours; write where the mail server listens"},
    {"backend a {\n server = unix:/run/mta\n identity = transparent\n}",
     "f:3: identity: a unix socket shows no address, so transparent tells nothing at "
     "unix:/run/mta; "
     "write ADDRESS:PORT there, or choose another identity"},
    {"backend a { server = unix:/run/mta backend-source = 127.0.0.2 }",
     "f:1: backend-source: unix:/run/mta has no addresses; leave backend-source out"},
    {"backend a { server = {127.0.0.1:25, [::1]:25} backend-source = 127.0.0.2 }",
     "f:1: backend-source: [::1]:25 cannot be called from 127.0.0.2: one is IPv4, the other IPv6; "
     "make two backends of it"},
    {"backend a { use-tls = starttls }",
     "f:1: use-tls: its certificate cannot be checked without a name; add tls-name = NAME, or "
     "tls-verify = ca or none"},
    {"backend a { tls-name = mx.test }",
     "f:1: tls-name: is of no use without TLS; add use-tls = starttls or immediate"},
    {"backend a { use-tls = immediate tls-name = \"mx test\" }",
     "f:1: tls-name: 'mx test' is not a host name; write mx.example.com, other alphabets as xn--"},
    {"backend a { balance = round-robin }",
     "f:1: balance: 'round-robin' is none of its words; choose one of order, least-connections"},
    {"backend a { backend-source = x }",
     "f:1: backend-source: 'x' is not an address; write 127.0.0.2"},
    {"relay-listener 127.0.0.1:26 { hand-over = transport-map }",
     "f:1: hand-over: transport-map needs to know where it is asked; add map = 127.0.0.1:PORT"},
    {"relay-listener 127.0.0.1:26 {\n queue-id = {xforward, header}\n}",
     "f:2: queue-id: 'header' says no queue id; write xforward, envid, auth or received"},
    {"relay-listener 127.0.0.1:26 {\n allow = {10/8, 0/0}\n}",
     "f:2: allow: everybody could send mail to anywhere here; name the networks of your mail "
     "servers"},
    {"relay-listener 127.0.0.1:26 { allow = 0.0.0.0/0 }",
     "f:1: allow: everybody could send mail to anywhere here; name the networks of your mail "
     "servers"},
    {"relay-listener 127.0.0.1:26 { allow = ::/0 }",
     "f:1: allow: everybody could send mail to anywhere here; name the networks of your mail "
     "servers"},
    {"relay-listener 127.0.0.1:26 { transparent = yes }",
     "f:1: transparent: is for hand-over = original-destination; add that or drop it"},
    {"relay-listener 127.0.0.1:26 { hand-over = proxy-header protocol = lmtp }",
     "f:1: protocol: with this hand-over the mail server takes us for a server of the world and "
     "speaks smtp; drop it, or use smarthost"},
    {"relay-listener [::1]:26 { hand-over = transport-map map = 127.0.0.1:27 }",
     "f:1: relay-listener: with transport-map we are at all of 127/8, and nowhere else; write "
     "127.0.0.1:26"},
    {"relay-listener 192.0.2.1:26 { hand-over = transport-map map = 127.0.0.1:27 }",
     "f:1: relay-listener: with transport-map we are at all of 127/8, and nowhere else; write "
     "127.0.0.1:26"},
    {"relay-listener 127.0.0.1:25 { protocol = lmtp }",
     "f:1: protocol: port 25 is for smtp (RFC 2033, 5); listen at another port"},
    {"relay-listener 127.0.0.1:26 { socket-group = root }",
     "f:1: socket-group: is for relay-listener or map = unix:/path; write that or drop it"},
    {"relay-listener 127.0.0.1:26 { socket-mode = 0666 }",
     "f:1: socket-mode: is for relay-listener or map = unix:/path; write that or drop it"},
    {"relay-listener unix:lmtp { }",
     "f:1: relay-listener: 'unix:lmtp' is no path of a socket; write unix:/run/sallyport/lmtp"},
    {"relay-listener unix:/run/l { socket-mode = 0888 }",
     "f:1: socket-mode: '0888' is no mode; write 0660"},
    {"relay-listener unix:/run/l { socket-group = no-such-group }",
     "f:1: socket-group: 'no-such-group' is no group of this machine"},
    {"relay-listener unix:/run/l { hand-over = proxy-header }",
     "f:1: hand-over: with unix:/path it can only be smarthost; drop it"},
    {"relay-listener unix:/run/l { }\nrelay-listener unix:/run/l { }",
     "f:2: relay-listener: unix:/run/l is there twice, first in f:1; make one section of them"},
    {"relay-listener 127.0.0.1:26 { hand-over = transport-map map = unix:map }",
     "f:1: map: 'unix:map' is no path of a socket; write unix:/run/sallyport/map"},
    {"relay-listener 127.0.0.1:26 { hand-over = transport-map map = unix:/m socket-mode = 9 }",
     "f:1: socket-mode: '9' is no mode; write 0660"},
    {"relay-listener 127.0.0.1:26 { hand-over = transport-map map = unix:/m }\n"
     "relay-listener 127.0.0.1:27 { hand-over = transport-map map = unix:/m }",
     "f:2: map: unix:/m is taken by relay-listener 127.0.0.1:26 in f:1; choose another"},
    {"relay-listener 127.0.0.1:26 { hand-over = transport-map map = unix:/m }\n"
     "relay-listener unix:/m { }",
     "f:1: map: unix:/m is taken by relay-listener unix:/m in f:2; choose another"},
    {"relay-listener 127.0.0.1:26 { map = 127.0.0.1:27 }",
     "f:1: map: is for hand-over = transport-map; add that or drop map"},
    {"domain a {\n use-starttls = no\n require-starttls = yes\n}",
     "f:1: domain a: use-starttls is no and require-starttls demands TLS, with what more general "
     "sections say; set use-starttls = yes here or drop the demand"},
    {"domain * { use-starttls = no }\ndomain a { require-starttls = yes }",
     "f:2: domain a: use-starttls is no and require-starttls demands TLS, with what more general "
     "sections say; set use-starttls = yes here or drop the demand"},
    {"domain a {\n use-starttls = no\n use-dane = required\n}",
     "f:1: domain a: use-starttls is no and use-dane = required demands TLS, with what more "
     "general "
     "sections say; set use-starttls = yes here or drop the demand"},
    {"domain * {\n starttls-memory = 7d\n}\ndomain a { use-starttls = no }",
     "f:4: domain a: use-starttls is no and starttls-memory demands TLS, with what more general "
     "sections say; set use-starttls = yes here or drop the demand"},
    {"domain a {\n smtp-tls-verify = fingerprint\n}",
     "f:1: domain a: smtp-tls-verify is fingerprint and there is nothing to compare with; add "
     "smtp-tls-fingerprints = {SHA-256, ...} here"},
    {"domain a {\n smtp-tls-verify = name\n smtp-tls-fingerprints = 12:34\n}",
     "f:3: smtp-tls-fingerprints: '12:34' is no SHA-256 in hex; write 64 digits, with or without "
     "colons: openssl x509 -noout -fingerprint -sha256"},
    {"domain a {\n require-starttls = yes\n report-only = {require-starttls, use-dane}\n}",
     "f:3: report-only: 'use-dane' cannot be reported only; these can: require-starttls "
     "smtp-tls-verify starttls-memory"},
    {"domain a {\n auth-username = u\n}",
     "f:2: auth-username: auth-username and auth-password belong together; set both in this "
     "section"},
    {"domain a { auth-password = \"do not tell\" }",
     "f:1: auth-password: auth-username and auth-password belong together; set both in this "
     "section"},
    {"domain * { use-starttls = no }\ndomain a {\n auth-username = u\n auth-password = p\n}",
     "f:2: domain a: auth-username needs TLS, and use-starttls is no; set use-starttls = yes or, "
     "on "
     "a wire that nobody else reads, use-unencrypted-plain-auth = yes"},
    {"domain a { source-address = \"10.0.0.1 10.0.0.2\" }",
     "f:1: source-address: '10.0.0.1 10.0.0.2' is not one address of each family; write "
     "192.0.2.1 or \"192.0.2.1 2001:db8::1\""},

    /* several: the first of each section */
    {"workers = x\nsource 0/0 {\n a = 1\n b = 2\n}\nuser = a b\ndomain * { use-starttls = 1 }\n"
     "smtp-listener x { }\nsource 10/8 { allow-auth = { yes, no }\n smtp-service = no }\n",
     "f:1: workers: 'x' is not a number from 0 to 256; choose one\n"
     "f:3: a: no such option in source; see sallyport.conf(5)\n"
     "f:6: user: " STRAY "\n"
     "f:7: use-starttls: '1' is neither yes nor no; choose one\n"
     "f:9: allow-auth: takes one value; write it without { }\n"
     "f:8: smtp-listener: 'x' is not ADDRESS:PORT; write 192.0.2.1:25 or [2001:db8::1]:25"},
};

static void test_mistakes(void **state)
{
    static char why[65536];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(mistakes); i++) {
        struct settings *s = settings_read_text(span_of(mistakes[i].text), "f", why, sizeof why);

        assert_string_equal(why, mistakes[i].why);
        assert_null(strstr(why, "secret"));
        assert_null(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mistakes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

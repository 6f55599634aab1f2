/* SPDX-License-Identifier: Apache-2.0
 *
 * As mistakes.c, of accounting files.
 */
#include "conf/settings.h"

#include "unit.h"

static const struct {
    const char *text, *why;
} mistakes[] = {
    {"acct-file a {\n records = {d, rb}\n}",
     "f:2: records: 'rb' is no type of records; write d, b, t, tq or r"},
    {"acct-file a {\n record-fields f { }\n}",
     "f:2: record-fields: 'f' is no type of records; write d, b, t, tq or r"},
    {"acct-file a {\n record-fields d { fields = {\"*\", dlvTlsChipher} }\n}",
     "f:2: fields: no such column 'dlvTlsChipher'; is it dlvTlsCipher?"},
    {"acct-file a { record-fields d { fields = {*, header_} } }",
     "f:1: fields: 'header_' names no header field; write header_ and its name, such as "
     "header_X-Campaign"},
    {"acct-file a { record-fields d { fields = {*, \"!header_a b\"} } }",
     "f:1: fields: '!header_a b' names no header field; write header_ and its name, such as "
     "header_X-Campaign"},
    {"acct-file a { record-fields d { fields = {*, !type} } }",
     "f:1: fields: no such column '!type'; is it type?"},
    {"acct-file a { }\nacct-file ./a { }",
     "f:2: acct-file: a is there twice, first in f:1; make one section of them"},
    {"acct-file /x//y/./a { }\nacct-file /x/y/a { }",
     "f:2: acct-file: /x/y/a is there twice, first in f:1; make one section of them"},
    {"acct-file a {\n format = json\n csv-guard = yes\n}",
     "f:3: csv-guard: is for format = csv; write that or drop it"},
    {"acct-file a {\n map-header-to-field = {\"d header_X jobId\", \"d header_X\"}\n}",
     "f:2: map-header-to-field: 'd header_X' has not three words; write \"d header_X-Campaign "
     "jobId\""},
    {"acct-file a { map-header-to-field = \"d header_X jobId envId\" }",
     "f:1: map-header-to-field: 'd header_X jobId envId' has not three words; write \"d "
     "header_X-Campaign jobId\""},
    {"acct-file a { map-header-to-field = \"tq header_X jobId\" }",
     "f:1: map-header-to-field: 'tq header_X jobId' begins with no type that has a message; write "
     "d, b, t or r"},
    {"acct-file a { map-header-to-field = \"d X-Campaign jobId\" }",
     "f:1: map-header-to-field: 'd X-Campaign jobId' names no header field; write header_ and its "
     "name, such as header_X-Campaign"},
    {"acct-file a { map-header-to-field = \"d header_X dlvTlsProtocol\" }",
     "f:1: map-header-to-field: 'd header_X dlvTlsProtocol' ends with a column that no message can "
     "fill; these can be: orcpt, vmta, jobId, envId, vmtaPool and userString"},
    {"acct-file a { map-header-to-field = \"r header_X jobId\" }",
     "f:1: map-header-to-field: 'r header_X jobId' is for records that are not written here; add r "
     "to records or drop it"},
    {"acct-file a {\n user-string = x\n records = {d, b}\n record-fields d { fields = {*, rcpt} "
     "}\n}",
     "f:2: user-string: no record-fields names userString; add that or drop it"},
    {"acct-file a { map-header-to-field = \"d header_X userString\" }",
     "f:1: map-header-to-field: 'd header_X userString': record-fields d does not name userString; "
     "add that or drop it"},
    {"acct-file a {\n record-fields d { fields = {header_1, header_2, header_3, header_4, "
     "header_5, "
     "header_6, header_7, header_8, header_9} }\n record-fields b { fields = {header_10, "
     "header_11, "
     "header_12, header_13, header_14, header_15, header_16, header_17, header_1} }\n}",
     "f:1: acct-file: record-fields: 16 header fields are the most; drop some"},
    {"acct-file a {\n record-fields d { fields = {header_1, header_2, header_3, header_4, "
     "header_5, header_6, header_7, header_8, header_9} }\n}\nacct-file b {\n record-fields d { "
     "fields = {header_9, header_10, header_11, header_12, header_13, header_14, header_15, "
     "header_16, header_17} }\n}",
     "f:4: record-fields: with this all acct-file sections together want more than 16 header "
     "fields; take some out"},
    {"acct-file a {\n queue-filter = {*/*, example.com}\n}",
     "f:2: queue-filter: 'example.com' is no pattern; write DOMAIN/VMTA, such as example.com/* or "
     "!*/{default}, other alphabets as xn--"},
    {"acct-file a { queue-filter = {!a.example/*, !b.example/*} }",
     "f:1: queue-filter: all of it begins with !, so nothing would be written; add \"*/*\" at its "
     "end"},
    {"acct-file a { records = r\n queue-filter = */* }",
     "f:2: queue-filter: r records have no queue; add others to records or drop it"},
    {"domain a {\n disable-acct-records = {delivery, x}\n}",
     "f:2: disable-acct-records: 'x' is no type of records of deliveries; write d, b, t or tq"},
    {"domain a { disable-acct-records = {tq, receipt} }",
     "f:1: disable-acct-records: 'r' is no type of records of deliveries; write d, b, t or tq"},
    {"acct-file a {\n move-to = /x\n delete-after = 8d\n}",
     "f:3: delete-after: is for files that are not moved; drop it or move-to"},
    {"acct-file a {\n records = {d, r}\n record-fields transient { fields = * }\n}",
     "f:3: record-fields: t is not in records; add it there, or drop this"},
    {"acct-file a {\n record-fields d { fields = \"*,!vmta\" }\n}",
     "f:2: fields: '*,!vmta' is more than one column; write {*, !vmta, header_X}"},
    {"acct-file a { delete-after = ever }",
     "f:1: delete-after: 'ever' is not a time (30s, 5m, 1d12h) from 3600 to 315360000; choose one"},
    {"acct-file a { delete-after = 8 }",
     "f:1: delete-after: '8' is not a time (30s, 5m, 1d12h) from 3600 to 315360000; choose one"},
    {"acct-file a { retry-interval = never }",
     "f:1: retry-interval: 'never' is not a time (30s, 5m, 1d12h) from 1 to 86400; choose one"},
    {"acct-file a {\n privacy-policy = secret\n}",
     "f:2: privacy-policy: no such policy; write retain, redact, {redact, TEXT}, {siphash, KEY}, "
     "{siphash-hexkey, HEX}, {hmac-sha256, KEY} or {hmac-sha256-hexkey, HEX}"},
    {"acct-file a { privacy-policy = {siphash, \"too short\"} }",
     "f:1: privacy-policy: siphash has a key of 16 bytes; write {siphash, KEY}, or "
     "{siphash-hexkey, HEX} with 32 digits"},
    {"host-name = a.test\ntls-reports = yes",
     "f:2: tls-reports: needs tls-report-contact, whom readers of reports may ask, such as "
     "tls@example.com"},
    {"tls-reports = yes\ntls-report-contact = +49-1",
     "f:2: tls-report-contact: '+49-1' is no mail address, so tls-report-from must be one, such as "
     "tls@example.com"},
    {"tls-report-from = \"a@b>\"",
     "f:1: tls-report-from: 'a@b>' is no mail address; write tls@example.com"},
    {"tls-report-from = \"a@b@c\"",
     "f:1: tls-report-from: 'a@b@c' is no mail address; write tls@example.com"},
    {"tls-report-organization = \"a\xff\"",
     "f:1: tls-report-organization: is not one line of UTF-8; write a name"},
    {"tls-report-contact = \"\xff\"",
     "f:1: tls-report-contact: is not one line of UTF-8; write tls@example.com"},
    {"tls-report-server = localhost",
     "f:1: tls-report-server: 'localhost' is no server; write 127.0.0.1:25, [::1]:25 or "
     "unix:/PATH"},
    {"bounce-category-patterns {\n /a(b/ other\n}",
     "f:2: bounce-category-patterns: /a(b/: missing closing parenthesis, after 3 bytes; mend the "
     "pattern"},
    {"bounce-category-patterns {\n\n /spam/ spam-realted\n}",
     "f:3: bounce-category-patterns: no such category 'spam-realted'; is it spam-related?"},
    {"bounce-category-patterns { /spam/ \"very bad\" }",
     "f:1: bounce-category-patterns: 'very bad' is no category; write letters, digits and -, such "
     "as spam-related"},
    {"bounce-category-patterns {\n /spam/\n /b/ other\n}",
     "f:2: bounce-category-patterns: behind /spam/ stands one category; write /PATTERN/ CATEGORY, "
     "comments begin with #"},
    {"bounce-category-patterns {\n // what follows is\n}",
     "f:2: bounce-category-patterns: behind // stands one category; write /PATTERN/ CATEGORY, "
     "comments begin with #"},
    {"bounce-category-patterns {\n /spam spam-related\n}\nworkers = 0",
     "f:2: /: the pattern has no closing / on its line, or a control byte in it; write /PATTERN/ "
     "CATEGORY"},
    {"bounce-category-patterns {\n /http://x/ spam-related\n}",
     "f:2: /: a space is missing behind the pattern; a / in it is written \\/, modifiers are not "
     "taken, and case never counts"},
    {"bounce-category-patterns { spam spam-related }",
     "f:1: spam: no pattern; write /PATTERN/ CATEGORY"},
    {"bounce-category-patterns { }\nbounce-category-patterns { }",
     "f:2: bounce-category-patterns: the section is there twice, first in f:1; make one section of "
     "them"},
    {"/a/ other", "f:1: /a/: not a name; names are letters, digits and -"},
    {"acct-file a { record-fields d { } record-fields delivery { } }",
     "f:1: record-fields: d is there twice, first in f:1; make one section of them"},
    {"acct-file \"|/bin/sh -c x\" { world-readable = no }",
     "f:1: world-readable: is for files, not for programs; drop it"},
    {"acct-file |/bin/sh { move-to = /x }",
     "f:1: move-to: is for files, not for programs; drop it"},
    {"acct-file |/bin/sh { move-interval = 1d }",
     "f:1: move-interval: is for files, not for programs; drop it"},
    {"acct-file |/bin/sh {\n delete-after = 8d\n}",
     "f:2: delete-after: is for files, not for programs; drop it"},
    {"acct-file |/bin/sh { count-moved-records = yes }",
     "f:1: count-moved-records: is for files, not for programs; drop it"},
    {"acct-file |/etc/passwd { }",
     "f:1: acct-file: /etc/passwd cannot be run; write a program, or chmod +x it"},
    {"acct-file |/etc { }", "f:1: acct-file: /etc cannot be run; write a program, or chmod +x it"},
    {"acct-file |/nowhere/x { }",
     "f:1: acct-file: /nowhere/x: No such file or directory; install it, or write where it is"},
    {"acct-file |sh { }",
     "f:1: acct-file: a program is named by its whole path; write |/usr/bin/PROGRAM ARGUMENTS"},
};

static void test_mistakes(void **state)
{
    static char why[65536];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(mistakes); i++) {
        struct settings *s = settings_read_text(span_of(mistakes[i].text), "f", why, sizeof why);

        assert_string_equal(why, mistakes[i].why);
        assert_null(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mistakes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration: what is read. What is said of mistakes is in mistakes.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/settings.h"

static char why[65536];

static struct settings *read_text(const char *text)
{
    return settings_read_text(span_of(text), "f", why, sizeof why);
}

static struct settings *read_good(const char *text)
{
    struct settings *s = read_text(text);

    assert_string_equal(why, "");
    assert_non_null(s);
    return s;
}

static char folder[] = "/tmp/sallyport-settings-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static struct settings *read_file(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return settings_read(path, why, sizeof why);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
    static const char *const names[] = {"conf",  "cert.pem", "other.pem",  "a.inc",
                                        "b.inc", "loop.inc", "sub/x.conf", "sub/y.conf"};
    char path[128];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/sub", folder);
    rmdir(path);
    return rmdir(folder);
}

/* The design's sample, but for the places of the certificates. */
#define SAMPLE(first, second)                                                  \
    "smtp-listener 0.0.0.0:25  { }\n"                                          \
    "smtp-listener 0.0.0.0:465 { tls = yes }\n"                                \
    "smtp-server-tls-certificate = {" first ", \"YourPasswordHere\"}\n"        \
    "\n"                                                                       \
    "source 0/0 {\n"                                                           \
    "    allow-starttls = yes\n"                                               \
    "    require-starttls-before-auth = yes\n"                                 \
    "    allow-unencrypted-plain-auth = no\n"                                  \
    "}\n"                                                                      \
    "domain * {\n"                                                             \
    "    use-starttls = yes\n"                                                 \
    "    require-starttls = no\n"                                              \
    "}\n"                                                                      \
    "domain super-secure-server.com {\n"                                       \
    "    smtp-client-certificate = {" second ", password}\n"                   \
    "    use-starttls = yes\n"                                                 \
    "    require-starttls = yes\n"                                             \
    "}\n"                                                                      \
    "acct-file /var/log/sallyport/logacct.csv {\n"                             \
    "    records = {d, b}\n"                                                   \
    "    record-fields d { fields = {\"*\", dlvTlsProtocol, dlvTlsCipher} }\n" \
    "    record-fields b { fields = {\"*\", dlvTlsProtocol, dlvTlsCipher} }\n" \
    "}\n"

static void check_sample_in(const struct settings *s)
{
    char at[ADDR_TEXT], path[128];

    assert_int_equal(s->smtp_listener_count, 2);
    assert_string_equal(addr_port_text(&s->smtp_listeners[0].at, at), "0.0.0.0:25");
    assert_string_equal(addr_port_text(&s->smtp_listeners[1].at, at), "0.0.0.0:465");
    assert_false(s->smtp_listeners[0].tls);
    assert_true(s->smtp_listeners[1].tls);
    assert_int_equal(s->smtp_listeners[1].tls_certificate.count, 1);
    snprintf(path, sizeof path, "%s/cert.pem", folder);
    assert_string_equal(s->smtp_listeners[1].tls_certificate.at[0].file, path);
    assert_string_equal(s->smtp_listeners[1].tls_certificate.at[0].password, "YourPasswordHere");
    assert_string_equal(settings_backend(s, s->smtp_listeners)->head.title, "default");
    assert_string_equal(addr_port_text(&settings_backend(s, s->smtp_listeners)->servers->at, at),
                        "127.0.0.1:10025");
}

static void check_sample_out(const struct settings *s)
{
    const struct acct_file *acct = s->acct_files;
    const struct domain *d;
    char path[128];

    d = domains_find(s->domains, SPAN("Super-Secure-Server.com"));
    assert_true(d->use_starttls && d->require_starttls);
    assert_int_equal(d->smtp_client_certificate.count, 1);
    snprintf(path, sizeof path, "%s/other.pem", folder);
    assert_string_equal(d->smtp_client_certificate.at[0].file, path);
    assert_string_equal(d->smtp_client_certificate.at[0].password, "password");
    d = domains_find(s->domains, SPAN("example.com"));
    assert_true(d->use_starttls && !d->require_starttls);
    assert_string_equal(d->head.title, "*");

    assert_int_equal(s->acct_file_count, 1);
    assert_string_equal(acct->head.title, "/var/log/sallyport/logacct.csv");
    assert_int_equal(acct->records.count, 2);
    assert_string_equal(acct->records.at[1], "b");
    assert_int_equal(acct->record_fields_count, 2);
    assert_string_equal(acct->record_fields[1].head.title, "b");
    assert_int_equal(acct->record_fields[1].fields.count, 3);
    assert_string_equal(acct->record_fields[1].fields.at[0], "*");
    assert_string_equal(acct->record_fields[1].fields.at[2], "dlvTlsCipher");
}

static void test_sample(void **state)
{
    struct addr client;
    struct settings *s;
    struct source rule;

    (void)state;
    put("cert.pem", "");
    put("other.pem", "");
    put("conf", SAMPLE("cert.pem", "other.pem"));
    s = read_file("conf");
    assert_string_equal(why, "");
    assert_non_null(s);
    check_sample_in(s);
    check_sample_out(s);
    assert_true(addr_read(SPAN("192.0.2.1"), &client));
    sources_find(s->sources, &client, "", &rule);
    assert_true(rule.allow_starttls && rule.require_starttls_before_auth);
    assert_false(rule.allow_unencrypted_plain_auth);
    settings_free(&s);
    assert_null(s);

    /* As it stands in the design: all that is missing is the two files. */
    assert_null(read_text(SAMPLE("/nowhere/sallyport/smtp-cert.pem", "/nowhere/certificate.pem")));
    assert_string_equal(
        why,
        "f:3: smtp-server-tls-certificate: /nowhere/sallyport/smtp-cert.pem cannot be read (No "
        "such file or directory); name a file that is there and may be read\n"
        "f:15: smtp-client-certificate: /nowhere/certificate.pem cannot be read (No such file or "
        "directory); name a file that is there and may be read");
}

/* What people write without thinking of a parser. */
static void test_words(void **state)
{
    struct settings *s = read_good(
        "\xef\xbb\xbf# a comment\n"
        "host-name=mx.example.com // another\r\n"
        "WORKERS = 2 /* one\n more */ user = \"o'h\\\"x\\\\y\\z ${HOME}\"\n"
        "group = 'it\\'s \"q\"' name-server = {::1, 127.0.0.1@53,}\n"
        "smtp-server-tls-ciphers = HIGH:!ADH:@STRENGTH\n"
        "run-directory = run/it\n"
        "spool-directory = unix:/a//b/*c*/\n"
        "local-addresses = { # here\n 10/8, // there\n\n ::1 }\n"
        "state-directory = \"\"\n"
        "domain [*.]Example.com { smtp-hosts = [::1]:25;mx }\n"
        "domain *\n{\n}\n"
        "source ::/0 {smtp-service=no, allow-auth=yes}source 10.1.0.0/16{allow-auth=FALSE}\n"
        "milter-listener unix:/run/m.sock { }\n"
        "acct-file a.csv { record-fields delivery { fields = {*, !orig, DSNdiag} } }");

    (void)state;
    assert_string_equal(s->host_name, "mx.example.com");
    assert_int_equal(s->global.workers, 2);
    assert_string_equal(s->global.user, "o'h\"x\\y\\z ${HOME}");
    assert_string_equal(s->global.group, "it's \"q\"");
    assert_int_equal(s->global.name_server.count, 2);
    assert_string_equal(s->global.name_server.at[1], "127.0.0.1@53");
    assert_string_equal(s->global.smtp_server_tls_ciphers, "HIGH:!ADH:@STRENGTH");
    assert_string_equal(s->global.run_directory, "run/it");
    assert_string_equal(s->global.spool_directory, "unix:/a//b/*c*/");
    assert_int_equal(s->global.local_addresses.count, 2);
    assert_string_equal(s->global.state_directory, "");
    assert_string_equal(s->domain_sections[0].smtp_hosts, "[::1]:25;mx");
    assert_int_equal(s->domain_section_count, 2);
    assert_int_equal(s->source_section_count, 2);
    assert_false(s->source_sections[0].smtp_service);
    assert_false(s->source_sections[1].allow_auth);
    assert_string_equal(s->milter_listeners[0].head.title, "unix:/run/m.sock");
    assert_string_equal(s->acct_files[0].record_fields[0].head.title, "d");
    assert_int_equal(s->acct_files[0].record_fields[0].fields.count, 3);
    settings_free(&s);
}

static void test_defaults(void **state)
{
    struct settings *s = read_good("smtp-listener 127.0.0.1:25 { }\n"
                                   "relay-listener 127.0.0.1:26 { }\n"
                                   "acct-file /a { record-fields d { } }");
    char text[ADDR_TEXT];

    (void)state;
    assert_true(*s->host_name);
    assert_int_equal(s->global.drain_timeout, 600);
    assert_int_equal(s->global.smtp_server_tls_min_protocol, 2);
    assert_string_equal(s->global.run_directory, "/run/sallyport");
    assert_int_equal(s->relay_listeners[0].allow.count, 2);
    assert_int_equal(s->relay_listeners[0].allow.at[0].bits, 104);
    assert_int_equal(s->relay_listeners[0].allow.at[1].bits, 128);
    assert_string_equal(addr_port_text(&s->relay_listeners[0].at, text), "127.0.0.1:26");
    assert_int_equal(s->acct_files[0].records.count, 2);
    assert_string_equal(s->acct_files[0].records.at[0], "d");
    assert_int_equal(s->acct_files[0].record_fields[0].fields.count, 1);
    assert_string_equal(s->acct_files[0].record_fields[0].fields.at[0], "*");
    assert_int_equal(s->backends[0].identity, IDENTITY_PROXY_V2);
    settings_free(&s);
}

/* A listener's own word counts, else that of the file's own options. */
static void test_inherit(void **state)
{
    struct settings *s;

    (void)state;
    put("cert.pem", "");
    put("other.pem", "");
    put("conf", "smtp-listener 127.0.0.1:25 { backend = one }\n"
                "smtp-listener 127.0.0.1:26 { tls-min-protocol = TLSv1 tls-ciphers = b\n"
                " tls-certificate = other.pem tls-ca-file = other.pem backend = two source = s }\n"
                "smtp-server-tls-certificate = cert.pem\n"
                "smtp-server-tls-certificate = {other.pem, secret}\n"
                "smtp-server-tls-ca-file = cert.pem\n"
                "smtp-server-tls-ciphers = a\n"
                "smtp-server-tls-min-protocol = TLSv1.3\n"
                "backend one { }\n"
                "backend Two { server = [::1]:25 backend-source = ::1 identity = xclient }\n"
                "smtp-listener 127.0.0.1:27 { backend = one }\n"
                "source s { }\n");
    s = read_file("conf");
    assert_string_equal(why, "");
    assert_int_equal(s->smtp_listeners[0].tls_certificate.count, 2);
    assert_string_equal(s->smtp_listeners[0].tls_certificate.at[1].password, "secret");
    assert_int_equal(s->smtp_listeners[0].tls_min_protocol, 3);
    assert_string_equal(s->smtp_listeners[0].tls_ciphers, "a");
    assert_non_null(strstr(s->smtp_listeners[0].tls_ca_file, "/cert.pem"));
    assert_int_equal(s->smtp_listeners[1].tls_certificate.count, 1);
    assert_non_null(strstr(s->smtp_listeners[1].tls_certificate.at[0].file, "/other.pem"));
    assert_int_equal(s->smtp_listeners[1].tls_min_protocol, 0);
    assert_string_equal(s->smtp_listeners[1].tls_ciphers, "b");
    assert_non_null(strstr(s->smtp_listeners[1].tls_ca_file, "/other.pem"));
    assert_string_equal(settings_backend(s, &s->smtp_listeners[1])->head.title, "Two");
    assert_true(settings_backend(s, &s->smtp_listeners[1])->has_from);
    assert_int_equal(settings_backend(s, &s->smtp_listeners[1])->identity, IDENTITY_XCLIENT);
    assert_string_equal(settings_backend(s, &s->smtp_listeners[2])->head.title, "one");
    settings_free(&s);
}

static void test_include(void **state)
{
    char path[128];
    struct settings *s;

    (void)state;
    snprintf(path, sizeof path, "%s/sub", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    put("cert.pem", "");
    put("sub/x.conf", "source 10/8 { }\ninclude \"../b.inc\"\n");
    put("sub/y.conf", "smtp-server-tls-ca-file = ../cert.pem\n");
    put("b.inc", "source 0/0 { }\n");
    put("conf", "include sub/*.conf\ninclude none/*.conf\nworkers = 4\n");
    s = read_file("conf");
    assert_string_equal(why, "");
    assert_int_equal(s->source_section_count, 2);
    assert_int_equal(s->global.workers, 4);
    snprintf(path, sizeof path, "%s/sub/../cert.pem", folder);
    assert_string_equal(s->global.smtp_server_tls_ca_file, path);
    settings_free(&s);

    /* A mistake is said of the file where it is, and reading goes on. */
    put("b.inc", "\nsource 0/0 {\n");
    put("conf", "include b.inc\nworkers = x\n");
    assert_null(read_file("conf"));
    assert_non_null(strstr(why, "/b.inc:2: source 0/0: the section has no closing }; add it\n"));
    assert_non_null(strstr(why, "/conf:2: workers: 'x' is not"));

    put("loop.inc", "include loop.inc\n");
    put("conf", "include loop.inc\n");
    assert_null(read_file("conf"));
    assert_non_null(strstr(why, "/loop.inc:1: include: "));
    assert_non_null(strstr(why, "stands 8 files deep; does it include itself?; mend or drop it"));
}

static void test_no_file(void **state)
{
    (void)state;
    assert_null(settings_read("/nowhere/sallyport.conf", why, sizeof why));
    assert_string_equal(why, "/nowhere/sallyport.conf cannot be read (No such "
                             "file or directory); name another file with -c");
}

/* Whatever room there is, the lines in it are whole. */
static void test_little_room(void **state)
{
    const char *text = "workers = x\nsource 10.0.0.0.1 { }\nuser = a b\n";
    char all[1024], little[1024];

    (void)state;
    assert_null(settings_read_text(span_of(text), "f", all, sizeof all));
    for (size_t size = 0; size < sizeof little; size++) {
        memset(little, 'x', sizeof little);
        assert_null(settings_read_text(span_of(text), "f", little, size));
        if (!size) {
            assert_int_equal(little[0], 'x');
            continue;
        }
        assert_true(strlen(little) < size);
        assert_int_equal(little[size], 'x');
    }
    assert_string_equal(little, all);
}

/* Cut anywhere, a file is read or refused with a reason; nothing worse. */
static void test_cut(void **state)
{
    static const char text[] = SAMPLE("'/dev/null'", "\"/dev/null\"") "/* x */ user = 'a\\'b'\n";

    (void)state;
    for (size_t len = 0; len < sizeof text; len++) {
        struct settings *s = settings_read_text((struct span){text, len}, "f", why, sizeof why);

        assert_int_equal(s == NULL, *why != '\0');
        settings_free(&s);
    }
}

/* Ten thousand sections are read in no time to speak of. */
static void test_many(void **state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    struct settings *s;
    const struct domain *d;

    (void)state;
    assert_non_null(f);
    for (int i = 0; i < 10000; i++)
        fprintf(f, "domain d%d.example {\n    require-starttls = yes\n}\n", i);
    fclose(f);
    s = read_good(text);
    free(text);
    assert_int_equal(s->domain_section_count, 10000);
    d = domains_find(s->domains, SPAN("d9999.example"));
    assert_true(d->require_starttls);
    assert_int_equal(d->head.line, 9999 * 3 + 1);
    settings_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample),      cmocka_unit_test(test_words),
        cmocka_unit_test(test_defaults),    cmocka_unit_test(test_inherit),
        cmocka_unit_test(test_include),     cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_little_room), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}

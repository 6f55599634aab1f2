/* SPDX-License-Identifier: Apache-2.0
 *
 * OCSP responses of every kind: which goes out, with which certificate, and what is said of the
 * others.
 */
#include "net/staple.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ocsp.h>
#include <openssl/ssl.h>

#include "net/cert.h"
#include "net/conn.h"
#include "net/tls.h"
#include "t/lib/ca.h"
#include "t/lib/pair.h"
#include "unit.h"

static struct ca_cert root, other_root, ec, rsa, someone, helper;
static const char *ec_file, *rsa_file, *bare_file, *root_file;
static struct tls *client;

static int set_up(void **state)
{
    const int whole = CA_KEY | CA_CERT | CA_ISSUER;

    (void)state;
    root = ca_make(&(struct ca_wish){.subject = "root", .is_ca = 1});
    other_root = ca_make(&(struct ca_wish){.subject = "root", .is_ca = 1});
    ec = ca_make(&(struct ca_wish){.subject = "mx", .names = "DNS:mx.example", .issuer = &root});
    rsa = ca_make(&(struct ca_wish){
        .subject = "mx", .names = "DNS:mx.example", .issuer = &root, .type = "RSA"});
    someone = ca_make(&(struct ca_wish){.subject = "someone", .issuer = &root});
    helper = ca_make(&(struct ca_wish){.subject = "ocsp", .issuer = &root, .use = "OCSPSigning"});
    ec_file = ca_write("ec.pem", &ec, &root, whole, NULL);
    rsa_file = ca_write("rsa.pem", &rsa, &root, whole, NULL);
    bare_file = ca_write("bare.pem", &ec, &root, CA_KEY | CA_CERT, NULL);
    root_file = ca_write("root.pem", &root, &root, CA_CERT, NULL);
    client = pair_client(root_file);
    return 0;
}

static int tear_down(void **state)
{
    struct ca_cert *all[] = {&root, &other_root, &ec, &rsa, &someone, &helper};

    (void)state;
    tls_free(&client);
    for (size_t i = 0; i < COUNT_OF(all); i++)
        ca_free(all[i]);
    ca_sweep();
    return 0;
}

/* Zeroes are what is usual: good, by the root, from an hour ago until in an hour. */
struct wish {
    const struct ca_cert *about, *signer;
    const char *with_hash;
    int status, from, until;
    bool has_no_end;
};

static OCSP_RESPONSE *make(const struct wish *w)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_get_digestbyname(w->with_hash ? w->with_hash : "SHA1"),
                                      w->about->cert, root.cert);
    const struct ca_cert *signer = w->signer ? w->signer : &root;
    ASN1_TIME *from = X509_gmtime_adj(NULL, w->from ? w->from : -3600);
    ASN1_TIME *until = w->has_no_end ? NULL : X509_gmtime_adj(NULL, w->until ? w->until : 3600);
    ASN1_TIME *revoked = w->status == V_OCSP_CERTSTATUS_REVOKED ? from : NULL;

    assert_non_null(OCSP_basic_add1_status(basic, id, w->status, 0, revoked, from, until));
    assert_int_equal(1, OCSP_basic_sign(basic, signer->cert, signer->key, EVP_sha256(), NULL, 0));

    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);

    assert_non_null(response);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(basic);
    return response;
}

static const char *write_response(const char *name, OCSP_RESPONSE *response)
{
    static char paths[8][128];
    static unsigned turn;
    char *path = paths[turn++ % 8];

    (void)snprintf(path, sizeof paths[0], "%s/%s", ca_folder(), name);
    BIO *to = BIO_new_file(path, "wb");

    assert_true(i2d_OCSP_RESPONSE_bio(to, response) > 0);
    BIO_free(to);
    OCSP_RESPONSE_free(response);
    return path;
}

static struct tls *serve(const char *const *certs, size_t count, const char *const *responses,
                         size_t response_count)
{
    struct cert_file at[2];
    char why[256] = "";

    for (size_t i = 0; i < count; i++)
        at[i] = (struct cert_file){certs[i], ""};
    struct tls_server_conf conf = {.certs = {at, count},
                                   .ocsp_files = {responses, response_count},
                                   .least = TLS_1_2,
                                   .ciphers = "",
                                   .ciphersuites = "",
                                   .ca_file = ""};
    struct tls *t = tls_server_new(&conf, NULL, why, sizeof why);

    assert_string_equal("", why);
    return t;
}

/* The serial number that the response is about which comes with a handshake; 0: none came. */
static long comes(struct tls *server, const char *sigalgs, int version, bool asks)
{
    struct pair p = pair_open(0);
    const unsigned char *der;
    long len, serial = 0;

    p.client.tls = tls_begin(client);
    SSL_set_fd(p.client.tls, p.client.fd);
    SSL_set_max_proto_version(p.client.tls, version);
    SSL_set1_sigalgs_list(p.client.tls, sigalgs);
    if (asks)
        SSL_set_tlsext_status_type(p.client.tls, TLSEXT_STATUSTYPE_ocsp);
    pair_shake(&p, client, server, "mx.example", NULL);
    assert_int_equal(CONN_SOME, p.client_got);
    len = SSL_get_tlsext_status_ocsp_resp(p.client.tls, &der);
    if (len > 0) {
        OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &der, len);
        OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
        const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(OCSP_resp_get0(basic, 0));
        ASN1_INTEGER *number;

        OCSP_id_get0_info(NULL, NULL, NULL, &number, (OCSP_CERTID *)id);
        serial = ASN1_INTEGER_get(number);
        OCSP_BASICRESP_free(basic);
        OCSP_RESPONSE_free(response);
    }
    pair_close(&p);
    return serial;
}

static struct dated shown;
static unsigned count;

static void keep(void *arg, const struct dated *d)
{
    (void)arg;
    if (strcmp(d->kind, "certificate") == 0)
        return;
    shown = *d;
    count++;
}

static void test_kinds(void **state)
{
    const struct {
        struct wish wish;
        const char *cert, *flaw; /* NULL: none */
    } cases[] = {
        {{.about = &ec}, ec_file, NULL},
        {{.about = &ec}, bare_file, NULL},
        {{.about = &ec, .with_hash = "SHA256"}, ec_file, NULL},
        {{.about = &ec, .with_hash = "SHA256"}, bare_file, NULL},
        {{.about = &ec, .has_no_end = true}, ec_file, NULL},
        {{.about = &ec, .signer = &helper}, ec_file, NULL},
        {{.about = &ec, .signer = &someone}, ec_file, "its signature is not"},
        {{.about = &ec, .signer = &other_root}, ec_file, "its signature is not"},
        {{.about = &someone}, ec_file, "about none of our certificates"},
        {{.about = &rsa}, ec_file, "about none of our certificates"},
        {{.about = &ec, .status = V_OCSP_CERTSTATUS_REVOKED}, ec_file, "revoked; get another"},
        {{.about = &ec, .status = V_OCSP_CERTSTATUS_REVOKED}, bare_file, "revoked; get another"},
        {{.about = &ec, .status = V_OCSP_CERTSTATUS_UNKNOWN}, ec_file, "does not say"},
        {{.about = &ec, .from = -7200, .until = -60}, ec_file, "has expired; fetch"},
        {{.about = &ec, .from = 4000, .until = 7200}, ec_file, "not valid yet"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *response = write_response("x.ocsp", make(&cases[i].wish));
        struct tls *server = serve(&cases[i].cert, 1, &response, 1);
        const char *flaw = cases[i].flaw ? cases[i].flaw : "good";

        count = 0;
        tls_show(server, keep, NULL);
        assert_int_equal(1, count);
        assert_string_equal(response, shown.file);
        assert_false(shown.warns);
        assert_row(!shown.flaw == !cases[i].flaw, flaw);
        assert_row(!shown.flaw || strstr(shown.flaw, flaw), shown.flaw);
        for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
            long serial = comes(server, "ECDSA+SHA256", version, true);

            assert_row(serial ==
                           (cases[i].flaw ? 0 : ASN1_INTEGER_get(X509_get0_serialNumber(ec.cert))),
                       flaw);
            assert_int_equal(0, comes(server, "ECDSA+SHA256", version, false));
        }
        tls_free(&server);
    }
}

/* Both have the same name: what goes out is about the one that the client gets. */
static void test_choice(void **state)
{
    const char *certs[] = {ec_file, rsa_file};
    const char *responses[] = {write_response("rsa.ocsp", make(&(struct wish){.about = &rsa})),
                               write_response("ec.ocsp", make(&(struct wish){.about = &ec}))};
    struct tls *server = serve(certs, 2, responses, 2);
    long of_ec = ASN1_INTEGER_get(X509_get0_serialNumber(ec.cert));
    long of_rsa = ASN1_INTEGER_get(X509_get0_serialNumber(rsa.cert));

    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        assert_int_equal(of_ec, comes(server, "ECDSA+SHA256", version, true));
        assert_int_equal(of_rsa, comes(server, "RSA-PSS+SHA256:RSA+SHA256", version, true));
    }
    tls_free(&server);
    /* Only one of them has a response. */
    server = serve(certs, 2, &responses[0], 1);
    assert_int_equal(0, comes(server, "ECDSA+SHA256", TLS1_3_VERSION, true));
    assert_int_equal(of_rsa, comes(server, "RSA-PSS+SHA256", TLS1_3_VERSION, true));
    tls_free(&server);
}

/* All that ends, of both sides. */
static struct dated all[4];
static size_t all_count;

static void keep_all(void *arg, const struct dated *d)
{
    (void)arg;
    assert_in_range(all_count, 0, COUNT_OF(all) - 1);
    all[all_count++] = *d;
}

static void test_show(void **state)
{
    struct cert_file at[] = {{ec_file, ""}, {rsa_file, ""}};
    struct tls_server_conf conf = {.certs = {at, 2},
                                   .least = TLS_1_2,
                                   .ca_file = root_file,
                                   .crl_file = ca_crl("x.crl", &root, NULL, -1, 3)};
    struct tls_client_conf call = {.cert = {rsa_file, ""}, .ca_file = "", .least = TLS_1_2};
    char why[256] = "";
    struct tls *t = tls_server_new(&conf, NULL, why, sizeof why);

    (void)state;
    assert_string_equal("", why);
    all_count = 0;
    tls_show(t, keep_all, NULL);
    assert_int_equal(3, all_count);
    assert_string_equal("certificate", all[0].kind);
    assert_string_equal(ec_file, all[0].file);
    assert_string_equal("mx.example", all[0].names);
    assert_true(all[0].warns && !all[0].flaw);
    assert_string_equal(rsa_file, all[1].file);
    assert_string_equal("revocation list", all[2].kind);
    assert_string_equal(conf.crl_file, all[2].file);
    assert_in_range(all[2].until, time(NULL) + 86400 * 2, time(NULL) + 86400 * 4);
    assert_false(all[2].warns);
    tls_free(&t);
    t = tls_client_new(&call, why, sizeof why);
    assert_string_equal("", why);
    all_count = 0;
    tls_show(t, keep_all, NULL);
    assert_int_equal(1, all_count);
    assert_string_equal("mx.example", all[0].names);
    tls_free(&t);
}

/* It is good when it is read, and not when it is asked for. */
static void test_ends(void **state)
{
    const char *response =
        write_response("short.ocsp", make(&(struct wish){.about = &ec, .until = 1}));
    struct tls *server = serve(&ec_file, 1, &response, 1);
    time_t begun = time(NULL);

    (void)state;
    count = 0;
    tls_show(server, keep, NULL);
    while (time(NULL) <= begun + 1)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    assert_int_equal(0, comes(server, "ECDSA+SHA256", TLS1_3_VERSION, true));
    assert_true(shown.until <= begun + 2);
    tls_free(&server);
}

static void test_not_one(void **state)
{
    char missing[160];
    const char *files[] = {
        missing, ec_file,
        write_response("later.ocsp", OCSP_response_create(OCSP_RESPONSE_STATUS_TRYLATER, NULL)),
        write_response("cut.ocsp", make(&(struct wish){.about = &ec}))};
    const char *flaws[] = {"No such file", "no OCSP response (DER)", "had no answer",
                           "no OCSP response (DER)"};

    (void)state;
    snprintf(missing, sizeof missing, "%s/none.ocsp", ca_folder());
    FILE *f = fopen(files[3], "r+");

    assert_int_equal(0, ftruncate(fileno(f), 100));
    fclose(f);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct tls *server = serve(&ec_file, 1, &files[i], 1);

        tls_show(server, keep, NULL);
        assert_non_null(shown.flaw);
        assert_row(strstr(shown.flaw, flaws[i]), shown.flaw);
        assert_int_equal(0, comes(server, "ECDSA+SHA256", TLS1_3_VERSION, true));
        tls_free(&server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds), cmocka_unit_test(test_choice),  cmocka_unit_test(test_show),
        cmocka_unit_test(test_ends),  cmocka_unit_test(test_not_one),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

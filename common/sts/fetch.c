/* SPDX-License-Identifier: Apache-2.0 */
#include "sts/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sts/multi.h"
#include "sts/sts_policy.h"

enum { HEADERS_MOST = 32 << 10, HOST_MOST = 300 };

struct fetcher {
    struct fetch_rules rules;
    struct multi multi;
    struct curl_slist *accept; /* header lines of ours */
    LIST_HEAD(, fetch) open;
};

struct fetch {
    LIST_ENTRY(fetch) link;
    struct fetcher *fetcher;
    CURL *easy;
    struct curl_slist *type;   /* of what is posted: a header line */
    CURLSH *share;             /* with the addresses, which are nobody else's */
    struct curl_slist *pinned; /* HOST:PORT:ADDRESSES */
    struct addr at[FETCH_ADDRESSES];
    size_t count, headers, len;
    bool is_big;
    char text[STS_POLICY_TEXT];
    char error[CURL_ERROR_SIZE];
    fetched_fn *fn;
    void *arg;
};

static void end(struct fetch *f)
{
    LIST_REMOVE(f, link);
    if (f->easy) {
        curl_multi_remove_handle(f->fetcher->multi.curl, f->easy);
        curl_easy_cleanup(f->easy);
    }
    if (f->share)
        curl_share_cleanup(f->share);
    curl_slist_free_all(f->pinned);
    curl_slist_free_all(f->type);
    free(f);
}

static void answer(struct fetch *f, enum sts_trouble trouble, const char *why)
{
    struct fetched is = {.trouble = trouble, .why = why, .text = {f->text, f->len}};

    f->fn(f->arg, &is);
    end(f);
}

static bool is_plain_text(CURL *easy)
{
    char *type = NULL;
    struct span rest, media;

    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    if (!type)
        return false;
    rest = span_of(type);
    media = span_cut(&rest, ';');
    while (media.len > 0 && (media.at[media.len - 1] == ' ' || media.at[media.len - 1] == '\t'))
        media.len--;
    return span_is_nocase(media, "text/plain");
}

static void judge_answer(struct fetch *f)
{
    char why[64];
    long status = 0;

    curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
    snprintf(why, sizeof why, "HTTP status %ld, not 200", status);
    if (f->type && status / 100 == 2)
        answer(f, STS_FINE, "");
    else if (status != 200)
        answer(f, STS_FETCH_ERROR, why);
    else if (!is_plain_text(f->easy))
        answer(f, STS_INVALID, "its type is not text/plain");
    else
        answer(f, STS_FINE, "");
}

static void settle(void *transfer, CURLcode code)
{
    struct fetch *f = transfer;
    const char *why = *f->error ? f->error : curl_easy_strerror(code);

    if (code == CURLE_OK)
        judge_answer(f);
    else if (f->is_big || code == CURLE_FILESIZE_EXCEEDED)
        answer(f, STS_INVALID, "it is larger than 64 KB");
    else if (code == CURLE_PEER_FAILED_VERIFICATION)
        answer(f, STS_WEBPKI_INVALID, why);
    else
        answer(f, STS_FETCH_ERROR, why);
}

/* The last word on where we connect to: libcurl has no address but ours. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct fetch *f = arg;
    struct addr at;

    (void)purpose;
    if (!addr_of_sockaddr(&to->addr, &at))
        return CURL_SOCKET_BAD;
    for (size_t i = 0; i < f->count; i++)
        if (memcmp(at.ip, f->at[i].ip, sizeof at.ip) == 0)
            return socket(to->family, to->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, to->protocol);
    return CURL_SOCKET_BAD;
}

static size_t take_text(char *bytes, size_t one, size_t count, void *arg)
{
    struct fetch *f = arg;

    f->is_big = count * one > sizeof f->text - f->len;
    if (f->is_big)
        return 0;
    memcpy(f->text + f->len, bytes, count * one);
    f->len += count * one;
    return count * one;
}

/* They are not kept by us, but by libcurl. */
static size_t count_headers(char *bytes, size_t one, size_t count, void *arg)
{
    struct fetch *f = arg;

    (void)bytes;
    f->headers += count * one;
    return f->headers <= HEADERS_MOST ? count * one : 0;
}

static void add_text(char *to, size_t size, const char *text)
{
    size_t used = strlen(to);

    snprintf(to + used, size - used, "%s", text);
}

static bool pin(struct fetch *f, const char *host)
{
    char line[HOST_MOST + 32 + FETCH_ADDRESSES * (ADDR_TEXT + 3)], ip[ADDR_TEXT];

    snprintf(line, sizeof line, "%s:%u:", host, f->fetcher->rules.port);
    for (size_t i = 0; i < f->count; i++) {
        bool is_v4 = addr_is_v4(&f->at[i]);

        add_text(line, sizeof line, i > 0 ? "," : "");
        add_text(line, sizeof line, is_v4 ? "" : "[");
        add_text(line, sizeof line, addr_text(&f->at[i], ip));
        add_text(line, sizeof line, is_v4 ? "" : "]");
    }
    f->pinned = curl_slist_append(NULL, line);
    f->share = curl_share_init();
    return f->pinned && f->share &&
           curl_share_setopt(f->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) == CURLSHE_OK;
}

#define SET(option, value) (curl_easy_setopt(f->easy, CURLOPT_##option, value) == CURLE_OK)

static bool set_bounds(struct fetch *f)
{
    return SET(TIMEOUT_MS, (long)(f->fetcher->rules.seconds * 1000)) &&
           SET(MAXFILESIZE, (long)STS_POLICY_TEXT) && SET(PROTOCOLS_STR, "https") &&
           SET(FOLLOWLOCATION, 0L) && SET(PROXY, "") && SET(NOSIGNAL, 1L) &&
           SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) && SET(HTTP09_ALLOWED, 0L) &&
           SET(FRESH_CONNECT, 1L) && SET(FORBID_REUSE, 1L);
}

static bool set_addresses(struct fetch *f)
{
    return SET(SHARE, f->share) && SET(RESOLVE, f->pinned) &&
           SET(OPENSOCKETFUNCTION, open_socket) && SET(OPENSOCKETDATA, f);
}

static bool set_tls(struct fetch *f)
{
    struct span cas = f->fetcher->rules.cas;
    struct curl_blob blob = {
        .data = (void *)(uintptr_t)cas.at, .len = cas.len, .flags = CURL_BLOB_NOCOPY};

    if (cas.len > 0 && !(SET(CAINFO, NULL) && SET(CAPATH, NULL) && SET(CAINFO_BLOB, &blob)))
        return false;
    return SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           SET(SSL_VERIFYPEER, f->fetcher->rules.trusts_all ? 0L : 1L) &&
           SET(SSL_VERIFYHOST, f->fetcher->rules.trusts_all ? 0L : 2L) &&
           SET(SSL_SESSIONID_CACHE, 0L);
}

static bool set_request(struct fetch *f, const char *url)
{
    return SET(URL, url) && SET(PRIVATE, f) && SET(ERRORBUFFER, f->error) &&
           SET(USERAGENT, "sallyport") && SET(HTTPHEADER, f->type ? f->type : f->fetcher->accept) &&
           SET(WRITEFUNCTION, take_text) && SET(WRITEDATA, f) &&
           SET(HEADERFUNCTION, count_headers) && SET(HEADERDATA, f);
}

static bool set_up(struct fetch *f, const char *host, const char *url)
{
    return (f->easy = curl_easy_init()) && pin(f, host) && set_bounds(f) && set_addresses(f) &&
           set_tls(f) && set_request(f, url);
}

/* Without `Expect: 100-continue`: what is posted is small, and some servers do not know that. */
static bool set_type(struct fetch *f, const char *type)
{
    struct curl_slist *more;
    char line[128];

    snprintf(line, sizeof line, "Content-Type: %s", type);
    if (!(f->type = curl_slist_append(NULL, line)) ||
        !(more = curl_slist_append(f->type, "Expect:")))
        return false;
    f->type = more;
    return true;
}

static bool set_body(struct fetch *f, struct span body)
{
    return SET(POST, 1L) && SET(POSTFIELDSIZE_LARGE, (curl_off_t)body.len) &&
           SET(POSTFIELDS, body.at);
}

struct fetcher *fetcher_new(struct event_base *base, const struct fetch_rules *rules, char *why,
                            size_t size)
{
    struct fetcher *f = calloc(1, sizeof *f);

    if (f && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        f->rules = *rules;
        LIST_INIT(&f->open);
        if (multi_init(&f->multi, base, settle) &&
            (f->accept = curl_slist_append(NULL, "Accept: text/plain")))
            return f;
        fetcher_free(&f);
    }
    free(f);
    snprintf(why, size, "libcurl does not start");
    return NULL;
}

void fetcher_free(struct fetcher **f)
{
    struct fetch *one;

    if (!*f)
        return;
    while ((one = LIST_FIRST(&(*f)->open)))
        end(one);
    multi_clear(&(*f)->multi);
    curl_slist_free_all((*f)->accept);
    curl_global_cleanup();
    free(*f);
    *f = NULL;
}

/* NULL: no memory, and that was told. */
static struct fetch *fetch_new(struct fetcher *f, const struct addr *at, size_t count,
                               fetched_fn *fn, void *arg)
{
    struct fetched none = {.trouble = STS_FETCH_ERROR, .why = "out of memory"};
    struct fetch *one = calloc(1, sizeof *one);

    if (!one) {
        fn(arg, &none);
        return NULL;
    }
    one->fetcher = f;
    one->fn = fn;
    one->arg = arg;
    one->count = count < FETCH_ADDRESSES ? count : FETCH_ADDRESSES;
    memcpy(one->at, at, one->count * sizeof *at);
    LIST_INSERT_HEAD(&f->open, one, link);
    return one;
}

static void begin(struct fetch *f, bool is_set)
{
    if (!is_set || curl_multi_add_handle(f->fetcher->multi.curl, f->easy) != CURLM_OK)
        answer(f, STS_FETCH_ERROR, "libcurl does not take the request");
}

void fetch_start(struct fetcher *f, const char *domain, const struct addr *at, size_t count,
                 fetched_fn *fn, void *arg)
{
    struct fetch *one = fetch_new(f, at, count, fn, arg);
    char host[HOST_MOST], url[HOST_MOST + 64];

    if (!one)
        return;
    snprintf(host, sizeof host, "mta-sts.%s", domain);
    snprintf(url, sizeof url, "https://%s:%u/.well-known/mta-sts.txt", host, f->rules.port);
    begin(one, set_up(one, host, url));
}

void fetch_post(struct fetcher *f, const struct fetch_posted *p, const struct addr *at,
                size_t count, fetched_fn *fn, void *arg)
{
    struct fetch *one = fetch_new(f, at, count, fn, arg);

    if (one)
        begin(one,
              set_type(one, p->type) && set_up(one, p->host, p->url) && set_body(one, p->body));
}

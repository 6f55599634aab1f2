/* SPDX-License-Identifier: Apache-2.0 */
#include "sts/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "net/conn.h"
#include "net/watch.h"
#include "sts/sts_policy.h"

enum { HEADERS_MOST = 32 << 10, HOST_MOST = 300 };

struct fetcher {
    struct event_base *base;
    struct fetch_rules rules;
    CURLM *multi;
    struct curl_slist *accept; /* header lines of ours */
    struct alarm alarm;
    LIST_HEAD(, fetch) open;
};

struct fetch {
    LIST_ENTRY(fetch) link;
    struct fetcher *fetcher;
    CURL *easy;
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

/* A descriptor that libcurl wants watched. */
struct socket_watch {
    struct fetcher *fetcher;
    curl_socket_t fd;
    struct watch watch;
};

static void end(struct fetch *f)
{
    LIST_REMOVE(f, link);
    if (f->easy) {
        curl_multi_remove_handle(f->fetcher->multi, f->easy);
        curl_easy_cleanup(f->easy);
    }
    if (f->share)
        curl_share_cleanup(f->share);
    curl_slist_free_all(f->pinned);
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
    if (status != 200)
        answer(f, STS_FETCH_ERROR, why);
    else if (!is_plain_text(f->easy))
        answer(f, STS_INVALID, "its type is not text/plain");
    else
        answer(f, STS_FINE, "");
}

static void settle(struct fetch *f, CURLcode code)
{
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

static void take_finished(struct fetcher *f)
{
    CURLMsg *said;
    int left;

    while ((said = curl_multi_info_read(f->multi, &left))) {
        struct fetch *one = NULL;
        CURLcode code = said->data.result;

        if (said->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(said->easy_handle, CURLINFO_PRIVATE, &one);
        settle(one, code);
    }
}

static void go_on(struct fetcher *f, curl_socket_t fd)
{
    int running;

    curl_multi_socket_action(f->multi, fd, 0, &running);
    take_finished(f);
}

static void on_ready(void *arg)
{
    struct socket_watch *w = arg;

    go_on(w->fetcher, w->fd); /* which may be its end */
}

static void on_time(void *arg)
{
    go_on(arg, CURL_SOCKET_TIMEOUT);
}

static int want_time(CURLM *multi, long milliseconds, void *arg)
{
    struct fetcher *f = arg;

    (void)multi;
    if (milliseconds < 0)
        alarm_stop(&f->alarm);
    else
        alarm_set(&f->alarm, (double)milliseconds / 1000);
    return 0;
}

static void forget_socket(struct fetcher *f, curl_socket_t fd, struct socket_watch *w)
{
    if (!w)
        return;
    watch_want(&w->watch, -1, 0);
    curl_multi_assign(f->multi, fd, NULL);
    free(w);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct fetcher *f = arg;
    struct socket_watch *w = known;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        forget_socket(f, fd, w);
        return 0;
    }
    if (!w) {
        if (!(w = calloc(1, sizeof *w)))
            return -1;
        *w = (struct socket_watch){.fetcher = f, .fd = fd};
        watch_init(&w->watch, f->base, on_ready, w);
        curl_multi_assign(f->multi, fd, w);
    }
    watch_want(&w->watch, fd,
               (what & CURL_POLL_IN ? CONN_IN : 0u) | (what & CURL_POLL_OUT ? CONN_OUT : 0u));
    return 0;
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
    return SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) && SET(SSL_VERIFYPEER, 1L) &&
           SET(SSL_VERIFYHOST, 2L) && SET(SSL_SESSIONID_CACHE, 0L);
}

static bool set_request(struct fetch *f, const char *url)
{
    return SET(URL, url) && SET(PRIVATE, f) && SET(ERRORBUFFER, f->error) &&
           SET(USERAGENT, "sallyport") && SET(HTTPHEADER, f->fetcher->accept) &&
           SET(WRITEFUNCTION, take_text) && SET(WRITEDATA, f) &&
           SET(HEADERFUNCTION, count_headers) && SET(HEADERDATA, f);
}

static bool set_up(struct fetch *f, const char *domain)
{
    char host[HOST_MOST], url[HOST_MOST + 64];

    snprintf(host, sizeof host, "mta-sts.%s", domain);
    snprintf(url, sizeof url, "https://%s:%u/.well-known/mta-sts.txt", host,
             f->fetcher->rules.port);
    return (f->easy = curl_easy_init()) && pin(f, host) && set_bounds(f) && set_addresses(f) &&
           set_tls(f) && set_request(f, url) &&
           curl_multi_add_handle(f->fetcher->multi, f->easy) == CURLM_OK;
}

static bool set_up_multi(struct fetcher *f)
{
    return (f->accept = curl_slist_append(NULL, "Accept: text/plain")) &&
           (f->multi = curl_multi_init()) &&
           curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, want_socket) == CURLM_OK &&
           curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f) == CURLM_OK &&
           curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, want_time) == CURLM_OK &&
           curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f) == CURLM_OK;
}

struct fetcher *fetcher_new(struct event_base *base, const struct fetch_rules *rules, char *why,
                            size_t size)
{
    struct fetcher *f = calloc(1, sizeof *f);

    if (f && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        f->base = base;
        f->rules = *rules;
        LIST_INIT(&f->open);
        alarm_init(&f->alarm, base, on_time, f);
        if (set_up_multi(f))
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
    if ((*f)->multi)
        curl_multi_cleanup((*f)->multi);
    curl_slist_free_all((*f)->accept);
    alarm_stop(&(*f)->alarm);
    curl_global_cleanup();
    free(*f);
    *f = NULL;
}

void fetch_start(struct fetcher *f, const char *domain, const struct addr *at, size_t count,
                 fetched_fn *fn, void *arg)
{
    struct fetched none = {.trouble = STS_FETCH_ERROR, .why = "out of memory"};
    struct fetch *one = calloc(1, sizeof *one);

    if (!one) {
        fn(arg, &none);
        return;
    }
    one->fetcher = f;
    one->fn = fn;
    one->arg = arg;
    one->count = count < FETCH_ADDRESSES ? count : FETCH_ADDRESSES;
    memcpy(one->at, at, one->count * sizeof *at);
    LIST_INSERT_HEAD(&f->open, one, link);
    if (!set_up(one, domain))
        answer(one, STS_FETCH_ERROR, "libcurl does not take the request");
}

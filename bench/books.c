/* SPDX-License-Identifier: Apache-2.0
 *
 * books - what the accountant costs, and what a queue of messages costs it.
 *
 * Fills a spool with receptions and deliveries as the programs write them and lets a ledger
 * read it, in this process; prints key=value. A delivery is three lines: its reception, its
 * intent and its outcome, in one row of `*`, the TLS columns and what is joined.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "milter/books/ledger.h"
#include "tell/log.h"
#include "tell/record.h"
#include "tell/spool.h"

/* So many messages are on their way at once, and so much is spooled before it is read. */
enum { AT_ONCE = 32, PIECE = 20000 };

struct bench {
    const char *folder;
    char spool[4096], csv[4096], store[4096];
    struct settings settings;
    struct acct_file file;
    struct ledger *ledger;
    struct spool *received, *delivered;
    double at;      /* when the next message comes */
    unsigned queue; /* its number */
    unsigned waiting, woken;
};

static const char *const d_columns[] = {
    "*",           "dlvTlsProtocol",     "dlvTlsCipher", "dlvTlsCipherBits",
    "dlvTlsGroup", "dlvTlsResumed",      "dlvTlsVerify", "dlvTlsPolicy",
    "dlvTlsError", "dlvTlsPolicyResult", "rcvTlsCipher", "rcvTlsProtocol",
    "rcvSmtpUser", "sourceRule",         "queueId",      "sessionId",
    "rcvSourceIp",
};
static const char *const d_type[] = {"d"};
static const struct record_fields fields[] = {
    {.head = {.title = "d"}, .fields = {d_columns, COUNT_OF(d_columns)}},
};

__attribute__((noreturn)) static void fail(const char *what)
{
    fprintf(stderr, "books: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void prepare(struct bench *b, const char *folder)
{
    char why[512];

    b->folder = folder;
    snprintf(b->spool, sizeof b->spool, "%.4000s/spool", folder);
    snprintf(b->csv, sizeof b->csv, "%.4000s/acct.csv", folder);
    snprintf(b->store, sizeof b->store, "%.4000s/accounting/data.mdb", folder);
    if ((mkdir(folder, 0700) && errno != EEXIST) || (mkdir(b->spool, 0700) && errno != EEXIST))
        fail(folder);
    b->file = (struct acct_file){.head = {.title = b->csv, .file = "bench", .line = 1},
                                 .records = {d_type, 1},
                                 .user_string = "",
                                 .record_fields = fields,
                                 .record_fields_count = COUNT_OF(fields)};
    b->settings = (struct settings){.acct_files = &b->file, .acct_file_count = 1};
    b->settings.global.spool_directory = b->spool;
    b->settings.global.state_directory = b->folder;
    b->received = spool_open(b->spool, "received", why, sizeof why);
    b->delivered = spool_open(b->spool, "delivered", why, sizeof why);
    b->ledger = ledger_open(&b->settings, why, sizeof why);
    if (!b->received || !b->delivered || !b->ledger)
        fail(why);
}

/* The texts of one message, as a mail server and the programs name it. */
struct texts_of {
    char id[32], key[64], session[32], rcpt[64], diag[160], from[32];
};

static void name_message(struct texts_of *t, unsigned number)
{
    /* Long queue ids of Postfix: time, then inode. */
    snprintf(t->id, sizeof t->id, "4c%08Xz%X", number * 2654435761u, number % 65521);
    snprintf(t->session, sizeof t->session, "6f3a%06x.%u", number / 50, number % 50 + 1);
    snprintf(t->key, sizeof t->key, "%s.1.1", t->session);
    snprintf(t->rcpt, sizeof t->rcpt, "someone%u@remote%u.example", number, number % 997);
    snprintf(t->from, sizeof t->from, "192.0.2.%u", number % 251);
    snprintf(t->diag, sizeof t->diag, "smtp;250 2.0.0 Ok: queued as 3F2A%08X", number * 40503u);
}

static void set(struct record *r, enum column c, const char *text)
{
    r->column[c] = span_of(text);
}

static struct record common(const struct texts_of *t, enum record_do what, double at)
{
    struct record r = {.what = what, .at = at, .key = span_of(t->key)};

    r.id_host = SPAN("mail.sender.example");
    set(&r, COLUMN_orig, "newsletter-return@sender.example");
    set(&r, COLUMN_rcpt, t->rcpt);
    set(&r, COLUMN_srcType, "smtp");
    set(&r, COLUMN_vmta, "{default}");
    set(&r, COLUMN_queueId, t->id);
    set(&r, COLUMN_sessionId, t->session);
    return r;
}

static struct record reception(const struct texts_of *t, double at)
{
    struct record r = common(t, RECORD_RECEIVED, at);

    set(&r, COLUMN_type, "r");
    set(&r, COLUMN_srcMta, "client.office.example (192.0.2.17)");
    set(&r, COLUMN_rcvSourceIp, t->from);
    set(&r, COLUMN_rcvDestinationIp, "198.51.100.25");
    set(&r, COLUMN_rcvSmtpUser, "alice@sender.example");
    set(&r, COLUMN_rcvTlsProtocol, "TLSv1.3");
    set(&r, COLUMN_rcvTlsCipher, "TLS_AES_256_GCM_SHA384");
    set(&r, COLUMN_rcvTlsGroup, "x25519");
    set(&r, COLUMN_rcvTlsVerify, "none");
    set(&r, COLUMN_rcvTlsSni, "mail.sender.example");
    set(&r, COLUMN_sourceRule, "submission");
    return r;
}

static struct record outcome(const struct texts_of *t, double at)
{
    struct record r = {.what = RECORD_OUTCOME, .at = at, .key = span_of(t->key)};

    set(&r, COLUMN_type, "d");
    set(&r, COLUMN_dsnAction, "relayed");
    set(&r, COLUMN_dsnStatus, "2.0.0 (success)");
    set(&r, COLUMN_dsnDiag, t->diag);
    set(&r, COLUMN_dlvSize, "4096");
    return r;
}

static struct record intent(const struct texts_of *t, double at)
{
    struct record r = common(t, RECORD_INTENT, at);

    set(&r, COLUMN_type, "t");
    set(&r, COLUMN_dsnMta, "mx1.remote.example (203.0.113.7)");
    set(&r, COLUMN_srcMta, "mail.sender.example (127.0.0.1)");
    set(&r, COLUMN_dlvType, "smtp");
    set(&r, COLUMN_dlvSourceIp, "198.51.100.25");
    set(&r, COLUMN_dlvDestinationIp, "203.0.113.7");
    set(&r, COLUMN_dlvEsmtpAvailable, "8BITMIME,PIPELINING,SIZE,DSN,ENHANCEDSTATUSCODES,STARTTLS");
    set(&r, COLUMN_queue, "remote.example/{default}");
    set(&r, COLUMN_dlvTlsProtocol, "TLSv1.3");
    set(&r, COLUMN_dlvTlsCipher, "TLS_AES_256_GCM_SHA384");
    set(&r, COLUMN_dlvTlsCipherBits, "256");
    set(&r, COLUMN_dlvTlsGroup, "x25519");
    set(&r, COLUMN_dlvTlsResumed, "no");
    set(&r, COLUMN_dlvTlsVerify, "ok");
    set(&r, COLUMN_dlvTlsPolicy, "dane");
    set(&r, COLUMN_dlvTlsPolicyResult, "met");
    set(&r, COLUMN_dlvTlsPeerName, "/CN=mx1.remote.example");
    set(&r, COLUMN_dlvTlsPeerFingerprint,
        "1f0c5c7b8e6d4a39281706f5e4d3c2b1a09f8e7d6c5b4a392817060504030201");
    set(&r, COLUMN_domainRule, "*");
    return r;
}

static void spool_one(struct spool *to, const struct record *r)
{
    struct buf line;

    buf_init(&line, RECORD_MAX);
    if (!record_write(&line, r) || !spool_append(to, buf_peek(&line)))
        fail("cannot spool");
    buf_clear(&line);
}

/* Deliveries of messages that have waited since the beginning, from all over the queue. */
static void spool_waiting(struct bench *b, unsigned count)
{
    struct texts_of t;

    for (unsigned i = 0; i < count; i++) {
        struct record r;

        name_message(&t, (unsigned)(((unsigned long)b->woken++ * 7919) % b->waiting));
        r = intent(&t, b->at);
        spool_one(b->delivered, &r);
        r = outcome(&t, b->at);
        spool_one(b->delivered, &r);
    }
}

/* `count` messages, AT_ONCE of them at the same time. */
static void spool_messages(struct bench *b, unsigned count, bool delivered)
{
    struct texts_of t;

    for (unsigned done = 0; done < count; done += AT_ONCE) {
        unsigned some = count - done < AT_ONCE ? count - done : AT_ONCE;

        for (unsigned turn = 0; turn < (delivered ? 3 : 1); turn++) {
            for (unsigned i = 0; i < some; i++) {
                struct record r;

                name_message(&t, b->queue + i);
                r = turn == 0   ? reception(&t, b->at)
                    : turn == 1 ? intent(&t, b->at)
                                : outcome(&t, b->at);
                spool_one(turn == 0 ? b->received : b->delivered, &r);
            }
        }
        b->queue += some;
        b->at += 0.001;
    }
}

static double cpu(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Memory that is ours and not a file's, in kilobytes. */
static long anonymous_kb(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    long kb = -1;

    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "RssAnon: %ld kB", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return kb;
}

static void read_all(struct bench *b)
{
    enum ledger_end end;

    do
        end = ledger_step(b->ledger);
    while (end == LEDGER_BUSY || end == LEDGER_MORE);
    if (end != LEDGER_IDLE)
        fail("the ledger is stuck");
}

/* How many lines a message is. */
enum { RECEIVED = 1, WOKEN = 2, PASSED = 3 };

static void measure(struct bench *b, const char *name, unsigned count, unsigned each)
{
    double used = 0, start = clock_mono(), spooled = 0, since, wall;
    unsigned lines = count * each;
    struct stat st = {0};

    for (unsigned done = 0; done < count; done += PIECE) {
        since = cpu();
        wall = clock_mono();
        if (each == WOKEN)
            spool_waiting(b, count - done < PIECE ? count - done : PIECE);
        else
            spool_messages(b, count - done < PIECE ? count - done : PIECE, each == PASSED);
        spooled += cpu() - since;
        start += clock_mono() - wall;
        since = cpu();
        read_all(b);
        used += cpu() - since;
    }
    (void)!stat(b->store, &st);
    printf("%-12s messages=%u lines=%u cpu_s=%.2f lines_per_cpu_s=%.0f messages_per_cpu_s=%.0f "
           "wall_s=%.2f spooling_us=%.2f anon_kb=%ld store_mb=%ld\n",
           name, count, lines, used, lines / used, count / used, clock_mono() - start,
           spooled * 1e6 / lines, anonymous_kb(), (long)(st.st_blocks / 2048));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct bench b;
    unsigned long queued, delivered;

    if (argc != 4 || !text_number(span_of(argv[2]), 100000000, &queued) ||
        !text_number(span_of(argv[3]), 100000000, &delivered)) {
        fprintf(stderr, "usage: books FOLDER QUEUED DELIVERED\n"
                        "The folder is made and stays; QUEUED messages come and wait, then\n"
                        "DELIVERED ones come and go, as many of the queue go, and when all others\n"
                        "are too old as many come and go again.\n");
        return 2;
    }
    log_open("books", LOG_TO_STDERR, LOG_FAULT);
    prepare(&b, argv[1]);
    b.at = clock_now() - 10;
    b.waiting = (unsigned)queued;
    if (queued > 0)
        measure(&b, "queued", (unsigned)queued, RECEIVED);
    if (delivered > 0)
        measure(&b, "delivered", (unsigned)delivered, PASSED);
    if (queued > 0 && delivered > 0) {
        measure(&b, "woken", (unsigned)delivered, WOKEN);
        clock_hold(b.at += 8 * 86400);
        measure(&b, "a-week-later", (unsigned)delivered, PASSED);
    }
    ledger_close(&b.ledger);
    spool_close(&b.received);
    spool_close(&b.delivered);
    return 0;
}

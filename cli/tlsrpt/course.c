/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tlsrpt/course.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cli/report/output.h"
#include "cli/tlsrpt/asking.h"
#include "cli/tlsrpt/intake.h"
#include "cli/tlsrpt/posted.h"
#include "cli/tlsrpt/send.h"
#include "conf/ours.h"
#include "csv/pack.h"
#include "net/loop.h"

enum { JSON_MOST = 256 << 20, WHY = 4400 };

struct course {
    const struct course_plan *plan;
    struct reporter by;
    struct sender_of sender;
    struct posted *posted; /* with --send */
    enum course_end end;
};

/* Of one part: its domains, and where reports about them are wanted. */
struct batch {
    struct asking *asking; /* ours */
    const struct domain_count **domain;
    size_t count, room;
    bool failed;
};

static void complain(struct course *c, const char *why)
{
    char clean[WHY];

    text_clean(clean, sizeof clean, span_of(why));
    fprintf(stderr, "sallyport tlsrpt: %s\n", clean);
    c->end = COURSE_PART;
}

static void collect(void *arg, const struct domain_count *d)
{
    struct batch *b = arg;
    size_t room = b->room ? 2 * b->room : 64;

    if (b->count == b->room) {
        void *asking = realloc(b->asking, room * sizeof *b->asking);
        void *domain = realloc(b->domain, room * sizeof *b->domain);

        b->asking = asking ? asking : b->asking;
        b->domain = domain ? domain : b->domain;
        b->failed = b->failed || !asking || !domain;
        b->room = b->failed ? b->room : room;
    }
    if (b->failed)
        return;
    b->asking[b->count].domain = d->name;
    b->domain[b->count++] = d;
}

static void say_sent(const char *to, const char *how)
{
    char clean[WHY];

    text_clean(clean, sizeof clean, span_of(how));
    printf(" %s (%s)", to, clean);
}

static void send_all(struct course *c, const struct sending *what, const struct rua_record *record)
{
    char why[WHY];

    for (size_t i = 0; i < record->ruas; i++) {
        const struct rua *to = &record->rua[i];

        if (posted_has(c->posted, what->domain, to->text)) {
            say_sent(to->text, "sent before");
            continue;
        }
        if (!send_report(&c->sender, what, to, why, sizeof why)) {
            say_sent(to->text, why);
            c->end = COURSE_PART;
            continue;
        }
        say_sent(to->text, "sent");
        if (!posted_add(c->posted, what->domain, to->text))
            complain(c,
                     "what was sent cannot be noted, so it may be sent again: is the disk full?");
    }
}

static void put_file(struct course *c, const struct sending *what)
{
    char name[DAILY_NAME], path[4200], why[WHY];

    daily_filename(&c->by, what->domain, name);
    if ((size_t)snprintf(path, sizeof path, "%s/%s", c->plan->output, name) >= sizeof path)
        complain(c, "the name of the folder is too long");
    else if (output_put(path, what->packed, why, sizeof why))
        printf(" %s", name);
    else
        complain(c, why);
}

static void deliver(struct course *c, const struct domain_count *d, const struct rua_record *record)
{
    struct sending what = {.domain = d->name, .good = daily_good(d), .failed = daily_failed(d)};
    struct buf json, packed;

    buf_init(&json, JSON_MOST);
    buf_init(&packed, JSON_MOST);
    if (!daily_json(&json, &c->by, d) || !pack_gz(&packed, buf_peek(&json))) {
        complain(c, "no memory for a report");
    } else if (c->plan->send || c->plan->output) {
        what.packed = buf_peek(&packed);
        c->plan->send ? send_all(c, &what, record) : put_file(c, &what);
    } else {
        for (size_t i = 0; i < record->ruas; i++)
            printf(" %s", record->rua[i].text);
    }
    buf_clear(&packed);
    buf_clear(&json);
}

static void tell(struct course *c, const struct domain_count *d, const struct asking *a)
{
    printf("%s: %" PRIu64 " successful, %" PRIu64 " failed:", d->name, daily_good(d),
           daily_failed(d));
    if (a->unknown) {
        printf(" no name server says where a report is wanted");
        c->end = COURSE_PART;
    } else if (rua_record_is(&a->record)) {
        deliver(c, d, &a->record);
    } else {
        printf(" no report is wanted");
    }
    printf("\n");
    fflush(stdout);
}

static bool mark(void *arg, const struct session *s)
{
    return census_mark(arg, s);
}

static bool add(void *arg, const struct session *s)
{
    return census_add(arg, s);
}

static void run_part(struct course *c, struct spread *spread, unsigned part)
{
    struct census *census = census_new();
    struct batch b = {.count = 0};

    if (!census || !spread_each(spread, part, mark, census) ||
        !spread_each(spread, part, add, census)) {
        complain(c, "no memory, or the temporary files cannot be read");
    } else {
        census_each(census, collect, &b);
        if (b.failed)
            complain(c, "no memory");
        asking_run(c->sender.base, c->sender.resolve, b.asking, b.count);
        for (size_t i = 0; i < b.count; i++)
            tell(c, b.domain[i], &b.asking[i]);
    }
    free(b.asking);
    free(b.domain);
    census_free(&census);
}

/* The domain of the mails' sender, whose key signs them. */
static void introduce(struct course *c, const struct settings *s)
{
    const struct global *g = &s->global;
    const char *from = *g->tls_report_from                  ? g->tls_report_from
                       : strchr(g->tls_report_contact, '@') ? g->tls_report_contact
                                                            : "";

    c->sender.from = from;
    c->by = (struct reporter){
        .organization = *g->tls_report_organization ? g->tls_report_organization : s->host_name,
        .contact = *g->tls_report_contact ? g->tls_report_contact : from,
        .submitter = *from ? strchr(from, '@') + 1 : s->host_name,
        .begin = c->plan->begin};
}

static bool open_all(struct course *c, const struct settings *s, char *why, size_t size)
{
    struct resolve_conf conf = {s->global.name_server, s->global.trust_anchor_file};

    c->sender.settings = s;
    c->sender.by = &c->by;
    introduce(c, s);
    if (!(c->sender.base = loop_new()) ||
        !(c->sender.resolve = resolve_new(c->sender.base, &conf, why, size)))
        return false;
    return !c->plan->send ||
           (c->posted = posted_open(s->global.state_directory, c->plan->begin, why, size));
}

static void close_all(struct course *c)
{
    posted_close(&c->posted);
    resolve_free(&c->sender.resolve);
    if (c->sender.base)
        event_base_free(c->sender.base);
}

/* What was written last before the day began is not about it. */
static void leave_out_old(struct file_list *l, int64_t begin)
{
    size_t kept = 0;
    struct stat st;

    for (size_t i = 0; i < l->count; i++)
        if (stat(l->at[i].path, &st) == 0 && st.st_mtime < begin)
            free(l->at[i].path);
        else
            l->at[kept++] = l->at[i];
    l->count = kept;
}

static bool find_files(struct course_plan *p, const struct settings *s, char *why, size_t size)
{
    char path[4200];

    if (p->files.count > 0)
        return true;
    snprintf(path, sizeof path, "%s/" OURS_FOLDER "/" OURS_FILE, s->global.state_directory);
    if (!file_list_add_account(&p->files, path, "", why, size))
        return false;
    if (s->global.tls_reports)
        snprintf(why, size, "%s is not there yet; does sallyport-milter run?", path);
    else
        snprintf(why, size, "tls-reports = no, so %s is not kept; set it, or name files", path);
    if (p->files.count == 0)
        return false;
    leave_out_old(&p->files, p->begin);
    return true;
}

enum course_end course_run(struct course_plan *p, const struct settings *s)
{
    struct course c = {.plan = p, .end = COURSE_WELL};
    struct spread *spread = NULL;
    char why[WHY] = "no memory";

    if (!find_files(p, s, why, sizeof why) || !(spread = spread_new(why, sizeof why)) ||
        !open_all(&c, s, why, sizeof why)) {
        complain(&c, why);
        c.end = COURSE_CANNOT;
    } else {
        if (!intake(spread, p, why, sizeof why))
            complain(&c, why);
        for (unsigned part = 0; part < SPREAD_PARTS; part++)
            run_part(&c, spread, part);
    }
    close_all(&c);
    spread_free(&spread);
    return c.end;
}

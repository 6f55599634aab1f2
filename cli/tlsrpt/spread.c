/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tlsrpt/spread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/siphash.h"

enum { TEXTS = 11, LONGEST = 8192 };

struct spread {
    FILE *part[SPREAD_PARTS]; /* ours */
    char row[TEXTS * LONGEST];
};

/* What is before the texts. */
struct head {
    unsigned char is, is_attempt;
    uint16_t len[TEXTS];
};

static void texts_of(const struct session *s, struct span to[TEXTS])
{
    const struct span all[TEXTS] = {s->domain, s->type,   s->text,  s->policy_domain,
                                    s->id,     s->client, s->from,  s->mx,
                                    s->to,     s->result, s->reason};

    memcpy(to, all, sizeof all);
}

static FILE *open_part(const char *folder)
{
    int fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "w+") : NULL;

    if (!f && fd >= 0)
        close(fd);
    return f;
}

struct spread *spread_new(char *why, size_t size)
{
    const char *folder = getenv("TMPDIR");
    struct spread *s = calloc(1, sizeof *s);

    if (!folder || !*folder)
        folder = "/var/tmp";
    for (size_t i = 0; s && i < SPREAD_PARTS; i++)
        if (!(s->part[i] = open_part(folder))) {
            snprintf(why, size, "%s: no room for what is being counted: %s; set TMPDIR", folder,
                     strerror(errno));
            spread_free(&s);
            return NULL;
        }
    if (!s)
        snprintf(why, size, "no memory");
    return s;
}

void spread_free(struct spread **s)
{
    for (size_t i = 0; *s && i < SPREAD_PARTS; i++)
        if ((*s)->part[i])
            fclose((*s)->part[i]);
    free(*s);
    *s = NULL;
}

/* Nobody gains by making parts of unequal sizes, and equal days are told in equal order. */
static unsigned part_of(struct span domain)
{
    static const uint64_t key[2] = {1, 2};

    return (unsigned)(siphash(key, domain) % SPREAD_PARTS);
}

bool spread_add(struct spread *s, const struct session *one)
{
    struct span text[TEXTS];
    struct head head = {.is = (unsigned char)one->is, .is_attempt = one->is_attempt};
    FILE *to = s->part[part_of(one->domain)];
    bool ok;

    texts_of(one, text);
    for (size_t i = 0; i < TEXTS; i++)
        head.len[i] = (uint16_t)(text[i].len < LONGEST ? text[i].len : LONGEST);
    ok = fwrite(&head, sizeof head, 1, to) == 1;
    for (size_t i = 0; i < TEXTS; i++)
        ok = ok && (head.len[i] == 0 || fwrite(text[i].at, 1, head.len[i], to) == head.len[i]);
    return ok;
}

static bool read_one(struct spread *s, FILE *from, const struct head *h, struct session *out)
{
    struct span text[TEXTS];
    char *at = s->row;

    for (size_t i = 0; i < TEXTS; i++) {
        if (h->len[i] > LONGEST || fread(at, 1, h->len[i], from) != h->len[i])
            return false;
        text[i] = (struct span){at, h->len[i]};
        at += h->len[i];
    }
    *out = (struct session){(enum session_is)h->is,
                            h->is_attempt,
                            text[0],
                            text[1],
                            text[2],
                            text[3],
                            text[4],
                            text[5],
                            text[6],
                            text[7],
                            text[8],
                            text[9],
                            text[10]};
    return true;
}

bool spread_each(struct spread *s, unsigned part, spread_fn *fn, void *arg)
{
    FILE *from = s->part[part];
    struct session one;
    struct head head;

    if (fflush(from) != 0 || fseek(from, 0, SEEK_SET) != 0)
        return false;
    while (fread(&head, sizeof head, 1, from) == 1)
        if (!read_one(s, from, &head, &one) || !fn(arg, &one))
            return false;
    return !ferror(from);
}

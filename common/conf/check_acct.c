/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/checks.h"

#include <ctype.h>

#include "conf/fields.h"
#include "conf/settings.h"
#include "conf/value.h"
#include "acct/account.h"

void check_milter_listener(struct check *c, struct section *s)
{
    struct span rest = span_of(s->head->title), way = span_cut(&rest, ':');
    bool local = span_is(way, "unix") || span_is(way, "local");
    bool net = span_is(way, "inet") || span_is(way, "inet6");

    if ((local && rest.len > 1 && rest.at[0] == '/') ||
        (net && rest.len && isdigit((unsigned char)rest.at[0])))
        return;
    wrong(c, s, "milter-listener",
          "'%s' is no socket; write unix:/run/sallyport/milter or "
          "inet:8890@127.0.0.1",
          s->head->title);
}

void check_acct_file(struct check *c, struct section *s)
{
    struct acct_file *f = (struct acct_file *)s->head;
    const char *bad;

    if (*f->head.title == '|') {
        wrong(c, s, "acct-file", "programs are not taken; write the path of a file");
        return;
    }
    f->head.title = value_path(c->arena, value_folder(c->arena, f->head.file), f->head.title);
    bad = fields_types(&f->records, c->arena);
    if (bad)
        wrong(c, s, "records", "'%s' is no type of records; write d, b, t, tq or r", bad);
}

void check_record_fields(struct check *c, struct section *s)
{
    struct record_fields *f = (struct record_fields *)s->head;
    const char *letter = account_type(span_of(f->head.title));
    const char *bad, *best = NULL;

    if (!letter) {
        wrong(c, s, "record-fields", "'%s' is no type of records; write d, b, t, tq or r",
              f->head.title);
        return;
    }
    f->head.title = letter;
    bad = fields_unknown(&f->fields, &best);
    if (bad && best)
        wrong(c, s, "fields", "no such column '%s'; is it %s?", bad, best);
    else if (bad)
        wrong(c, s, "fields", "no such column '%s'; see sallyport.conf(5)", bad);
}

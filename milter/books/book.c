/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/book.h"

#include <errno.h>
#include <unistd.h>

#include "acct/filename.h"
#include "base/clock.h"
#include "milter/books/finish.h"
#include "tell/log.h"

static struct span lead_text(uint32_t lead, struct span header)
{
    static const struct span nothing = {"", 0}, line_end = {"\r\n", 2};

    return lead == LEAD_HEADER ? header : lead == LEAD_LINE_END ? line_end : nothing;
}

/* How many of the rows from `from` on fit into `room`: whole lines. */
static uint64_t rows_until(struct span rows, uint64_t from, uint64_t room)
{
    const char *end;

    if (rows.len - from <= room)
        return rows.len;
    end = memrchr(rows.at + from, '\n', room);
    return end ? (uint64_t)(end - rows.at) + 1 : from;
}

static uint64_t first_row(struct span rows, uint64_t from)
{
    const char *end = memchr(rows.at + from, '\n', rows.len - from);

    return end ? (uint64_t)(end - rows.at) + 1 : rows.len;
}

/* Gives the rows a place at the end of the open file. False: they do not fit, the file has to
 * be finished first. A file that has no row yet takes one, however long. */
static bool find_place(const struct book *b, struct span header, struct span rows, struct place *p)
{
    uint64_t most = b->file.max_size ? b->file.max_size : UINT64_MAX, size;

    if (b->csv.size == 0)
        p->lead = LEAD_HEADER;
    else
        p->lead = csv_ends_in_a_line(&b->csv) ? LEAD_NOTHING : LEAD_LINE_END;
    size = b->csv.size + lead_text(p->lead, header).len;
    p->until = rows_until(rows, p->from, size < most ? most - size : 0);
    if (p->until == p->from) {
        if (b->csv.size > header.len && !finish_has_failed(b))
            return false;
        p->until = b->csv.size > header.len ? rows.len : first_row(rows, p->from);
    }
    p->device = b->csv.device;
    p->inode = b->csv.inode;
    p->offset = b->csv.size;
    finish_note_begin(b, p);
    return true;
}

static bool say_stuck(struct book *b, const char *why)
{
    if (!b->stuck)
        log_say(LOG_FAULT, "", "csv-stuck", {"file", span_of(b->path)}, {"why", span_of(why)},
                {"then", SPAN("the rows are kept and written when they can be")});
    b->stuck = true;
    return false;
}

/* Another file has its own time. */
static void take_place(struct book *b, const struct place *p)
{
    if (b->place.live_inode != p->live_inode || b->place.live_device != p->live_device)
        b->due = 0;
    b->place = *p;
}

bool book_keep_place(struct book *b, const struct place *p)
{
    struct store_txn *t = store_begin(b->store);

    if (!t)
        return say_stuck(b, "the store cannot be written");
    if (!place_put(t, b->kind, b->slot, p, b->path)) {
        store_abort(&t);
        return say_stuck(b, "the store cannot be written");
    }
    if (!store_commit(&t))
        return say_stuck(b, "the store cannot be written");
    take_place(b, p);
    b->next = b->place;
    return true;
}

bool book_begin(struct book *b, struct store_txn *t)
{
    if (b->dropped >= b->written)
        return true;
    b->dropping = b->written;
    return entry_drop(t, b->kind, b->slot, b->written);
}

/* The file is open, is as it should be, and nothing waits for it. */
static bool is_clear(struct book *b)
{
    const char *why;

    return b->count + b->added.count == 0 && !b->stuck &&
           csv_find(&b->csv, b->path, b->file.mode, &why) &&
           (b->csv.size == 0 || csv_has_header(&b->csv, b->file.header));
}

/* In the common case the rows have their place at once, and one transaction serves. */
bool book_add(struct book *b, struct store_txn *t, uint64_t number, struct span rows)
{
    struct entry e = {number, b->file.header, rows};
    struct place p = b->place;

    p.number = number;
    p.from = 0;
    if (is_clear(b) && find_place(b, e.header, rows, &p))
        b->next = p;
    b->added.count++;
    b->added.bytes += rows.len;
    return place_put(t, b->kind, b->slot, &b->next, b->path) && entry_put(t, b->kind, b->slot, &e);
}

void book_end(struct book *b, bool kept)
{
    if (kept) {
        take_place(b, &b->next);
        b->dropped = b->dropping;
        b->count += b->added.count;
        b->bytes += b->added.bytes;
    }
    b->next = b->place;
    b->dropping = b->dropped;
    b->added = (struct entry_sum){0};
}

/* The first entry, of which nothing has a place. */
static bool place_entry(struct book *b, const struct entry *e, struct place *p)
{
    const char *why;

    if (!csv_find(&b->csv, b->path, b->file.path ? b->file.mode : p->mode, &why))
        return say_stuck(b, why);
    if (b->csv.size > 0 && !csv_has_header(&b->csv, e->header)) {
        if (!finish_aside(b))
            return say_stuck(b, "its columns are others, and it cannot be put aside");
        return true;
    }
    if (find_place(b, e->header, e->rows, p))
        return book_keep_place(b, p);
    return finish_file(b) || finish_has_failed(b);
}

/* The entry as far as it has a place. */
static struct csv_text text_of(const struct entry *e, const struct place *p)
{
    return (struct csv_text){
        {lead_text(p->lead, e->header), {e->rows.at + p->from, p->until - p->from}}};
}

/* `same` bytes of the text are in the file: after which whole row does that end? */
static uint64_t rows_done(const struct entry *e, const struct place *p, size_t same)
{
    size_t lead = lead_text(p->lead, e->header).len;
    const char *end =
        same > lead ? memrchr(e->rows.at + p->from, '\n', (size_t)(same - lead)) : NULL;

    return end ? (uint64_t)(end - e->rows.at) + 1 : p->from;
}

static bool mark_written(struct book *b, const struct entry *e)
{
    off_t at = (off_t)(b->slot * sizeof e->number);

    if (pwrite(b->marks, &e->number, sizeof e->number, at) != sizeof e->number)
        return say_stuck(b, strerror(errno));
    b->written = e->number;
    b->count--;
    b->bytes -= e->rows.len;
    if (b->stuck)
        log_say(LOG_LIFE, "", "csv-goes-on", {"file", span_of(b->path)},
                {"why", SPAN("what stood in the way is gone")});
    b->stuck = false;
    return true;
}

/* What is written up to `from` is done: with the entry, or with its part in this file. */
static bool go_on_from(struct book *b, const struct entry *e, struct place p, uint64_t from)
{
    if (from == e->rows.len)
        return mark_written(b, e);
    p.from = p.until = from;
    p.device = p.inode = 0;
    return book_keep_place(b, &p);
}

/* Its file has another name now, or none. */
static bool leave_file(struct book *b, const struct entry *e)
{
    const struct place *p = &b->place;
    struct csv_text text = text_of(e, p);
    uint64_t done = p->from;
    struct csv old;
    bool other;

    csv_init(&old);
    if (csv_find_moved(&old, filename_folder(b->path), p->device, p->inode) ||
        (b->file.move_to && *b->file.move_to &&
         csv_find_moved(&old, span_of(b->file.move_to), p->device, p->inode)))
        done = rows_done(e, p, csv_same(&old, p->offset, &text, &other));
    else
        log_say(LOG_LIFE, "", "csv-vanished", {"file", span_of(b->path)},
                {"then", SPAN("rows that it may not have go to the new one")});
    csv_clear(&old);
    return go_on_from(b, e, *p, done);
}

static bool write_entry(struct book *b, const struct entry *e)
{
    const struct place *p = &b->place;
    struct csv_text text = text_of(e, p);
    const char *why;
    size_t same;
    bool other;

    if (!csv_find(&b->csv, b->path, p->mode, &why))
        return say_stuck(b, why);
    if (b->csv.device != p->device || b->csv.inode != p->inode)
        return leave_file(b, e);
    same = csv_same(&b->csv, p->offset, &text, &other);
    if (other)
        return go_on_from(b, e, *p, rows_done(e, p, same));
    if (!csv_write(&b->csv, p->offset, &text, same))
        return say_stuck(b, strerror(errno));
    if (b->file.sync && !finish_sync(b))
        return say_stuck(b, strerror(errno));
    return go_on_from(b, e, *p, p->until);
}

/* One step of the first entry that waits. */
static bool step(struct book *b)
{
    struct store_txn *t = store_look(b->store);
    struct entry e;
    bool ok;

    if (!t)
        return say_stuck(b, "the store cannot be read");
    ok = entry_first(t, b->kind, b->slot, b->written + 1, &e);
    if (!ok) {
        b->count = b->bytes = 0; /* nothing is there */
        ok = true;
    } else if (b->place.number != e.number || b->place.inode == 0 || b->place.until > e.rows.len ||
               b->place.from > b->place.until) {
        struct place p = b->place;

        p.from = p.number == e.number && p.from <= e.rows.len ? p.from : 0;
        p.number = e.number;
        ok = place_entry(b, &e, &p);
    } else {
        ok = write_entry(b, &e);
    }
    store_abort(&t);
    return ok;
}

bool book_write(struct book *b)
{
    while (b->count > 0) {
        if (!step(b))
            return false;
    }
    finish_if_due(b);
    return true;
}

/* Those that are not in the file yet; and the last entry's number. */
static uint64_t count_waiting(const struct book *b, struct store_txn *t, uint64_t *last)
{
    uint64_t rows = 0;
    struct entry e;

    *last = b->written;
    while (entry_first(t, b->kind, b->slot, *last + 1, &e)) {
        struct span s = e.rows;

        if (e.number == b->place.number && b->place.from <= s.len)
            s = span_after(s, b->place.from);
        while (s.len > 0) {
            (void)span_cut(&s, '\n');
            rows++;
        }
        *last = e.number;
    }
    return rows;
}

void book_give_up(struct book *b)
{
    struct store_txn *t = store_begin(b->store);
    uint64_t last, rows = t ? count_waiting(b, t, &last) : 0;

    if (!t)
        return;
    if (!entry_drop(t, b->kind, b->slot, last)) {
        store_abort(&t);
        return;
    }
    if (!store_commit(&t))
        return;
    b->count = b->bytes = 0;
    b->stuck = false;
    csv_clear(&b->csv);
    log_say(LOG_FAULT, "", "rows-dropped", {"file", span_of(b->path)},
            {"rows", log_number((double)rows)},
            {"why", SPAN("no acct-file has it any more, and it cannot be written")});
}

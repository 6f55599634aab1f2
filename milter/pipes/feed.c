/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/pipes/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "tell/log.h"

/* So much is taken at a time; a header is shorter. */
enum { CHUNK = 64 << 10 };

bool feed_open(struct feed *f, const char *state, const char *title, bool json, uint64_t most)
{
    *f = (struct feed){.kept = -1, .segment = -1};
    buf_init(&f->pending, CHUNK);
    buf_init(&f->header, CHUNK);
    if (backlog_open(state, title, json, most, &f->backlog))
        f->kept = mark_open(&f->backlog);
    if (f->kept < 0)
        log_say(LOG_FAULT, "", "backlog-fails", {"folder", span_of(f->backlog.folder)},
                {"why", span_of(strerror(errno))});
    return f->kept >= 0;
}

/* Where locks are not known we do without. */
bool feed_hold(struct feed *f)
{
    if (flock(f->kept, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return false;
    f->safe = mark_read(f->kept);
    backlog_settle(&f->backlog, &f->safe);
    return true;
}

static void leave_segment(struct feed *f)
{
    if (f->segment >= 0)
        close(f->segment);
    f->segment = -1;
}

void feed_close(struct feed *f)
{
    leave_segment(f);
    if (f->kept >= 0)
        close(f->kept);
    buf_clear(&f->pending);
    buf_clear(&f->header);
}

static size_t read_at(int fd, uint64_t offset, char *to, size_t size)
{
    ssize_t got = pread(fd, to, size, (off_t)offset);

    return got > 0 ? (size_t)got : 0;
}

/* The header of the segment, "" for JSON. False: it is not there yet. */
static bool read_header(int fd, struct buf *to)
{
    const char *end;
    size_t len, room;
    char *at;
    bool json;

    buf_clear(to);
    room = buf_space(to, &at);
    len = room ? read_at(fd, 0, at, room) : 0;
    json = len > 0 && *at == '{';
    end = len && !json ? memchr(at, '\n', len) : NULL;
    buf_grew(to, end ? (size_t)(end - at) + 1 : 0);
    return end || json;
}

/* The row that holds `offset` begins here, or before. */
static uint64_t find_row(int fd, uint64_t offset)
{
    char text[CHUNK];
    size_t want = offset < sizeof text ? offset : sizeof text;
    size_t len = want ? read_at(fd, offset - want, text, want) : 0;
    const char *end = len == want && len ? memrchr(text, '\n', len) : NULL;

    return end ? offset - want + (size_t)(end - text) + 1 : 0;
}

/* One of the list; NULL: it is gone. */
static struct segment *find(struct segment *all, size_t count, uint64_t inode)
{
    for (size_t i = 0; i < count; i++)
        if (all[i].inode == inode)
            return &all[i];
    return NULL;
}

/* Into the segment that is open. */
static bool begin_at(struct feed *f, struct mark m)
{
    if (!read_header(f->segment, &f->header))
        return false;
    m.offset = find_row(f->segment, m.offset);
    if (m.offset < buf_len(&f->header))
        m.offset = buf_len(&f->header);
    f->seen = f->safe = f->at = m;
    f->floor = m.offset;
    f->sent = f->taken = 0;
    f->torn = false;
    buf_clear(&f->pending);
    return buf_add(&f->pending, buf_peek(&f->header));
}

bool feed_begin(struct feed *f)
{
    struct segment *all;
    size_t count = backlog_list(&f->backlog, &all);
    const struct segment *s = find(all, count, f->safe.inode);
    struct mark m = {0, s ? f->safe.offset : 0};
    bool ok;

    if (!s && count)
        s = &all[0];
    m.inode = s ? s->inode : 0;
    leave_segment(f);
    f->segment = s ? backlog_read(&f->backlog, s) : -1;
    ok = f->segment >= 0 && begin_at(f, m);
    free(all);
    return ok;
}

/* Whole rows of this segment. Nothing may mean that there is none yet. */
static void take(struct feed *f)
{
    char *at;
    size_t room = buf_space(&f->pending, &at), len = 0;
    const char *end;

    if (room > 0)
        len = read_at(f->segment, f->at.offset, at, room);
    end = len ? memrchr(at, '\n', len) : NULL;
    if (end)
        len = (size_t)(end - at) + 1;
    else if (len < room) /* a torn one: its writer was killed, and its rest comes */
        len = 0;
    buf_grew(&f->pending, len);
    f->at.offset += len;
}

/* What may be written now: with `last` only the rest of a row that was begun. */
static struct span choose(const struct feed *f, bool last)
{
    struct span p = buf_peek(&f->pending);
    const char *end;

    if (!last)
        return p;
    end = f->torn && p.len ? memchr(p.at, '\n', p.len) : NULL;
    return (struct span){p.at, end ? (size_t)(end - p.at) + 1 : 0};
}

/* The first that was not begun. What was begun and is not removed yet is one of three. */
static const struct segment *find_next(const struct feed *f, const struct segment *all,
                                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (all[i].inode != f->at.inode && all[i].inode != f->seen.inode &&
            all[i].inode != f->safe.inode)
            return &all[i];
    return NULL;
}

static bool enter_segment(struct feed *f, const struct segment *s, bool *anew)
{
    int fd = backlog_read(&f->backlog, s);
    struct buf header;
    bool ok;

    buf_init(&header, CHUNK);
    ok = fd >= 0 && read_header(fd, &header);
    if (ok) {
        leave_segment(f);
        f->segment = fd;
        *anew = !span_same(buf_peek(&header), buf_peek(&f->header));
        f->at = (struct mark){s->inode, buf_len(&header)};
        f->floor = f->at.offset;
    } else if (fd >= 0) {
        close(fd);
    }
    buf_clear(&header);
    return ok;
}

/* And it is noted, lest a segment that was read just now passes for one without rows. */
static bool has_read_all(struct feed *f, const struct reader *r)
{
    (void)!feed_look(f, r);
    return f->taken == f->sent;
}

/* To the next segment, once this one is finished and the program has read it. `*anew`: the next
 * has another header. False: there is nothing to send now. */
static bool cross(struct feed *f, const struct reader *r, bool *anew)
{
    struct segment *all;
    size_t count = backlog_list(&f->backlog, &all);
    const struct segment *s = find(all, count, f->at.inode), *next;
    bool finished = !s || !s->live, ok = false;

    if (finished)
        take(f); /* what came before it was */
    ok = buf_len(&f->pending) > 0;
    next = find_next(f, all, count);
    if (!ok && finished && next && has_read_all(f, r)) {
        if (s && s->inode != f->seen.inode && s->inode != f->safe.inode)
            backlog_remove(&f->backlog, s); /* it has no rows, and would come up again */
        ok = enter_segment(f, next, anew);
    }
    free(all);
    return ok;
}

static enum feed_end send_some(struct feed *f, const struct reader *r, struct span p)
{
    ssize_t done = write(r->input, p.at, p.len);

    if (done < 0)
        return errno == EAGAIN || errno == EINTR ? FEED_FULL : FEED_BROKEN;
    f->torn = p.at[done - 1] != '\n';
    f->sent += (uint64_t)done;
    buf_drop(&f->pending, (size_t)done);
    return FEED_ALL;
}

enum feed_end feed_send(struct feed *f, const struct reader *r, bool last)
{
    enum feed_end end = FEED_ALL;
    bool anew = false;

    for (int i = 0; i < 64 && end == FEED_ALL; i++) {
        struct span p;

        (void)!feed_look(f, r);
        if (buf_len(&f->pending) == 0 && !last)
            take(f);
        if (buf_len(&f->pending) == 0 && !last && !cross(f, r, &anew))
            return FEED_ALL;
        if (anew)
            return FEED_ANEW;
        p = choose(f, last);
        if (last && p.len == 0)
            return FEED_ALL;
        if (p.len > 0)
            end = send_some(f, r, p);
    }
    return end == FEED_ALL ? FEED_FULL : end;
}

/* The segment that was left is removed once it is known for sure that it was. */
static void keep(struct feed *f, struct mark safe)
{
    struct segment *all = NULL, *left = NULL;

    if (f->safe.inode != 0 && f->safe.inode != safe.inode) {
        size_t count = backlog_list(&f->backlog, &all);

        left = find(all, count, f->safe.inode);
        left = left && !left->live ? left : NULL;
    }
    if (left)
        backlog_leave(&f->backlog, left);
    f->safe = safe;
    mark_keep(f->kept, &safe);
    if (left) {
        (void)fdatasync(f->kept);
        backlog_remove(&f->backlog, left);
    }
    free(all);
}

/* The place of the first byte that the program did not get, or did not read. */
static struct mark unsent(const struct feed *f, size_t unread)
{
    uint64_t behind = buf_len(&f->pending) + unread;

    return (struct mark){f->at.inode,
                         f->at.offset > f->floor + behind ? f->at.offset - behind : f->floor};
}

bool feed_look(struct feed *f, const struct reader *r)
{
    size_t unread = reader_unread(r);
    struct mark now = unsent(f, unread);
    uint64_t taken = f->sent - unread;
    bool further = taken > f->taken;

    f->taken = taken;
    if (!further) /* in another segment by now, maybe, but nothing of that was read */
        return false;
    keep(f, f->seen);
    f->seen = now;
    return true;
}

bool feed_waits(const struct feed *f)
{
    return buf_len(&f->pending) > 0 || f->taken < f->sent;
}

void feed_end(struct feed *f, bool done)
{
    if (done) {
        keep(f, f->seen);
        keep(f, unsent(f, 0));
    }
    buf_clear(&f->pending);
    leave_segment(f);
}

/* The mark leaves a segment before that is gone. */
static uint64_t drop(struct feed *f, const struct segment *s)
{
    bool begun = s->inode == f->safe.inode;
    uint64_t rows = backlog_rows(&f->backlog, s, begun ? f->safe.offset : 0);

    if (begun) {
        f->safe = (struct mark){0, 0};
        mark_keep(f->kept, &f->safe);
    }
    backlog_remove(&f->backlog, s);
    return rows;
}

void feed_shrink(struct feed *f, bool running)
{
    uint64_t bytes = 0, rows = 0;
    struct segment *all;
    size_t count = backlog_list(&f->backlog, &all);

    for (size_t i = 0; i < count; i++)
        bytes += all[i].size;
    for (size_t i = 0; i < count && bytes > f->backlog.most; i++) {
        uint64_t inode = all[i].inode;

        if (all[i].live ||
            (running && (inode == f->at.inode || inode == f->seen.inode || inode == f->safe.inode)))
            continue;
        rows += drop(f, &all[i]);
        bytes -= all[i].size;
    }
    free(all);
    if (rows > 0)
        log_say(LOG_FAULT, "", "rows-dropped", {"folder", span_of(f->backlog.folder)},
                {"rows", log_number((double)rows)},
                {"why", SPAN("more than max-size waits for the program")});
}

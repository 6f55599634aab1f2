/* SPDX-License-Identifier: Apache-2.0 */
#include "tell/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"

/* Room is asked for in such steps. What is mapped begins with a page, of whatever size, and has a
 * step behind that. */
enum { STEP = 256 << 10, PAGE = 64 << 10, WINDOW = PAGE + STEP };

/* The end of a file is looked for in so much at once. */
enum { PIECE = 4096 };

static const long in_place[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, TMPFS_MAGIC};

/* Where to go on if the disk fails under a store; NULL: nobody stores. */
static _Thread_local sigjmp_buf *volatile fault;

static size_t file_limit(void)
{
    struct rlimit l;

    if (getrlimit(RLIMIT_FSIZE, &l) != 0 || l.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    return (size_t)l.rlim_cur;
}

static bool promise(int fd, size_t from, size_t to)
{
    struct statvfs v;

    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from)) == 0)
        return true;
    /* This kind of disk makes no promises; what it has free must do. */
    return errno == EOPNOTSUPP && fstatvfs(fd, &v) == 0 && v.f_bavail * v.f_frsize > to - from;
}

bool tail_hold(struct tail *s, size_t need)
{
    size_t most, ahead = (need / STEP + 1) * STEP;

    if (need <= s->held)
        return true;
    most = file_limit();
    if (need > most)
        return false;
    if (ahead <= most && promise(s->fd, s->held, ahead)) {
        s->held = ahead;
        return true;
    }
    if (!promise(s->fd, s->held, need))
        return false;
    s->held = need;
    return true;
}

void tail_init(struct tail *s, int fd)
{
    *s = (struct tail){.fd = fd};
}

static void drop_window(struct tail *s)
{
    if (s->window)
        munmap(s->window, WINDOW);
    s->window = NULL;
}

void tail_clear(struct tail *s)
{
    drop_window(s);
    if (s->fd >= 0) {
        (void)!ftruncate(s->fd, (off_t)s->end); /* else it keeps its room until it is removed */
        close(s->fd);
    }
    s->fd = -1;
}

/* A fault that is not ours happens again, and ends us. */
static void on_fault(int number)
{
    if (fault)
        siglongjmp(*fault, 1);
    sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

bool tail_may_map(int folder)
{
    struct sigaction act = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
    struct statfs f;

    if (fstatfs(folder, &f) != 0)
        return false;
    for (size_t i = 0; i < sizeof in_place / sizeof *in_place; i++)
        if ((long)f.f_type == in_place[i])
            return sigaction(SIGBUS, &act, NULL) == 0;
    return false;
}

static bool write_at(const struct tail *s, struct span text, size_t at)
{
    ssize_t done;

    do
        done = pwrite(s->fd, text.at, text.len, (off_t)at);
    while (done < 0 && errno == EINTR);
    return done == (ssize_t)text.len;
}

/* To where the window ends or the room, whatever comes first. Zeroes that were written at once are
 * what makes a store cheap: 0.3 us for the two lines of a message, beside 1.8 into pages that are
 * not there yet, and 2.2 by system calls (ext4). */
static void slide(struct tail *s)
{
    static char zeroes[WINDOW];
    size_t base = s->end / PAGE * PAGE, to = base + WINDOW;
    void *at;

    drop_window(s);
    if (to > s->held)
        to = s->held;
    if (to > s->laid && !write_at(s, (struct span){zeroes, to - s->laid}, s->laid))
        return;
    if (to > s->laid)
        s->laid = to;
    at = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, (off_t)base);
    if (at == MAP_FAILED)
        return;
    s->window = at;
    s->base = base;
}

static bool fits(const struct tail *s, size_t len)
{
    return s->window && s->end + len <= s->laid && s->end + len <= s->base + WINDOW;
}

/* A disk that fails under a mapping says so by SIGBUS. */
static bool store(const struct tail *s, struct span lines)
{
    volatile bool done = false;
    sigjmp_buf here;

    if (sigsetjmp(here, 0) == 0) {
        fault = &here;
        atomic_signal_fence(memory_order_seq_cst);
        memcpy(s->window + (s->end - s->base), lines.at, lines.len);
        atomic_signal_fence(memory_order_seq_cst);
        done = true;
    }
    fault = NULL;
    return done;
}

static bool put(struct tail *s, struct span lines)
{
    double now = s->maps ? clock_mono() : 0;

    if (s->maps && !fits(s, lines.len) && lines.len <= STEP)
        slide(s);
    if (fits(s, lines.len) && now < s->told + TAIL_UNTOLD)
        return store(s, lines);
    s->told = now;
    return write_at(s, lines, s->end);
}

bool tail_put(struct tail *s, struct span lines)
{
    if (!put(s, lines))
        return false;
    s->end += lines.len;
    if (s->laid < s->end)
        s->laid = s->end;
    return true;
}

static bool is_zero(int fd, size_t at)
{
    char c;

    return pread(fd, &c, 1, (off_t)at) == 1 && c == '\0';
}

/* The first zero of these bytes; `to` if there is none. */
static size_t first_zero(int fd, size_t from, size_t to)
{
    char piece[PIECE];
    ssize_t got = pread(fd, piece, to - from, (off_t)from);
    const char *zero = got > 0 ? memchr(piece, '\0', (size_t)got) : NULL;

    return zero ? from + (size_t)(zero - piece) : to;
}

/* Halves what is in question: all before is written, and nothing behind. The last of it is read at
 * once: 9 system calls for a segment, where halving to the end took 20. */
size_t tail_end(int fd, size_t size)
{
    size_t from = size > WINDOW ? size - WINDOW : 0, to = size;

    if (size == 0 || !is_zero(fd, size - 1))
        return size;
    if (from > 0 && is_zero(fd, from))
        from = 0;
    while (to - from > PIECE) {
        size_t middle = from + (to - from) / 2;

        if (is_zero(fd, middle))
            to = middle;
        else
            from = middle + 1;
    }
    return first_zero(fd, from, to);
}

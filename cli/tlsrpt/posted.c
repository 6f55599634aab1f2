/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tlsrpt/posted.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/report/stamp.h"

/* Older ones are removed; longer than what they are about is kept. */
enum { KEPT_DAYS = 30, LINE_MOST = 1024 };

struct posted {
    FILE *file;  /* ours */
    void *lines; /* tsearch()'s */
};

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool note(struct posted *s, const char *line)
{
    char *copy = strdup(line);
    char **at = copy ? tsearch(copy, &s->lines, compare) : NULL;

    if (!at || *at != copy)
        free(copy);
    return at != NULL;
}

/* A last line that was cut counts for nothing, and gets an end. */
static bool read_lines(struct posted *s)
{
    char line[LINE_MOST];
    bool ok = true, whole = true;

    while (ok && fgets(line, sizeof line, s->file)) {
        size_t len = strlen(line);

        whole = len > 0 && line[len - 1] == '\n';
        if (whole) {
            line[len - 1] = '\0';
            ok = note(s, line);
        }
    }
    return ok && !ferror(s->file) && (whole || putc('\n', s->file) != EOF);
}

static void remove_old(const char *folder, int64_t day)
{
    struct dirent *e;
    DIR *d = opendir(folder);

    while (d && (e = readdir(d))) {
        int64_t of;

        if (strncmp(e->d_name, "sent-", 5) == 0 && stamp_date(span_of(e->d_name + 5), &of) &&
            of < day - KEPT_DAYS)
            (void)!unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        closedir(d);
}

static struct posted *give_up(struct posted *s, const char *path, const char *what, char *why,
                              size_t size)
{
    snprintf(why, size, "%s: %s", path, what);
    posted_close(&s);
    return NULL;
}

struct posted *posted_open(const char *state_directory, int64_t begin, char *why, size_t size)
{
    struct posted *s = calloc(1, sizeof *s);
    char folder[4100], path[4200], day[STAMP_TEXT];
    int fd;

    snprintf(folder, sizeof folder, "%s/tlsrpt", state_directory);
    snprintf(path, sizeof path, "%s/sent-%s", folder, stamp_date_text(begin / STAMP_DAY, day));
    if (!s)
        return give_up(s, path, "no memory", why, size);
    if (mkdir(folder, 0750) != 0 && errno != EEXIST)
        return give_up(s, folder, strerror(errno), why, size);
    fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return give_up(s, path, strerror(errno), why, size);
    if (!(s->file = fdopen(fd, "a+"))) {
        close(fd);
        return give_up(s, path, "no memory", why, size);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return give_up(s, path, "another sallyport tlsrpt is at work; wait for it", why, size);
    rewind(s->file);
    if (!read_lines(s))
        return give_up(s, path, "it cannot be read", why, size);
    remove_old(folder, begin / STAMP_DAY);
    return s;
}

void posted_close(struct posted **s)
{
    if (*s) {
        tdestroy((*s)->lines, free);
        if ((*s)->file)
            fclose((*s)->file);
    }
    free(*s);
    *s = NULL;
}

bool posted_has(const struct posted *s, const char *domain, const char *where)
{
    char line[LINE_MOST];

    snprintf(line, sizeof line, "%s %s", domain, where);
    return tfind(line, &s->lines, compare) != NULL;
}

bool posted_add(struct posted *s, const char *domain, const char *where)
{
    char line[LINE_MOST];

    snprintf(line, sizeof line, "%s %s", domain, where);
    return fprintf(s->file, "%s\n", line) > 0 && fflush(s->file) == 0 &&
           fdatasync(fileno(s->file)) == 0 && note(s, line);
}

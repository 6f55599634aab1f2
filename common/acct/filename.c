/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/filename.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

static const char *find_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* From the last dot on; a name that begins with its only dot has none. */
static struct span find_extension(const char *base)
{
    const char *dot = strrchr(base, '.');

    return dot && dot > base ? span_of(dot) : SPAN("");
}

struct span filename_folder(const char *path)
{
    const char *base = find_base(path);

    if (base == path)
        return SPAN(".");
    return (struct span){path, base == path + 1 ? 1 : (size_t)(base - path) - 1};
}

bool filename_finished(const char *path, const char *folder, long day, unsigned number, char *to,
                       size_t size)
{
    const char *base = find_base(path);
    struct span extension = find_extension(base), where = filename_folder(path);
    int stem = (int)(strlen(base) - extension.len);
    time_t seconds = (time_t)day * 86400;
    char text[16];
    struct tm tm;
    int len;

    if (folder && *folder)
        where = span_of(folder);
    if (!gmtime_r(&seconds, &tm) || strftime(text, sizeof text, "%Y-%m-%d", &tm) != 10)
        return false;
    len = snprintf(to, size, "%.*s/%.*s-%s-%04u%.*s", SPAN_ARG(where), stem, base, text, number,
                   SPAN_ARG(extension));
    return len > 0 && (size_t)len < size;
}

/* `shape`: 0 for a digit, all else for itself. */
static bool take_shape(struct span *s, const char *shape)
{
    size_t i = 0;

    for (; shape[i]; i++) {
        if (i >= s->len ||
            (shape[i] == '0' ? !isdigit((unsigned char)s->at[i]) : s->at[i] != shape[i]))
            return false;
    }
    *s = span_after(*s, i);
    return true;
}

bool filename_is_finished(const char *path, struct span name)
{
    const char *base = find_base(path);
    struct span extension = find_extension(base);
    size_t stem = strlen(base) - extension.len;

    if (name.len < stem || memcmp(name.at, base, stem) != 0)
        return false;
    name = span_after(name, stem);
    if (!take_shape(&name, "-0000-00-00-0000"))
        return false;
    while (name.len > extension.len && isdigit((unsigned char)*name.at))
        name = span_after(name, 1);
    return span_same(name, extension);
}

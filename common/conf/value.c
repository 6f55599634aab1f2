/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    const char *folder;
    struct arena *arena;
    void *at;
    char *why;
    size_t size;
};

bool value_is_list(const struct option *o)
{
    return o->kind == OPTION_LIST || o->kind == OPTION_NETS || o->kind == OPTION_FILES ||
           o->kind == OPTION_CERTS;
}

const char *value_path(struct arena *arena, const char *folder, const char *path)
{
    size_t len = strlen(folder) + 1 + strlen(path) + 1;
    char *whole;

    if (!*path || *path == '/' || !*folder)
        return arena_text(arena, span_of(path));
    whole = arena_get(arena, len, 1);
    snprintf(whole, len, "%s/%s", folder, path);
    return whole;
}

const char *value_folder(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return "";
    return arena_text(arena, (struct span){path, slash == path ? 1 : (size_t)(slash - path)});
}

bool value_is_readable(const char *path, char *why, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    bool regular = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode);

    if (fd < 0)
        snprintf(why, size, "%s cannot be read (%s)", path, strerror(errno));
    else if (!regular)
        snprintf(why, size, "%s is not a file", path);
    if (fd >= 0)
        close(fd);
    return regular;
}

/* A file for others' eyes, such as a key, where a tool reads the configuration for one who is not
 * root. Whoever needs what is in it finds out, and says so. */
static bool is_for_others(const char *path)
{
    return geteuid() != 0 && access(path, R_OK) != 0 && errno == EACCES;
}

static bool read_path(const struct place *p, const char *text, bool must_be_there, const char **out)
{
    char why[512];

    *out = value_path(p->arena, p->folder, text);
    if (!must_be_there || !**out || value_is_readable(*out, why, sizeof why) || is_for_others(*out))
        return true;
    snprintf(p->why, p->size, "%s; name a file that is there and may be read", why);
    return false;
}

static bool read_list(const struct place *p, struct said said)
{
    const char **texts = arena_get(p->arena, said.count, sizeof *texts);

    for (size_t i = 0; i < said.count; i++)
        texts[i] = arena_text(p->arena, span_of(said.at[i]));
    *(struct texts *)p->at = (struct texts){texts, said.count};
    return true;
}

static bool read_files(const struct place *p, struct said said)
{
    const char **files = arena_get(p->arena, said.count, sizeof *files);
    size_t count = said.count == 1 && !*said.at[0] ? 0 : said.count;

    for (size_t i = 0; i < count; i++) {
        if (!*said.at[i]) {
            snprintf(p->why, p->size, "one of its files has no name; leave it out");
            return false;
        }
        if (!read_path(p, said.at[i], true, &files[i]))
            return false;
    }
    *(struct texts *)p->at = (struct texts){files, count};
    return true;
}

static bool read_nets(const struct place *p, struct said said)
{
    struct network *nets = arena_get(p->arena, said.count, sizeof *nets);

    for (size_t i = 0; i < said.count; i++) {
        if (network_read(span_of(said.at[i]), &nets[i]))
            continue;
        snprintf(p->why, p->size,
                 "'%s' is not a network; write 10.0.0.5, 10.0.0.0/8, 2001:db8::/32 or 0/0, with "
                 "no bit set behind the prefix",
                 said.at[i]);
        return false;
    }
    *(struct networks *)p->at = (struct networks){nets, said.count};
    return true;
}

static bool read_certs(const struct place *p, struct said said)
{
    struct cert_files *out = p->at;
    struct cert_file *certs = arena_get(p->arena, out->count + 1, sizeof *certs);

    if (!said.count || (said.count == 1 && !*said.at[0])) {
        *out = (struct cert_files){0};
        return true;
    }
    if (said.count > 2 || !*said.at[0]) {
        snprintf(p->why, p->size,
                 "write FILE or {FILE, PASSWORD}; for a second certificate say "
                 "the option again");
        return false;
    }
    if (out->count)
        memcpy(certs, out->at, out->count * sizeof *certs);
    if (!read_path(p, said.at[0], true, &certs[out->count].file))
        return false;
    certs[out->count].password =
        arena_text(p->arena, said.count > 1 ? span_of(said.at[1]) : SPAN(""));
    *out = (struct cert_files){certs, out->count + 1};
    return true;
}

const char *value_words(const struct option *o, char to[VALUE_WORDS])
{
    struct span rest = span_of(o->words);
    size_t used = 0;

    *to = '\0';
    while (rest.len && used < VALUE_WORDS) {
        struct span one = span_cut(&rest, ' ');

        used += (size_t)snprintf(to + used, VALUE_WORDS - used, "%s%.*s", used ? ", " : "",
                                 SPAN_ARG(one));
    }
    return to;
}

static void say_words(const struct option *o, const char *text, char *why, size_t size)
{
    char words[VALUE_WORDS];

    snprintf(why, size, "'%s' is none of its words; choose one of %s", text, value_words(o, words));
}

static void say_limits(const struct option *o, const char *text, const char *what, char *why,
                       size_t size)
{
    if (o->most)
        snprintf(why, size, "'%s' is not %s from %lu to %lu; choose one", text, what, o->least,
                 o->most);
    else
        snprintf(why, size, "'%s' is not %s; choose one", text, what);
}

static bool read_number(const struct option *o, const char *text, void *into, char *why,
                        size_t size)
{
    if (option_read(o, span_of(text), into))
        return true;
    if (o->kind == OPTION_FLAG)
        snprintf(why, size, "'%s' is neither yes nor no; choose one", text);
    else if (o->kind == OPTION_WORD)
        say_words(o, text, why, size);
    else if (o->kind == OPTION_TIME)
        say_limits(o, text, "a time (30s, 5m, 1d12h)", why, size);
    else if (o->kind == OPTION_SIZE)
        say_limits(o, text, "a size (10k, 5m, 1g, unlimited)", why, size);
    else
        say_limits(o, text, "a number", why, size);
    return false;
}

bool value_read(const struct option *o, struct said said, const char *folder, struct arena *arena,
                void *into, char *why, size_t size)
{
    struct place p = {folder, arena, (char *)into + o->offset, why, size};

    if (!value_is_list(o) && said.count != 1) {
        snprintf(why, size, "takes one value; write it without { }");
        return false;
    }
    switch (o->kind) {
    case OPTION_TEXT:
        *(const char **)p.at = arena_text(arena, span_of(said.at[0]));
        return true;
    case OPTION_PATH:
    case OPTION_FILE:
        return read_path(&p, said.at[0], o->kind == OPTION_FILE, p.at);
    case OPTION_LIST:
        return read_list(&p, said);
    case OPTION_NETS:
        return read_nets(&p, said);
    case OPTION_FILES:
        return read_files(&p, said);
    case OPTION_CERTS:
        return read_certs(&p, said);
    case OPTION_FLAG:
    case OPTION_WORD:
    case OPTION_COUNT:
    case OPTION_SIZE:
    case OPTION_TIME:
        break;
    }
    return read_number(o, said.at[0], into, why, size);
}

/* "{a, b}", as a table's fallback has it. */
static struct said split_list(struct arena *arena, const char *text)
{
    struct span rest = span_of(text);
    const char **texts = arena_get(arena, rest.len + 1, sizeof *texts);
    size_t count = 0;

    if (rest.len >= 2 && rest.at[0] == '{')
        rest = (struct span){rest.at + 1, rest.len - 2};
    while (rest.len) {
        struct span one = span_cut(&rest, ',');

        while (one.len && one.at[0] == ' ')
            one = span_after(one, 1);
        texts[count++] = arena_text(arena, one);
    }
    return (struct said){texts, count};
}

void value_defaults(const struct option *options, struct arena *arena, void *into)
{
    char why[256];

    option_defaults(options, into);
    for (const struct option *o = options; o->name; o++)
        if (value_is_list(o) && *o->fallback &&
            !value_read(o, split_list(arena, o->fallback), "", arena, into, why, sizeof why))
            memset((char *)into + o->offset, 0, o->size);
}

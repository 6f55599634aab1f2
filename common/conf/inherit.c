/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/inherit.h"

#include <stdio.h>

#include "conf/conf.h"
#include "conf/kinds.h"

/* NULL: the file has no such option of its own. */
static const struct option *outer(const struct option *own)
{
    static const char *const prefixes[] = {"smtp-server-", "smtp-"};
    char dashed[OPTION_NAME], name[OPTION_NAME + 16];
    const struct option *from = NULL;

    for (size_t i = 0; !from && i < COUNT_OF(prefixes); i++) {
        snprintf(name, sizeof name, "%s%s", prefixes[i], conf_name(own, dashed));
        from = conf_find(kinds[KIND_GLOBAL].options, name);
    }
    return from;
}

bool inherit_is_of_file(const struct kind *kind, const struct option *own)
{
    return kind == &kinds[KIND_SMTP_LISTENER] && outer(own);
}

void inherit_global(struct smtp_listener *listener, const struct global *from)
{
    const struct option *own = kinds[KIND_SMTP_LISTENER].options;

    for (size_t i = 0; own[i].name; i++) {
        const struct option *o = listener->head.set & 1ULL << i ? NULL : outer(&own[i]);

        if (o)
            memcpy((char *)listener + own[i].offset, (const char *)from + o->offset, o->size);
    }
}

void inherit_place(const struct settings *s, const struct smtp_listener *listener, const char *name,
                   char *to, size_t size)
{
    const struct option *options = kinds[KIND_SMTP_LISTENER].options, *o = conf_find(options, name);
    const struct option_head *head = &listener->head;

    if (o && !(head->set & 1ULL << (o - options)) && outer(o)) {
        options = kinds[KIND_GLOBAL].options;
        o = outer(conf_find(kinds[KIND_SMTP_LISTENER].options, name));
        head = &s->global.head;
    }
    char dashed[OPTION_NAME];
    unsigned line = o ? option_line(head, (size_t)(o - options)) : head->line;

    snprintf(to, size, "%s:%u: %s", head->file, line,
             o ? conf_name(o, dashed) : listener->head.title);
}

struct looking {
    const char *why;
    const struct option *found;
};

static void on_file(void *arg, const struct option *o, const char *path)
{
    struct looking *l = arg;
    size_t len = strlen(path);

    if (strncmp(l->why, path, len) == 0 && l->why[len] == ':')
        l->found = o;
}

/* NULL: it begins with the name of none. */
static const struct option *find_file(int kind, const struct option_head *section, const char *why)
{
    struct looking l = {.why = why};

    option_files(kinds[kind].options, section, on_file, &l);
    return l.found;
}

void inherit_place_in(int kind, const struct option_head *section, const char *why, char *to,
                      size_t size)
{
    const struct option *o = find_file(kind, section, why);
    char name[OPTION_NAME];

    if (o)
        snprintf(to, size, "%s:%u: %s", section->file,
                 option_line(section, (size_t)(o - kinds[kind].options)), conf_name(o, name));
    else
        snprintf(to, size, "%s:%u: %s %s", section->file, section->line, kinds[kind].name,
                 section->title);
}

void inherit_place_of_file(const struct settings *s, const struct smtp_listener *listener,
                           const char *why, char *to, size_t size)
{
    const struct option *o = find_file(KIND_SMTP_LISTENER, &listener->head, why);
    char name[OPTION_NAME];

    if (o)
        inherit_place(s, listener, conf_name(o, name), to, size);
    else
        inherit_place_in(KIND_SMTP_LISTENER, &listener->head, why, to, size);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/whole.h"

#include <stdlib.h>

#include "tell/merge.h"

struct whole_line {
    struct whole_line *next;
    struct record_memory *memory;
    struct record record;
    char text[];
};

static const struct record *intent_of(const struct whole *w, const struct record *outcome)
{
    for (const struct whole_line *l = w->lines; l; l = l->next)
        if (l->record.what == RECORD_INTENT && span_same(l->record.key, outcome->key))
            return &l->record;
    return NULL;
}

bool whole_read(struct whole *w, struct span line, struct record *out)
{
    struct whole_line *l = line.len > 0 ? malloc(sizeof *l + line.len) : NULL;
    const struct record *intent;

    if (!l)
        return false;
    memcpy(l->text, line.at, line.len);
    if (!record_read((struct span){l->text, line.len}, &l->record, &l->memory)) {
        free(l);
        return false;
    }
    *out = l->record;
    if (out->what == RECORD_OUTCOME && (intent = intent_of(w, out)))
        merge_intent(out, intent);
    l->next = w->lines;
    w->lines = l;
    return true;
}

void whole_clear(struct whole *w)
{
    while (w->lines) {
        struct whole_line *l = w->lines;

        w->lines = l->next;
        record_forget(&l->memory);
        free(l);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/form.h"

#include "acct/cell.h"

void form_start(struct form *f, uint64_t number, int type, bool guard)
{
    f->number = number;
    f->type = type;
    f->guard = guard;
    f->full = false;
    f->len = f->cells = f->blanks = 0;
}

/* Room for the next cell, behind its comma. */
static bool begin_cell(struct form *f, size_t room)
{
    f->full = f->full || room + 1 > sizeof f->text - f->len;
    if (!f->full && f->cells++ > 0)
        f->text[f->len++] = ',';
    return !f->full;
}

void form_cell(struct form *f, struct span value)
{
    if (begin_cell(f, cell_room(value)))
        f->len += cell_csv(f->text + f->len, value, f->guard);
}

void form_blank(struct form *f, unsigned column)
{
    if (!begin_cell(f, 0))
        return;
    f->blank[f->blanks].at = (unsigned short)f->len;
    f->blank[f->blanks++].column = (unsigned char)column;
}

size_t form_row(const struct form *f, char *to, const struct span *values)
{
    size_t from = 0;
    char *at = to;

    for (size_t i = 0; i < f->blanks; i++) {
        size_t len = f->blank[i].at - from;

        memcpy(at, f->text + from, len);
        at += len;
        at += cell_csv(at, values[i], f->guard);
        from += len;
    }
    memcpy(at, f->text + from, f->len - from);
    at += f->len - from;
    memcpy(at, "\r\n", 2);
    return (size_t)(at + 2 - to);
}

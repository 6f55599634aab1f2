/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/mapping.h"

#include "acct/type.h"

static const enum column mapped[] = {COLUMN_orcpt, COLUMN_vmta,     COLUMN_jobId,
                                     COLUMN_envId, COLUMN_vmtaPool, COLUMN_userString};

static bool may_be_mapped(enum column c)
{
    for (size_t i = 0; i < COUNT_OF(mapped); i++) {
        if (mapped[i] == c)
            return true;
    }
    return false;
}

struct span mapping_header(struct span word)
{
    struct span name;

    if (!span_starts_nocase(word, "header_"))
        return SPAN("");
    name = span_after(word, strlen("header_"));
    return record_is_header(name) ? name : SPAN("");
}

static struct span next_word(struct span *rest)
{
    *rest = span_trim(*rest);
    return span_cut(rest, ' ');
}

const char *mapping_read(struct span text, struct mapping *out)
{
    struct span type = next_word(&text), header = next_word(&text), column = next_word(&text);

    out->type = type_letter(type_find(type));
    out->header = mapping_header(header);
    out->column = column_find(column);
    if (column.len == 0 || span_trim(text).len > 0)
        return "has not three words; write \"d header_X-Campaign jobId\"";
    if (!out->type || span_is(span_of(out->type), "tq"))
        return "begins with no type that has a message; write d, b, t or r";
    if (out->header.len == 0)
        return "names no header field; write header_ and its name, such as header_X-Campaign";
    if (!may_be_mapped(out->column))
        return "ends with a column that no message can fill; these can be: orcpt, vmta, jobId, "
               "envId, vmtaPool and userString";
    return NULL;
}

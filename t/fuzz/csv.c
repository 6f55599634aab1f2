/* SPDX-License-Identifier: Apache-2.0
 *
 * Any value becomes one cell of one row (RFC 4180), whatever is in it. The first byte chooses
 * the column.
 */
#include "base/text.h"
#include "acct/account.h"

#include "fuzz.h"

int fuzz_reached;

/* Takes one cell off the row, as a strict reader does; its end, ',' or CR, comes back. */
static char take_cell(struct span *row, char *to)
{
    bool quoted = row->len > 0 && row->at[0] == '"';
    size_t len = 0, at = quoted;

    for (;; at++) {
        promise(at < row->len);
        if (quoted && row->at[at] == '"') {
            if (at + 1 < row->len && row->at[at + 1] != '"')
                break;
            promise(at + 1 < row->len);
            at++;
        } else if (!quoted && (row->at[at] == ',' || row->at[at] == '\r')) {
            break;
        } else {
            promise(quoted || row->at[at] != '"');
        }
        promise(row->at[at] != '\r' && row->at[at] != '\n');
        to[len++] = row->at[at];
    }
    to[len] = '\0';
    at += quoted;
    *row = span_after(*row, at + 1);
    return row->at[-1];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const type[] = {"d"}, *const names[] = {"orig", "dsnDiag", "rcpt"};
    static const enum column columns[] = {COLUMN_orig, COLUMN_dsnDiag, COLUMN_rcpt};
    static const struct account_fields fields = {"d", {names, 3}};
    struct account_conf conf = {
        .records = {type, 1}, .fields = &fields, .fields_count = 1, .user_string = ""};
    char why[256], clean[RECORD_MAX + 1], cell[3 * RECORD_MAX];
    struct record r = {.at = 1, .column[COLUMN_type] = SPAN("d")};
    struct account *a = account_new(&conf, why, sizeof why);
    struct span row;
    struct buf b;

    promise(a);
    if (size > 0) {
        size_t which = bytes[0] % COUNT_OF(columns);
        struct span value = {(const char *)bytes + 1, size - 1};

        r.column[columns[which]] = value;
        text_clean(clean, sizeof clean, value);
        buf_init(&b, 1 << 20);
        promise(account_row(a, &b, &r));
        row = buf_peek(&b);
        promise(take_cell(&row, cell) == ',' && strcmp(cell, "d") == 0);
        for (size_t i = 0; i < COUNT_OF(columns); i++) {
            promise(take_cell(&row, cell) == (i == 2 ? '\r' : ','));
            promise(i == which ? strcmp(cell, clean) == 0 : cell[0] == '\0');
        }
        promise(span_is(row, "\n"));
        fuzz_reached += size > 1;
        buf_clear(&b);
    }
    account_free(&a);
    return 0;
}

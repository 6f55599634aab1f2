/* SPDX-License-Identifier: Apache-2.0
 *
 * account-rows FORMAT COLUMN... - rows of records whose values come from standard input, as an
 * accounting file has them. FORMAT is csv, guard or json. For each record it reads each column's
 * value, after its length in four bytes, the highest first.
 */
#include <stdio.h>
#include <stdlib.h>

#include "acct/account.h"

enum { VALUE_MOST = 1 << 20 };

/* False: there is no more. */
static bool take_value(struct span *out)
{
    unsigned char len[4];
    char *bytes;

    if (fread(len, sizeof len, 1, stdin) != 1)
        return false;
    out->len = (size_t)len[0] << 24 | (size_t)len[1] << 16 | (size_t)len[2] << 8 | len[3];
    if (out->len > VALUE_MOST || !(bytes = malloc(out->len + 1)))
        abort();
    out->at = bytes;
    return fread(bytes, 1, out->len, stdin) == out->len;
}

static bool take_record(struct record *r, struct span *values, char **columns, int count)
{
    *r = (struct record){.at = 1549662845};
    for (int c = 0; c < COLUMN_COUNT; c++)
        r->column[c] = SPAN("");
    r->column[COLUMN_type] = SPAN("d");
    for (int i = 0; i < count; i++) {
        struct span name = span_of(columns[i]), *value = &values[i];
        enum column c = column_find(name);

        if (!take_value(value))
            return false;
        if (c != COLUMN_COUNT)
            r->column[c] = *value;
        else if (value->len > 0)
            record_add_header(r, span_after(name, strlen("header_")), *value);
    }
    return true;
}

static void put_out(struct span s)
{
    if (fwrite(s.at, 1, s.len, stdout) != s.len)
        abort();
}

int main(int count, char **args)
{
    static const char *const type[] = {"d"};
    struct account_fields fields = {"d", {(const char *const *)args + 2, (size_t)count - 2}};
    struct account_conf conf = {.records = {type, 1},
                                .fields = &fields,
                                .fields_count = 1,
                                .user_string = "",
                                .json = count > 1 && !strcmp(args[1], "json"),
                                .guard = count > 1 && !strcmp(args[1], "guard")};
    char why[256] = "no FORMAT, or no COLUMN";
    struct account *a = count > 2 ? account_new(&conf, why, sizeof why) : NULL;
    struct span values[COLUMNS_MOST];
    struct record r;

    if (!a || count - 2 > COLUMNS_MOST) {
        fprintf(stderr, "account-rows: %s\n", why);
        return 1;
    }
    put_out(account_header(a));
    while (take_record(&r, values, args + 2, count - 2)) {
        struct buf to;

        buf_init(&to, SIZE_MAX / 2);
        if (!account_row(a, &to, &r))
            return 1;
        put_out(buf_peek(&to));
        buf_clear(&to);
        for (int i = 0; i < count - 2; i++)
            free((char *)values[i].at);
    }
    account_free(&a);
    return 0;
}

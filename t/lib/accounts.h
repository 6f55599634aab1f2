/* SPDX-License-Identifier: Apache-2.0
 *
 * accounts - accounts, and the lists that they are made of, for unit tests.
 */
#pragma once

#include "acct/account.h"
#include "t/unit/unit.h"

/* A struct texts, or a start of one. */
#define LIST(...)                                                                                  \
    {                                                                                              \
        (const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *) \
    }

/* Of a struct account_conf. */
#define FIELDS(...)                                         \
    .fields = (const struct account_fields[]){__VA_ARGS__}, \
    .fields_count =                                         \
        sizeof((const struct account_fields[]){__VA_ARGS__}) / sizeof(struct account_fields)

/* Stops the test if it cannot be made. */
static inline struct account *account_made(struct account_conf conf)
{
    char why[256];
    struct account *a;

    conf.user_string = conf.user_string ? conf.user_string : "";
    a = account_new(&conf, why, sizeof why);
    if (!a)
        fail_msg("%s", why);
    return a;
}

static inline void assert_is_row(struct account *a, const struct record *r, const char *row)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    assert_true(account_row(a, &b, r));
    assert_span(buf_peek(&b), row);
    buf_clear(&b);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * outcome - what came of a call of conn.h that says conn_got. For the files of conn.h alone.
 */
#pragma once

#include "net/conn.h"

static inline enum conn_got outcome_failed(struct conn *c, const char *why)
{
    c->broken = true;
    c->why = why;
    return CONN_FAILED;
}

static inline enum conn_got outcome_later(struct conn *c, unsigned needs)
{
    c->needs = needs;
    return CONN_LATER;
}

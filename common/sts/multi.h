/* SPDX-License-Identifier: Apache-2.0
 *
 * multi - libcurl's transfers inside of the event loop: what it wants watched, and when it wants to
 * be called. For fetch.c alone.
 */
#pragma once

#include <curl/curl.h>

#include "base/span.h"
#include "net/watch.h"

/* A transfer is over, whose CURLOPT_PRIVATE this is. */
typedef void multi_fn(void *transfer, CURLcode code);

struct multi {
    struct event_base *base; /* borrowed */
    CURLM *curl;             /* ours */
    struct alarm alarm;
    multi_fn *fn;
};

/* It must not move from here on. False: no memory; clear it all the same. */
MUST bool multi_init(struct multi *m, struct event_base *base, multi_fn *fn);

/* All transfers have been taken out. */
void multi_clear(struct multi *m);

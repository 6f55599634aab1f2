/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz - what a target is: it takes any bytes, and nothing they do may break a promise.
 *
 * With --enable-fuzzing it is libFuzzer's; else main.c replays t/fuzz/NAME.seed/ and what a
 * fixed sequence of accidents makes of the seeds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* How often something got through to what is tested. After the seeds it must not be 0: a
 * target that tests nothing is a test that fails. */
extern int fuzz_reached;

/* How many accidents befall each seed; a slow target has its own number. */
extern int fuzz_accidents;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* As assert(), but never compiled out. */
#define promise(holds)                                                          \
    do {                                                                        \
        if (!(holds)) {                                                         \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #holds); \
            abort();                                                            \
        }                                                                       \
    } while (0)

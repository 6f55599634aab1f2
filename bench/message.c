/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <stdlib.h>

static const char head[] = "Subject: load\r\nFrom: <s@example.org>\r\n\r\n";
static const char line[] =
    "The quick brown fox jumps over the lazy dog, and then again over it, 0123456\r\n";
static const char dot[] = ".\r\n";

enum { HEAD_LEN = sizeof head - 1, LINE_LEN = sizeof line - 1, DOT_LEN = sizeof dot - 1 };
enum { BLOCK_LINES = 65536 / LINE_LEN, BLOCK_LEN = BLOCK_LINES * LINE_LEN };

static char *add_lines(char *to, size_t count)
{
    while (count-- > 0)
        to = (char *)mempcpy(to, line, LINE_LEN);
    return to;
}

/* A message that fits into one piece is one, so that it can leave in one write. */
bool message_init(struct message *m, size_t bytes)
{
    size_t lines = bytes > HEAD_LEN ? (bytes - HEAD_LEN + LINE_LEN - 1) / LINE_LEN : 0;
    size_t in_first = lines % BLOCK_LINES;
    char *to;

    *m = (struct message){
        .first = malloc(HEAD_LEN + (in_first + 1) * LINE_LEN + DOT_LEN),
        .block = malloc(BLOCK_LEN),
        .last = malloc(DOT_LEN),
        .blocks = lines / BLOCK_LINES,
        .block_len = BLOCK_LEN,
    };
    if (!m->first || !m->block || !m->last)
        return false;
    add_lines(m->block, BLOCK_LINES);
    to = add_lines((char *)mempcpy(m->first, head, HEAD_LEN), in_first);
    if (m->blocks == 0)
        to = (char *)mempcpy(to, dot, DOT_LEN);
    else
        memcpy(m->last, dot, m->last_len = DOT_LEN);
    m->first_len = (size_t)(to - m->first);
    m->len = m->first_len + m->blocks * BLOCK_LEN + m->last_len;
    return true;
}

void message_clear(struct message *m)
{
    free(m->first);
    free(m->block);
    free(m->last);
    *m = (struct message){.first = NULL};
}

struct span message_piece(const struct message *m, unsigned long i)
{
    if (i == 0)
        return (struct span){m->first, m->first_len};
    if (i <= m->blocks)
        return (struct span){m->block, m->block_len};
    return (struct span){m->last, i == m->blocks + 1 ? m->last_len : 0};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/lanes.h"

#include <stdio.h>
#include <stdlib.h>

#include "t/unit/unit.h"

static struct lane *lane_of(struct stage *st)
{
    return st->at < st->relay.lanes ? st->relay.lane[st->at] : NULL;
}

size_t lanes_write(struct stage *st, unsigned lane)
{
    struct span pieces[DIAL_PIECES];
    struct far *far = &st->far[lane];
    size_t count = relay_pieces(&st->relay, lane, pieces), sum = 0;

    for (size_t i = 0; i < count; sum += pieces[i++].len) {
        if (far->slow && pieces[i].len > far->takes)
            pieces[i].len = far->takes;
        far->takes -= far->slow ? pieces[i].len : 0;
        assert_true(buf_add(&far->to, pieces[i]));
    }
    if (sum > 0)
        relay_went(&st->relay, lane, sum);
    return sum;
}

static enum fail fail_of(const char *word)
{
    enum fail f = FAIL_NOT;

    while (f < FAIL_COUNT && strcmp(fail_word(f), word) != 0)
        f++;
    assert_true(f < FAIL_COUNT);
    return f;
}

static void opened(struct stage *st, struct far *far, const char *reply, bool more, bool kept)
{
    struct ehlo ehlo = ehlo_read(span_of(reply));
    struct heard h;

    ehlo_list(far->remote.esmtp, sizeof far->remote.esmtp, span_of(reply));
    dial_init(&far->dial);
    /* As the attempt leaves it: the greeting was heard. */
    assert_true(dial_feed(&far->dial, SPAN("220 x\r\n")) && dial_next(&far->dial, &h) == 1);
    assert_int_equal(dial_next(&far->dial, &h), 0);
    far->dialled = true;
    lane_opened(&st->relay, lane_of(st), &far->dial, &ehlo, &far->remote, more, kept);
}

bool lanes_seeks(struct stage *st, char *arg)
{
    const struct lane *l = lane_of(st);

    (void)arg;
    return l && l->is == LANE_SEEKS;
}

/* SIZE_1000 is SIZE with its argument. */
static void offer(char *reply, size_t size, char *word)
{
    if (strchr(word, '_'))
        *strchr(word, '_') = ' ';
    snprintf(reply + strlen(reply), size - strlen(reply), "250-%s\r\n", word);
}

bool lanes_server(struct stage *st, char *arg)
{
    char reply[512] = "250-x\r\n", *word = strtok_r(arg, " ", &arg);
    struct far *far = &st->far[st->at];
    bool more = false, kept = false;

    if (!lanes_seeks(st, NULL) || lane_of(st)->dial)
        return false;
    far->remote = (struct remote){.rule = "*", .client_cert = "", .demand.level = DEMAND_MAY};
    snprintf(far->remote.name, sizeof far->remote.name, "%s", word);
    assert_true(addr_read(span_of(strtok_r(arg, " ", &arg)), &far->remote.at));
    far->remote.at.port = 25;
    assert_true(addr_read(SPAN("192.0.2.200"), &far->remote.from));
    far->remote.from.port = 40000;
    while ((word = strtok_r(arg, " ", &arg))) {
        if (!strcmp(word, "more"))
            more = true;
        else if (!strcmp(word, "kept"))
            kept = true;
        else if (!strcmp(word, "secure"))
            far->remote.secure = true;
        else
            offer(reply, sizeof reply, word);
    }
    snprintf(reply + strlen(reply), sizeof reply - strlen(reply), "250 HELP\r\n");
    opened(st, far, reply, more, kept);
    return true;
}

bool lanes_none(struct stage *st, char *arg)
{
    static const struct remote found = {.rule = "*", .client_cert = ""};

    if (!lanes_seeks(st, NULL))
        return false;
    lane_failed(&st->relay, lane_of(st), fail_of(arg), &found);
    return true;
}

bool lanes_left(struct stage *st, char *arg)
{
    static const char *const words[] = {"not", "clean", "open", "data", "tired", "spent"};
    struct lane *l = lane_of(st);
    const char *is = words[l ? l->left : LEFT_NOT];

    if (!l || strcmp(is, arg) != 0) {
        print_error("it is left %s\n", is);
        return false;
    }
    lane_taken(l);
    dial_clear(&st->far[st->at].dial);
    st->far[st->at].dialled = false;
    return true;
}

bool lanes_lost(struct stage *st, char *arg)
{
    if (lane_of(st))
        lane_lost(&st->relay, lane_of(st), fail_of(arg));
    return lane_of(st) != NULL;
}

/* The same server is wanted once more. */
bool lanes_again(struct stage *st, char *arg)
{
    bool is = lanes_seeks(st, arg) && lane_of(st)->again;

    if (is)
        lane_of(st)->again = false;
    return is;
}

bool lanes_takes(struct stage *st, char *arg)
{
    st->far[st->at].slow = true;
    st->far[st->at].takes = strtoul(arg, NULL, 10);
    return true;
}

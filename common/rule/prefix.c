/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/prefix.h"

#include <stdlib.h>

enum { STEP = 4, WAYS = 1 << STEP };

/* Each way has the value of the longest prefix so far, and perhaps a node that knows more.
 * Node 0 is the root, so a child of 0 is none. */
struct prefix_node {
    uint32_t value[WAYS];
    uint32_t child[WAYS];
};

void prefix_clear(struct prefixes *p)
{
    free(p->nodes);
    *p = (struct prefixes){0};
}

static unsigned way_at(const uint8_t ip[16], unsigned depth)
{
    return depth % 2 ? ip[depth / 2] & 15u : ip[depth / 2] >> 4;
}

/* A new node whose ways all have `value`. */
static bool add_node(struct prefixes *p, uint32_t value, uint32_t *number)
{
    if (p->count == p->room) {
        uint32_t room = p->room ? 2 * p->room : 16;
        struct prefix_node *more = reallocarray(p->nodes, room, sizeof *more);

        if (!more)
            return false;
        p->nodes = more;
        p->room = room;
    }
    *number = p->count++;
    p->nodes[*number] = (struct prefix_node){0};
    for (unsigned i = 0; i < WAYS; i++)
        p->nodes[*number].value[i] = value;
    return true;
}

static bool step_down(struct prefixes *p, uint32_t *node, unsigned way)
{
    uint32_t child = p->nodes[*node].child[way];

    if (!child) {
        if (!add_node(p, p->nodes[*node].value[way], &child))
            return false;
        p->nodes[*node].child[way] = child;
    }
    *node = child;
    return true;
}

bool prefix_add(struct prefixes *p, const struct network *n, uint32_t value)
{
    unsigned depth = n->bits ? (n->bits - 1u) / STEP : 0;
    unsigned same = 1u << (STEP * (depth + 1) - n->bits); /* ways that the network fills */
    uint32_t node = 0;

    if (!p->count && !add_node(p, 0, &node))
        return false;
    for (unsigned i = 0; i < depth; i++)
        if (!step_down(p, &node, way_at(n->ip, i)))
            return false;
    for (unsigned i = 0; i < same; i++)
        p->nodes[node].value[way_at(n->ip, depth) + i] = value;
    return true;
}

uint32_t prefix_find(const struct prefixes *p, const uint8_t ip[16])
{
    const struct prefix_node *node = p->nodes;

    if (!node)
        return 0;
    for (unsigned depth = 0;; depth++) {
        unsigned way = way_at(ip, depth);

        if (!node->child[way])
            return node->value[way];
        node = &p->nodes[node->child[way]];
    }
}

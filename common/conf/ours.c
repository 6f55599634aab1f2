/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/ours.h"

#include <stdio.h>

#include "acct/wanted.h"
#include "conf/kinds.h"
#include "conf/value.h"

enum { KEPT_DAYS = 8, DAY = 86400 };

static const char *const types[] = {"d", "b", "t", "tq"};

static const char *const of_messages[] = {"type",
                                          "timeLogged",
                                          "queue",
                                          "dsnMta",
                                          "dlvSourceIp",
                                          "dlvDestinationIp",
                                          "dlvTlsProtocol",
                                          "dlvTlsPolicyResult",
                                          "dlvTlsError",
                                          "dlvTlsPolicyText",
                                          "dlvTlsPolicyDomain",
                                          "dlvSessionId",
                                          "sessionId",
                                          "envId",
                                          "header_" WANTED_REPORT};

/* Those are known by name; the last two are a message's. */
enum { OF_ATTEMPTS = COUNT_OF(of_messages) - 2 };

static const struct record_fields fields[] = {
    {.head = {.title = "d"}, .fields = {of_messages, COUNT_OF(of_messages)}},
    {.head = {.title = "b"}, .fields = {of_messages, COUNT_OF(of_messages)}},
    {.head = {.title = "t"}, .fields = {of_messages, COUNT_OF(of_messages)}},
    {.head = {.title = "tq"}, .fields = {of_messages, OF_ATTEMPTS}},
};

static const char *path_in(struct arena *arena, const char *state)
{
    size_t size = strlen(state) + sizeof "/" OURS_FOLDER "/" OURS_FILE;
    char *path = arena_get(arena, 1, size);

    snprintf(path, size, "%s/" OURS_FOLDER "/" OURS_FILE, state);
    return path;
}

const struct acct_file *ours_add(struct arena *arena, const struct global *g,
                                 const struct acct_file *files, size_t *count)
{
    struct acct_file *all = arena_get(arena, *count + 1, sizeof *all);
    struct acct_file *ours = &all[*count];

    memcpy(all, files, *count * sizeof *all);
    value_defaults(kinds[KIND_ACCT_FILE].options, arena, ours);
    ours->head.title = path_in(arena, g->state_directory);
    ours->head.file = g->head.file;
    ours->head.line = g->head.line;
    ours->records = (struct texts){types, COUNT_OF(types)};
    ours->record_fields = fields;
    ours->record_fields_count = COUNT_OF(fields);
    ours->move_interval = DAY;
    ours->delete_after = KEPT_DAYS * DAY;
    ours->is_ours = true;
    ++*count;
    return all;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "run/reading.h"

#include "conf/settings.h"
#include "run/folder.h"

static bool find_cage(struct reading *r, char *why, size_t size)
{
    const struct global *g = &r->settings->global;

    return cage_find(g->user, g->group, &r->cage, why, size) == 0;
}

bool reading_settings(struct reading *r, const struct args *a, char *why, size_t size)
{
    *r = (struct reading){.settings = settings_read(a->file, why, size)};
    return r->settings && find_cage(r, why, size);
}

bool reading_again(struct reading *r, struct settings *settings, char *why, size_t size)
{
    *r = (struct reading){.settings = settings_share(settings)};
    return find_cage(r, why, size);
}

bool reading_folders(struct reading *r, char *why, size_t size)
{
    const struct global *g = &r->settings->global;

    return folder_make(g->run_directory, FOLDER_OF_MASTER, &r->cage, why, size) == 0 &&
           folder_make(g->state_directory, FOLDER_OF_USER, &r->cage, why, size) == 0 &&
           folder_make(g->spool_directory, FOLDER_OF_USER, &r->cage, why, size) == 0;
}

bool reading_prepare(struct reading *r, const struct program *program, void *before,
                     bool only_check, char *why, size_t size)
{
    files_note(&r->files, program, r->settings);
    r->prepared = program->prepare(r->settings, before, only_check, why, size);
    return r->prepared;
}

void reading_clear(struct reading *r, const struct program *program)
{
    if (r->prepared)
        program->discard(r->prepared);
    r->prepared = NULL;
    files_clear(&r->files);
    settings_free(&r->settings);
}

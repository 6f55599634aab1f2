/* SPDX-License-Identifier: Apache-2.0 */
#include "run/reading.h"

#include <stdio.h>
#include <string.h>

#include "conf/settings.h"
#include "run/folder.h"
#include "run/gently.h"

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

static bool reading_again(struct reading *r, struct settings *settings, char *why, size_t size)
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

struct task {
    struct reading *reading;
    const struct program *program;
    const struct anew *anew;
    char *why;
    size_t size;
    bool right;
};

static bool read_anew(struct reading *r, const struct program *program, const struct anew *a,
                      char *why, size_t size)
{
    if (a->args ? !reading_settings(r, a->args, why, size)
                : !reading_again(r, a->settings, why, size))
        return false;
    if (strcmp(r->settings->global.run_directory, a->run_directory) != 0) {
        snprintf(why, size, "run-directory cannot change while we run: stop and start");
        return false;
    }
    return reading_folders(r, why, size) &&
           reading_prepare(r, program, a->before, false, why, size);
}

static void run(void *arg)
{
    struct task *t = arg;

    t->right = read_anew(t->reading, t->program, t->anew, t->why, t->size);
}

bool reading_anew(struct reading *r, const struct program *program, const struct anew *anew,
                  char *why, size_t size)
{
    struct task t = {r, program, anew, why, size, false};

    gently(run, &t);
    return t.right;
}

void reading_clear(struct reading *r, const struct program *program)
{
    if (r->prepared)
        program->discard(r->prepared);
    r->prepared = NULL;
    files_clear(&r->files);
    settings_free(&r->settings);
}

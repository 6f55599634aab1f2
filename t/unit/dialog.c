/* SPDX-License-Identifier: Apache-2.0
 *
 * Plays the written conversations t/dialog/in-*.dlg through proxy-in's relay, without a
 * socket (t/lib/stage.h). What they can say is in t/dialog/README. Whatever is said at one go,
 * without a line of the other kinds in between, arrives at once: that is pipelining.
 */
#include "t/unit/unit.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "t/lib/stage.h"

/* `c= text`: \r \n \0 \t \\ are what they say, and no line end is added. */
static size_t unescape(char *text)
{
    static const char from[] = "rn0t\\", to[] = "\r\n\0\t\\";
    size_t len = 0;

    for (const char *at = text; *at; at++) {
        const char *hit = at[0] == '\\' && at[1] ? strchr(from, at[1]) : NULL;

        text[len++] = hit ? to[hit - from] : *at;
        at += hit != NULL;
    }
    return len;
}

static bool play(struct stage *st, char *line)
{
    char text[4096];
    size_t skip = line[2] == ' ' ? 3 : 2, len;

    if (line[0] == '!')
        return stage_direct(st, line + 1);
    bool bytes = line[1] == '=' || line[1] == '~';

    snprintf(text, sizeof text, "%s%s", line + skip, bytes ? "" : "\r\n");
    len = bytes ? unescape(text) : strlen(text);

    struct span say = {text, len};

    if (line[1] == '<' || line[1] == '~') {
        stage_turn(st);
        return stage_hears(line[0] == 'c' ? &st->spoken_to_client : &st->spoken_to_backend, say);
    }
    return stage_say(st, line[0], say);
}

static void play_file(const char *path)
{
    struct stage st;
    char line[2048];
    unsigned number = 0;
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    stage_init(&st);
    while (fgets(line, sizeof line, f)) {
        number++;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] && line[0] != '#' && !play(&st, line))
            fail_msg("%s:%u: %s", path, number, line);
    }
    fclose(f);
    stage_turn(&st);
    if (!stage_is_quiet(&st))
        fail_msg("%s: something was said at the end that nobody heard", path);
    stage_clear(&st);
}

static void plays(void **path)
{
    play_file(*path);
}

int main(void)
{
    static struct CMUnitTest tests[256];
    char pattern[4096];
    size_t count = 0;
    glob_t found;

    snprintf(pattern, sizeof pattern, "%s/t/dialog/in-*.dlg",
             getenv("T_SOURCE") ? getenv("T_SOURCE") : ".");
    if (glob(pattern, 0, NULL, &found) != 0 || found.gl_pathc > COUNT_OF(tests)) {
        fprintf(stderr, "no dialogues at %s, or too many\n", pattern);
        return 1;
    }
    for (; count < found.gl_pathc; count++)
        tests[count] = (struct CMUnitTest){strrchr(found.gl_pathv[count], '/') + 1, plays, NULL,
                                           NULL, found.gl_pathv[count]};

    int failed = _cmocka_run_group_tests("dialog", tests, count, NULL, NULL);

    globfree(&found);
    return failed;
}

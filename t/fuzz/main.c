/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a target as an ordinary test: its seeds, whole and cut, and some thousand accidents
 * to each, always the same. Files as arguments are run instead.
 */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

enum { INPUT_MAX = 1 << 16, SEEDS_MAX = 200 };

__attribute__((weak)) int fuzz_accidents = 2000;

static struct seed {
    char name[256];
    uint8_t *bytes;
    size_t size;
} seeds[SEEDS_MAX];
static size_t seed_count;
static int tests, failed;

static void ok(bool holds, const char *what)
{
    printf("%sok %d - %s\n", holds ? "" : "not ", ++tests, what);
    failed += !holds;
}

/* Exactly as large as it is, so that a sanitizer sees who looks behind it. */
static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    promise(copy);
    memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void read_seed(const char *path, const char *name)
{
    static uint8_t bytes[INPUT_MAX];
    struct seed *s = &seeds[seed_count];
    FILE *f = fopen(path, "rb");

    if (!f || seed_count == SEEDS_MAX) {
        ok(false, path);
        return;
    }
    snprintf(s->name, sizeof s->name, "%s", name);
    s->size = fread(bytes, 1, sizeof bytes, f);
    s->bytes = malloc(s->size + 1);
    promise(s->bytes);
    memcpy(s->bytes, bytes, s->size);
    fclose(f);
    seed_count++;
}

static void read_folder(const char *program)
{
    const char *source = getenv("T_SOURCE"), *slash = strrchr(program, '/');
    char folder[2048], path[4096];
    struct dirent **found;

    snprintf(folder, sizeof folder, "%s/t/fuzz/%s.seed", source ? source : ".",
             slash ? slash + 1 : program);
    int count = scandir(folder, &found, NULL, alphasort);

    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, found[i]->d_name);
        if (found[i]->d_name[0] != '.')
            read_seed(path, found[i]->d_name);
        free(found[i]);
    }
    if (count >= 0)
        free(found);
    ok(seed_count > 0, folder);
}

static uint64_t next_number(void)
{
    static uint64_t x = 88172645463325252;

    x ^= x << 13;
    x ^= x >> 7;
    return x ^= x << 17;
}

/* One thing happens to the input: a byte changes, some go, some come again, or some of
 * another seed come in. Its new size comes back. */
static size_t befall(uint8_t *bytes, size_t size)
{
    static const uint8_t letters[] = "\r\n\0. <>@:;=-0259\x01\x02\x03\x04\x05\x06\x07\xff";
    struct seed *other = &seeds[next_number() % seed_count];
    size_t at = size ? next_number() % size : 0, len = 1 + next_number() % 16;

    if (len > size - at)
        len = size - at;
    switch (next_number() % 5) {
    case 0:
        if (size)
            bytes[at] = (uint8_t)next_number();
        return size;
    case 1:
        if (size)
            bytes[at] = letters[next_number() % (sizeof letters - 1)];
        return size;
    case 2:
        memmove(bytes + at, bytes + at + len, size - at - len);
        return size - len;
    case 3:
        memmove(bytes + at + len, bytes + at, size - at);
        return size + len;
    default:
        len = other->size < len * 4 ? other->size : len * 4;
        memmove(bytes + at + len, bytes + at, size - at);
        memcpy(bytes + at, other->bytes + next_number() % (other->size - len + 1), len);
        return size + len;
    }
}

static void run_accidents(const struct seed *s)
{
    static uint8_t bytes[INPUT_MAX + 16 * 64];

    for (int i = 0; i < fuzz_accidents; i++) {
        size_t size = s->size;

        memcpy(bytes, s->bytes, size);
        for (uint64_t n = 1 + next_number() % 8; n-- > 0;)
            size = befall(bytes, size);
        run(bytes, size);
    }
}

int main(int argc, char **argv)
{
    char what[300];

    for (int i = 1; i < argc; i++)
        read_seed(argv[i], argv[i]);
    if (argc == 1)
        read_folder(argv[0]);
    for (size_t i = 0; i < seed_count; i++) {
        run(seeds[i].bytes, seeds[i].size);
        ok(true, seeds[i].name);
    }
    snprintf(what, sizeof what, "the seeds get through to what is tested (%d times)", fuzz_reached);
    ok(fuzz_reached > 0, what);
    for (size_t i = 0; argc == 1 && i < seed_count; i++)
        for (size_t size = 0; size < seeds[i].size; size++)
            run(seeds[i].bytes, size);
    for (size_t i = 0; argc == 1 && i < seed_count; i++)
        run_accidents(&seeds[i]);
    ok(true, "it survives cuts and accidents");
    for (size_t i = 0; i < seed_count; i++)
        free(seeds[i].bytes);
    printf("1..%d\n", tests);
    return failed > 0;
}

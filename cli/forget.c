/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <stdio.h>

#include "base/clock.h"
#include "conf/settings.h"
#include "keep/memory.h"
#include "smtp/idna.h"

/* Kinds with a domain for their key. */
static const struct {
    enum memory_kind kind;
    const char *what;
} kinds[] = {
    {MEMORY_SEEN, "that it has shown TLS (starttls-memory)"},
    {MEMORY_STS, "its MTA-STS policy"},
};

/* Writes beside a running sallyport-out, which looks for what is written so. */
static int forget(struct store *store, const char *domain)
{
    struct store_txn *t = store_begin(store);
    unsigned had = t ? memory_forget(t, span_of(domain), clock_now()) : 0;

    if (!t || !store_commit(&t)) {
        fprintf(stderr, "sallyport forget: the store cannot be written: is the disk full?\n");
        return CLI_CANNOT;
    }
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (had & 1U << kinds[i].kind)
            printf("%s: forgotten: %s\n", domain, kinds[i].what);
    if (!had)
        printf("%s: nothing was remembered\n", domain);
    printf("That TLS with servers broke lately is forgotten within a second, of all domains.\n");
    return had ? CLI_RIGHT : CLI_FINDINGS;
}

static int forget_of(const struct settings *s, const char *domain)
{
    char why[4400];
    struct store *store = memory_open(s->global.state_directory, false, why, sizeof why);
    int status;

    if (!store) {
        fprintf(stderr, "sallyport forget: %s\n", why);
        return memory_is_made(s->global.state_directory) ? CLI_CANNOT : CLI_FINDINGS;
    }
    status = forget(store, domain);
    store_close(&store);
    return status;
}

int forget_run(int argc, char **argv)
{
    char domain[IDNA_NAME];
    const char *file;
    int status, at = command_options(argc, argv, &file);
    struct settings *s;

    if (at < 0)
        return EXIT_USAGE;
    if (argc - at != 1)
        return command_wrong("forget", "say one domain");
    if (!idna_ascii(span_of(argv[at]), domain))
        return command_wrong("forget", "'%s' is no domain", argv[at]);
    if (!(s = command_settings(file)))
        return CLI_CANNOT;
    status = forget_of(s, domain);
    settings_free(&s);
    return status;
}

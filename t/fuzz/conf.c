/* SPDX-License-Identifier: Apache-2.0
 *
 * A configuration is read whole, or refused with lines that each say where and what.
 */
#include "fuzz.h"
#include "conf/settings.h"

int fuzz_reached;

static void check_lines(const char *why)
{
    for (struct span rest = span_of(why); rest.len;) {
        struct span line = span_cut(&rest, '\n');

        promise(line.len > 4 && line.at[0] == 'f' && line.at[1] == ':');
        promise(line.at[2] >= '1' && line.at[2] <= '9');
    }
}

/* What lies in this machine's files is no part of the input. */
static bool includes(struct span s)
{
    for (; s.len; s = span_after(s, 1))
        if (span_starts_nocase(s, "include"))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char why[8192];
    struct span in = {(const char *)bytes, size};
    struct settings *s;

    if (includes(in))
        return 0;
    s = settings_read_text(in, "f", why, sizeof why);
    promise((s == NULL) == (*why != '\0'));
    check_lines(why);
    if (s) {
        promise(domains_find(s->domains, in));
        for (size_t i = 0; i < s->smtp_listener_count; i++)
            promise(settings_backend(s, &s->smtp_listeners[i]));
        fuzz_reached += s->source_section_count + s->domain_section_count > 0;
        settings_free(&s);
    }
    return 0;
}

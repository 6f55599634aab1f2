/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/rollups.h"

#include "conf/checks.h"

/* check.c has read them all together. */
void check_domain_macro(struct check *c, struct section *s)
{
    (void)c;
    (void)s;
}

/* All of it stands in its lines. */
void check_mx_rollup_list(struct check *c, struct section *s)
{
    (void)c;
    (void)s;
}

void check_mx(struct check *c, struct section *s)
{
    struct rollup_mx *mx = (struct rollup_mx *)s->head;

    if (!rollup_is_server(mx->head.title))
        wrong(c, s, "mx", "'%s' is not a server; write mx.example.com or *.example.com",
              mx->head.title);
    else if (!mx->rollup.count || !rollup_is_name(mx->rollup.at[0]))
        wrong(c, s, "mx", "%s: the name of its rollup is missing; write mx %s NAME.rollup",
              mx->head.title, mx->head.title);
    else if (mx->rollup.count > 2 ||
             (mx->rollup.count == 2 && strcasecmp(mx->rollup.at[1], "rollup-by-ip") != 0))
        wrong(c, s, "mx", "%s: behind %s stands rollup-by-ip or nothing; drop '%s'", mx->head.title,
              mx->rollup.at[0], mx->rollup.at[mx->rollup.count - 1]);
    else {
        mx->name = mx->rollup.at[0];
        mx->by_ip = mx->rollup.count == 2;
    }
}

void check_rollups(const struct settings *s, struct problems *problems)
{
    for (size_t i = 0; i < s->rollups.count; i++) {
        const struct rollup_mx *mx = &s->rollups.at[i];
        const struct domain *rule = domains_find(s->domains, span_of(mx->name));

        if (rollup_is_wildcard(mx) && !mx->by_ip && !*rule->smtp_hosts)
            problem_add(problems, mx->head.file, mx->head.line, "mx",
                        "%s: domain %s does not say which servers these are; give it smtp-hosts, "
                        "or say rollup-by-ip here",
                        mx->head.title, mx->name);
    }
}

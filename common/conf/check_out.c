/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/checks.h"

#include "conf/kinds.h"
#include "conf/settings.h"

void check_relay_listener(struct check *c, struct section *s)
{
    struct relay_listener *l = (struct relay_listener *)s->head;
    bool mapped = l->hand_over == HAND_OVER_TRANSPORT_MAP;

    if (!check_read_at(c, s, "relay-listener", l->head.title, &l->at))
        return;
    if (mapped && !*l->map)
        wrong(c, s, "hand-over",
              "transport-map needs to know where it is asked; add map = "
              "127.0.0.1:PORT");
    else if (!mapped && *l->map)
        wrong(c, s, "map", "is for hand-over = transport-map; add that or drop map");
    else if (mapped && !check_read_at(c, s, "map", l->map, &l->map_at))
        return;
}

static void check_source_address(struct check *c, struct section *s, const char *text)
{
    struct span rest = span_of(text);
    unsigned v4 = 0, v6 = 0;
    bool good = true;

    while (rest.len) {
        struct span one = span_cut(&rest, ' ');
        struct addr a;

        good = good && addr_read(one, &a);
        v4 += good && addr_is_v4(&a);
        v6 += good && !addr_is_v4(&a);
    }
    if (!good || v4 > 1 || v6 > 1)
        wrong(c, s, "source-address",
              "'%s' is not one address of each family; write 192.0.2.1 or "
              "\"192.0.2.1 2001:db8::1\"",
              text);
}

static void check_report_only(struct check *c, struct section *s, const struct texts *names)
{
    enum demand_report one;
    char all[REPORT_TEXT];

    for (size_t i = 0; i < names->count; i++)
        if (!demand_report_read(span_of(names->at[i]), &one))
            wrong(c, s, "report-only", "'%s' cannot be reported only; these can: %s", names->at[i],
                  demand_report_text((1U << DEMAND_REPORT_COUNT) - 1, all));
}

void check_domain(struct check *c, struct section *s)
{
    const struct domain *domain = (const struct domain *)s->head;
    char why[1024];
    struct domains *alone = domains_new(domain, 1, why, sizeof why);

    if (!alone) {
        s->bad = true;
        problem_add_line(c->problems, why);
    }
    domains_free(&alone);
    check_host(c, s, "ehlo-name", domain->ehlo_name);
    check_source_address(c, s, domain->source_address);
    check_fingerprints(c, s, "smtp-tls-fingerprints", &domain->smtp_tls_fingerprints);
    check_report_only(c, s, &domain->report_only);
}

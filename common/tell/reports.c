/* SPDX-License-Identifier: Apache-2.0 */
#include "tell/reports.h"

#include "tell/log.h"

static const double daily = 86400;

void reports_tell(const char *id, const struct source *rule, unsigned fresh)
{
    if (!log_is_on(LOG_SESSION))
        return;
    for (unsigned i = 0; fresh >> i; i++)
        if (fresh >> i & 1)
            log_say(LOG_SESSION, id, "would-refuse", {"rule", span_of(report_name((enum report)i))},
                    {"source", span_of(rule->head.title ? rule->head.title : "")});
}

static void warn(const char *kind, const struct option_head *section, struct span why)
{
    log_say(LOG_LIFE, "", "report-only", {kind, span_of(section->title)},
            {"file", span_of(section->file)}, {"line", log_number(section->line)}, {"why", why});
}

static bool is_due(double now, double *told)
{
    if (*told > 0 && now - *told < daily)
        return false;
    *told = now;
    return true;
}

void reports_warn(const struct source *sources, size_t source_count, const struct sender *senders,
                  size_t sender_count, double now, double *told)
{
    struct span why = SPAN("mail that breaks its rules passes; take report-only out to refuse it");

    if (!is_due(now, told))
        return;
    for (size_t i = 0; i < source_count; i++)
        if (sources[i].report_only.count > 0)
            warn("source", &sources[i].head, why);
    for (size_t i = 0; i < sender_count; i++)
        if (senders[i].report_only)
            warn("sender-domain", &senders[i].head, why);
}

void reports_warn_domains(const struct domain *domains, size_t count, double now, double *told)
{
    if (!is_due(now, told))
        return;
    for (size_t i = 0; i < count; i++)
        if (domains[i].report_only.count > 0)
            warn("domain", &domains[i].head,
                 SPAN("mail goes to servers that fail its demands; take report-only out to keep it "
                      "from them"));
}

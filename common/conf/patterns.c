/* SPDX-License-Identifier: Apache-2.0
 *
 * patterns - for check.c only: the lines of bounce-category-patterns.
 */
#include "acct/category.h"
#include "acct/regex.h"
#include "conf/checks.h"
#include "conf/settings.h"

/* All of it stands in its lines. */
void check_pattern_list(struct check *c, struct section *s)
{
    (void)c;
    (void)s;
}

/* One that is not PowerMTA's is a category, too, unless it looks like a slip. */
static void check_category(struct check *c, struct section *s, const char *name)
{
    const char *known, *best = NULL;

    for (size_t i = 0; (known = category_known(i)); i++) {
        if (!strcmp(name, known))
            return;
        name_suggest(name, known, &best);
    }
    if (best)
        wrong(c, s, "bounce-category-patterns", "no such category '%s'; is it %s?", name, best);
    else if (!category_is_name(name))
        wrong(c, s, "bounce-category-patterns",
              "'%s' is no category; write letters, digits and -, such as spam-related", name);
}

void check_pattern(struct check *c, struct section *s)
{
    const struct bounce_pattern *p = (const struct bounce_pattern *)s->head;
    char why[256];
    struct regex *regex = regex_new(span_of(p->head.title), why, sizeof why);

    if (!regex)
        wrong(c, s, "bounce-category-patterns", "/%s/: %s; mend the pattern", p->head.title, why);
    else if (p->category.count != 1)
        wrong(c, s, "bounce-category-patterns",
              "behind /%s/ stands one category; write /PATTERN/ CATEGORY, comments begin with #",
              p->head.title);
    else
        check_category(c, s, p->category.at[0]);
    regex_free(&regex);
}

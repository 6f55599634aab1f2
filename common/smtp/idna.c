/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/idna.h"

#include <idn2.h>

enum { LABEL_MAX = 63, NAME_MAX_TEXT = 253 };

static bool is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_label(struct span s)
{
    if (s.len == 0 || s.len > LABEL_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_plain((unsigned char)s.at[i]))
            return false;
    return true;
}

static bool is_name(struct span s)
{
    if (s.len == 0 || s.len > NAME_MAX_TEXT || s.at[s.len - 1] == '.')
        return false;
    while (s.len > 0)
        if (!is_label(span_cut(&s, '.')))
            return false;
    return true;
}

/* By hand: tolower() depends on the locale. */
static void copy_lower(char *to, struct span from)
{
    for (size_t i = 0; i < from.len; i++)
        to[i] = from.at[i] >= 'A' && from.at[i] <= 'Z' ? (char)(from.at[i] | 0x20) : from.at[i];
    to[from.len] = '\0';
}

static bool is_ascii(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] >= 0x80)
            return false;
    return true;
}

/* U-labels to A-labels. False: not possible, or too long. */
static bool convert(char to[IDNA_NAME], struct span domain)
{
    char text[4 * IDNA_NAME];
    uint8_t *made = NULL;
    bool done = false;

    if (domain.len >= sizeof text || memchr(domain.at, '\0', domain.len))
        return false;
    memcpy(text, domain.at, domain.len);
    text[domain.len] = '\0';
    if (idn2_lookup_u8((const uint8_t *)text, &made, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) ==
            IDN2_OK &&
        strlen((char *)made) < IDNA_NAME) {
        copy_lower(to, span_of((char *)made));
        done = true;
    }
    idn2_free(made);
    return done;
}

bool idna_ascii(struct span domain, char to[IDNA_NAME])
{
    char name[IDNA_NAME];

    if (domain.len == 0)
        return false;
    if (!is_ascii(domain)) {
        if (!convert(name, domain))
            return false;
    } else if (domain.len < sizeof name) {
        copy_lower(name, domain);
    } else {
        return false;
    }
    if (!is_name(span_of(name)))
        return false;
    memcpy(to, name, strlen(name) + 1);
    return true;
}

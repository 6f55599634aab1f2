/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/checks.h"

#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "acct/pseudonym.h"
#include "net/cert.h"

enum { DAY = 86400, SOON = 30 };

static void check_times(const struct cert *c, const char *file, struct findings *f)
{
    time_t from = cert_from(c), until = cert_until(c), now = time(NULL);

    if (until <= now)
        finding_add(f, FINDING_CERT_EXPIRED, file, "%ld days ago", (long)(now - until) / DAY);
    else if (from > now)
        finding_add(f, FINDING_CERT_EARLY, file, "in %ld days", (long)(from - now) / DAY);
    else if (until - now < SOON * DAY)
        finding_add(f, FINDING_CERT_SOON, file, "in %ld days", (long)(until - now) / DAY);
}

/* That others may not read it is for cert_read(). */
static void check_owner(const struct settings *s, const char *file, struct findings *f)
{
    const struct passwd *user = *s->global.user ? getpwnam(s->global.user) : NULL;
    struct stat st;

    if (stat(file, &st) != 0)
        return;
    if (user && st.st_uid == user->pw_uid && st.st_uid != 0)
        finding_add(f, FINDING_KEY_OWNER, file, "%s", s->global.user);
    if (st.st_mode & S_IWGRP)
        finding_add(f, FINDING_KEY_GROUP, file, "mode %04o", (unsigned)st.st_mode & 07777);
}

static bool is_seen(const struct settings *s, size_t listener, size_t number)
{
    const struct smtp_listener *l = &s->smtp_listeners[listener];

    for (size_t i = 0; i <= listener; i++) {
        const struct cert_files *all = &s->smtp_listeners[i].tls_certificate;

        for (size_t k = 0; k < (i == listener ? number : all->count); k++)
            if (!strcmp(all->at[k].file, l->tls_certificate.at[number].file))
                return true;
    }
    return false;
}

/* Is it for our name? What is wrong with a file is said once. */
static bool check_one(const struct settings *s, size_t listener, size_t number, struct findings *f)
{
    const struct cert_file *file = &s->smtp_listeners[listener].tls_certificate.at[number];
    struct cert c;
    char why[512];
    bool named;

    /* Listeners of sallyport-in -t were read by it already. */
    if (!cert_read(&c, file, why, sizeof why))
        return true;
    if (!is_seen(s, listener, number)) {
        check_times(&c, file->file, f);
        check_owner(s, file->file, f);
    }
    named = cert_is_for(&c, s->host_name);
    cert_clear(&c);
    return named;
}

void keys_check(const struct settings *s, struct findings *f)
{
    char where[128];

    for (size_t i = 0; i < s->smtp_listener_count; i++) {
        const struct smtp_listener *l = &s->smtp_listeners[i];
        bool named = l->tls_certificate.count == 0;

        for (size_t k = 0; k < l->tls_certificate.count; k++)
            named |= check_one(s, i, k, f);
        snprintf(where, sizeof where, "smtp-listener %.64s", l->head.title);
        if (!named)
            finding_add(f, FINDING_CERT_NAME, where, "%s", s->host_name);
    }
}

static bool has_password(const struct cert_files *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (*all->at[i].password)
            return true;
    return false;
}

static bool has_passwords(const struct settings *s)
{
    bool has = has_password(&s->global.smtp_server_tls_certificate);

    for (size_t i = 0; i < s->smtp_listener_count; i++)
        has |= has_password(&s->smtp_listeners[i].tls_certificate);
    for (size_t i = 0; i < s->backend_count; i++)
        has |= has_password(&s->backends[i].tls_certificate);
    for (size_t i = 0; i < s->domain_section_count; i++)
        has |= has_password(&s->domain_sections[i].smtp_client_certificate) ||
               *s->domain_sections[i].auth_password;
    for (size_t i = 0; i < s->acct_file_count; i++)
        has |= pseudonym_has_key(s->acct_files[i].privacy_policy);
    return has;
}

void conf_check(const struct settings *s, const char *file, struct findings *f)
{
    struct stat st;

    if (stat(file, &st) != 0)
        return;
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        finding_add(f, FINDING_CONF_WRITE, file, "mode %04o", (unsigned)st.st_mode & 07777);
    if ((st.st_mode & S_IROTH) && has_passwords(s))
        finding_add(f, FINDING_CONF_READ, file, "mode %04o", (unsigned)st.st_mode & 07777);
}

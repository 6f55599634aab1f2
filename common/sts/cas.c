/* SPDX-License-Identifier: Apache-2.0 */
#include "sts/cas.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/tls.h"

enum { CAS_MOST = 16 << 20 };

static char *read_file(const char *path)
{
    FILE *in = fopen(path, "re");
    char *text = in ? malloc(CAS_MOST + 1) : NULL;
    size_t len = text ? fread(text, 1, CAS_MOST, in) : 0;

    if (in)
        fclose(in);
    if (!text)
        return NULL;
    text[len] = '\0';
    char *fits = realloc(text, len + 1);

    return fits ? fits : text;
}

char *cas_read(const char *file, char *why, size_t size)
{
    const struct tls_client_conf conf = {.cert = {.file = "", .password = ""},
                                         .ca_file = file,
                                         .ciphers = "",
                                         .ciphersuites = "",
                                         .least = TLS_1_2,
                                         .security_level = -1};
    struct tls *readable;
    char *text;

    if (!*file)
        return strdup("");
    if (!(readable = tls_client_new(&conf, why, size)))
        return NULL;
    tls_free(&readable);
    if (!(text = read_file(file)))
        snprintf(why, size, "%s: %s", file, strerror(errno));
    return text;
}

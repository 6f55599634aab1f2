/* SPDX-License-Identifier: Apache-2.0
 *
 * null - a milter that does nothing.
 *
 *   null unix:/PATH/OF/SOCKET
 *
 * By libmilter, with the steps that sallyport-milter asks for (milter/steps.c) and as few answers:
 * what a message costs then is libmilter's and the mail server's. Ends at SIGTERM.
 */
#include <libmilter/mfapi.h>
#include <sys/stat.h>

static sfsistat at_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *from)
{
    (void)ctx, (void)name, (void)from;
    return SMFIS_NOREPLY;
}

static sfsistat at_text(SMFICTX *ctx, char *text)
{
    (void)ctx, (void)text;
    return SMFIS_NOREPLY;
}

static sfsistat at_mail(SMFICTX *ctx, char **args)
{
    (void)ctx, (void)args;
    return SMFIS_CONTINUE;
}

static sfsistat at_rcpt(SMFICTX *ctx, char **args)
{
    (void)ctx, (void)args;
    return SMFIS_NOREPLY;
}

static sfsistat at_field(SMFICTX *ctx, char *name, char *value)
{
    (void)ctx, (void)name, (void)value;
    return SMFIS_NOREPLY;
}

static sfsistat at_end(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_CONTINUE;
}

static sfsistat negotiate(SMFICTX *ctx, unsigned long actions, unsigned long protocol,
                          unsigned long unused2, unsigned long unused3, unsigned long *our_actions,
                          unsigned long *our_protocol, unsigned long *our2, unsigned long *our3)
{
    (void)ctx, (void)actions, (void)unused2, (void)unused3;
    *our_actions = *our2 = *our3 = 0;
    *our_protocol = protocol & (SMFIP_NOEOH | SMFIP_NOBODY | SMFIP_NOUNKNOWN | SMFIP_NODATA |
                                SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_RCPT | SMFIP_NR_HDR);
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    struct smfiDesc steps = {
        .xxfi_name = (char[]){"null"},
        .xxfi_version = SMFI_VERSION,
        .xxfi_connect = at_connect,
        .xxfi_helo = at_text,
        .xxfi_envfrom = at_mail,
        .xxfi_envrcpt = at_rcpt,
        .xxfi_header = at_field,
        .xxfi_eom = at_end,
        .xxfi_negotiate = negotiate,
    };

    umask(0); /* whoever the mail server is may come */
    if (argc != 2 || smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(steps) != MI_SUCCESS)
        return 64;
    return smfi_main() == MI_SUCCESS ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/relay/patience.h"

enum {
    REPLY_SECONDS = 240,
    FIRST_SECONDS = 290, /* from RCPT to its answer, with the search for a server */
    DATA_SECONDS = 110,
    LAG_SECONDS = 60,
    FINAL_SECONDS = 540, /* over LMTP, from the dot to the last answer */
};

static double seconds(const struct patience *p)
{
    double send = p->rule ? (double)p->rule->data_send_timeout : REPLY_SECONDS;

    switch (p->owes) {
    case OWES_NOTHING:
        break;
    case OWES_REPLY:
        return REPLY_SECONDS;
    case OWES_DATA:
        return DATA_SECONDS;
    case OWES_BODY:
        return send;
    case OWES_LAGS:
        return send < LAG_SECONDS ? send : LAG_SECONDS;
    case OWES_FINAL:
        return p->rule ? (double)p->rule->smtp_data_termination_timeout : REPLY_SECONDS;
    }
    return 0;
}

double patience_until(const struct patience *p, double now)
{
    double until = now + seconds(p);

    if (p->owes == OWES_NOTHING)
        return 0;
    if (p->owes == OWES_REPLY && p->rcpt_at > 0 && until > p->rcpt_at + FIRST_SECONDS)
        return p->rcpt_at + FIRST_SECONDS;
    /* Answers to others wait behind this one. */
    if (p->lmtp && p->dot_at > 0 && until > p->dot_at + FINAL_SECONDS)
        return p->dot_at + FINAL_SECONDS;
    return until;
}

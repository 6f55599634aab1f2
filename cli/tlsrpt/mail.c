/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tlsrpt/mail.h"

#include <inttypes.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/siphash.h"
#include "cli/report/stamp.h"

enum { LINE = 57 }; /* bytes that make 76 letters */

uint64_t mail_number(const struct mail *m)
{
    uint64_t parts[3] = {(uint64_t)m->by->begin};
    static const uint64_t key[2] = {8460, 6522};

    parts[1] = siphash(key, span_of(m->domain));
    parts[2] = siphash(key, span_of(m->to));
    return siphash(key, (struct span){(const char *)parts, sizeof parts});
}

static bool write_header(struct buf *to, const struct mail *m, uint64_t number)
{
    char id[DAILY_NAME], date[CLOCK_DATE];
    const char *by = m->by->submitter;

    return buf_addf(to,
                    "From: <%s>\r\nTo: <%s>\r\n"
                    "Subject: Report Domain: %s\r\n\tSubmitter: %s\r\n\tReport-ID: <%s>\r\n"
                    "Date: %s\r\n",
                    m->from, m->to, m->domain, by, daily_id(m->by, m->domain, id),
                    clock_date((double)m->now, date)) &&
           buf_addf(to,
                    "Message-ID: <tlsrpt.%016" PRIx64 "@%s>\r\n"
                    "TLS-Report-Domain: %s\r\nTLS-Report-Submitter: %s\r\n"
                    "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                    "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n"
                    "\tboundary=\"=_%016" PRIx64 "\"\r\n\r\n",
                    number, by, m->domain, by, number);
}

static bool write_text(struct buf *to, const struct mail *m, uint64_t number)
{
    char day[STAMP_TEXT];

    return buf_addf(to,
                    "--=_%016" PRIx64 "\r\nContent-Type: text/plain; charset=us-ascii\r\n"
                    "Content-Transfer-Encoding: 7bit\r\n\r\n"
                    "This is an aggregate report about TLS (RFC 8460).\r\n\r\n"
                    "Domain:    %s\r\nSubmitter: %s\r\nDay (UTC): %s\r\n"
                    "Sessions:  %" PRIu64 " successful, %" PRIu64 " failed\r\n\r\n",
                    number, m->domain, m->by->submitter,
                    stamp_date_text(m->by->begin / STAMP_DAY, day), m->good, m->failed);
}

static bool write_base64(struct buf *to, struct span bytes)
{
    while (bytes.len > 0) {
        struct span some = {bytes.at, bytes.len < LINE ? bytes.len : LINE};
        char *at = buf_reserve(to, BASE64_SIZE(LINE) + 2);
        size_t len;

        if (!at)
            return false;
        len = base64_write(at, some);
        at[len++] = '\r';
        at[len++] = '\n';
        buf_grew(to, len);
        bytes = span_after(bytes, some.len);
    }
    return true;
}

bool mail_write(struct buf *to, const struct mail *m)
{
    uint64_t number = mail_number(m); /* of the parts' boundary, too */
    char name[DAILY_NAME];

    return write_header(to, m, number) && write_text(to, m, number) &&
           buf_addf(to,
                    "--=_%016" PRIx64 "\r\nContent-Type: application/tlsrpt+gzip\r\n"
                    "Content-Transfer-Encoding: base64\r\n"
                    "Content-Disposition: attachment;\r\n\tfilename=\"%s\"\r\n\r\n",
                    number, daily_filename(m->by, m->domain, name)) &&
           write_base64(to, m->packed) && buf_addf(to, "--=_%016" PRIx64 "--\r\n", number);
}

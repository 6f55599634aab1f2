/* SPDX-License-Identifier: Apache-2.0
 *
 * Categories of refusals: what servers of all kinds say, and what the configuration's patterns
 * make of it.
 */
#include "acct/category.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "acct/regex.h"
#include "rule/fail.h"
#include "t/unit/unit.h"

/* clang-format off */
static const struct {
    const char *reply, *category;
} replies[] = {
    /* Gmail */
    {"550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos or unnecessary spaces. For more information, go to https://support.google.com/mail/?p=NoSuchUser a1-2b.10 - gsmtp", "bad-mailbox"},
    {"550 5.1.1 <virus@spam.test>: Recipient address rejected: User unknown in local recipient table", "bad-mailbox"},
    {"550 5.2.1 The email account that you tried to reach is inactive. For more information, go to https://support.google.com/mail/?p=DisabledUser a1 - gsmtp", "inactive-mailbox"},
    {"452 4.2.2 The recipient's inbox is out of storage space. Please direct the recipient to https://support.google.com/mail/?p=OverQuotaTemp a1 - gsmtp", "quota-issues"},
    {"552 5.2.2 The email account that you tried to reach is over quota. a1 - gsmtp", "quota-issues"},
    {"450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered. a1 - gsmtp", "quota-issues"},
    {"421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address. To protect our users from spam, mail has been temporarily rate limited. a1 - gsmtp", "spam-related"},
    {"550 5.7.1 Our system has detected that this message is likely unsolicited mail. To reduce the amount of spam sent to Gmail, this message has been blocked. a1 - gsmtp", "spam-related"},
    {"550 5.7.1 Our system has detected that this message is likely suspicious due to the very low reputation of the sending domain. a1 - gsmtp", "spam-related"},
    {"550 5.7.26 Unauthenticated email from example.com is not accepted due to domain's DMARC policy. a1 - gsmtp", "policy-related"},
    {"550 5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires all senders to authenticate with either SPF or DKIM. a1 - gsmtp", "policy-related"},
    {"421 4.7.0 Try again later, closing connection. (EHLO) a1 - gsmtp", "no-answer-from-host"},
    {"552 5.7.0 This message was blocked because its content presents a potential security issue. a1 - gsmtp", "content-related"},
    {"552 5.3.4 Your message exceeded Google's message size limits. a1 - gsmtp", "content-related"},
    {"550 5.7.1 Messages missing a valid Message-ID header are not accepted. a1 - gsmtp", "content-related"},
    {"450 4.7.25 The IP address sending this message does not have a PTR record setup. a1 - gsmtp", "policy-related"},
    {"503 5.5.1 RCPT first. For more information, go to about RFC 5321 specifications. a1 - gsmtp", "protocol-errors"},
    /* Microsoft */
    {"550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [AB1.namprd.prod.outlook.com]", "bad-mailbox"},
    {"550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150). [AB1.eop.protection.outlook.com]", "spam-related"},
    {"550 5.7.606 Access denied, banned sending IP [192.0.2.1]. To request removal from this list please visit https://sender.office.com/", "spam-related"},
    {"550 5.7.511 Access denied, banned sender[192.0.2.1]. To request removal from this list please forward this message", "spam-related"},
    {"451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.", "spam-related"},
    {"451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)", "no-answer-from-host"},
    {"550 5.4.1 Recipient address rejected: Access denied. [AB1.mail.protection.outlook.com]", "no-answer-from-host"},
    {"550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", "bad-mailbox"},
    {"550 5.1.1 RESOLVER.ADR.RecipNotFound; not found", "bad-mailbox"},
    {"550 5.7.64 TenantAttribution; Relay Access Denied [AB1.mail.protection.outlook.com]", "relaying-issues"},
    {"550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", "relaying-issues"},
    {"550 5.7.23 The message was rejected because of Sender Policy Framework violation -> 550 5.7.23", "policy-related"},
    {"550 5.7.509 Access denied, sending domain example.com does not pass DMARC verification and has a DMARC policy of reject.", "policy-related"},
    {"554 5.2.0 STOREDRV.Deliver.Exception:QuotaExceededException; Failed to process message", "other"},
    {"552 5.2.2 STOREDRV.Deliver; mailbox full. The recipient's mailbox is over the limit", "quota-issues"},
    {"452 4.3.1 Insufficient system resources", "no-answer-from-host"},
    {"421 4.3.2 Service not available, closing transmission channel", "no-answer-from-host"},
    {"550 5.7.1 RESOLVER.RST.AuthRequired; authentication required", "relaying-issues"},
    {"550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check failed", "relaying-issues"},
    /* Yahoo, AOL */
    {"554 delivery error: dd This user doesn't have a yahoo.com account (joe@yahoo.com) [0] - mta4.mail.gq1.yahoo.com", "bad-mailbox"},
    {"552 1 Requested mail action aborted, mailbox not found", "bad-mailbox"},
    {"554 30 Sorry, your message to joe@yahoo.com cannot be delivered. This mailbox is disabled (554.30).", "inactive-mailbox"},
    {"421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes", "spam-related"},
    {"421 4.7.1 [TSS09] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed. See https://postmaster.yahooinc.com/error-codes", "spam-related"},
    {"554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes", "policy-related"},
    /* GMX, Web.de, T-Online, Apple, Comcast, Mail.ru */
    {"550 Requested action not taken: mailbox unavailable; For explanation visit https://postmaster.gmx.net/en/error-messages?ip=192.0.2.1&c=mbou", "bad-mailbox"},
    {"554 Transaction failed; Reject due to policy restrictions.; For explanation visit https://postmaster.gmx.net/en/error-messages?ip=192.0.2.1&c=hi", "policy-related"},
    {"554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help or to contact tosa@rx.t-online.de to clarify.) (BL)", "spam-related"},
    {"550 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137", "policy-related"},
    {"552 5.2.2 <joe@icloud.com>: user is over quota (in reply to RCPT TO command)", "quota-issues"},
    {"554 resimta-c1p-01.sys.comcast.net resimta-c1p-01.sys.comcast.net 192.0.2.1 Comcast block for spam. Please see https://postmaster.comcast.net/", "spam-related"},
    {"550 spam message rejected. Please visit https://help.mail.ru/notspam-support/id?c=abc or report details to abuse@corp.mail.ru.", "spam-related"},
    {"550 Message was not accepted -- invalid mailbox. Local mailbox joe@mail.ru is unavailable: user not found", "bad-mailbox"},
    {"550 5.1.1 <joe@web.de>: Recipient address rejected: User unknown in local recipient table", "bad-mailbox"},
    /* Proofpoint, Mimecast, Barracuda, Cisco, Symantec */
    {"550 5.7.1 [P4] Message blocked due to spam content in the message.", "spam-related"},
    {"554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", "spam-related"},
    {"550 5.1.1 User Unknown - proofpoint", "bad-mailbox"},
    {"550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550 [abc.us123]", "bad-mailbox"},
    {"550 Rejected by header based Anti-Spoofing policy: a@b.test - https://community.mimecast.com/docs/DOC-1369#550", "policy-related"},
    {"451 Internal resources are temporarily unavailable - https://community.mimecast.com/docs/DOC-1369#451", "no-answer-from-host"},
    {"554 Email rejected due to security policies - https://community.mimecast.com/docs/DOC-1369#554", "policy-related"},
    {"550 permanent failure for one or more recipients (joe@x.test:blocked)", "policy-related"},
    {"554 Service unavailable; Client host [mail.b.test] blocked using Barracuda Reputation; http://www.barracudanetworks.com/reputation/?r=1&ip=192.0.2.1", "spam-related"},
    {"554 mx1.x.test Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this failure is in error, please contact the intended recipient via alternate means.", "spam-related"},
    {"553 Message filtered. Refer to the Troubleshooting page at https://knowledge.broadcom.com/ for more information. (#5.7.1)", "spam-related"},
    /* Lists */
    {"554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.1", "spam-related"},
    {"550 5.7.1 Mail from 192.0.2.1 refused, see RBL bl.example.net", "spam-related"},
    {"550 JunkMail rejected - mail.b.test [192.0.2.1]:25 is in an RBL: https://www.spamhaus.org/sbl/query/SBLCSS", "spam-related"},
    {"554 5.7.1 Your IP is listed on our blocklist", "spam-related"},
    /* Postfix */
    {"550 5.1.1 <joe@x.test>: Recipient address rejected: User unknown in virtual mailbox table", "bad-mailbox"},
    {"554 5.7.1 <joe@x.test>: Relay access denied", "relaying-issues"},
    {"450 4.1.8 <a@b.test>: Sender address rejected: Domain not found", "invalid-sender"},
    {"450 4.2.0 <joe@x.test>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/x.test.html", "policy-related"},
    {"450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]", "policy-related"},
    {"452 4.2.2 <joe@x.test>: Recipient address rejected: Mailbox is full / Blocks limit exceeded / Inode limit exceeded", "quota-issues"},
    {"552 5.3.4 Message size exceeds fixed limit", "content-related"},
    {"452 4.3.1 Insufficient system storage", "quota-issues"},
    {"451 4.3.0 Error: queue file write error", "other"},
    {"451 4.3.5 Server configuration error", "bad-configuration"},
    {"554 5.4.0 Error: too many hops", "routing-errors"},
    {"421 4.4.2 mx.x.test Error: timeout exceeded", "bad-connection"},
    {"421 4.7.0 mx.x.test Error: too many errors", "policy-related"},
    {"421 4.7.0 mx.x.test Error: too many connections from 192.0.2.1", "policy-related"},
    {"452 4.5.3 Error: too many recipients", "policy-related"},
    {"503 5.5.1 Error: need RCPT command", "protocol-errors"},
    {"530 5.7.0 Must issue a STARTTLS command first", "policy-related"},
    {"550 5.7.1 <b.test>: Helo command rejected: Host not found", "policy-related"},
    {"554 5.7.1 Command rejected", "protocol-errors"},
    {"521 5.5.1 Protocol error", "protocol-errors"},
    {"550 5.5.2 Error: bare <LF> received", "content-related"},
    {"550 5.1.1 <joe@antispam.test>: Recipient address rejected", "bad-mailbox"},
    /* Exim */
    {"550 Unrouteable address", "routing-errors"},
    {"550 Unknown user", "bad-mailbox"},
    {"550 No Such User Here\"", "bad-mailbox"},
    {"550 relay not permitted", "relaying-issues"},
    {"550 Sender verify failed", "invalid-sender"},
    {"550 Verification failed for <a@b.test>; No Such User Here; Sender verify failed", "invalid-sender"},
    {"451 Temporary local problem - please try later", "no-answer-from-host"},
    {"550 This message contains a virus (Eicar-Test-Signature)", "virus-related"},
    {"550 Administrative prohibition", "policy-related"},
    {"421 Too many concurrent SMTP connections; please try again later.", "policy-related"},
    {"550-5.7.1 maximum allowed line length is 998 octets, got 1200", "policy-related"},
    {"550 retry timeout exceeded", "message-expired"},
    /* Sendmail, qmail, OpenSMTPD, others */
    {"550 5.1.1 <joe@x.test>... User unknown", "bad-mailbox"},
    {"550 5.7.1 <joe@x.test>... Relaying denied. Proper authentication required.", "relaying-issues"},
    {"553 5.1.8 <a@b.test>... Domain of sender address a@b.test does not exist", "invalid-sender"},
    {"553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "relaying-issues"},
    {"550 sorry, no mailbox here by that name. (#5.1.1)", "bad-mailbox"},
    {"550 Invalid recipient: <joe@x.test>", "bad-mailbox"},
    {"554 5.7.1 virus Clam.Test found", "virus-related"},
    {"550 5.2.1 Mailbox has been suspended", "inactive-mailbox"},
    {"550 5.1.2 Host unknown (Name server: host not found)", "bad-domain"},
    {"556 5.1.10 example.com takes no mail (null MX)", "bad-domain"},
    {"550 No such domain at this location", "bad-domain"},
    {"554 5.4.7 Message expired, has been in the queue for 5 days", "message-expired"},
    {"500 5.5.1 Command unrecognized: \"XYZ\"", "protocol-errors"},
    {"550 5.6.0 Message contains prohibited attachment", "content-related"},
    {"550 Too many invalid recipients", "policy-related"},
    {"551 User has moved; please try <sam@y.test>", "bad-mailbox"},
    {"521 mx.x.test does not accept mail", "bad-domain"},
    {"550 5.1.6 gone", "bad-mailbox"},
    {"550 5.7.1 no", "policy-related"},
    {"550 no", "other"},
    {"", "other"},
};
/* clang-format on */

/* As a worker makes them: "5.0.0" where the reply has no status. */
static void fill(struct categories *c, const char *type, const char *reply, const char *status,
                 struct record *r)
{
    static char diag[1024], made[64];
    const char *at = strlen(reply) > 4 ? reply + 4 : "";
    size_t len = strspn(at, "0123456789.");

    *r = (struct record){.at = 1};
    snprintf(diag, sizeof diag, "smtp;%s", reply);
    if (len > 4 && at[1] == '.' && at[len] == ' ')
        snprintf(made, sizeof made, "%.*s%s", (int)len, at, status);
    else
        snprintf(made, sizeof made, "%c.0.0 (other undefined status)", *reply ? *reply : '5');
    r->column[COLUMN_type] = span_of(type);
    r->column[COLUMN_dsnDiag] = span_of(diag);
    r->column[COLUMN_dsnStatus] = span_of(made);
    r->column[COLUMN_bounceCat] = SPAN("");
    if (c)
        categories_fill(c, r);
}

static struct categories *made(const struct category_line *lines, size_t count)
{
    char why[512];
    struct categories *c = categories_new(lines, count, why, sizeof why);

    if (!c)
        fail_msg("%s", why);
    return c;
}

static void what_servers_say(void **state)
{
    struct categories *c = made(NULL, 0);
    unsigned bad = 0;

    (void)state;
    for (size_t at = 0; at < 3 * COUNT_OF(replies); at++) { /* each again, at once and later */
        size_t i = at < COUNT_OF(replies) ? at : (at - COUNT_OF(replies)) / 2;
        struct record r;

        fill(c, "b", replies[i].reply, " (x)", &r);
        if (span_is(r.column[COLUMN_bounceCat], replies[i].category))
            continue;
        print_error("%.*s, not %s: %s\n", SPAN_ARG(r.column[COLUMN_bounceCat]), replies[i].category,
                    replies[i].reply);
        bad++;
    }
    assert_int_equal(bad, 0);
    categories_free(&c);
}

/* What the record says of itself counts before the default patterns, behind the configuration's. */
static void who_decides(void **state)
{
    static const struct category_line lines[] = {{"^550 5\\.7\\.1.*(eins|zwei) ", "Own-1"},
                                                 {"^5\\.2\\.1", "by-status"},
                                                 {"MAILBOX DISABLED", "by-meaning"}};
    struct categories *plain = made(NULL, 0), *own = made(lines, COUNT_OF(lines));
    static const struct {
        const char *reply, *worker, *plain, *own;
    } cases[] = {
        {"550 5.7.1 no Eins !", "", "policy-related", "Own-1"},
        {"550 5.7.1 no Eins !", "bad-connection", "bad-connection", "Own-1"},
        {"550 5.7.1 spam", "bad-connection", "bad-connection", "bad-connection"},
        {"550 5.7.1 spam", "", "spam-related", "spam-related"},
        {"450 5.2.1 no", "", "inactive-mailbox", "by-status"},
        {"450 4.2.1 no", "", "inactive-mailbox", "by-meaning"},
        {"450 4.2.2 no", "", "quota-issues", "quota-issues"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct record r;

        for (int with = 0; with < 2; with++) {
            fill(NULL, "t", cases[i].reply,
                 strstr(cases[i].reply, "2.1 ") ? " (mailbox disabled, not accepting messages)"
                                                : "",
                 &r);
            r.column[COLUMN_bounceCat] = span_of(cases[i].worker);
            categories_fill(with ? own : plain, &r);
            assert_row(span_is(r.column[COLUMN_bounceCat], with ? cases[i].own : cases[i].plain),
                       cases[i].reply);
        }
    }
    categories_free(&plain);
    categories_free(&own);
}

/* What is remembered of a text is not taken for another's. */
static void one_text_may_have_several_statuses(void **state)
{
    static const struct {
        const char *status, *category;
    } cases[] = {{"5.1.1 (x)", "bad-mailbox"},
                 {"5.2.2 (x)", "quota-issues"},
                 {"5.1.1", "bad-mailbox"},
                 {"5.7.1", "policy-related"},
                 {"", "other"},
                 {"5.2.2", "quota-issues"}};
    struct categories *c = made(NULL, 0);

    (void)state;
    for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
        struct record r = {.at = 1};

        r.column[COLUMN_type] = SPAN("b");
        r.column[COLUMN_dsnDiag] = SPAN("smtp;550 no");
        r.column[COLUMN_dsnStatus] = span_of(cases[i / 2].status);
        categories_fill(c, &r);
        assert_span(r.column[COLUMN_bounceCat], cases[i / 2].category);
    }
    categories_free(&c);
}

static void only_refusals_have_one(void **state)
{
    static const struct category_line all = {"", "other"};
    struct categories *c = made(&all, 1);
    static const char *const types[] = {"d", "r", "tq", ""};
    struct record r;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        fill(c, types[i], "250 2.0.0 Ok", "", &r);
        assert_span(r.column[COLUMN_bounceCat], "");
    }
    fill(c, "t", "451 4.0.0 spam", "", &r);
    assert_span(r.column[COLUMN_bounceCat], "other");
    categories_free(&c);
}

/* It counts as not found, is told once, and the next pattern has its turn. */
static void a_pattern_may_take_too_long(void **state)
{
    static const struct category_line lines[] = {{"(a+)+$", "never"}, {"aaab", "next"}};
    struct categories *c = made(lines, COUNT_OF(lines));
    struct record r;

    (void)state;
    fill(c, "b", "550 5.1.1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "", &r);
    assert_span(r.column[COLUMN_bounceCat], "next");
    assert_string_equal(categories_tired(c), "(a+)+$");
    assert_null(categories_tired(c));
    fill(c, "b", "550 5.1.1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "", &r);
    assert_null(categories_tired(c));
    categories_free(&c);
}

/* Whatever is said, whole and cut: there is a category, and it is one of PowerMTA's. */
static void always_one(void **state)
{
    struct categories *c = made(NULL, 0);
    static char text[RECORD_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(replies); i += 7) {
        for (size_t len = 0; len <= strlen(replies[i].reply); len++) {
            struct record r = {.at = 1};
            char *cut = malloc(len + 1);
            size_t k = 0;

            memcpy(cut, replies[i].reply, len);
            r.column[COLUMN_type] = SPAN("b");
            r.column[COLUMN_dsnDiag] = (struct span){cut, len};
            categories_fill(c, &r);
            while (category_known(k) && !span_is(r.column[COLUMN_bounceCat], category_known(k)))
                k++;
            assert_non_null(category_known(k));
            free(cut);
        }
    }
    for (size_t fill_with = 0; fill_with < 256; fill_with += 5) {
        struct record r = {.at = 1};

        memset(text, (int)fill_with, sizeof text);
        r.column[COLUMN_type] = SPAN("b");
        r.column[COLUMN_dsnDiag] = (struct span){text, sizeof text};
        categories_fill(c, &r);
        assert_true(r.column[COLUMN_bounceCat].len > 0);
    }
    categories_free(&c);
}

static void a_mistake_has_pcres_words(void **state)
{
    static const struct category_line bad = {"a(b", "other"};
    char why[256];

    (void)state;
    assert_null(categories_new(&bad, 1, why, sizeof why));
    assert_string_equal(why, "/a(b/: missing closing parenthesis, after 3 bytes");
}

/* Ways to fail name categories that there are, or leave it to the server's words. */
static void fails_have_theirs(void **state)
{
    (void)state;
    for (int i = FAIL_NOT; i < FAIL_COUNT; i++) {
        const char *category = fail_category((enum fail)i);
        size_t k = 0;

        while (category_known(k) && strcmp(category, category_known(k)) != 0)
            k++;
        assert_row(category_known(k) != NULL || !*category, fail_word((enum fail)i));
        assert_row(*category || i == FAIL_NOT || i == FAIL_GREETING, fail_word((enum fail)i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_servers_say),
        cmocka_unit_test(who_decides),
        cmocka_unit_test(one_text_may_have_several_statuses),
        cmocka_unit_test(only_refusals_have_one),
        cmocka_unit_test(a_pattern_may_take_too_long),
        cmocka_unit_test(always_one),
        cmocka_unit_test(a_mistake_has_pcres_words),
        cmocka_unit_test(fails_have_theirs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

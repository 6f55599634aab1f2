/* SPDX-License-Identifier: Apache-2.0
 *
 * The header line of accounting files, and what is wrong in lists of columns.
 */
#include "t/lib/accounts.h"

#define STAR                                                                                    \
    "type,timeLogged,timeQueued,orig,rcpt,orcpt,dsnAction,dsnStatus,dsnDiag,dsnMta,bounceCat,"  \
    "srcType,srcMta,dlvType,dlvSourceIp,dlvDestinationIp,dlvEsmtpAvailable,dlvSize,vmta,jobId," \
    "envId,queue,vmtaPool"
#define STAR_R                                                                                   \
    "type,timeLogged,orig,rcpt,orcpt,srcType,srcMta,rcvSourceIp,rcvDestinationIp,vmta,vmtaPool," \
    "jobId,envId"

static char why[256];

/* clang-format off */
static const struct {
    const char *name, *header;
    struct account_conf conf;
} headers[] = {
    {"the 23 of PowerMTA", STAR "\r\n", {.records = LIST("d", "b")}},
    {"t has them too", STAR "\r\n", {.records = LIST("t")}},
    {"a receipt's", STAR_R "\r\n", {.records = LIST("r")}},
    {"the guide's example", "type,timeLogged,orig,rcpt,dlvSourceIp,bounceCat\r\n",
     {.records = LIST("d", "b"), FIELDS({"d", LIST("timeLogged", "orig", "rcpt", "dlvSourceIp")},
                                        {"b", LIST("timeLogged", "orig", "rcpt", "bounceCat")})}},
    {"TLS by name", STAR ",dlvTlsProtocol,dlvTlsCipher\r\n",
     {.records = LIST("d", "b"), FIELDS({"d", LIST("*", "dlvTlsProtocol", "dlvTlsCipher")},
                                        {"b", LIST("*", "dlvTlsProtocol", "dlvTlsCipher")})}},
    {"in one text with commas", STAR ",dlvTlsProtocol\r\n",
     {.records = LIST("d,b"), FIELDS({"d", LIST("*, dlvTlsProtocol")})}},
    {"long names, any case", "type,orig,rcpt\r\n",
     {.records = LIST("Delivery"), FIELDS({"delivery", LIST("ORIG", "rcpt")})}},
    {"left out, wherever it stands", "type,timeLogged,rcpt\r\n",
     {.records = LIST("d"), FIELDS({"d", LIST("!orig", "timeLogged", "orig", "rcpt", "rcpt")})}},
    {"left out of one type only", "type,rcpt,orig\r\n",
     {.records = LIST("d", "b"), FIELDS({"d", LIST("!orig, orig, rcpt")},
                                        {"b", LIST("rcpt, orig")})}},
    {"left out of the star", "type,timeLogged,orig,rcpt,orcpt,srcType,srcMta,vmta,jobId,envId\r\n",
     {.records = LIST("r"), FIELDS({"r", LIST("*", "!vmtaPool", "!rcvSourceIp",
                                              "!rcvDestinationIp")})}},
    {"the star in the middle keeps order", "type,queueId,timeLogged,orig,rcpt,orcpt,srcType,"
     "srcMta,rcvSourceIp,rcvDestinationIp,vmta,vmtaPool,jobId,envId\r\n",
     {.records = LIST("r"), FIELDS({"r", LIST("queueId", "*")})}},
    {"type listed late stays first", "type,orig\r\n",
     {.records = LIST("d"), FIELDS({"d", LIST("orig", "type")})}},
    {"all types: what is new comes behind", STAR ",rcvSourceIp,rcvDestinationIp\r\n",
     {.records = LIST("d", "b", "t", "r")}},
    {"header fields, as they are written first", "type,header_X-Campaign,orig,header_Subject\r\n",
     {.records = LIST("d", "b"), FIELDS({"d", LIST("header_X-Campaign", "orig")},
                                        {"b", LIST("HEADER_x-campaign", "header_Subject")})}},
    {"a header field left out", "type,orig\r\n",
     {.records = LIST("d"), FIELDS({"d", LIST("header_A, orig, !header_a")})}},
    {"tq", "type,timeLogged,dsnStatus,dsnDiag,dsnMta,dlvType,dlvSourceIp,dlvDestinationIp,vmta,"
     "queue,userString\r\n",
     {.records = LIST("transient-queue"), FIELDS({"tq", LIST("*", "userString")})}},
    {"JSON has none", "", {.records = LIST("d"), .json = true}},
    {"fields of a type that is not written do not count", "type,orig\r\n",
     {.records = LIST("d"), FIELDS({"d", LIST("orig")}, {"b", LIST("bounceCat")})}},
};

static const struct {
    const char *name, *why;
    struct account_conf conf;
} wrongs[] = {
    {"no type", "no type is named", {.records = {0}}},
    {"an empty word", "no type is named", {.records = LIST(" , ")}},
    {"unknown type", "no such type 'x'", {.records = LIST("d", "x")}},
    {"PowerMTA's own type", "'rb' is a type that only PowerMTA has", {.records = LIST("d", "rb")}},
    {"unknown column", "no such column 'dlvTlsColour'",
     {.records = LIST("d"), FIELDS({"d", LIST("*", "dlvTlsColour")})}},
    {"unknown column left out", "no such column 'x'",
     {.records = LIST("d"), FIELDS({"d", LIST("*", "!x")})}},
    {"bare !", "no such column ''", {.records = LIST("d"), FIELDS({"d", LIST("*", "!")})}},
    {"type left out", "type is always there",
     {.records = LIST("d"), FIELDS({"d", LIST("*", "!type")})}},
    {"a header field without a name", "no such column 'header_'",
     {.records = LIST("d"), FIELDS({"d", LIST("header_")})}},
    {"a header field that CSV cannot name", "no such column 'header_a\"b'",
     {.records = LIST("d"), FIELDS({"d", LIST("header_a\"b")})}},
    {"too many header fields", "16 header fields are the most",
     {.records = LIST("d"), FIELDS({"d", LIST("header_1,header_2,header_3,header_4,header_5",
      "header_6,header_7,header_8,header_9,header_10,header_11,header_12,header_13,header_14",
      "header_15,header_16,header_17")})}},
    {"a bad mapping", "map-header-to-field: 'd X jobId' names no header field",
     {.records = LIST("d"), .mappings = LIST("d X jobId")}},
    {"fields of an unknown type", "no such type 'q'",
     {.records = LIST("d"), FIELDS({"q", LIST("*")})}},
};
/* clang-format on */

static void headers_are_powermtas(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        struct account *a = account_made(headers[i].conf);

        assert_row(span_is(account_header(a), headers[i].header), headers[i].name);
        account_free(&a);
        assert_null(a);
    }
}

static void mistakes_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrongs); i++) {
        struct account_conf conf = wrongs[i].conf;

        conf.user_string = "";
        assert_row(!account_new(&conf, why, sizeof why), wrongs[i].name);
        assert_row(strstr(why, wrongs[i].why) && !strchr(why, '\n'), wrongs[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_powermtas),
        cmocka_unit_test(mistakes_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Each case is a script, played whole and again with the client's bytes coming one by one:
 *   >bytes       the client says
 *   =VERB|arg    the owner gets this request
 *   0-9reply     the owner answers the request of that number (the call is 0)
 *   <bytes       the client has heard just this since the last time
 *   +bytes       this of the message has passed since the last time
 *   !            all is said: it is over
 *   T  B  E  D   TLS has begun; TLS from the first byte; the owner ends it; drops the chunk
 *   L            a message may have 9 bytes
 *   Preply       one of several to the last request
 */
#include "smtp/serve.h"

#include <stdio.h>

#include "base/text.h"
#include "unit.h"

#define HELLO "0220 mx\r\n", ">EHLO a\r\n", "=EHLO|a", "1250 mx\r\n", "<220 mx\r\n250 mx\r\n"
#define UNKNOWN "500 5.5.2 Command not recognized\r\n"
#define EHLO_FIRST "503 5.5.1 EHLO first\r\n"
#define NO_TLS "530 5.7.0 Must issue a STARTTLS command first\r\n"
#define NOT_THERE "502 5.5.1 Command not implemented\r\n"
#define BAD_ARG "501 5.5.4 An argument is missing or too many\r\n"
#define BAD_CHAR "501 5.5.4 Only printable characters may stand here\r\n"
#define BAD_LINE "500 5.5.2 Commands end in CRLF and hold no CR, LF or NUL\r\n"
#define NOT_HTTP "421 4.7.0 This is not an HTTP server\r\n"
#define READY "220 2.0.0 Ready\r\n"

enum { WORLD = 0, MTA = 1, DEMAND_TLS = 2, NORMALIZE = 4, WHOLE_ONLY = 8, LMTP = 16 };

/* clang-format off */
static const struct { const char *name; unsigned how; const char *steps[24]; } cases[] = {
    /* RFC 5321, 3.1 and 4.3.1: the greeting comes first */
    {"an early talker waits for the greeting", WORLD,
     {">EHLO a\r\n", "<", "0220 mx\r\n", "<220 mx\r\n", "=EHLO|a", "1250 mx\r\n", "<250 mx\r\n"}},
    {"a 5xx greeting leaves QUIT", WORLD,
     {"0554 no\r\n", ">EHLO a\r\nQUIT\r\n", "<554 no\r\n503 5.5.1 No mail is taken here\r\n",
      "=QUIT|", "2221 bye\r\n", "<221 bye\r\n", "!"}},
    {"a 4xx greeting is the end", WORLD, {"0421 later\r\n", ">EHLO a\r\n", "<421 later\r\n", "!"}},
    {"QUIT is the end", WORLD, {HELLO, ">QUIT\r\nNOOP\r\n", "=QUIT|", "2221 bye\r\n", "<221 bye\r\n", "!"}},
    /* RFC 5321, 4.1.1 and 4.1.4; RFC 2920 */
    {"EHLO first", WORLD,
     {"0220 mx\r\n", ">MAIL FROM:<>\r\nAUTH PLAIN\r\nSTARTTLS\r\n", "<220 mx\r\n" EHLO_FIRST EHLO_FIRST EHLO_FIRST}},
    {"HELO does as well", WORLD, {"0220 mx\r\n", ">HELO a\r\n", "=HELO|a", "1250 mx\r\n", ">MAIL FROM:<>\r\n", "=MAIL|FROM:<>"}},
    {"what is asked with EHLO waits for its answer", WORLD,
     {"0220 mx\r\n", ">EHLO a\r\nMAIL FROM:<>\r\n", "=EHLO|a", "1250 mx\r\n", "<220 mx\r\n250 mx\r\n", "=MAIL|FROM:<>"}},
    {"and with HELO", WORLD,
     {"0220 mx\r\n", ">HELO a\r\nMAIL FROM:<>\r\n", "=HELO|a", "1250 mx\r\n", "<220 mx\r\n250 mx\r\n", "=MAIL|FROM:<>"}},
    {"not if it was refused", WORLD,
     {"0220 mx\r\n", ">EHLO a\r\n", "=EHLO|a", "1501 no\r\n", ">MAIL FROM:<>\r\n", "<220 mx\r\n501 no\r\n" EHLO_FIRST}},
    {"NOOP, RSET, HELP and QUIT need no EHLO", WORLD,
     {"0220 mx\r\n", ">NOOP\r\nRSET\r\nHELP me\r\nQUIT\r\n", "=NOOP|", "=RSET|", "=HELP|me", "=QUIT|"}},
    {"any case, any spaces around", WORLD, {HELLO, ">mAiL   FROM:<a b> X=1  \r\n", "=MAIL|FROM:<a b> X=1"}},
    {"arguments that must be and must not", WORLD,
     {HELLO, ">MAIL\r\nRSET x\r\nDATA x\r\nNOOP\r\n", "<" BAD_ARG BAD_ARG BAD_ARG, "=NOOP|"}},
    {"unknown commands, and the empty one", WORLD, {HELLO, ">XYZZY\r\n\r\nMAILX a\r\n", "<" UNKNOWN UNKNOWN UNKNOWN}},
    {"what each side takes: the world", WORLD, {HELLO, ">XFORWARD A=1\r\nVRFY a\r\n", "<" NOT_THERE, "=VRFY|a"}},
    {"what each side takes: our MTA", MTA,
     {HELLO, ">AUTH PLAIN\r\nSTARTTLS\r\nVRFY a\r\nETRN a\r\nXFORWARD A=1\r\n",
      "<" NOT_THERE NOT_THERE NOT_THERE NOT_THERE, "=XFORWARD|A=1"}},
    /* RFC 2033, 4.1 and 4.2 */
    {"LMTP begins with LHLO", LMTP,
     {"0220 mx\r\n", ">EHLO a\r\nHELO a\r\nMAIL FROM:<>\r\nLHLO\r\nLHLO a\r\n",
      "<220 mx\r\n" UNKNOWN UNKNOWN "503 5.5.1 LHLO first\r\n" BAD_ARG, "=LHLO|a", "5250 mx\r\n", "<250 mx\r\n"}},
    {"and knows no other way later", LMTP,
     {"0220 mx\r\n", ">LHLO a\r\n", "=LHLO|a", "1250 mx\r\n", ">EHLO a\r\nMAIL FROM:<>\r\n",
      "<220 mx\r\n250 mx\r\n" UNKNOWN, "=MAIL|FROM:<>"}},
    {"what is asked with LHLO waits for its answer", LMTP,
     {"0220 mx\r\n", ">LHLO a\r\nMAIL FROM:<>\r\n", "=LHLO|a", "1250 mx\r\n", "<220 mx\r\n250 mx\r\n", "=MAIL|FROM:<>"}},
    {"SMTP knows no LHLO: our MTA", MTA, {"0220 mx\r\n", ">LHLO a\r\n", "<220 mx\r\n" UNKNOWN}},
    {"SMTP knows no LHLO: the world", WORLD, {"0220 mx\r\n", ">LHLO a\r\n", "<220 mx\r\n" UNKNOWN}},
    {"LMTP answers a message for each recipient", LMTP,
     {"0220 mx\r\n", ">LHLO a\r\n", "=LHLO|a", "1250 mx\r\n", ">DATA\r\n", "=DATA|", "2354 go\r\n",
      ">a\r\n.\r\nNOOP\r\n", "<220 mx\r\n250 mx\r\n354 go\r\n", "=the end of the message|", "+a\r\n", "P250 one\r\n",
      "P550 two\r\n", "<250 one\r\n550 two\r\n", "3250 three\r\n", "<250 three\r\n", "=NOOP|"}},
    {"answers in the order of the questions", WORLD,
     {HELLO, ">MAIL FROM:<>\r\nXYZZY\r\nRCPT TO:<a>\r\n", "=MAIL|FROM:<>", "=RCPT|TO:<a>", "<",
      "4250 rcpt\r\n", "<", "2250 mail\r\n", "<250 mail\r\n" UNKNOWN "250 rcpt\r\n"}},
    {"nothing is read behind EHLO, DATA, AUTH, QUIT until they are answered", WORLD,
     {HELLO, ">EHLO b\r\nNOOP\r\n", "=EHLO|b", "2250 mx\r\n", "=NOOP|"}},
    {"nor by an earlier one's answer", WORLD,
     {HELLO, ">MAIL FROM:<>\r\nRCPT TO:<a>\r\nDATA\r\n", "=MAIL|FROM:<>", "=RCPT|TO:<a>", "=DATA|",
      "2250 a\r\n", "3250 b\r\n", ">NOOP\r\n", "4354 go\r\n", "+NOOP\r\n"}},
    /* RFC 6531, 3.3: UTF-8 where addresses are */
    {"UTF-8 in addresses", WORLD, {HELLO, ">MAIL FROM:<\xc3\xbc@x> SMTPUTF8\r\n", "=MAIL|FROM:<\xc3\xbc@x> SMTPUTF8"}},
    {"but well formed", WORLD, {HELLO, ">RCPT TO:<\xfc@x>\r\n", "<" BAD_CHAR}},
    {"and nowhere else", WORLD, {HELLO, ">NOOP \xc3\xbc\r\nEHLO \xc3\xbc\r\n", "<" BAD_CHAR BAD_CHAR}},
    {"no control characters", WORLD, {HELLO, ">MAIL FROM:<a\033[m>\r\nNOOP a\tb\r\nNOOP \177\r\n", "<" BAD_CHAR BAD_CHAR BAD_CHAR}},
    /* only CRLF ends a line */
    {"a bare LF", WORLD, {HELLO, ">NOOP\nNOOP\r\n", "<" BAD_LINE, "!"}},
    {"a bare CR", WORLD, {HELLO, ">NOOP a\rMAIL FROM:<>\r\nNOOP\r\n", "<" BAD_LINE, "!"}},
    {"CR CRLF", WORLD, {HELLO, ">NOOP\r\r\n", "<" BAD_LINE, "!"}},
    {"in its turn", WORLD, {HELLO, ">MAIL FROM:<>\r\nNOOP\n", "=MAIL|FROM:<>", "<", "2250 a\r\n", "<250 a\r\n" BAD_LINE, "!"}},
    {"a TLS handshake out of place", WORLD, {HELLO, ">\x16\x03\x01", "<" BAD_LINE, "!"}},
    /* cross-protocol attacks */
    {"a PROXY header that nobody waits for", WORLD,
     {"0220 mx\r\n", ">PROXY TCP4 192.0.2.9 192.0.2.1 4711 25\r\nEHLO a\r\n", "<220 mx\r\n421 4.7.0 No PROXY header is taken from here\r\n", "!"}},
    {"HTTP", WORLD, {"0220 mx\r\n", ">POST / HTTP/1.1\r\nHost: mx\r\n\r\nEHLO a\r\n", "<220 mx\r\n" NOT_HTTP, "!"}},
    {"HTTP/2", WORLD, {"0220 mx\r\n", ">PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "<220 mx\r\n" NOT_HTTP, "!"}},
    {"HTTP by another method", WORLD, {"0220 mx\r\n", ">PROPFIND / HTTP/1.1\r\n", "<220 mx\r\n" NOT_HTTP, "!"}},
    /* RFC 3207 */
    {"before TLS where it is demanded", DEMAND_TLS,
     {HELLO, ">MAIL FROM:<>\r\nRSET\r\nAUTH PLAIN\r\nNOOP\r\n", "<" NO_TLS NO_TLS NO_TLS, "=NOOP|", "5250 a\r\n", "<250 a\r\n",
      ">STARTTLS\r\n", "=STARTTLS|", "6" READY, "<" READY, "T", ">MAIL FROM:<>\r\n", "<" EHLO_FIRST,
      ">EHLO a\r\n", "=EHLO|a", "8250 mx\r\n", "<250 mx\r\n", ">MAIL FROM:<>\r\n", "=MAIL|FROM:<>"}},
    {"not within TLS, not with an argument", DEMAND_TLS,
     {"B", HELLO, ">STARTTLS x\r\nSTARTTLS\r\n", "<" BAD_ARG "503 5.5.1 TLS already active\r\n", ">MAIL FROM:<>\r\n", "=MAIL|FROM:<>"}},
    {"a refused STARTTLS changes nothing", WORLD,
     {HELLO, ">STARTTLS\r\n", "=STARTTLS|", "2454 4.7.0 no\r\n", "<454 4.7.0 no\r\n", ">NOOP\r\n", "=NOOP|"}},
    /* CVE-2011-0411 */
    {"a command behind STARTTLS", WHOLE_ONLY,
     {HELLO, ">STARTTLS\r\nRSET\r\n", "<503 5.5.0 Nothing may follow this command\r\n", "!"}},
    {"half a command behind STARTTLS", WHOLE_ONLY,
     {HELLO, ">STARTTLS\r\nR", "<503 5.5.0 Nothing may follow this command\r\n", "!"}},
    {"one between STARTTLS and the handshake", WORLD,
     {HELLO, ">STARTTLS\r\n", "=STARTTLS|", "2" READY, "<" READY, ">RSET\r\n", "<", "t"}},
    /* RFC 4954 */
    {"an AUTH dialogue", WORLD,
     {HELLO, ">AUTH LOGIN\r\n", "=AUTH|LOGIN", "2334 VXNlcjo=\r\n", "<334 VXNlcjo=\r\n", ">MAIL  x \r\n", "=a line of AUTH|MAIL  x ",
      "3334 UGFzczo=\r\n", ">QUIT\r\n", "=a line of AUTH|QUIT", "4235 ok\r\n", "<334 UGFzczo=\r\n235 ok\r\n", ">QUIT\r\n", "=QUIT|"}},
    {"an empty line of it", WORLD, {HELLO, ">AUTH X\r\n", "=AUTH|X", "2334 \r\n", ">\r\n", "=a line of AUTH|"}},
    {"cancelled", WORLD,
     {HELLO, ">AUTH LOGIN\r\n", "=AUTH|LOGIN", "2334 \r\n", ">*\r\n", "=a line of AUTH|*", "3501 5.0.0\r\n", ">NOOP\r\n", "=NOOP|"}},
    {"a password behind a refused AUTH goes to nobody", WORLD,
     {HELLO, ">AUTH LOGIN\r\ndXNlcg==\r\ncGFzcw==\r\nNOOP\r\n", "=AUTH|LOGIN", "2538 5.7.11 no\r\n",
      "<538 5.7.11 no\r\n" UNKNOWN UNKNOWN, "=NOOP|"}},
    {"a bare LF in it", WORLD, {HELLO, ">AUTH X\r\n", "=AUTH|X", "2334 \r\n", "<334 \r\n", ">a\nMAIL FROM:<>\r\n", "<" BAD_LINE, "!"}},
    /* messages */
    {"a message", WORLD,
     {HELLO, ">DATA\r\n", "=DATA|", "2354 go\r\n", "<354 go\r\n", ">a\r\n..b\r\n.\r\n", "=the end of the message|", "+a\r\n..b\r\n",
      ">NOOP\r\n", "3250 ok\r\n", "<250 ok\r\n", "=NOOP|", "4250 a\r\n", ">DATA\r\n", "=DATA|", "5354 go\r\n", ">.\r\n", "=the end of the message|", "+"}},
    {"commands behind the lone dot wait", WORLD,
     {HELLO, ">DATA\r\n", "=DATA|", "2354 go\r\n", ">a\r\n.\r\nMAIL FROM:<>\r\n", "=the end of the message|", "+a\r\n", "3250 ok\r\n", "=MAIL|FROM:<>"}},
    {"a message that breaks the rules", WORLD,
     {HELLO, ">DATA\r\n", "=DATA|", "2354 go\r\n", "<354 go\r\n", ">a\n.\r\nMAIL FROM:<>\r\n", "=a broken message|",
      "3550 5.6.11 no\r\n", "<550 5.6.11 no\r\n", "!"}},
    {"or is made to keep them", NORMALIZE,
     {HELLO, ">DATA\r\n", "=DATA|", "2354 go\r\n", "<354 go\r\n", ">a\n.\r\nb\r\n.\r\n", "=the end of the message|", "+a .\r\nb\r\n"}},
    {"DATA refused", WORLD, {HELLO, ">DATA\r\n", "=DATA|", "2503 no\r\n", "<503 no\r\n", ">NOOP\r\n", "=NOOP|"}},
    {"DATA refused, and the message is there already", WORLD,
     {HELLO, ">DATA\r\nMAIL FROM:<evil>\r\n", "=DATA|", "2503 no\r\n", "<503 no\r\n", "!"}},
    {"the message before the 354 is still the message", WORLD,
     {HELLO, ">DATA\r\nMAIL FROM:<a>\r\n.\r\n", "=DATA|", "2354 go\r\n", "+MAIL FROM:<a>\r\n", "=the end of the message|"}},
    /* chunks: RFC 3030 */
    {"octets behind their command, and the next command behind them", WORLD,
     {HELLO, ">BDAT 6\r\nQUIT\r\nNOOP\r\n", "=BDAT|6", "+QUIT\r\n", "=NOOP|", "2250 ok\r\n", "3250 ok\r\n", "<250 ok\r\n250 ok\r\n"}},
    {"the next chunk waits for the answer", WORLD,
     {HELLO, ">BDAT 1\r\naBDAT 2 LAST\r\nbcNOOP\r\n", "=BDAT|1", "+a", "2250 ok\r\n", "=the last chunk|2 LAST", "+bc", "3250 ok\r\n", "=NOOP|"}},
    {"and the first for all before it", WORLD,
     {HELLO, ">MAIL FROM:<>\r\nBDAT 1\r\naNOOP\r\n", "=MAIL|FROM:<>", "+", "2250 ok\r\n", "=BDAT|1", "+a", "=NOOP|"}},
    {"nothing is read behind the last chunk", WORLD,
     {HELLO, ">BDAT 1 LAST\r\naMAIL FROM:<>\r\n", "=the last chunk|1 LAST", "+a", "2250 ok\r\n", "=MAIL|FROM:<>"}},
    {"which may be empty", WORLD, {HELLO, ">BDAT 0 LAST\r\nNOOP\r\n", "=the last chunk|0 LAST", "2250 ok\r\n", "=NOOP|"}},
    {"a chunk that is dropped", WORLD,
     {HELLO, ">BDAT 6\r\n", "=BDAT|6", "D", "2503 no\r\n", ">QUIT\r\nNOOP\r\n", "=NOOP|", "+", "<503 no\r\n"}},
    {"a last one that is dropped", WORLD,
     {HELLO, ">BDAT 6 LAST\r\n", "=the last chunk|6 LAST", "D", "2503 no\r\n", ">QUIT\r\nNOOP\r\n", "=NOOP|", "+", "<503 no\r\n"}},
    {"an early refusal changes nothing", WORLD,
     {HELLO, ">BDAT 6 LAST\r\n", "=the last chunk|6 LAST", "2552 no\r\n", "<552 no\r\n", ">QUIT\r\nNOOP\r\n", "=NOOP|", "+QUIT\r\n"}},
    {"what is refused here is dropped: before EHLO", WORLD,
     {"0220 mx\r\n", ">BDAT 6\r\nQUIT\r\nNOOP\r\n", "<220 mx\r\n" EHLO_FIRST, "=NOOP|", "+"}},
    {"before TLS", DEMAND_TLS, {HELLO, ">BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", "<" NO_TLS, "=NOOP|", "+"}},
    {"from our MTA", MTA, {HELLO, ">BDAT 6\r\nQUIT\r\nNOOP\r\n", "<" NOT_THERE, "=NOOP|", "+"}},
    {"no count, negative, hex, huge: nobody knows what is next", WORLD,
     {HELLO, ">BDAT\r\nQUIT\r\n", "<521 5.5.4 Syntax: BDAT count [LAST]\r\n", "!"}},
    {"negative", WORLD, {HELLO, ">BDAT -1\r\nQUIT\r\n", "<521 5.5.4 Syntax: BDAT count [LAST]\r\n", "!"}},
    {"huge", WORLD, {HELLO, ">BDAT 2147483648\r\nQUIT\r\n", "<521 5.5.4 Syntax: BDAT count [LAST]\r\n", "!"}},
    {"with more than LAST", WORLD, {HELLO, ">BDAT 6 LAST QUIT\r\nQUIT\r\n", "<521 5.5.4 Syntax: BDAT count [LAST]\r\n", "!"}},
    {"even before EHLO", WORLD, {"0220 mx\r\n", ">BDAT x\r\nQUIT\r\n", "<220 mx\r\n521 5.5.4 Syntax: BDAT count [LAST]\r\n", "!"}},
    {"a bare LF in a chunk: its answer says so", WORLD,
     {HELLO, ">BDAT 6\r\nabc\ndef", "=BDAT|6", "=a broken message|", "2550 5.6.11 no\r\n", "<550 5.6.11 no\r\n", "!"}},
    {"which was given: then the next", WORLD,
     {HELLO, ">BDAT 6\r\n", "=BDAT|6", "2452 later\r\n", ">abc\ndef", "=a broken message|", "3550 5.6.11 no\r\n", "<452 later\r\n550 5.6.11 no\r\n", "!"}},
    {"a CR that is still open at the end", NORMALIZE,
     {HELLO, ">BDAT 2\r\na\r", "=BDAT|2", "+a\r", "2250 ok\r\n", "<250 ok\r\n", ">BDAT 0 LAST\r\n", "=a broken message|0 LAST", "3550 5.6.11 no\r\n", "<550 5.6.11 no\r\n", "!"}},
    {"is forgotten with its message", WORLD,
     {HELLO, ">BDAT 2\r\na\r", "=BDAT|2", "+a\r", "2250 ok\r\n", ">RSET\r\n", "=RSET|", "3250 ok\r\n", ">BDAT 1 LAST\r\nb", "=the last chunk|1 LAST", "+b"}},
    {"but not by a MAIL that was refused", WORLD,
     {HELLO, ">BDAT 2\r\na\r", "=BDAT|2", "+a\r", "2250 ok\r\n", ">MAIL FROM:<>\r\n", "=MAIL|FROM:<>", "3503 no\r\n", ">BDAT 1 LAST\r\nb", "=the last chunk|1 LAST", "=a broken message|", "+"}},
    {"the owner ends it within a chunk", WORLD, {HELLO, ">BDAT 9\r\nabc", "=BDAT|9", "+abc", "E", "<421 bye\r\n", "!", ">def", "+"}},
    {"AUTH waits for all before it", WORLD,
     {HELLO, ">MAIL FROM:<>\r\nAUTH PLAIN\r\n", "=MAIL|FROM:<>", "2250 ok\r\n", "=AUTH|PLAIN"}},
    /* RFC 1870 */
    {"a message of just that size", WORLD,
     {HELLO, "L", ">DATA\r\n", "=DATA|", "2354 go\r\n", ">1234567\r\n.\r\n", "=the end of the message|", "+1234567\r\n"}},
    {"doubled dots do not count", WORLD,
     {HELLO, "L", ">DATA\r\n", "=DATA|", "2354 go\r\n", ">..\r\n..\r\n..\r\n.\r\n", "=the end of the message|", "+..\r\n..\r\n..\r\n"}},
    {"one byte more", WORLD,
     {HELLO, "L", ">DATA\r\n", "=DATA|", "2354 go\r\n", ">12345678\r\n.\r\n", "=a message that is too big|"}},
    {"and what follows that", WORLD,
     {HELLO, "L", ">DATA\r\n", "=DATA|", "2354 go\r\n", "<354 go\r\n", ">12345678\r\nand so on\r\n.\r\nQUIT\r\n", "=a message that is too big|", "3552 no\r\n", "<552 no\r\n", "!"}},
    /* the owner's own ends */
    {"the owner ends it", WORLD,
     {HELLO, ">MAIL FROM:<>\r\nXYZZY\r\nRCPT TO:<a>\r\n", "=MAIL|FROM:<>", "=RCPT|TO:<a>", "4250 late\r\n", "E", "2250 later\r\n", "<421 bye\r\n", "!", ">NOOP\r\n", "<"}},
    {"before the greeting", WORLD, {"E", "0220 mx\r\n", "<421 bye\r\n", "!"}},
    {"within a message", WORLD, {HELLO, ">DATA\r\n", "=DATA|", "2354 go\r\n", "<354 go\r\n", ">a\r\n", "+a\r\n", "E", "<421 bye\r\n", "!", ">b\r\n.\r\n", "+"}},
    {"an answer too many is none", WORLD, {HELLO, "1250 again\r\n", "9250 what\r\n", "<"}},
    {"an answer that cannot be", WORLD, {HELLO, ">NOOP\r\n", "=NOOP|", "2", "<451 4.3.0 The answer cannot be shown\r\n"}},
};
/* clang-format on */

struct play {
    const char *name;
    struct serve s;
    struct {
        enum verb verb;
        char arg[200];
        unsigned ticket;
    } asked[64];
    size_t asks, told; /* requests that came, and that the script has seen */
    char body[4096];
    size_t body_len;
};

/* How much there was. */
static size_t take_body(struct play *p)
{
    struct span body = serve_body(&p->s);

    assert_row(p->body_len + body.len < sizeof p->body, p->name);
    memcpy(p->body + p->body_len, body.at, body.len);
    p->body_len += body.len;
    serve_body_drop(&p->s, body.len);
    return body.len;
}

static void hear(struct play *p)
{
    struct request r;

    while (serve_next(&p->s, &r) > 0) {
        assert_row(p->asks < COUNT_OF(p->asked) && r.arg.len < 200, p->name);
        p->asked[p->asks].verb = r.verb;
        p->asked[p->asks].ticket = r.ticket;
        text_copy(p->asked[p->asks++].arg, 200, r.arg);
        assert_row(serve_is_owed(&p->s, r.ticket), p->name);
        assert_int_equal(serve_asked(&p->s, r.ticket), r.verb);
        take_body(p);
    }
}

/* What is behind octets of a chunk is read when those have gone. */
static void pump(struct play *p)
{
    do
        hear(p);
    while (take_body(p) > 0);
}

static void say(struct play *p, struct span bytes, size_t step)
{
    for (size_t len; bytes.len; bytes = span_after(bytes, len)) {
        len = bytes.len < step ? bytes.len : step;
        assert_row(serve_feed(&p->s, (struct span){bytes.at, len}), p->name);
        pump(p);
    }
}

static void heard(struct play *p, const char *want)
{
    struct span got = buf_peek(&p->s.out);

    if (!span_is(got, want))
        fail_msg("%s: heard '%.*s', not '%s'", p->name, SPAN_ARG(got), want);
    buf_drop(&p->s.out, got.len);
}

static void asked(struct play *p, const char *want)
{
    char got[300] = "nothing";

    if (p->told < p->asks)
        snprintf(got, sizeof got, "%s|%s", verb_name(p->asked[p->told].verb),
                 p->asked[p->told].arg);
    if (strcmp(got, want) != 0)
        fail_msg("%s: asked '%s', not '%s'", p->name, got, want);
    p->told++;
}

static void passed(struct play *p, const char *want)
{
    if (!span_is((struct span){p->body, p->body_len}, want))
        fail_msg("%s: passed '%.*s', not '%s'", p->name, (int)p->body_len, p->body, want);
    p->body_len = 0;
}

static void step_on(struct play *p, const char *step, size_t piece)
{
    switch (step[0]) {
    case '>':
        say(p, span_of(step + 1), piece);
        break;
    case '<':
        heard(p, step + 1);
        break;
    case '=':
        asked(p, step + 1);
        break;
    case '+':
        passed(p, step + 1);
        break;
    case '!':
        assert_row(serve_is_over(&p->s), p->name);
        break;
    case 'T':
    case 't':
        assert_row(serve_secured(&p->s) == (step[0] == 'T'), p->name);
        break;
    case 'B':
        serve_born_secured(&p->s);
        break;
    case 'D':
        serve_drop_chunk(&p->s);
        break;
    case 'L':
        serve_limit(&p->s, 9);
        break;
    case 'P':
        assert_row(serve_answer_part(&p->s, p->s.next - 1, span_of(step + 1)), p->name);
        break;
    case 'E':
        serve_end(&p->s, SPAN("421 bye\r\n"));
        break;
    default:
        serve_answer(&p->s, (unsigned)(step[0] - '0'), span_of(step + 1));
        pump(p);
    }
}

static enum serve_role role_of(unsigned how)
{
    return how & LMTP ? SERVE_LMTP : how & MTA ? SERVE_MTA : SERVE_WORLD;
}

static void dialogues_go_as_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t piece = 1; piece < 1000; piece += piece < 3 ? 1 : 400) {
            static struct play p;
            unsigned how = cases[i].how;

            if (how & WHOLE_ONLY && piece < 100)
                continue;
            memset(&p, 0, sizeof p);
            p.name = cases[i].name;
            serve_init(&p.s, role_of(how), (how & DEMAND_TLS) != 0,
                       how & NORMALIZE ? DOT_NORMALIZE : DOT_REJECT);
            for (const char *const *step = cases[i].steps; *step; step++)
                step_on(&p, *step, piece);
            if (p.told < p.asks)
                fail_msg("%s: asked more than that: %s", p.name, verb_name(p.asked[p.told].verb));
            serve_clear(&p.s);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dialogues_go_as_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

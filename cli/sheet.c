/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sheet.h"

#include <assert.h>
#include <stdarg.h>

#include "base/text.h"

enum { TEXT_MOST = 4400, LABEL = 20, STEP = 2 };

static const char bold[] = "\033[1m", red[] = "\033[31m", green[] = "\033[32m", plain[] = "\033[0m";

static void quote(struct sheet *r, const char *text)
{
    putc('"', r->out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', r->out);
        putc(*text, r->out);
    }
    putc('"', r->out);
}

/* What stands before a value or a group: in JSON comma, line and name; for people the indent. */
static void lead(struct sheet *r, const char *key)
{
    if (r->json) {
        fprintf(r->out, "%s\n%*s", r->some[r->depth] ? "," : "", (int)(r->depth + 1) * STEP, "");
        if (key) {
            quote(r, key);
            fputs(": ", r->out);
        }
    }
    r->some[r->depth] = true;
}

static void enter(struct sheet *r, bool flat)
{
    r->depth++;
    assert(r->depth < SHEET_DEPTH);
    r->some[r->depth] = false;
    r->flat[r->depth] = flat;
}

void sheet_begin(struct sheet *r, FILE *out, bool json, bool colour)
{
    *r = (struct sheet){.out = out, .json = json, .colour = colour && !json};
    if (json)
        putc('{', out);
}

void sheet_end(struct sheet *r)
{
    if (r->json)
        fputs("\n}\n", r->out);
    fflush(r->out);
}

/* For people lists, and groups without a name, are no steps of their own. */
static int indent(const struct sheet *r)
{
    int steps = 0;

    for (unsigned i = 1; i <= r->depth; i++)
        steps += !r->flat[i];
    return steps * STEP;
}

static void print_line(struct sheet *r, const char *key, const char *colour, const char *text)
{
    const char *label = key ? key : r->label ? r->label : "";

    if (r->apart && indent(r) == 0)
        putc('\n', r->out);
    r->apart = false;
    fprintf(r->out, "%*s%-*s %s%s%s\n", indent(r), "", LABEL - indent(r), label,
            r->colour ? colour : "", text, r->colour && *colour ? plain : "");
    r->label = NULL;
}

void sheet_open(struct sheet *r, const char *key, const char *title)
{
    char clean[TEXT_MOST];

    if (title)
        text_clean(clean, sizeof clean, span_of(title));
    lead(r, key);
    if (r->json) {
        putc('{', r->out);
    } else if (key || title) {
        fprintf(r->out, "%s%*s%s", indent(r) == 0 ? "\n" : "", indent(r), "",
                r->colour ? bold : "");
        fprintf(r->out, "%s%s%s%s\n", key ? key : "", key && title ? " " : "", title ? clean : "",
                r->colour ? plain : "");
    }
    r->label = NULL;
    enter(r, !key && !title);
}

void sheet_close(struct sheet *r)
{
    if (r->json && r->some[r->depth])
        fprintf(r->out, "\n%*s", (int)r->depth * STEP, "");
    if (r->json)
        putc('}', r->out);
    r->apart = true;
    r->depth--;
}

void sheet_list(struct sheet *r, const char *key)
{
    lead(r, key);
    if (r->json)
        putc('[', r->out);
    r->label = key;
    enter(r, true);
}

void sheet_list_end(struct sheet *r)
{
    if (!r->json && !r->some[r->depth] && r->label)
        print_line(r, r->label, "", "none");
    if (r->json)
        fprintf(r->out, r->some[r->depth] ? "\n%*s]" : "]",
                r->some[r->depth] ? (int)r->depth * STEP : 0, "");
    r->label = NULL;
    r->depth--;
}

static void say(struct sheet *r, const char *key, const char *colour, const char *text)
{
    char clean[TEXT_MOST];

    text_clean(clean, sizeof clean, span_of(text));
    lead(r, key);
    if (r->json)
        quote(r, clean);
    else
        print_line(r, key, colour, clean);
}

void sheet_text(struct sheet *r, const char *key, const char *text)
{
    say(r, key, "", text);
}

void sheet_printf(struct sheet *r, const char *key, const char *fmt, ...)
{
    char text[TEXT_MOST];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    say(r, key, "", text);
}

void sheet_flag(struct sheet *r, const char *key, bool is)
{
    lead(r, key);
    if (r->json)
        fputs(is ? "true" : "false", r->out);
    else
        print_line(r, key, "", is ? "yes" : "no");
}

void sheet_number(struct sheet *r, const char *key, unsigned long number)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%lu", number);
    lead(r, key);
    if (r->json)
        fputs(text, r->out);
    else
        print_line(r, key, "", text);
}

void sheet_verdict(struct sheet *r, const char *key, bool well, const char *text)
{
    say(r, key, well ? green : red, text);
}

const char *sheet_time(time_t at, char to[SHEET_TIME])
{
    struct tm when;

    if (!gmtime_r(&at, &when) || !strftime(to, SHEET_TIME, "%Y-%m-%d %H:%M:%S UTC", &when))
        to[0] = '\0';
    return to;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What the page stands on: the files, what they lack, how it was counted. */
#include "cli/report/html_part.h"

#include "cli/report/markup.h"

static void write_rows(FILE *out, const struct report *r)
{
    fputs("<p class=\"about\">", out);
    markup_count(out, r->rows, "row");
    fputs(" read, ", out);
    markup_number(out, r->counted);
    fputs(" counted, ", out);
    markup_number(out, r->outside);
    fputs(" not asked for, ", out);
    markup_number(out, r->types);
    fputs(" of types that say nothing here, ", out);
    markup_number(out, r->bad);
    fputs(" that are no rows", out);
    if (r->bad && *r->bad_place) {
        fputs("; the first of them is <bdi>", out);
        markup_text(out, r->bad_place);
        fputs("</bdi>: <bdi>", out);
        markup_text(out, r->bad_why);
        fputs("</bdi>", out);
    }
    fputs(".</p>\n", out);
}

static void write_files(FILE *out, const struct report *r)
{
    static const struct html_column columns[] = {
        {"File", false}, {"Bytes", true}, {"Rows", true}, {"No rows", true}, {"End", false}};

    html_table_open(out, "Files", columns, COUNT_OF(columns));
    for (size_t i = 0; i < r->file_count; i++) {
        html_row(out, r->files[i].name);
        html_cell_number(out, r->files[i].bytes);
        html_cell_number(out, r->files[i].rows);
        html_cell_number(out, r->files[i].bad);
        html_cell(out, r->files[i].torn ? "still being written" : "whole");
    }
    html_table_close(out);
}

static void write_missing(FILE *out, const struct report *r)
{
    static const struct html_column columns[] = {
        {"Column", false}, {"In rows of type", false}, {"Empty without it", false}};

    html_table_open(out, "Columns that were in no file", columns, COUNT_OF(columns));
    for (size_t i = 0; i < r->missing_count; i++) {
        html_row(out, r->missing[i].column);
        html_cell(out, r->missing[i].types);
        html_cell(out, r->missing[i].what);
    }
    html_table_close(out);
}

void html_files(FILE *out, const struct report *r)
{
    html_section_open(out, "read", "What was read", NULL);
    write_rows(out, r);
    if (r->file_count)
        write_files(out, r);
    if (r->missing_count)
        write_missing(out, r);
    else
        fputs("<p class=\"nothing\">No column was missing.</p>\n", out);
    html_section_close(out);
}

void html_meaning(FILE *out, const struct report *r)
{
    (void)r;
    html_section_open(out, "meaning", "How it was counted", NULL);
    fputs("<dl class=\"words\">\n"
          "<dt>Message</dt><dd>One row of the accounting file: a message for one recipient. Sent "
          "are rows of type d, received those of type r, bounced b, deferred t, attempts tq.</dd>\n"
          "<dt>Verified</dt><dd>Of mail sent, the server's certificate is valid for its name, or "
          "DANE's records vouch for it. Of mail received, the client showed a certificate that is "
          "valid; most have none, and need none.</dd>\n"
          "<dt>Old TLS</dt><dd>SSLv3, TLS 1.0 and TLS 1.1 (RFC 8996).</dd>\n"
          "<dt>Not recorded</dt><dd>The file had no column that says it.</dd>\n"
          "<dt>Shares</dt><dd>100.0\xe2\x80\xaf% is all and 0.0\xe2\x80\xaf% is nothing; whatever "
          "is between them is shown as 0.1 to 99.9. Days begin at midnight UTC.</dd>\n"
          "</dl>\n",
          out);
    html_section_close(out);
}

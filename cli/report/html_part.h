/* SPDX-License-Identifier: Apache-2.0
 *
 * html_part - what the page is put together from; only html*.c need it. A file for each group of
 * sections; html.c has their order.
 */
#pragma once

#include <stdio.h>
#include <time.h>

#include "cli/report/chart.h"
#include "cli/report/report.h"

/* The sections, each with its heading; they write nothing of what is not in the report. */
void html_summary(FILE *out, const struct report *r);   /* the sentence and the great figures */
void html_attention(FILE *out, const struct report *r); /* what somebody should look at */
void html_days(FILE *out, const struct report *r);
void html_kinds(FILE *out, const struct report *r); /* protocols, ciphers, ... of both ways */
void html_domains(FILE *out, const struct report *r);
void html_clients(FILE *out, const struct report *r);
void html_failures(FILE *out, const struct report *r);
void html_woulds(FILE *out, const struct report *r);
void html_readies(FILE *out, const struct report *r);
void html_files(FILE *out, const struct report *r);   /* what was read and what is missing */
void html_meaning(FILE *out, const struct report *r); /* how it was counted */

/* A section with this id and heading; about is a sentence below it, or NULL. */
void html_section_open(FILE *out, const char *id, const char *heading, const char *about);
void html_section_close(FILE *out);

/* A table in a frame that scrolls by itself when the page is narrow. The first column is the
 * row's heading. */
struct html_column {
    const char *title;
    bool number;
};

void html_table_open(FILE *out, const char *caption, const struct html_column *columns,
                     size_t count);
void html_table_close(FILE *out);
void html_row(FILE *out, const char *heading); /* ends with the next row or the table */
void html_cell(FILE *out, const char *text);
void html_cell_number(FILE *out, uint64_t number);
void html_cell_share(FILE *out, uint64_t part, uint64_t whole);
void html_cell_dates(FILE *out, time_t first, time_t last); /* 0: never */

/* A table that is there on demand: the figures of a picture. */
void html_figures_open(FILE *out, const char *summary);
void html_figures_close(FILE *out);

/* A picture's frame: its heading stands above, what follows it (figures) goes inside. */
void html_figure_open(FILE *out, const char *heading);
void html_figure_close(FILE *out);

/* <time>2026-11-22</time>, or with the time of day; both in UTC. */
void html_date(FILE *out, time_t at);
void html_moment(FILE *out, time_t at);

/* All failures that the list shows which are TLS's. */
MUST uint64_t html_tls_failures(const struct report *r);

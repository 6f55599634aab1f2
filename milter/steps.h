/* SPDX-License-Identifier: Apache-2.0
 *
 * steps - which steps of a session a mail server tells us, and where it waits for an answer.
 *
 * Each step costs both sides some system calls, and each answer a change between two processes:
 * who asks for little is asked little. Where no answer is awaited the callback returns
 * SMFIS_NOREPLY; libmilter answers in its place to a mail server that knows no such thing.
 */
#pragma once

#include <stdbool.h>

#include <libmilter/mfapi.h>

/* What somebody wants to know of a message beside its sender. */
struct steps {
    bool envelope; /* who said HELO, recipients, and that the message has been taken */
    bool fields;   /* of its header */
    bool envid;    /* to change its ENVID, at its end */
};

/* For the callback of libmilter: what is offered, and what we make of it. */
void steps_negotiate(const struct steps *wanted, SMFICTX *ctx, unsigned long actions,
                     unsigned long protocol, unsigned long *our_actions,
                     unsigned long *our_protocol);

/* The answer to a MAIL that may pass: all that was to be known may be known. */
sfsistat steps_pass_mail(const struct steps *wanted);

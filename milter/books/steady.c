/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/steady.h"

static double less(double doubt, double passed)
{
    return doubt > passed ? doubt - passed : 0;
}

void steady_start(struct steady *s, double last, double doubt, double now, double mono)
{
    double passed = now - last;
    bool known = last > 0 && passed > -STEADY_STEP && passed < STEADY_PAUSE;

    *s = (struct steady){.now = now, .mono = mono};
    s->doubt = known ? less(doubt, passed > 0 ? passed : 0) : STEADY_DOUBT;
}

bool steady_look(struct steady *s, double now, double mono)
{
    double passed = mono - s->mono, step = now - s->now - passed;

    s->doubt = step > STEADY_STEP || step < -STEADY_STEP ? STEADY_DOUBT : less(s->doubt, passed);
    s->now = now;
    s->mono = mono;
    return s->doubt <= 0;
}

/* SPDX-License-Identifier: MIT */
/* Points in time as people read them. */
#include "ctl/clock-text.h"

#include <stdio.h>

/* A time that no calendar reaches becomes the epoch. */
static struct tm break_down(usec_t realtime_usec) {
        time_t seconds = (time_t) (realtime_usec / USEC_PER_SEC);
        struct tm local = { .tm_mday = 1, .tm_year = 70 };

        (void) localtime_r(&seconds, &local);
        return local;
}

const char *format_clock(char buffer[static CLOCK_TEXT_SIZE], usec_t realtime_usec) {
        struct tm local = break_down(realtime_usec);

        return strftime(buffer, CLOCK_TEXT_SIZE, "%a %Y-%m-%d %H:%M:%S %Z", &local) > 0 ? buffer : "";
}

const char *format_clock_short(char buffer[static CLOCK_TEXT_SIZE], usec_t realtime_usec) {
        struct tm local = break_down(realtime_usec);

        return strftime(buffer, CLOCK_TEXT_SIZE, "%b %d %H:%M:%S", &local) > 0 ? buffer : "";
}

const char *format_ago(char buffer[static CLOCK_TEXT_SIZE], usec_t realtime_usec, usec_t now) {
        char span[SPAN_SIZE];

        if (realtime_usec > usec_add(now, USEC_PER_SEC))
                return "in the future";
        if (usec_sub(now, realtime_usec) < USEC_PER_SEC)
                return "just now";
        (void) snprintf(buffer, CLOCK_TEXT_SIZE, "%s ago", format_span(span, usec_sub(now, realtime_usec)));
        return buffer;
}

const char *format_until(char buffer[static CLOCK_TEXT_SIZE], usec_t realtime_usec, usec_t now) {
        char span[SPAN_SIZE];

        if (realtime_usec <= now)
                return "now";
        if (realtime_usec - now < USEC_PER_SEC)
                return "in less than 1s";
        (void) snprintf(buffer, CLOCK_TEXT_SIZE, "in %s", format_span(span, realtime_usec - now));
        return buffer;
}

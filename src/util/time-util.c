/* SPDX-License-Identifier: MIT */
#include "util/time-util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/macro.h"

usec_t now_usec(clockid_t clock) {
        struct timespec now;

        if (clock_gettime(clock, &now) < 0 || now.tv_sec < 0) /* a clock before 1970 is as good as 1970 */
                return 0;

        return (usec_t) now.tv_sec * USEC_PER_SEC + (usec_t) now.tv_nsec / 1000;
}

const char *format_timestamp(char buffer[static TIMESTAMP_SIZE], usec_t realtime_usec) {
        time_t seconds = (time_t) (realtime_usec / USEC_PER_SEC);
        unsigned milliseconds = (unsigned) (realtime_usec % USEC_PER_SEC / USEC_PER_MSEC);
        struct tm broken_down = {};
        size_t length;

        (void) gmtime_r(&seconds, &broken_down);
        length = strftime(buffer, TIMESTAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &broken_down);
        (void) snprintf(buffer + length, TIMESTAMP_SIZE - length, ".%03uZ", milliseconds);
        return buffer;
}

const char *format_span(char buffer[static SPAN_SIZE], usec_t span_usec) {
        static const struct {
                const char *name;
                usec_t usec;
        } units[] = {
                { "d", 24 * USEC_PER_HOUR },
                { "h", USEC_PER_HOUR },
                { "min", USEC_PER_MINUTE },
                { "s", USEC_PER_SEC },
        };
        usec_t rest = 0;
        size_t i = 0;
        int length;

        if (span_usec == USEC_INFINITY)
                return strcpy(buffer, "for ever");
        if (span_usec < USEC_PER_SEC) {
                (void) snprintf(buffer, SPAN_SIZE, "%" PRIu64 "ms", span_usec / USEC_PER_MSEC);
                return buffer;
        }

        while (span_usec < units[i].usec)
                i++;
        if (i + 1 < ELEMENTSOF(units))
                rest = span_usec % units[i].usec / units[i + 1].usec;

        length = snprintf(buffer, SPAN_SIZE, "%" PRIu64 "%s", span_usec / units[i].usec, units[i].name);
        if (rest > 0)
                (void) snprintf(buffer + length, (size_t) (SPAN_SIZE - length), " %" PRIu64 "%s", rest,
                                units[i + 1].name);
        return buffer;
}

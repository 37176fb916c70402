#include "util/time-util.h"

#include <inttypes.h>
#include <stdio.h>

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
        char date[TIMESTAMP_SIZE];

        (void) gmtime_r(&seconds, &broken_down);
        if (strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &broken_down) == 0)
                date[0] = '\0';
        (void) snprintf(buffer, TIMESTAMP_SIZE, "%.20s.%03uZ", date, milliseconds);
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

        if (span_usec == USEC_INFINITY)
                (void) snprintf(buffer, SPAN_SIZE, "for ever");
        else if (span_usec < USEC_PER_SEC)
                (void) snprintf(buffer, SPAN_SIZE, "%" PRIu64 "ms", span_usec / USEC_PER_MSEC);
        else
                for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                        usec_t count = span_usec / units[i].usec, rest;

                        if (count == 0)
                                continue;

                        rest = i + 1 < ELEMENTSOF(units) ? span_usec % units[i].usec / units[i + 1].usec : 0;
                        if (rest > 0)
                                (void) snprintf(buffer, SPAN_SIZE, "%" PRIu64 "%s %" PRIu64 "%s", count,
                                                units[i].name, rest, units[i + 1].name);
                        else
                                (void) snprintf(buffer, SPAN_SIZE, "%" PRIu64 "%s", count, units[i].name);
                        break;
                }

        return buffer;
}

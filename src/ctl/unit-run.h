/* Runs the program of a service once more, beside it, in a transient unit with the same surroundings. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "ctl/unit-copy.h"

typedef struct UnitResult {
        char result[32]; /* systemd's: "success", or the reason */
        bool has_exited; /* with `status`; else a signal of that number, or it never started */
        int status;
} UnitResult;

/* Runs it with one argument more and copies its output to standard output, without control characters, until
 * it ends, is interrupted (-EINTR) or takes too long (-ETIMEDOUT); then the unit is stopped. Returns 0 or a
 * negative errno; `error` has systemd's message, if there is one. */
int unit_run(sd_bus *bus, const char *path, const char *argument, UnitOmissions *omissions,
                UnitResult *ret_result, sd_bus_error *error);

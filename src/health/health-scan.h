/* SPDX-License-Identifier: MIT */
/* One look into the health directory, which takes a HealthSet from one snapshot to the next. */
#pragma once

#include <stdbool.h>

#include "core/health-set.h"
#include "util/time-util.h"

/* Look again so much later if a file looks half-written. */
#define HEALTH_SECOND_LOOK_USEC (50 * USEC_PER_MSEC)

/* `fd` is the directory, opened for this scan; or the negative errno why it cannot be (-ENOENT counts as
 * empty). `now` is the wall clock; `max_age_usec` 0: off. `is_second`: the scan before returned 1.
 *
 * Returns 0; 1 if files look half-written: those that were listed are as they were; or a negative errno.
 * With -ENOMEM what could not be read is as it was; with any other the directory could not be read, and the
 * set is empty. */
int health_scan(HealthSet *set, int fd, usec_t now, usec_t max_age_usec, bool is_second);

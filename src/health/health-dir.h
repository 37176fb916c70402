/* Reads the health directory into a HealthSet: safe opens, bounded reads, nothing of it blocks (a FIFO, a
 * lease, a file that is half-written). */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "core/health-set.h"
#include "sys/state-store.h"
#include "util/time-util.h"

typedef struct HealthDir HealthDir;

/* The scan is done; the set holds the result. `error` is 0; -ENOMEM (the set is as it was before); or
 * another negative errno if the directory itself cannot be read (then the set is empty; -ENOENT counts as an
 * empty directory and is 0). The callback may free the HealthDir or collect again. */
typedef void (*HealthDirCallback)(int error, void *userdata);

/* `store` and `set` stay the caller's and outlive the HealthDir. `max_age_usec` 0: off. The directory need
 * not exist. Returns 0 or a negative errno. */
int health_dir_new(sd_event *event, const StateStore *store, usec_t max_age_usec, HealthSet *set,
                HealthDir **ret);
HealthDir *health_dir_free(HealthDir *dir); /* a collection under way is dropped, its callback not called */

/* Scans; calls back once: from within this call if nothing is half-written, else after a second read of
 * those files 50 ms later. -EBUSY if a collection is under way. Returns 0 or a negative errno (then there is
 * no call back, and the set is as it was). */
int health_dir_collect(HealthDir *dir, HealthDirCallback callback, void *userdata);

/* Whether the last collection changed what would be reported. */
bool health_dir_has_changed(const HealthDir *dir);

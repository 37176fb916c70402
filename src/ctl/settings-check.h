/* SPDX-License-Identifier: MIT */
/* What systemd does with the settings of the service silently: it ignores lines of the settings files, and
 * skips the start if there are none. */
#pragma once

#include <systemd/sd-bus.h>

/* Prints the faults of the files, warns of files that others may read or change and of conditions that
 * cannot be checked here, and says so if there is no file with settings. Returns 1, 0 if systemd would skip
 * the start, or a negative errno. */
int settings_check(sd_bus *bus);

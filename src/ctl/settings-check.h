/* The settings files of a service, as its unit names them. */
#pragma once

#include <systemd/sd-bus.h>

/* Prints what is wrong with the files and their lines, and what others may do with the files. Returns 0 or a
 * negative errno. */
int settings_check(sd_bus *bus, const char *unit_path);

/* Whether the unit's conditions for a start are met, as far as they ask whether any of several files exists;
 * if not, prints which. Returns 1, 0, or a negative errno. */
int settings_check_conditions(sd_bus *bus, const char *unit_path);

/* The settings files of a service, as its unit names them. */
#pragma once

#include <systemd/sd-bus.h>

/* Prints the faults of the files and their lines, and warns of files that others may read or change. Returns
 * 0 or a negative errno. */
int settings_check(sd_bus *bus);

/* Whether the unit's ConditionPathExistsGlob= conditions are met; if not, prints the paths of which none
 * exists. Warns of other conditions. Returns 1, 0, or a negative errno. */
int settings_check_conditions(sd_bus *bus);

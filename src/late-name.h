/* SPDX-License-Identifier: MIT */
/* A host name that comes late: cloud-init, DHCP or a person sets it after the agent was started. Only a new
 * start sees it (the unit's ProtectHostname= gives each start a copy), so the agent ends, and systemd starts
 * it again. A start that follows such an end waits, or the log would have a line of it every two seconds. */
#pragma once

/* Call this after it was logged that the host's own name has no identity. Returns the exit status,
 * EX_TEMPFAIL: at once the first time, for a person who starts the service; after 25 s on an automatic
 * restart, which a file in $RUNTIME_DIRECTORY marks. SIGTERM and SIGINT, which must be blocked, end the
 * wait, with EXIT_SUCCESS. */
int late_name_exit_status(void);

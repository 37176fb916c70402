/* SPDX-License-Identifier: MIT */
/* argus-agent --check: whether the agent would work with these settings, and the result for a person. Sends
 * nothing, changes nothing, and does not disturb a running agent. */
#pragma once

/* Prints the result on standard output and logs errors. Returns an exit status, or a negative errno. */
int check_run(void);

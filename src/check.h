/* argus-agent --check: whether the agent would work with these settings, and what they come to, for a
 * person. Sends nothing, changes nothing, and does not disturb a running agent. */
#pragma once

/* Prints it on standard output; what is wrong goes to the log. Returns an exit status, or a negative errno.
 */
int check_run(void);

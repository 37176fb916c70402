/* `argusctl check`: what the service would get at its next start, and what the agent says to it. */
#pragma once

/* Opens its own connection. Returns the exit status: that of `argus-agent --check`, or EXIT_FAILURE after it
 * said on stderr why that could not be run. */
int check_service(void);

/* `argusctl check`: the settings that the service would get at its next start, and the agent's own check. */
#pragma once

/* Opens its own connection. Returns the exit status: that of `argus-agent --check`, or EXIT_FAILURE with the
 * reason on stderr if that could not be run. */
int check_service(void);

/* The exit statuses of argusctl, beside those of stdlib.h and sysexits.h. */
#pragma once

enum {
        /* EXIT_SUCCESS: done; of status and is-online: online, and the last report succeeded */
        /* EXIT_FAILURE: the agent or the bus is not there, permission was denied, or the agent could not */
        EXIT_NOT_ONLINE = 3, /* of status and is-online only */
        /* EX_USAGE 64: wrong usage */
};

/* The CA certificates of the system, where libcurl does not know them by itself. */
#pragma once

/* The file to check the Master's certificate with if none is configured; NULL: libcurl has its own default,
 * or there is no such file. Static storage. */
const char *ca_store_find(void);

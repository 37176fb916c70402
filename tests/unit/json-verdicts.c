/* SPDX-License-Identifier: MIT */
/* Says of each text on its standard input (its size as four bytes in this machine's order, then the text)
 * what the JSON reader makes of it: '-' no JSON, 'j' JSON, 'p' portable JSON. For json-rules. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/json-scan.h"

int main(void) {
        uint32_t size;

        while (fread(&size, sizeof size, 1, stdin) == 1) {
                char *text = malloc(size > 0 ? size : 1);
                JsonSlice value;
                int verdict;

                if (!text || fread(text, 1, size, stdin) != size)
                        return EXIT_FAILURE;

                verdict = json_scan(text, size, &value, NULL) < 0            ? '-'
                          : json_scan_portable(text, size, &value, NULL) < 0 ? 'j'
                                                                             : 'p';
                free(text);
                if (putchar(verdict) == EOF)
                        return EXIT_FAILURE;
        }

        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

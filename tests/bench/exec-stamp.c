/* SPDX-License-Identifier: MIT */
/* Says on standard output when it was, in seconds of the monotonic clock, and becomes another program:
 *
 *      exec-stamp PROGRAM [ARGUMENT…]
 *
 * So a start is measured from its exec on, without the way there of who measures. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char *argv[]) {
        struct timespec now;

        if (argc < 2)
                return EXIT_FAILURE;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        (void) dprintf(STDOUT_FILENO, "%jd.%09ld\n", (intmax_t) now.tv_sec, now.tv_nsec);
        (void) execv(argv[1], argv + 1);
        perror(argv[1]);
        return EXIT_FAILURE;
}

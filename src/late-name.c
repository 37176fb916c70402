/* SPDX-License-Identifier: MIT */
/* A host name that comes late: see late-name.h. */
#include "late-name.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "util/fd-util.h"
#include "util/macro.h"
#include "util/text.h"
#include "util/time-util.h"

#define MARKER "late-name"

enum {
        MARKER_AGE_MAX_SECONDS = 5, /* RestartSec= is 2 s */
        WAIT_SECONDS = 25,          /* TimeoutStartSec= is 30 s; the watchdog is not armed before READY=1 */
};

/* The first, if the unit has several: systemd.exec(5). Without one, our unit does not restart us. */
static int open_runtime_directory(void) {
        const char *list = strempty(getenv("RUNTIME_DIRECTORY"));
        _cleanup_free_ char *path = strndup(list, strcspn(list, ":"));
        int fd;

        if (!path)
                return -ENOMEM;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* Removes the marker, so that it counts for one start only. Returns whether it was young; one from the
 * future (the clock was set back) is not. */
static bool take_marker(int directory_fd) {
        time_t now = time(NULL);
        struct stat st;

        if (fstatat(directory_fd, MARKER, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return false;

        return unlinkat(directory_fd, MARKER, 0) == 0 && S_ISREG(st.st_mode) && st.st_mtime <= now &&
               now - st.st_mtime < MARKER_AGE_MAX_SECONDS;
}

static bool wait_is_stopped(void) {
        sigset_t stop;

        (void) sigemptyset(&stop);
        (void) sigaddset(&stop, SIGTERM);
        (void) sigaddset(&stop, SIGINT);
        return sigtimedwait(&stop, NULL, &(struct timespec){ .tv_sec = WAIT_SECONDS }) >= 0;
}

int late_name_exit_status(void) {
        _cleanup_close_ int directory_fd = open_runtime_directory();

        if (directory_fd < 0)
                return EX_TEMPFAIL;

        /* After a stop leave no marker: whoever starts the service again gets the reason at once. */
        if (take_marker(directory_fd) && wait_is_stopped())
                return EXIT_SUCCESS;

        /* If this fails, the next start does not wait, which only costs a few lines in the log. */
        close_fd(openat(directory_fd, MARKER, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        return EX_TEMPFAIL;
}

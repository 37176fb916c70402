/* SPDX-License-Identifier: MIT */
/* Real files for unit tests: a temporary directory for each test, and short words to fill it. */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/fd-util.h"
#include "util/macro.h"

/* Where the test that is running lives; its path without a link in it. */
static char test_directory[64];

_unused_ static int test_directory_make(_unused_ void **state) {
        (void) snprintf(test_directory, sizeof test_directory, "/tmp/argus-test-XXXXXX");
        return mkdtemp(test_directory) ? 0 : -1;
}

static int remove_one(const char *path, _unused_ const struct stat *st, _unused_ int kind,
                _unused_ struct FTW *ftw) {
        return remove(path);
}

_unused_ static int test_directory_remove(_unused_ void **state) {
        return nftw(test_directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A path in the test's directory; of the last eight calls. */
_unused_ _printf_(1, 2) static const char *in(const char *format, ...) {
        static char paths[8][512];
        static unsigned next;
        char *path = paths[next++ % ELEMENTSOF(paths)];
        va_list arguments;
        int length = snprintf(path, sizeof paths[0], "%s/", test_directory);

        va_start(arguments, format);
        (void) vsnprintf(path + length, sizeof paths[0] - (size_t) length, format, arguments);
        va_end(arguments);
        return path;
}

_unused_ static void make_directories(const char *path) {
        char copy[512];

        (void) snprintf(copy, sizeof copy, "%s", path);
        for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
                *p = '\0';
                (void) mkdir(copy, 0755);
                *p = '/';
        }
        assert_return_code(mkdir(copy, 0755) < 0 && errno != EEXIST ? -1 : 0, errno);
}

/* In place, as the careless do it. */
_unused_ static void write_bytes(const char *path, const void *data, size_t size) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_return_code(fd, errno);
        assert_int_equal(fd_write_all(fd, data, size), 0);
}

_unused_ static void write_text(const char *path, const char *text) {
        write_bytes(path, text, strlen(text));
}

_unused_ static void assert_file(const char *path, const char *expected) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        _cleanup_free_ char *text = NULL;
        size_t size;

        assert_return_code(fd, errno);
        assert_int_equal(fd_read_all(fd, 16 * 1024 * 1024, &text, &size), 0);
        assert_string_equal(text, expected);
        assert_int_equal(size, strlen(expected));
}

_unused_ static mode_t mode_of(const char *path) {
        struct stat st;

        assert_return_code(lstat(path, &st), errno);
        return st.st_mode;
}

_unused_ static bool exists(const char *path) {
        struct stat st;

        return lstat(path, &st) == 0;
}

_unused_ static void make_socket(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_return_code(fd, errno);
        (void) snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
        assert_return_code(bind(fd, (struct sockaddr *) &address, sizeof address), errno);
}

/* A child that does something, says so, and waits to be ended. */
typedef struct Child {
        pid_t pid;
} Child;

_unused_ static Child child_start(int (*work)(const char *path), const char *path) {
        Child child;
        int ready[2];
        char byte = 1;

        assert_return_code(pipe2(ready, O_CLOEXEC), errno);
        child.pid = fork();
        assert_return_code(child.pid, errno);
        if (child.pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* should a check fail before it is ended */
                byte = work(path) == 0 ? 0 : 1;
                if (write(ready[1], &byte, 1) == 1)
                        for (;;)
                                (void) pause();
                _exit(1);
        }

        (void) close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        (void) close(ready[0]);
        assert_int_equal(byte, 0);
        return child;
}

_unused_ static void child_stop(Child child) {
        assert_return_code(kill(child.pid, SIGKILL), errno);
        assert_int_equal(waitpid(child.pid, NULL, 0), child.pid);
}

/* Runs the rest of a test in a child, for what cannot be undone (another user, another name space). What it
 * returns is its own: 0, a number that says where it failed, or CHILD_SKIP. */
enum { CHILD_SKIP = 77 };

_unused_ static void run_in_child(int (*work)(void)) {
        pid_t pid = fork();
        int status;

        assert_return_code(pid, errno);
        if (pid == 0)
                _exit(work());

        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == CHILD_SKIP)
                skip();
        assert_int_equal(WEXITSTATUS(status), 0);
}

/* For such a child: a failed check ends it with the number of its line, as far as a status can say it. */
#define CHECK(condition)                                                                                    \
        do {                                                                                                \
                if (!(condition)) {                                                                         \
                        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                     \
                        return 1;                                                                           \
                }                                                                                           \
        } while (0)

_unused_ static int take_lease(const char *path) {
        int fd = open(path, O_RDWR | O_CLOEXEC);

        (void) signal(SIGIO, SIG_IGN); /* asked to give it up, it does not */
        return fd >= 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0 ? 0 : -1;
}

/* SPDX-License-Identifier: MIT */
/* The log's levels and targets, and what journald gets; that it cannot make the caller wait. */
#include "sys/log.h"

#include <stdarg.h>
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/log-internal.h"
#include "util/fd-util.h"
#include "util/text.h"

#define LONG_TEXT_SIZE 20000

static const LogFields all_fields = {
        .node_id = "A7",
        .endpoint = "http://master:3000",
        .http_status = 200,
        .attempt = 3,
        .retry_usec = 184 * USEC_PER_SEC,
        .duration_usec = 12 * USEC_PER_MSEC,
        .health_file = "log-fluentbit.json",
        .error = ECONNREFUSED,
};

static char journal_directory[] = "/tmp/test-log-XXXXXX";
static char journal_path[sizeof journal_directory + sizeof "/socket"];

static int journald_start(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        memcpy(address.sun_path, journal_path, sizeof journal_path);
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(fd >= 0);
        (void) unlink(journal_path);
        assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof address), 0);
        return fd;
}

/* Returns the entry as text, or "" if none is there. *ret_fd is the descriptor that came with it, or -1. */
static const char *journald_receive(int fd, int *ret_fd) {
        static char text[2 * LOG_ENTRY_MAX];
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control = {};
        struct iovec iovec = { .iov_base = text, .iov_len = sizeof text - 1 };
        struct msghdr message = {
                .msg_iov = &iovec,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof control,
        };
        ssize_t n;
        int passed = -1;

        n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        text[n > 0 ? n : 0] = '\0';
        if (n >= 0 && CMSG_FIRSTHDR(&message))
                memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof passed);

        if (ret_fd)
                *ret_fd = passed;
        else
                assert_int_equal(passed, -1);
        return text;
}

static void assert_field(const char *entry, const char *line) {
        const char *found = strstr(entry, line);

        if (!found || (found > entry && found[-1] != '\n') || found[strlen(line)] != '\n')
                fail_msg("no line \"%s\" in: %s", line, entry);
}

static void test_journal_fields(_unused_ void **state) {
        _cleanup_close_ int fd = journald_start();
        const char *entry;

        assert_int_equal(log_open(LOG_TARGET_JOURNAL, LOG_INFO), 0);
        assert_int_equal(log_get_target(), LOG_TARGET_JOURNAL);

        log_event(LOG_NOTICE, LOG_EVENT_REGISTERED, &all_fields, "Registered as %s", "A7");
        entry = journald_receive(fd, NULL);
        assert_field(entry, "MESSAGE=Registered as A7");
        assert_field(entry, "PRIORITY=5");
        assert_field(entry, "SYSLOG_IDENTIFIER=argus-agent");
        assert_field(entry, "MESSAGE_ID=f05801f9a49e4eddba6b16de9fd56bab");
        assert_field(entry, "ARGUS_EVENT=registered");
        assert_field(entry, "ARGUS_NODE_ID=A7");
        assert_field(entry, "ARGUS_ENDPOINT=http://master:3000");
        assert_field(entry, "ARGUS_HTTP_STATUS=200");
        assert_field(entry, "ARGUS_ATTEMPT=3");
        assert_field(entry, "ARGUS_RETRY_USEC=184000000");
        assert_field(entry, "ARGUS_DURATION_USEC=12000");
        assert_field(entry, "ARGUS_HEALTH_FILE=log-fluentbit.json");
        assert_field(entry, "ERRNO=111");

        /* Nothing is said of what is not known. */
        log_line(LOG_ERR, "plain");
        assert_string_equal(journald_receive(fd, NULL),
                        "MESSAGE=plain\nPRIORITY=3\nSYSLOG_IDENTIFIER=argus-agent\n");
        log_event(LOG_ERR, LOG_EVENT_NONE, &(LogFields){ .node_id = "", .error = -5 }, "plain");
        assert_string_equal(journald_receive(fd, NULL),
                        "MESSAGE=plain\nPRIORITY=3\nSYSLOG_IDENTIFIER=argus-agent\n");
}

static void test_journal_no_smuggling(_unused_ void **state) {
        const LogFields fields = { .node_id = "A7\nPRIORITY=0", .health_file = "a\x80\x1B[31mb" };
        _cleanup_close_ int fd = journald_start();
        const char *entry;

        assert_int_equal(log_open(LOG_TARGET_JOURNAL, LOG_INFO), 0);

        log_event(LOG_INFO, LOG_EVENT_NONE, &fields, "one\ntwo\r\x1B[2J\xC2\x9B\xFF %s", "\nERRNO=1");
        entry = journald_receive(fd, NULL);
        assert_field(entry, "MESSAGE=onetwo[2J\xEF\xBF\xBD ERRNO=1");
        assert_field(entry, "ARGUS_NODE_ID=A7PRIORITY=0");
        assert_field(entry, "ARGUS_HEALTH_FILE=a\xEF\xBF\xBD[31mb");
        assert_true(text_is_utf8(entry, strlen(entry)));
}

static void test_journal_levels_and_errno(_unused_ void **state) {
        _cleanup_close_ int fd = journald_start();

        assert_int_equal(log_open(LOG_TARGET_JOURNAL, LOG_NOTICE), 0);
        assert_int_equal(log_get_level(), LOG_NOTICE);

        log_line(LOG_INFO, "not wanted");
        assert_string_equal(journald_receive(fd, NULL), "");

        log_set_level(LOG_DEBUG);
        errno = ENOENT;
        log_line(LOG_DEBUG, "wanted: %m");
        assert_int_equal(errno, ENOENT);
        assert_field(journald_receive(fd, NULL), "MESSAGE=wanted: No such file or directory");
}

static void test_journal_message_is_cut(_unused_ void **state) {
        _cleanup_close_ int fd = journald_start();
        char text[LONG_TEXT_SIZE + 1];

        assert_int_equal(log_open(LOG_TARGET_JOURNAL, LOG_INFO), 0);

        /* At every place of a character of three bytes. */
        for (size_t shift = 0; shift < 3; shift++) {
                const char *entry, *end;

                memset(text, 'x', shift);
                for (size_t i = shift; i + 3 <= LONG_TEXT_SIZE; i += 3)
                        memcpy(text + i, "\xE4\xBD\xA0", 4);

                log_line(LOG_INFO, "%s", text);
                entry = journald_receive(fd, NULL);
                end = strchr(entry, '\n');
                assert_non_null(end);
                assert_true(end - entry > LOG_LINE_MAX - 8);
                assert_true(end - entry < LOG_LINE_MAX + (ssize_t) strlen("MESSAGE="));
                assert_true(text_is_utf8(entry, strlen(entry)));
                assert_memory_equal(end - 3, "…", 3);
                assert_null(strstr(entry, "\xEF\xBF\xBD"));
        }
}

/* The longest of everything: nothing is left out for want of room. */
static void test_journal_largest_entry(_unused_ void **state) {
        _cleanup_close_ int fd = journald_start();
        char text[LONG_TEXT_SIZE + 1];
        const LogFields fields = {
                .node_id = text,
                .endpoint = text,
                .health_file = text,
                .http_status = UINT_MAX,
                .attempt = UINT64_MAX,
                .retry_usec = UINT64_MAX,
                .duration_usec = UINT64_MAX,
                .error = INT_MAX,
        };

        memset(text, 'x', LONG_TEXT_SIZE);
        text[LONG_TEXT_SIZE] = '\0';
        assert_int_equal(log_open(LOG_TARGET_JOURNAL, LOG_INFO), 0);

        log_event(LOG_NOTICE, LOG_EVENT_REPORT_RECOVERED, &fields, "%s", text);
        assert_field(journald_receive(fd, NULL), "ERRNO=2147483647");
}

/* The log's own socket is a Unix one of this process that is not `journald`'s. */
static int find_log_socket(int journald) {
        for (int fd = 3; fd < 64; fd++) {
                int domain = 0, type = 0;
                socklen_t size = sizeof domain;

                if (fd != journald && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
                                getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
                                domain == AF_UNIX && type == SOCK_DGRAM)
                        return fd;
        }

        return -1;
}

static void test_journal_too_large_for_a_datagram(_unused_ void **state) {
        _cleanup_close_ int fd = journald_start(), passed = -1;
        _cleanup_free_ char *entry = NULL;
        char text[LONG_TEXT_SIZE + 1];
        const int smallest = 1;
        size_t size = 0;

        memset(text, 'x', LONG_TEXT_SIZE);
        text[LONG_TEXT_SIZE] = '\0';
        assert_int_equal(log_open(LOG_TARGET_JOURNAL, LOG_INFO), 0);
        assert_int_equal(setsockopt(find_log_socket(fd), SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest),
                        0);

        log_event(LOG_ERR, LOG_EVENT_STATE_CORRUPT, NULL, "%s", text);
        assert_string_equal(journald_receive(fd, &passed), "");
        assert_true(passed >= 0);
        assert_int_equal(fcntl(passed, F_GET_SEALS),
                        F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
        assert_int_equal(lseek(passed, 0, SEEK_SET), 0);
        assert_int_equal(fd_read_all(passed, LOG_ENTRY_MAX, &entry, &size), 0);
        assert_field(entry, "ARGUS_EVENT=state-corrupt");
        assert_int_equal(strncmp(entry, "MESSAGE=xxx", strlen("MESSAGE=xxx")), 0);
        assert_true(size > 8000);

        log_line(LOG_ERR, "small");
        assert_field(journald_receive(fd, NULL), "MESSAGE=small");
}

static void test_journal_stuck(_unused_ void **state) {
        _cleanup_close_ int fd = journald_start();
        uint64_t before = log_get_dropped(), dropped;
        char expected[128];
        size_t taken = 0;

        assert_int_equal(log_open(LOG_TARGET_JOURNAL, LOG_INFO), 0);

        (void) alarm(20); /* what would block here would block for ever */
        for (size_t i = 0; i < 2000; i++)
                log_line(LOG_INFO, "line %zu", i);
        (void) alarm(0);

        dropped = log_get_dropped() - before;
        assert_true(dropped > 0);

        while (*journald_receive(fd, NULL))
                taken++;
        assert_int_equal(taken + dropped, 2000);

        /* Said once, and before what comes next. */
        log_line(LOG_INFO, "again");
        (void) snprintf(expected, sizeof expected, "MESSAGE=%" PRIu64 " log lines were dropped", dropped);
        assert_field(journald_receive(fd, NULL), expected);
        assert_field(journald_receive(fd, NULL), "MESSAGE=again");
        log_line(LOG_INFO, "and again");
        assert_field(journald_receive(fd, NULL), "MESSAGE=and again");
        assert_string_equal(journald_receive(fd, NULL), "");
        assert_int_equal(log_get_dropped() - before, dropped);
}

/* A journald that has other work, too. */
static void *read_slowly(void *userdata) {
        const struct timespec pause = { .tv_nsec = 200 * 1000 };
        const int *fd = userdata;
        uintptr_t taken = 0;
        const char *entry;

        do {
                (void) nanosleep(&pause, NULL);
                entry = journald_receive(*fd, NULL);
                taken += *entry ? 1 : 0;
        } while (!strstr(entry, "MESSAGE=last"));

        return (void *) taken;
}

static void test_journal_busy(_unused_ void **state) {
        _cleanup_close_ int fd = journald_start();
        uint64_t before = log_get_dropped();
        pthread_t reader;
        void *taken;

        assert_int_equal(log_open(LOG_TARGET_JOURNAL, LOG_INFO), 0);
        (void) alarm(30); /* the last one may be lost, too */
        assert_int_equal(pthread_create(&reader, NULL, read_slowly, &fd), 0);
        for (int i = 0; i < 1000; i++)
                log_line(LOG_ERR, "line %i", i);
        log_line(LOG_ERR, "last");
        assert_int_equal(pthread_join(reader, &taken), 0);
        (void) alarm(0);
        assert_int_equal((uintptr_t) taken, 1001);
        assert_int_equal(log_get_dropped(), before);
}

static void test_journal_restarts(_unused_ void **state) {
        _cleanup_close_ int fd = journald_start();
        uint64_t before = log_get_dropped();

        assert_int_equal(log_open(LOG_TARGET_JOURNAL, LOG_INFO), 0);
        log_line(LOG_INFO, "first");
        assert_field(journald_receive(fd, NULL), "MESSAGE=first");

        fd = close_fd(fd); /* ECONNREFUSED */
        log_line(LOG_INFO, "lost");
        assert_int_equal(unlink(journal_path), 0); /* ENOENT */
        log_line(LOG_INFO, "lost");
        assert_int_equal(log_get_dropped() - before, 2);

        fd = journald_start();
        log_line(LOG_INFO, "second");
        assert_field(journald_receive(fd, NULL), "MESSAGE=2 log lines were dropped");
        assert_field(journald_receive(fd, NULL), "MESSAGE=second");

        fd = close_fd(fd);
        log_line(LOG_INFO, "lost");
        fd = journald_start();
        log_line(LOG_INFO, "third");
        assert_field(journald_receive(fd, NULL), "MESSAGE=1 log line was dropped");
        assert_field(journald_receive(fd, NULL), "MESSAGE=third");
}

static void test_journal_absent(_unused_ void **state) {
        (void) unlink(journal_path);
        assert_int_equal(log_open(LOG_TARGET_JOURNAL, LOG_INFO), -ENOENT);
        assert_int_equal(log_get_target(), LOG_TARGET_CONSOLE);
}

static void test_auto(_unused_ void **state) {
        _cleanup_close_ _unused_ int fd = journald_start();
        char stream[64];
        struct stat st;

        assert_int_equal(fstat(STDERR_FILENO, &st), 0);

        assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
        assert_int_equal(log_open(LOG_TARGET_AUTO, LOG_INFO), 0);
        assert_int_equal(log_get_target(), LOG_TARGET_CONSOLE);

        (void) snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t) st.st_dev, (uintmax_t) st.st_ino);
        assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
        assert_int_equal(log_open(LOG_TARGET_AUTO, LOG_INFO), 0);
        assert_int_equal(log_get_target(), LOG_TARGET_JOURNAL);

        /* Somebody else's: the variable is inherited across a redirection. */
        (void) snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t) st.st_dev, (uintmax_t) st.st_ino + 1);
        assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
        assert_int_equal(log_open(LOG_TARGET_AUTO, LOG_INFO), 0);
        assert_int_equal(log_get_target(), LOG_TARGET_CONSOLE);

        assert_int_equal(setenv("JOURNAL_STREAM", "nonsense", 1), 0);
        assert_int_equal(log_open(LOG_TARGET_AUTO, LOG_INFO), 0);
        assert_int_equal(log_get_target(), LOG_TARGET_CONSOLE);
        assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

static int setup(_unused_ void **state) {
        if (!mkdtemp(journal_directory))
                return -1;

        (void) snprintf(journal_path, sizeof journal_path, "%s/socket", journal_directory);
        log_journal_set_path(journal_path);
        return 0;
}

static int teardown(_unused_ void **state) {
        log_close();
        (void) unlink(journal_path);
        return rmdir(journal_directory);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_journal_fields),
                cmocka_unit_test(test_journal_no_smuggling),
                cmocka_unit_test(test_journal_levels_and_errno),
                cmocka_unit_test(test_journal_message_is_cut),
                cmocka_unit_test(test_journal_largest_entry),
                cmocka_unit_test(test_journal_too_large_for_a_datagram),
                cmocka_unit_test(test_journal_stuck),
                cmocka_unit_test(test_journal_busy),
                cmocka_unit_test(test_journal_restarts),
                cmocka_unit_test(test_journal_absent),
                cmocka_unit_test(test_auto),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}

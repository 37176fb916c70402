/* SPDX-License-Identifier: MIT */
/* The log on an inherited stdout or stderr: how it looks on a console, on a terminal and as JSON, and that
 * none of them can make the caller wait. */
#include "sys/log.h"

#include <stdarg.h>
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <termios.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "sys/log-internal.h"
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

typedef struct Capture {
        int fd;    /* that is replaced */
        int saved; /* what it was */
        int reader;
} Capture;

/* Between begin and end nothing may be asserted: the test's own output would go astray. */
static void capture_begin(Capture *capture, int fd, int reader, int writer) {
        (void) fflush(stdout);
        (void) fflush(stderr);
        *capture = (Capture){ .fd = fd, .saved = fcntl(fd, F_DUPFD_CLOEXEC, 10), .reader = reader };
        (void) dup2(writer, fd);
        (void) close(writer);
}

static void capture_end(Capture *capture) {
        (void) dup2(capture->saved, capture->fd);
        (void) close(capture->saved);
}

static const char *capture_read(const Capture *capture) {
        static char text[1 << 20];
        size_t size = 0;
        ssize_t n;

        while (size < sizeof text - 1 &&
                        (n = read(capture->reader, text + size, sizeof text - 1 - size)) > 0)
                size += (size_t) n;
        text[size] = '\0';
        return text;
}

static void capture_pipe(Capture *capture, int fd) {
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
        capture_begin(capture, fd, fds[0], fds[1]);
}

static bool is_timestamp(const char *text) {
        for (const char *p = "dddd-dd-ddTdd:dd:dd.dddZ"; *p; p++, text++) {
                if (*p == 'd' ? *text < '0' || *text > '9' : *text != *p)
                        return false;
        }

        return true;
}

enum { TIMESTAMP_LENGTH = sizeof "2026-11-24T12:13:00.123Z" - 1 };

static void test_console(_unused_ void **state) {
        static const char expected[] =
                        " notice Registered as \"A7\" event=registered node_id=A7 endpoint=http://master:3000"
                        " status=200 attempt=3 retry=\"3min 4s\" duration=12ms health_file=log-fluentbit.json"
                        " errno=111\n";
        const LogFields odd = { .node_id = "a \"b\"\\", .endpoint = "k=v" };
        const char *text;
        Capture capture;

        capture_pipe(&capture, STDERR_FILENO);
        (void) log_open(LOG_TARGET_CONSOLE, LOG_INFO);
        log_event(LOG_NOTICE, LOG_EVENT_REGISTERED, &all_fields, "Registered as \"%s\"", "A7");
        log_event(LOG_WARNING, LOG_EVENT_NONE, &odd, "two\nlines");
        capture_end(&capture);

        text = capture_read(&capture);
        assert_true(is_timestamp(text));
        assert_int_equal(strncmp(text + TIMESTAMP_LENGTH, expected, strlen(expected)), 0);
        text = strchr(text, '\n') + 1;
        assert_true(is_timestamp(text));
        assert_string_equal(text + TIMESTAMP_LENGTH,
                        " warning twolines node_id=\"a \\\"b\\\"\\\\\" endpoint=\"k=v\"\n");
        (void) close(capture.reader);
}

static void test_console_before_open(_unused_ void **state) {
        Capture capture;

        log_close();
        capture_pipe(&capture, STDERR_FILENO);
        log_line(LOG_ERR, "early");
        capture_end(&capture);

        assert_string_equal(capture_read(&capture) + TIMESTAMP_LENGTH, " err early\n");
        (void) close(capture.reader);
}

/* Into journald's stream, with a console asked for: it reads the level from the prefix. */
static void test_console_to_journal_stream(_unused_ void **state) {
        char stream[64], text[64] = {};
        struct stat st = {};
        Capture capture;
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(fstat(fds[1], &st), 0);
        (void) snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t) st.st_dev, (uintmax_t) st.st_ino);
        assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);

        capture_begin(&capture, STDERR_FILENO, fds[0], fds[1]);
        (void) log_open(LOG_TARGET_CONSOLE, LOG_INFO);
        log_line(LOG_WARNING, "hello");
        capture_end(&capture);

        assert_true(read(capture.reader, text, sizeof text - 1) > 0);
        assert_string_equal(text, "<4>hello\n");
        (void) close(capture.reader);
        assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

static void pty_open(int *ret_reader, int *ret_writer) {
        char path[64];

        *ret_reader = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        assert_true(*ret_reader >= 0);
        assert_int_equal(unlockpt(*ret_reader), 0);
        assert_int_equal(ptsname_r(*ret_reader, path, sizeof path), 0);
        *ret_writer = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(*ret_writer >= 0);
}

static void test_console_terminal(_unused_ void **state) {
        static const struct {
                const char *no_color, *term;
                bool has_color;
        } cases[] = {
                { "", "xterm", true },
                { "1", "xterm", false },
                { "", "dumb", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int reader, writer;
                const char *text;
                Capture capture;

                pty_open(&reader, &writer);
                assert_int_equal(setenv("NO_COLOR", cases[i].no_color, 1), 0);
                assert_int_equal(setenv("TERM", cases[i].term, 1), 0);

                capture_begin(&capture, STDERR_FILENO, reader, writer);
                (void) log_open(LOG_TARGET_CONSOLE, LOG_INFO);
                log_event(LOG_ERR, LOG_EVENT_NONE, &(LogFields){ .attempt = 2 }, "hello \x1B[2J");
                log_close();
                text = capture_read(&capture);
                capture_end(&capture);

                if (cases[i].has_color)
                        assert_non_null(strstr(text,
                                        "Z\x1B[0m \x1B[1;31merr\x1B[0m hello [2J\x1B[2m attempt=2\x1B[0m\r\n"));
                else {
                        assert_true(is_timestamp(text));
                        assert_string_equal(text + TIMESTAMP_LENGTH, " err hello [2J attempt=2\r\n");
                }
                (void) close(capture.reader);
        }

        assert_int_equal(unsetenv("NO_COLOR"), 0);
}

/* Nobody reads, the pipe or terminal is full or stopped: the caller goes on, and what was dropped is said
 * when there is room again. */
static void stuck(Capture *capture, LogTarget target) {
        uint64_t before = log_get_dropped(), dropped;
        bool was_blocking;
        const char *text;

        (void) alarm(20);
        (void) log_open(target, LOG_INFO);
        for (size_t i = 0; i < 5000; i++)
                log_line(LOG_INFO, "line %zu", i);
        dropped = log_get_dropped() - before;
        (void) capture_read(capture);
        log_line(LOG_INFO, "again");
        was_blocking = !(fcntl(capture->fd, F_GETFL) & O_NONBLOCK);
        text = capture_read(capture);
        log_close();
        capture_end(capture);
        (void) alarm(0);

        assert_true(dropped > 0);
        assert_true(was_blocking); /* others that share it would be surprised */
        assert_non_null(strstr(text, " log lines were dropped"));
        assert_non_null(strstr(text, "again"));
        assert_null(strstr(text, "line 4"));
        (void) close(capture->reader);
}

static void test_pipe_stuck(_unused_ void **state) {
        Capture capture;

        capture_pipe(&capture, STDERR_FILENO);
        stuck(&capture, LOG_TARGET_CONSOLE);
        capture_pipe(&capture, STDOUT_FILENO);
        stuck(&capture, LOG_TARGET_JSON);
}

static void test_terminal_stuck(_unused_ void **state) {
        int reader, writer;
        Capture capture;

        pty_open(&reader, &writer);
        capture_begin(&capture, STDERR_FILENO, reader, writer);
        stuck(&capture, LOG_TARGET_CONSOLE);
}

static void test_terminal_stopped(_unused_ void **state) {
        uint64_t before = log_get_dropped(), dropped;
        int reader, writer;
        const char *text;
        Capture capture;

        pty_open(&reader, &writer);
        capture_begin(&capture, STDERR_FILENO, reader, writer);
        (void) alarm(20);
        (void) log_open(LOG_TARGET_CONSOLE, LOG_INFO);
        (void) tcflow(STDERR_FILENO, TCOOFF); /* Ctrl-S */
        log_line(LOG_INFO, "stopped");
        dropped = log_get_dropped() - before;
        (void) tcflow(STDERR_FILENO, TCOON);
        log_line(LOG_INFO, "going");
        text = capture_read(&capture);
        log_close();
        capture_end(&capture);
        (void) alarm(0);

        assert_int_equal(dropped, 1);
        assert_null(strstr(text, "stopped"));
        assert_non_null(strstr(text, "1 log line was dropped"));
        assert_non_null(strstr(text, "going"));
        (void) close(capture.reader);
}

/* A pipe that may not be opened again (somebody else made it): poll() alone has to keep us from waiting. */
static void test_pipe_stuck_not_reopened(_unused_ void **state) {
        uint64_t before = log_get_dropped(), dropped;
        Capture capture;

        log_close();
        capture_pipe(&capture, STDERR_FILENO);
        (void) alarm(20);
        for (size_t i = 0; i < 5000; i++)
                log_line(LOG_INFO, "line %zu", i);
        dropped = log_get_dropped() - before;
        (void) capture_read(&capture);
        log_line(LOG_INFO, "again");
        capture_end(&capture);
        (void) alarm(0);

        assert_true(dropped > 0);
        assert_non_null(strstr(capture_read(&capture), "again"));
        (void) close(capture.reader);
}

static void test_pipe_without_reader(_unused_ void **state) {
        uint64_t before = log_get_dropped(), dropped, dropped_early;
        Capture capture;

        capture_pipe(&capture, STDERR_FILENO);
        (void) log_open(LOG_TARGET_CONSOLE, LOG_INFO);
        (void) close(capture.reader);
        log_line(LOG_INFO, "to nobody");
        dropped = log_get_dropped() - before;
        log_close();
        log_line(LOG_INFO, "to nobody");
        (void) log_open(LOG_TARGET_CONSOLE, LOG_INFO); /* cannot be opened again now */
        log_line(LOG_INFO, "to nobody");
        dropped_early = log_get_dropped() - before;
        log_close();
        capture_end(&capture);

        assert_int_equal(dropped, 1);
        assert_int_equal(dropped_early, 3);
}

static void test_closed_stderr(_unused_ void **state) {
        uint64_t before = log_get_dropped(), dropped;
        Capture capture;

        capture_pipe(&capture, STDERR_FILENO);
        (void) close(STDERR_FILENO);
        (void) log_open(LOG_TARGET_CONSOLE, LOG_INFO);
        log_line(LOG_INFO, "to nobody");
        dropped = log_get_dropped() - before;
        log_close();
        capture_end(&capture);

        assert_int_equal(dropped, 1);
        (void) close(capture.reader);
}

static void test_long_lines(_unused_ void **state) {
        char path[] = "/tmp/test-log-file-XXXXXX", long_text[LONG_TEXT_SIZE + 1];
        struct {
                bool is_file;
                size_t max;
        } cases[] = {
                { true, LOG_LINE_MAX },
                { false, PIPE_BUF },
        };

        memset(long_text, 'x', LONG_TEXT_SIZE);
        long_text[LONG_TEXT_SIZE] = '\0';

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                static const char tail[] = "x… event=started node_id=A7\n";
                const char *text;
                Capture capture;

                if (cases[i].is_file) {
                        int fd = mkostemp(path, O_CLOEXEC);

                        assert_true(fd >= 0);
                        capture_begin(&capture, STDERR_FILENO, open(path, O_RDONLY | O_CLOEXEC), fd);
                        (void) unlink(path);
                } else
                        capture_pipe(&capture, STDERR_FILENO);

                (void) log_open(LOG_TARGET_CONSOLE, LOG_INFO);
                log_event(LOG_INFO, LOG_EVENT_STARTED, &(LogFields){ .node_id = "A7" }, "%s", long_text);
                log_close();
                capture_end(&capture);

                text = capture_read(&capture);
                assert_int_equal(strlen(text), cases[i].max);
                assert_string_equal(text + strlen(text) - strlen(tail), tail);
                (void) close(capture.reader);
        }
}

static void test_full_disk(_unused_ void **state) {
        uint64_t before = log_get_dropped(), dropped;
        Capture capture;
        int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

        if (full < 0)
                skip();

        capture_begin(&capture, STDERR_FILENO, -1, full);
        (void) log_open(LOG_TARGET_CONSOLE, LOG_INFO);
        log_line(LOG_INFO, "no room");
        dropped = log_get_dropped() - before;
        log_close();
        capture_end(&capture);
        assert_int_equal(dropped, 1);
}

static double json_number(const cJSON *object, const char *name) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

        assert_true(cJSON_IsNumber(item));
        return item->valuedouble;
}

static const char *json_string(const cJSON *object, const char *name) {
        const char *string = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

        assert_non_null(string);
        return string;
}

static void test_json(_unused_ void **state) {
        const char *text;
        Capture capture;
        cJSON *object;

        capture_pipe(&capture, STDOUT_FILENO);
        (void) log_open(LOG_TARGET_JSON, LOG_INFO);
        log_event(LOG_NOTICE, LOG_EVENT_REGISTERED, &all_fields, "say \"%s\" \\ \t\xFF\x01", "A7");
        log_close();
        capture_end(&capture);

        text = capture_read(&capture);
        assert_int_equal(text[strlen(text) - 1], '\n');
        assert_int_equal(strchr(text, '\n') - text, strlen(text) - 1);
        object = cJSON_Parse(text);
        assert_non_null(object);

        assert_true(is_timestamp(json_string(object, "timestamp")));
        assert_string_equal(json_string(object, "MESSAGE"), "say \"A7\" \\ \xEF\xBF\xBD");
        assert_int_equal(json_number(object, "PRIORITY"), 5);
        assert_string_equal(json_string(object, "SYSLOG_IDENTIFIER"), "argus-agent");
        assert_string_equal(json_string(object, "MESSAGE_ID"), "f05801f9a49e4eddba6b16de9fd56bab");
        assert_string_equal(json_string(object, "ARGUS_EVENT"), "registered");
        assert_string_equal(json_string(object, "ARGUS_NODE_ID"), "A7");
        assert_string_equal(json_string(object, "ARGUS_ENDPOINT"), "http://master:3000");
        assert_int_equal(json_number(object, "ARGUS_HTTP_STATUS"), 200);
        assert_int_equal(json_number(object, "ARGUS_ATTEMPT"), 3);
        assert_int_equal(json_number(object, "ARGUS_RETRY_USEC"), 184000000);
        assert_int_equal(json_number(object, "ARGUS_DURATION_USEC"), 12000);
        assert_string_equal(json_string(object, "ARGUS_HEALTH_FILE"), "log-fluentbit.json");
        assert_int_equal(json_number(object, "ERRNO"), ECONNREFUSED);

        cJSON_Delete(object);
        (void) close(capture.reader);
}

/* The longest of everything, and all of it to be escaped, is still one valid object of a PIPE_BUF. */
static void test_json_is_cut_and_valid(_unused_ void **state) {
        static const char *const fillings[] = { "\"", "\\", "\xE4\xBD\xA0", "x", "\xFF" };
        char filled[LONG_TEXT_SIZE + 1];
        const LogFields fields = {
                .node_id = filled,
                .endpoint = filled,
                .health_file = filled,
                .http_status = UINT_MAX,
                .attempt = UINT64_MAX,
                .retry_usec = UINT64_MAX,
                .duration_usec = UINT64_MAX,
                .error = INT_MAX,
        };

        for (size_t i = 0; i < ELEMENTSOF(fillings); i++) {
                size_t size = strlen(fillings[i]);
                const char *text;
                Capture capture;
                cJSON *object;

                memset(filled, 0, sizeof filled);
                for (size_t at = 0; at + size <= LONG_TEXT_SIZE; at += size)
                        memcpy(filled + at, fillings[i], size);

                capture_pipe(&capture, STDOUT_FILENO);
                (void) log_open(LOG_TARGET_JSON, LOG_INFO);
                log_event(LOG_NOTICE, LOG_EVENT_REPORT_RECOVERED, &fields, "%s", filled);
                log_close();
                capture_end(&capture);

                text = capture_read(&capture);
                assert_true(strlen(text) <= PIPE_BUF);
                assert_true(strlen(text) > PIPE_BUF - 8);
                assert_true(text_is_utf8(text, strlen(text)));
                object = cJSON_Parse(text);
                assert_non_null(object);
                assert_true(strlen(json_string(object, "MESSAGE")) > 500);
                assert_true(strlen(json_string(object, "ARGUS_ENDPOINT")) > 200);
                cJSON_Delete(object);
                (void) close(capture.reader);
        }
}

static int setup(_unused_ void **state) {
        return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0; /* as the agent's main does */
}

/* What a test dropped is said here, not in the next one. */
static int after_each(_unused_ void **state) {
        Capture capture;

        capture_pipe(&capture, STDERR_FILENO);
        (void) log_open(LOG_TARGET_CONSOLE, LOG_INFO);
        log_line(LOG_INFO, "end of a test");
        log_close();
        capture_end(&capture);
        (void) close(capture.reader);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_console, after_each),
                cmocka_unit_test_teardown(test_console_before_open, after_each),
                cmocka_unit_test_teardown(test_console_to_journal_stream, after_each),
                cmocka_unit_test_teardown(test_console_terminal, after_each),
                cmocka_unit_test_teardown(test_pipe_stuck, after_each),
                cmocka_unit_test_teardown(test_pipe_stuck_not_reopened, after_each),
                cmocka_unit_test_teardown(test_pipe_without_reader, after_each),
                cmocka_unit_test_teardown(test_terminal_stuck, after_each),
                cmocka_unit_test_teardown(test_terminal_stopped, after_each),
                cmocka_unit_test_teardown(test_closed_stderr, after_each),
                cmocka_unit_test_teardown(test_long_lines, after_each),
                cmocka_unit_test_teardown(test_full_disk, after_each),
                cmocka_unit_test_teardown(test_json, after_each),
                cmocka_unit_test_teardown(test_json_is_cut_and_valid, after_each),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}

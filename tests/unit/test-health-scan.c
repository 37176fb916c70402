/* SPDX-License-Identifier: MIT */
/* health-scan: half-written files get a second chance, and unchanged ones are not even opened. */
#include <sys/inotify.h>

#include "test-health-fixture.h"

static int watch_opens(void) {
        int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

        assert_return_code(fd, errno);
        assert_return_code(inotify_add_watch(fd, in(HEALTH), IN_OPEN), errno);
        return fd;
}

/* How many files (not the directory) were opened since the last call. */
static unsigned count_opens(int fd) {
        _Alignas(struct inotify_event) char buffer[16 * 1024];
        unsigned count = 0;

        for (;;) {
                ssize_t n = read(fd, buffer, sizeof buffer);

                if (n <= 0)
                        return count;
                for (char *p = buffer; p < buffer + n;) {
                        const struct inotify_event *event = (const struct inotify_event *) p;

                        count += event->len > 0 && !(event->mask & IN_ISDIR);
                        p += sizeof *event + event->len;
                }
        }
}

static void test_reads_and_keeps(_unused_ void **state) {
        Fixture fixture = fixture_new();
        _cleanup_(buffer_done) Buffer text = {};
        _cleanup_close_ int opens = -1;

        write_text(in(HEALTH "/log-fluentbit.json"), " {\"ok\":1.0}\n");
        write_text(in(HEALTH "/metric-node-exporter.json"), "[]");
        write_text(in(HEALTH "/.hidden-file.json"), "[]");
        write_text(in(HEALTH "/README"), "not a health file");
        write_text(in(HEALTH "/plain.json"), "{}");
        opens = watch_opens();

        assert_true(collect(&fixture));
        assert_int_equal(fixture.error, 0);
        assert_true(fixture.is_changed);
        assert_int_equal(health_set_count(fixture.set), 3);
        assert_verdict(&fixture, "plain.json", HEALTH_INVALID, "not named PREFIX-NAME.json");
        assert_int_equal(health_set_splice(fixture.set, NULL, &text), 0);
        assert_string_equal(text.data, "{\"log-fluentbit\":{\"ok\":1.0},\"metric-node-exporter\":[]}");
        assert_int_equal(count_opens(opens), 2);

        /* Too young to be trusted: read again. Then old: read for the last time. Then not opened. */
        assert_true(collect(&fixture));
        assert_false(fixture.is_changed);
        assert_int_equal(count_opens(opens), 2);
        clock_offset_seconds = 3;
        assert_true(collect(&fixture));
        assert_int_equal(count_opens(opens), 2);
        assert_true(collect(&fixture));
        assert_false(fixture.is_changed);
        assert_int_equal(count_opens(opens), 0);
        assert_value(&fixture, "log-fluentbit.json", "{\"ok\":1.0}");

        /* With the clock set back, nothing is old. */
        write_text(in(HEALTH "/metric-node-exporter.json"), "[1]");
        (void) count_opens(opens);
        clock_offset_seconds = -3600;
        for (unsigned i = 0; i < 2; i++) {
                assert_true(collect(&fixture));
                assert_int_equal(fixture.is_changed, i == 0);
                assert_int_equal(count_opens(opens), 1);
        }
        assert_value(&fixture, "metric-node-exporter.json", "[1]");

        (void) close(TAKE_FD(opens));
        fixture_done(&fixture);
}

static void test_directory_itself(_unused_ void **state) {
        Fixture fixture = fixture_new();

        /* Missing is empty. */
        assert_return_code(rmdir(in(HEALTH)), errno);
        assert_true(collect(&fixture));
        assert_int_equal(fixture.error, 0);
        assert_int_equal(health_set_count(fixture.set), 0);
        assert_false(fixture.is_changed);

        assert_return_code(mkdir(in(HEALTH), 0755), errno);
        write_text(in(HEALTH "/a-b.json"), "1");
        assert_true(collect(&fixture));
        assert_value(&fixture, "a-b.json", "1");

        /* Replaced. */
        assert_return_code(rename(in(HEALTH), in("old")), errno);
        assert_return_code(mkdir(in(HEALTH), 0755), errno);
        write_text(in(HEALTH "/c-d.json"), "2");
        assert_true(collect(&fixture));
        assert_int_equal(health_set_count(fixture.set), 1);
        assert_value(&fixture, "c-d.json", "2");

        /* Something else. */
        assert_return_code(rename(in(HEALTH), in("older")), errno);
        write_text(in(HEALTH), "");
        assert_true(collect(&fixture));
        assert_int_equal(fixture.error, -ENOTDIR);
        assert_int_equal(health_set_count(fixture.set), 0);
        assert_true(fixture.is_changed);

        /* A link that an administrator made. */
        assert_return_code(unlink(in(HEALTH)), errno);
        assert_return_code(symlink("older", in(HEALTH)), errno);
        assert_true(collect(&fixture));
        assert_int_equal(fixture.error, 0);
        assert_value(&fixture, "c-d.json", "2");

        fixture_done(&fixture);
}

static void set_age(const char *path, int64_t seconds) {
        struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, {} };

        (void) clock_gettime(CLOCK_REALTIME, &times[1]);
        times[1].tv_sec -= seconds;
        assert_return_code(utimensat(AT_FDCWD, path, times, 0), errno);
}

static void test_stale(_unused_ void **state) {
        Fixture fixture = fixture_new_with(100 * USEC_PER_SEC);
        char reason[128];

        write_text(in(HEALTH "/a-fresh.json"), "1");
        write_text(in(HEALTH "/a-stale.json"), "2");
        write_text(in(HEALTH "/a-future.json"), "3");
        set_age(in(HEALTH "/a-fresh.json"), 90);
        set_age(in(HEALTH "/a-stale.json"), 110);
        set_age(in(HEALTH "/a-future.json"), -100000);
        assert_true(collect(&fixture));
        assert_value(&fixture, "a-fresh.json", "1");
        assert_value(&fixture, "a-future.json", "3");
        assert_verdict(&fixture, "a-stale.json", HEALTH_STALE, "not written since 2");

        /* A file that is kept becomes stale too; the words stay the same while it is. */
        clock_offset_seconds = 5;
        assert_true(collect(&fixture));
        assert_value(&fixture, "a-fresh.json", "1");
        clock_offset_seconds = 15;
        assert_true(collect(&fixture));
        assert_verdict(&fixture, "a-fresh.json", HEALTH_STALE, "");
        (void) snprintf(reason, sizeof reason, "%s", find_file(&fixture, "a-fresh.json")->reason);
        clock_offset_seconds = 1500;
        assert_true(collect(&fixture));
        assert_string_equal(find_file(&fixture, "a-fresh.json")->reason, reason);
        assert_false(fixture.is_changed);

        write_text(in(HEALTH "/a-fresh.json"), "1");
        clock_offset_seconds = 0;
        assert_true(collect(&fixture));
        assert_value(&fixture, "a-fresh.json", "1");
        fixture_done(&fixture);
}

static void write_rest(void) {
        write_text(in(HEALTH "/a-b.json"), "{\"a\":1}");
}

static void remove_it(void) {
        assert_return_code(unlink(in(HEALTH "/a-b.json")), errno);
}

static void test_half_written(_unused_ void **state) {
        Fixture fixture = fixture_new();

        write_text(in(HEALTH "/a-b.json"), "{\"a\":");
        write_text(in(HEALTH "/a-c.json"), "3");
        fixture.between = write_rest;
        assert_false(collect(&fixture));
        assert_int_equal(fixture.error, 0);
        assert_value(&fixture, "a-b.json", "{\"a\":1}");
        assert_value(&fixture, "a-c.json", "3");

        /* In between it has its last good text. */
        write_text(in(HEALTH "/a-b.json"), "{\"a\":");
        assert_int_equal(scan(&fixture, false), 1);
        assert_value(&fixture, "a-b.json", "{\"a\":1}");
        fixture.between = NULL;

        /* Never finished: it is bad, waited for once, and not again until it changes. */
        write_text(in(HEALTH "/a-b.json"), "");
        assert_false(collect(&fixture));
        assert_verdict(&fixture, "a-b.json", HEALTH_INVALID, "");
        for (unsigned i = 0; i < 4; i++) {
                assert_true(collect(&fixture));
                assert_verdict(&fixture, "a-b.json", HEALTH_INVALID, "");
                clock_offset_seconds += 3;
        }
        write_text(in(HEALTH "/a-b.json"), "[");
        assert_false(collect(&fixture));
        assert_true(collect(&fixture));

        /* Bad, but not for being short: nothing to wait for. */
        write_text(in(HEALTH "/a-b.json"), "{'a':1}");
        assert_true(collect(&fixture));
        assert_verdict(&fixture, "a-b.json", HEALTH_INVALID, "");

        /* Gone at the second look. */
        write_text(in(HEALTH "/a-b.json"), "[[");
        fixture.between = remove_it;
        assert_false(collect(&fixture));
        assert_int_equal(health_set_count(fixture.set), 1);
        fixture_done(&fixture);
}

/* The file that was left out has the place of one that goes, in the same scan; and what is wanted may
 * be gone. */
static void test_room_for_one_that_is_gone(_unused_ void **state) {
        Fixture fixture = fixture_new();

        for (unsigned i = 0; i <= HEALTH_FILES_MAX; i++)
                write_text(in(HEALTH "/a-%04u.json", i), "1");
        clock_offset_seconds = 3;
        assert_true(collect(&fixture));
        assert_verdict(&fixture, "a-0256.json", HEALTH_TOO_MANY, "");
        assert_return_code(unlink(in(HEALTH "/a-0000.json")), errno);
        assert_true(collect(&fixture));
        assert_value(&fixture, "a-0256.json", "1");
        assert_true(fixture.is_changed);
        assert_true(collect(&fixture));
        assert_false(fixture.is_changed);
        fixture_done(&fixture);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, test_directory_make, test_directory_remove)
        const struct CMUnitTest tests[] = {
                TEST(test_reads_and_keeps),
                TEST(test_directory_itself),
                TEST(test_stale),
                TEST(test_half_written),
                TEST(test_room_for_one_that_is_gone),
        };

        return cmocka_run_group_tests_name("health-scan", tests, NULL, NULL);
}

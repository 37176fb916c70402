/* health-dir: half-written files get a second chance, unchanged ones are not even opened, and a collection
 * may be dropped at any time. */
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
        assert_true(health_dir_has_changed(fixture.dir));
        assert_int_equal(health_set_count(fixture.set), 3);
        assert_verdict(&fixture, "plain.json", HEALTH_INVALID, "not named PREFIX-NAME.json");
        assert_int_equal(health_set_splice(fixture.set, NULL, &text), 0);
        assert_string_equal(text.data, "{\"log-fluentbit\":{\"ok\":1.0},\"metric-node-exporter\":[]}");
        assert_int_equal(count_opens(opens), 2);

        /* Too young to be trusted: read again. Then old: read for the last time. Then not opened. */
        assert_true(collect(&fixture));
        assert_false(health_dir_has_changed(fixture.dir));
        assert_int_equal(count_opens(opens), 2);
        clock_offset_seconds = 3;
        assert_true(collect(&fixture));
        assert_int_equal(count_opens(opens), 2);
        assert_true(collect(&fixture));
        assert_false(health_dir_has_changed(fixture.dir));
        assert_int_equal(count_opens(opens), 0);
        assert_value(&fixture, "log-fluentbit.json", "{\"ok\":1.0}");

        /* With the clock set back, nothing is old. */
        write_text(in(HEALTH "/metric-node-exporter.json"), "[1]");
        (void) count_opens(opens);
        clock_offset_seconds = -3600;
        for (unsigned i = 0; i < 2; i++) {
                assert_true(collect(&fixture));
                assert_int_equal(health_dir_has_changed(fixture.dir), i == 0);
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
        assert_false(health_dir_has_changed(fixture.dir));

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
        assert_true(health_dir_has_changed(fixture.dir));

        /* A link that an administrator made. */
        assert_return_code(unlink(in(HEALTH)), errno);
        assert_return_code(symlink("older", in(HEALTH)), errno);
        assert_true(collect(&fixture));
        assert_int_equal(fixture.error, 0);
        assert_value(&fixture, "c-d.json", "2");

        fixture_done(&fixture);
        assert_null(health_dir_free(NULL));
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
        assert_false(health_dir_has_changed(fixture.dir));

        write_text(in(HEALTH "/a-fresh.json"), "1");
        clock_offset_seconds = 0;
        assert_true(collect(&fixture));
        assert_value(&fixture, "a-fresh.json", "1");
        fixture_done(&fixture);
}

static int on_write_rest(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        write_text(in(HEALTH "/a-b.json"), userdata);
        return 0;
}

static void test_half_written(_unused_ void **state) {
        Fixture fixture = fixture_new();
        usec_t begin;

        write_text(in(HEALTH "/a-b.json"), "{\"a\":");
        write_text(in(HEALTH "/a-c.json"), "3");

        /* Finished 20 ms later. */
        assert_int_equal(sd_event_add_time_relative(fixture.event, NULL, CLOCK_MONOTONIC, 20 * USEC_PER_MSEC,
                                         USEC_PER_MSEC, on_write_rest, "{\"a\":1}"),
                        0);
        begin = now_usec(CLOCK_MONOTONIC);
        assert_false(collect(&fixture));
        begin = now_usec(CLOCK_MONOTONIC) - begin;
        assert_true(begin >= 50 * USEC_PER_MSEC && begin < 500 * USEC_PER_MSEC);
        assert_int_equal(fixture.error, 0);
        assert_value(&fixture, "a-b.json", "{\"a\":1}");
        assert_value(&fixture, "a-c.json", "3");

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
        write_text(in(HEALTH "/a-b.json"), "[");
        assert_int_equal(health_dir_collect(fixture.dir, on_collected, &fixture), 0);
        assert_return_code(unlink(in(HEALTH "/a-b.json")), errno);
        assert_int_equal(health_dir_collect(fixture.dir, on_collected, &fixture), -EBUSY);
        fixture.n_calls = 0;
        while (fixture.n_calls == 0)
                assert_true(sd_event_run(fixture.event, USEC_PER_SEC) > 0);
        assert_true(collect(&fixture));
        assert_int_equal(health_set_count(fixture.set), 1);
        fixture_done(&fixture);
}

static void test_freed_while_it_waits(_unused_ void **state) {
        Fixture fixture = fixture_new();

        write_text(in(HEALTH "/a-b.json"), "1");
        assert_true(collect(&fixture));

        write_text(in(HEALTH "/a-b.json"), "["); /* looks half-written */
        fixture.n_calls = 0;
        assert_int_equal(health_dir_collect(fixture.dir, on_collected, &fixture), 0);
        fixture.dir = health_dir_free(fixture.dir);
        for (unsigned i = 0; i < 10; i++)
                (void) sd_event_run(fixture.event, 10 * USEC_PER_MSEC);
        assert_int_equal(fixture.n_calls, 0);
        assert_value(&fixture, "a-b.json", "1"); /* the set is as it was */
        fixture_done(&fixture);
}

static void test_callback_may_do_anything(_unused_ void **state) {
        static const char *const texts[] = { "1", "[" }; /* from within collect, from the timer */

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                Fixture fixture = fixture_new();

                write_text(in(HEALTH "/a-b.json"), texts[i]);
                fixture.collects_again = true;
                assert_int_equal(health_dir_collect(fixture.dir, on_collected, &fixture), 0);
                while (fixture.n_calls < 2)
                        assert_true(sd_event_run(fixture.event, USEC_PER_SEC) > 0);
                fixture_done(&fixture);

                fixture = fixture_new();
                fixture.frees = true;
                (void) collect(&fixture);
                fixture_done(&fixture);
        }
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, test_directory_make, test_directory_remove)
        const struct CMUnitTest tests[] = {
                TEST(test_reads_and_keeps),
                TEST(test_directory_itself),
                TEST(test_stale),
                TEST(test_half_written),
                TEST(test_freed_while_it_waits),
                TEST(test_callback_may_do_anything),
        };

        return cmocka_run_group_tests_name("health-dir", tests, NULL, NULL);
}

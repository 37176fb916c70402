/* SPDX-License-Identifier: MIT */
/* Hints from a real directory. How soon they come is taken with patience, how many there are exactly. */
#include "health/health-watch.h"

#include <stdbool.h>

#include "test-files.h"

#define PATIENCE_USEC (20 * USEC_PER_SEC)
#define LOOK_USEC (250 * USEC_PER_MSEC) /* as in health-watch.c */

typedef struct Fixture {
        sd_event *event;
        StateStore *store;
        HealthWatch *watch;
        unsigned n_hints;
        bool is_freeing;
} Fixture;

static void on_hint(void *userdata) {
        Fixture *fixture = userdata;

        fixture->n_hints++;
        if (fixture->is_freeing)
                fixture->watch = health_watch_free(fixture->watch);
}

static void fixture_start_in(Fixture *fixture, const char *root, const char *hostname) {
        *fixture = (Fixture){};
        assert_true(sd_event_new(&fixture->event) >= 0);
        assert_int_equal(state_store_new(root, hostname, &fixture->store), 0);
        assert_int_equal(health_watch_new(fixture->event, fixture->store, on_hint, fixture, &fixture->watch),
                        0);
}

static void fixture_start(Fixture *fixture) {
        fixture_start_in(fixture, "/tmp", strrchr(test_directory, '/') + 1);
}

static void fixture_stop(Fixture *fixture) {
        health_watch_free(fixture->watch);
        state_store_free(fixture->store);
        sd_event_unref(fixture->event);
}

static void run_for(Fixture *fixture, usec_t span) {
        usec_t end = now_usec(CLOCK_MONOTONIC) + span, now;

        while ((now = now_usec(CLOCK_MONOTONIC)) < end)
                assert_true(sd_event_run(fixture->event, end - now) >= 0);
}

static void wait_hints(Fixture *fixture, unsigned count) {
        usec_t end = now_usec(CLOCK_MONOTONIC) + PATIENCE_USEC;

        while (fixture->n_hints < count) {
                if (now_usec(CLOCK_MONOTONIC) > end)
                        fail_msg("%u hints instead of %u", fixture->n_hints, count);
                assert_true(sd_event_run(fixture->event, USEC_PER_SEC) >= 0);
        }
        assert_int_equal(fixture->n_hints, count);
}

static void expect_no_hint(Fixture *fixture) {
        unsigned before = fixture->n_hints;

        run_for(fixture, 2 * LOOK_USEC);
        assert_int_equal(fixture->n_hints, before);
}

static void test_each_kind_of_change(void **state _unused_) {
        Fixture fixture;

        make_directories(in("health"));
        fixture_start(&fixture);
        assert_int_equal(health_watch_renew(fixture.watch), 0);
        expect_no_hint(&fixture);

        write_text(in("health/a-b.json"), "{}");
        wait_hints(&fixture, 1);
        write_text(in("health/a-b.json"), "{}"); /* the same: it is for the scan to see */
        wait_hints(&fixture, 2);
        write_text(in("x"), "{}");
        assert_return_code(rename(in("x"), in("health/a-b.json")), errno);
        wait_hints(&fixture, 3);
        assert_return_code(link(in("health/a-b.json"), in("health/a-c.json")), errno);
        wait_hints(&fixture, 4);
        assert_return_code(rename(in("health/a-c.json"), in("x")), errno);
        wait_hints(&fixture, 5);
        assert_return_code(unlink(in("health/a-b.json")), errno);
        wait_hints(&fixture, 6);
        write_text(in("health/systemd-x.json"), "{}"); /* a name that is wrong is one that is told */
        wait_hints(&fixture, 7);
        fixture_stop(&fixture);
}

static void test_what_is_no_health_file(void **state _unused_) {
        Fixture fixture;

        make_directories(in("health"));
        write_text(in("health/a-b.json"), "{}");
        fixture_start(&fixture);
        assert_int_equal(health_watch_renew(fixture.watch), 0);
        write_text(in("health/.a-b.json.tmp"), "{}");
        write_text(in("health/notes"), "{}");
        assert_return_code(unlink(in("health/notes")), errno);
        assert_return_code(chmod(in("health/a-b.json"), 0600), errno);
        (void) mode_of(in("health/a-b.json"));
        assert_file(in("health/a-b.json"), "{}");
        expect_no_hint(&fixture);
        fixture_stop(&fixture);
}

static void test_many_events_are_few_hints(void **state _unused_) {
        usec_t start, now;
        unsigned n_writes = 0;
        Fixture fixture;

        make_directories(in("health"));
        fixture_start(&fixture);
        assert_int_equal(health_watch_renew(fixture.watch), 0);

        start = now = now_usec(CLOCK_MONOTONIC);
        while (now < start + 2 * USEC_PER_SEC) {
                write_text(in("health/a-b.json"), "{}");
                n_writes++;
                assert_true(sd_event_run(fixture.event, USEC_PER_MSEC) >= 0);
                now = now_usec(CLOCK_MONOTONIC);
        }
        assert_true(n_writes > 50);
        assert_in_range(fixture.n_hints, 1, (now - start) / LOOK_USEC + 1);
        fixture_stop(&fixture);
}

/* The kernel's queue is full: the events that are lost are one hint. */
static void test_overflow(void **state _unused_) {
        Fixture fixture;

        make_directories(in("health"));
        fixture_start(&fixture);
        assert_int_equal(health_watch_renew(fixture.watch), 0);
        write_text(in("health/t"), "{}");
        for (unsigned i = 0; i < 20000; i++)
                assert_return_code(rename(in(i % 2 ? "health/u" : "health/t"),
                                                   in(i % 2 ? "health/t" : "health/u")),
                                errno);
        wait_hints(&fixture, 1);
        write_text(in("health/a-b.json"), "{}");
        wait_hints(&fixture, 2);
        fixture_stop(&fixture);
}

static void test_directory_is_replaced(void **state _unused_) {
        Fixture fixture;

        make_directories(in("health"));
        make_directories(in("new"));
        fixture_start(&fixture);
        assert_int_equal(health_watch_renew(fixture.watch), 0);

        assert_return_code(rename(in("health"), in("old")), errno);
        assert_return_code(rename(in("new"), in("health")), errno);
        wait_hints(&fixture, 1);
        write_text(in("old/a-b.json"), "{}");
        expect_no_hint(&fixture);
        write_text(in("health/a-b.json"), "{}");
        wait_hints(&fixture, 2);
        fixture_stop(&fixture);
}

/* That gives no event: the next regular scan sees to it. */
static void test_parent_is_replaced(void **state _unused_) {
        Fixture fixture;

        make_directories(in("a/health"));
        make_directories(in("b/health"));
        fixture_start_in(&fixture, test_directory, "a");
        assert_int_equal(health_watch_renew(fixture.watch), 0);
        assert_return_code(rename(in("a"), in("c")), errno);
        assert_return_code(rename(in("b"), in("a")), errno);
        assert_int_equal(health_watch_renew(fixture.watch), 0);
        write_text(in("c/health/a-b.json"), "{}");
        expect_no_hint(&fixture);
        write_text(in("a/health/a-b.json"), "{}");
        wait_hints(&fixture, 1);
        fixture_stop(&fixture);
}

static void test_directory_is_gone_and_comes(void **state _unused_) {
        Fixture fixture;

        fixture_start(&fixture);
        assert_int_equal(health_watch_renew(fixture.watch), -ENOENT);
        write_text(in("health"), "no directory");
        assert_int_equal(health_watch_renew(fixture.watch), -ENOTDIR);
        expect_no_hint(&fixture);

        /* It is looked for by itself. */
        assert_return_code(unlink(in("health")), errno);
        make_directories(in("health"));
        wait_hints(&fixture, 1);

        assert_return_code(rmdir(in("health")), errno);
        wait_hints(&fixture, 2);
        assert_int_equal(health_watch_renew(fixture.watch), -ENOENT);
        make_directories(in("health"));
        assert_int_equal(health_watch_renew(fixture.watch), 0);
        write_text(in("health/a-b.json"), "{}");
        wait_hints(&fixture, 3);
        fixture_stop(&fixture);
}

static void test_freed_by_its_callback(void **state _unused_) {
        Fixture fixture;

        make_directories(in("health"));
        fixture_start(&fixture);
        fixture.is_freeing = true;
        assert_int_equal(health_watch_renew(fixture.watch), 0);
        write_text(in("health/a-b.json"), "{}");
        wait_hints(&fixture, 1);
        assert_null(fixture.watch);
        expect_no_hint(&fixture);
        fixture_stop(&fixture);
}

#define HEALTH_WATCH_TEST(test)                                                                             \
        cmocka_unit_test_setup_teardown(test, test_directory_make, test_directory_remove)

int main(void) {
        const struct CMUnitTest tests[] = {
                HEALTH_WATCH_TEST(test_each_kind_of_change),
                HEALTH_WATCH_TEST(test_what_is_no_health_file),
                HEALTH_WATCH_TEST(test_many_events_are_few_hints),
                HEALTH_WATCH_TEST(test_overflow),
                HEALTH_WATCH_TEST(test_directory_is_replaced),
                HEALTH_WATCH_TEST(test_parent_is_replaced),
                HEALTH_WATCH_TEST(test_directory_is_gone_and_comes),
                HEALTH_WATCH_TEST(test_freed_by_its_callback),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

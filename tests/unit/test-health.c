/* SPDX-License-Identifier: MIT */
/* The health room as the agent sees it: when a look is done, and for whom. What a look finds is in
 * test-health-scan.c, changes in the integration tests. */
#include "health/health.h"

#include "test-files.h"

#define HEALTH "health"

typedef struct Fixture {
        Config config;
        sd_event *event;
        StateStore *store;
        Health *health;
        unsigned n_calls, purposes; /* of collected(); what the last was for */
        bool collects_again;
} Fixture;

static void on_collected(unsigned purposes, void *userdata) {
        Fixture *fixture = userdata;

        fixture->n_calls++;
        fixture->purposes = purposes;
        if (fixture->collects_again) {
                fixture->collects_again = false;
                health_collect(fixture->health, HEALTH_FOR_CALLER);
        }
}

static void on_changed(_unused_ void *userdata) {
        fail();
}

static bool wants_changes(_unused_ void *userdata) {
        return true;
}

static const HealthHandlers handlers = { on_collected, on_changed, wants_changes };

static void fixture_start(Fixture *fixture) {
        HealthOptions options = { .config = &fixture->config, .handlers = &handlers, .userdata = fixture };

        *fixture = (Fixture){};
        (void) mkdir(in(HEALTH), 0755);
        assert_int_equal(sd_event_new(&fixture->event), 0);
        assert_int_equal(state_store_new("/tmp", strrchr(test_directory, '/') + 1, &fixture->store), 0);
        options.event = fixture->event;
        options.store = fixture->store;
        assert_int_equal(health_new(&options, &fixture->health), 0);
}

static void fixture_stop(Fixture *fixture) {
        health_free(fixture->health);
        state_store_free(fixture->store);
        sd_event_unref(fixture->event);
}

static void run_until(Fixture *fixture, unsigned n_calls) {
        while (fixture->n_calls < n_calls)
                assert_true(sd_event_run(fixture->event, USEC_PER_SEC) > 0);
        assert_int_equal(fixture->n_calls, n_calls);
}

static void run_for(Fixture *fixture, usec_t span) {
        usec_t end = now_usec(CLOCK_MONOTONIC) + span, now;

        while ((now = now_usec(CLOCK_MONOTONIC)) < end)
                assert_true(sd_event_run(fixture->event, end - now) >= 0);
}

static void assert_health(Fixture *fixture, const char *expected) {
        _cleanup_(buffer_done) Buffer buffer = {};

        assert_int_equal(health_splice(fixture->health, &buffer), 0);
        assert_string_equal(buffer.data, expected);
}

static void test_at_once(_unused_ void **state) {
        Fixture fixture;

        fixture_start(&fixture);
        assert_health(&fixture, "{}");
        write_text(in(HEALTH "/a-b.json"), "1");
        health_collect(fixture.health, HEALTH_FOR_LISTING);
        assert_int_equal(fixture.n_calls, 1);
        assert_int_equal(fixture.purposes, HEALTH_FOR_LISTING);
        assert_health(&fixture, "{\"a-b\":1}");
        assert_int_equal(health_set_count(health_list(fixture.health)), 1);
        assert_true(health_take_listing_change(fixture.health));
        assert_false(health_take_listing_change(fixture.health));

        /* From within it may be asked for again. */
        fixture.collects_again = true;
        health_collect(fixture.health, HEALTH_FOR_REPORT);
        assert_int_equal(fixture.n_calls, 3);
        assert_int_equal(fixture.purposes, HEALTH_FOR_CALLER);

        /* A directory that cannot be read is logged, and empty. */
        assert_return_code(rename(in(HEALTH), in("old")), errno);
        write_text(in(HEALTH), "");
        health_collect(fixture.health, HEALTH_FOR_REPORT);
        assert_int_equal(fixture.n_calls, 4);
        assert_health(&fixture, "{}");
        fixture_stop(&fixture);
}

static void test_half_written(_unused_ void **state) {
        Fixture fixture;
        usec_t begin;

        fixture_start(&fixture);
        write_text(in(HEALTH "/a-b.json"), "[1");
        begin = now_usec(CLOCK_BOOTTIME);
        health_collect(fixture.health, HEALTH_FOR_LISTING);
        write_text(in(HEALTH "/a-b.json"), "[1]");

        /* Who asks meanwhile is served by the same look, but for a report that is not wanted any more. */
        health_collect(fixture.health, HEALTH_FOR_CALLER);
        health_collect(fixture.health, HEALTH_FOR_REPORT);
        health_cancel_report(fixture.health);
        assert_int_equal(fixture.n_calls, 0);
        run_until(&fixture, 1);
        assert_true(now_usec(CLOCK_BOOTTIME) >= begin + 50 * USEC_PER_MSEC);
        assert_int_equal(fixture.purposes, HEALTH_FOR_LISTING | HEALTH_FOR_CALLER);
        assert_health(&fixture, "{\"a-b\":[1]}");

        /* In between it has its last good text. */
        write_text(in(HEALTH "/a-b.json"), "[1,");
        fixture.collects_again = true;
        health_collect(fixture.health, HEALTH_FOR_REPORT);
        assert_health(&fixture, "{\"a-b\":[1]}");
        run_until(&fixture, 3);
        assert_health(&fixture, "{}");
        fixture_stop(&fixture);
}

static void test_freed_while_it_waits(_unused_ void **state) {
        Fixture fixture;

        fixture_start(&fixture);
        write_text(in(HEALTH "/a-b.json"), "[");
        health_collect(fixture.health, HEALTH_FOR_REPORT);
        fixture.health = health_free(fixture.health);
        run_for(&fixture, 100 * USEC_PER_MSEC);
        assert_int_equal(fixture.n_calls, 0);
        fixture_stop(&fixture);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, test_directory_make, test_directory_remove)
        const struct CMUnitTest tests[] = {
                TEST(test_at_once),
                TEST(test_half_written),
                TEST(test_freed_while_it_waits),
        };

        return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}

/* A health directory with a real event loop, a clock that can be moved, and words to check what
 * was found. */
#pragma once

#include "health/health-dir.h"

#include <sys/syscall.h>

#include "util/text.h"

#include "test-files.h"

static int64_t clock_offset_seconds;

/* Stands before the C library's: files become old without waiting. */
int clock_gettime(clockid_t clock, struct timespec *ret) {
        int r = (int) syscall(SYS_clock_gettime, clock, ret);

        if (r == 0 && clock == CLOCK_REALTIME)
                ret->tv_sec += clock_offset_seconds;
        return r;
}

#define HEALTH "health"

typedef struct Fixture {
        sd_event *event;
        StateStore *store;
        HealthSet *set;
        HealthDir *dir;
        unsigned n_calls;
        int error;
        bool frees, collects_again;
} Fixture;

static unsigned count_descriptors(void) {
        unsigned count = 0;

        for (int fd = 0; fd < 256; fd++)
                count += fcntl(fd, F_GETFD) >= 0;
        return count;
}

static unsigned n_descriptors;

_unused_ static Fixture fixture_new_with(usec_t max_age_usec) {
        Fixture fixture = {};

        clock_offset_seconds = 0;
        n_descriptors = count_descriptors();
        (void) mkdir(in(HEALTH), 0755);
        assert_int_equal(sd_event_new(&fixture.event), 0);
        assert_int_equal(health_set_new(&fixture.set), 0);
        assert_int_equal(state_store_new("/tmp", strrchr(test_directory, '/') + 1, &fixture.store), 0);
        assert_int_equal(health_dir_new(fixture.event, fixture.store, max_age_usec, fixture.set,
                                         &fixture.dir),
                        0);
        return fixture;
}

_unused_ static Fixture fixture_new(void) {
        return fixture_new_with(0);
}

_unused_ static void fixture_done(Fixture *fixture) {
        health_dir_free(fixture->dir);
        health_set_free(fixture->set);
        state_store_free(fixture->store);
        sd_event_unref(fixture->event);
        assert_int_equal(count_descriptors(), n_descriptors);
}

_unused_ static void on_collected(int error, void *userdata) {
        Fixture *fixture = userdata;

        fixture->n_calls++;
        fixture->error = error;
        if (fixture->frees)
                fixture->dir = health_dir_free(fixture->dir);
        if (fixture->collects_again) {
                fixture->collects_again = false;
                assert_int_equal(health_dir_collect(fixture->dir, on_collected, fixture), 0);
        }
}

/* Returns whether it called back at once; else runs the loop until it does. */
_unused_ static bool collect(Fixture *fixture) {
        bool at_once;

        fixture->n_calls = 0;
        fixture->error = 1;
        assert_int_equal(health_dir_collect(fixture->dir, on_collected, fixture), 0);
        at_once = fixture->n_calls > 0;

        while (fixture->n_calls == 0)
                assert_true(sd_event_run(fixture->event, USEC_PER_SEC) > 0);

        assert_int_equal(fixture->n_calls, 1);
        return at_once;
}

_unused_ static const HealthFile *find_file(const Fixture *fixture, const char *file_name) {
        for (size_t i = 0; i < health_set_count(fixture->set); i++)
                if (streq(health_set_get(fixture->set, i)->file_name, file_name))
                        return health_set_get(fixture->set, i);
        return NULL;
}

_unused_ static void assert_verdict(
                const Fixture *fixture, const char *file_name, HealthVerdict verdict, const char *reason) {
        const HealthFile *file = find_file(fixture, file_name);

        if (!file)
                print_error("%s is not there\n", file_name);
        assert_non_null(file);
        if (file->verdict != verdict || !strstr(file->reason, reason))
                print_error("%s: %s, %s\n", file_name, health_verdict_to_string(file->verdict),
                                file->reason);
        assert_int_equal(file->verdict, verdict);
        assert_non_null(strstr(file->reason, reason));
}

_unused_ static void assert_value(const Fixture *fixture, const char *file_name, const char *value) {
        const HealthFile *file = find_file(fixture, file_name);

        assert_verdict(fixture, file_name, HEALTH_OK, "");
        assert_int_equal(file->value_size, strlen(value));
        assert_memory_equal(file->value, value, strlen(value));
}

_unused_ static unsigned count_verdicts(const Fixture *fixture, HealthVerdict verdict) {
        unsigned count = 0;

        for (size_t i = 0; i < health_set_count(fixture->set); i++)
                count += health_set_get(fixture->set, i)->verdict == verdict;
        return count;
}

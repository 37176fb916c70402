/* SPDX-License-Identifier: MIT */
/* A real health directory, a clock that can be moved, and words to check what was found. */
#pragma once

#include "health/health-scan.h"

#include <sys/syscall.h>

#include "sys/state-store.h"
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
        StateStore *store;
        HealthSet *set;
        usec_t max_age_usec;
        void (*between)(void); /* what happens between the two looks, if there are two */
        int error;
        bool is_changed;
} Fixture;

static unsigned count_descriptors(void) {
        unsigned count = 0;

        for (int fd = 0; fd < 256; fd++)
                count += fcntl(fd, F_GETFD) >= 0;
        return count;
}

static unsigned n_descriptors;

_unused_ static Fixture fixture_new_with(usec_t max_age_usec) {
        Fixture fixture = { .max_age_usec = max_age_usec };

        clock_offset_seconds = 0;
        n_descriptors = count_descriptors();
        (void) mkdir(in(HEALTH), 0755);
        assert_int_equal(health_set_new(&fixture.set), 0);
        assert_int_equal(state_store_new("/tmp", strrchr(test_directory, '/') + 1, &fixture.store), 0);
        return fixture;
}

_unused_ static Fixture fixture_new(void) {
        return fixture_new_with(0);
}

_unused_ static void fixture_done(Fixture *fixture) {
        health_set_free(fixture->set);
        state_store_free(fixture->store);
        assert_int_equal(count_descriptors(), n_descriptors);
}

static int scan(Fixture *fixture, bool is_second) {
        _cleanup_close_ int fd = state_store_open_health(fixture->store);

        return health_scan(fixture->set, fd, now_usec(CLOCK_REALTIME), fixture->max_age_usec, is_second);
}

/* Looks once, or twice if a file looks half-written. Returns whether once was enough. */
_unused_ static bool collect(Fixture *fixture) {
        int r = scan(fixture, false);
        bool at_once = r <= 0;

        if (!at_once) {
                if (fixture->between)
                        fixture->between();
                r = scan(fixture, true);
        }
        fixture->error = r < 0 ? r : 0;
        fixture->is_changed = health_set_take_change(fixture->set);
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

/* SPDX-License-Identifier: MIT */
/* The kinds of event: each has a name and a message id of its own, in the form that journald wants. */
#include "core/log-event.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/macro.h"

static void test_none(void **state _unused_) {
        assert_null(log_event_name(LOG_EVENT_NONE));
        assert_null(log_event_message_id(LOG_EVENT_NONE));
}

static void test_form(void **state _unused_) {
        for (LogEvent event = LOG_EVENT_NONE + 1; event < _LOG_EVENT_MAX; event++) {
                const char *name = log_event_name(event), *id = log_event_message_id(event);

                assert_non_null(name);
                assert_true(strlen(name) > 0);
                assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));

                assert_non_null(id);
                assert_int_equal(strlen(id), 32);
                assert_int_equal(strspn(id, "0123456789abcdef"), 32);
        }
}

static void test_each_is_its_own(void **state _unused_) {
        for (LogEvent a = LOG_EVENT_NONE + 1; a < _LOG_EVENT_MAX; a++)
                for (LogEvent b = LOG_EVENT_NONE + 1; b < a; b++) {
                        assert_string_not_equal(log_event_name(a), log_event_name(b));
                        assert_string_not_equal(log_event_message_id(a), log_event_message_id(b));
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_none),
                cmocka_unit_test(test_form),
                cmocka_unit_test(test_each_is_its_own),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Each property is noticed by itself, and nothing that is none. */
#include "core/agent-status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "util/macro.h"

#define BIT(property) (UINT32_C(1) << (property))

static void test_each_property(void **state) {
        static const AgentStatus empty;
        AgentStatus changed[_PROPERTY_MAX] = {};

        (void) state;
        strcpy(changed[PROPERTY_MASTER_ENDPOINT].master_endpoint, "http://m");
        strcpy(changed[PROPERTY_ENV].env, "e");
        strcpy(changed[PROPERTY_USER].user, "u");
        strcpy(changed[PROPERTY_INSTANCE].instance, "i");
        changed[PROPERTY_IDENTITY_SOURCE].identity_source = IDENTITY_FROM_HOSTNAME;
        strcpy(changed[PROPERTY_NODE_ID].node_id, "A7");
        changed[PROPERTY_REGISTERED].is_registered = true;
        changed[PROPERTY_STATE_PERSISTED].is_state_persisted = true;
        changed[PROPERTY_STATE].state = AGENT_STOPPING;
        strcpy(changed[PROPERTY_ADDRESS].address, "::1");
        changed[PROPERTY_LAST_REGISTRATION_TIMESTAMP].last_registration_usec = UINT64_C(1) << 63;
        changed[PROPERTY_LAST_REPORT_STATUS].last_report_status = REPORT_FAILED;
        changed[PROPERTY_LAST_REPORT_TIMESTAMP].last_report_usec = 1;
        changed[PROPERTY_LAST_SUCCESSFUL_REPORT_TIMESTAMP].last_successful_report_usec = 1;
        changed[PROPERTY_NEXT_REPORT_TIMESTAMP].next_report_usec = 1;
        changed[PROPERTY_LAST_REPORT_HTTP_STATUS].last_report_http_status = 200;
        strcpy(changed[PROPERTY_LAST_REPORT_ERROR].last_report_error, "x");
        changed[PROPERTY_CONSECUTIVE_FAILURES].consecutive_failures = 1U << 31;
        changed[PROPERTY_HEALTH_FILES].health_generation = UINT64_C(1) << 40;

        for (size_t i = 0; i < _PROPERTY_MAX; i++) {
                assert_int_equal(agent_status_compare(&empty, changed + i), BIT(i));
                assert_int_equal(agent_status_compare(changed + i, &empty), BIT(i));
                assert_int_equal(agent_status_compare(changed + i, changed + i), 0);
        }
        assert_int_equal(agent_status_compare(changed + PROPERTY_ENV, changed + PROPERTY_STATE),
                        BIT(PROPERTY_ENV) | BIT(PROPERTY_STATE));
}

/* What is behind a string's end was there before, and the counters have no change signal. */
static void test_no_property(void **state) {
        AgentStatus a = {}, b = { .version = "1", .hostname = "h" };

        (void) state;
        strcpy(a.node_id, "A7");
        strcpy(b.node_id, "old-id");
        strcpy(b.node_id, "A7");
        strcpy(b.last_report_error, "timeout");
        b.last_report_error[0] = '\0';
        b.reports_succeeded = b.reports_failed = b.registrations = 9;
        assert_int_equal(agent_status_compare(&a, &b), 0);
}

static void test_names(void **state) {
        static const char *const states[] = { "registering", "online", "retrying", "stopping" };
        static const char *const reports[] = { "never", "success", "failed" };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                assert_string_equal(agent_state_to_string((AgentState) i), states[i]);
        for (size_t i = 0; i < ELEMENTSOF(reports); i++)
                assert_string_equal(report_status_to_string((ReportStatus) i), reports[i]);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_property),
                cmocka_unit_test(test_no_property),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Each property is compared by itself, and the lists say what they should. */
#include "core/agent-status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "util/macro.h"

/* A value of the type that differs from the empty one in its last bit or byte. */
static void property_fill(AgentStatus *status, AgentProperty property) {
        const PropertyInfo *info = agent_properties + property;
        char *member = (char *) status + info->offset;

        if (info->type == PROPERTY_TYPE_STRING)
                memset(member, 'x', info->size - 1);
        else if (info->type == PROPERTY_TYPE_BOOLEAN)
                *(bool *) member = true;
        else
                member[info->size - 1] = 1;
}

static void test_each_property(void **state) {
        static const AgentStatus empty;
        static AgentStatus changed[_PROPERTY_MAX], shown;

        (void) state;
        for (AgentProperty i = 0; i < _PROPERTY_MAX; i++)
                property_fill(changed + i, i);

        for (AgentProperty i = 0; i < _PROPERTY_MAX; i++) {
                assert_int_equal(agent_status_compare(&empty, changed + i), PROPERTY_BIT(i));
                assert_int_equal(agent_status_compare(changed + i, &empty), PROPERTY_BIT(i));
                assert_int_equal(agent_status_compare(changed + i, changed + i), 0);

                assert_int_equal(agent_status_update(&shown, changed + i), PROPERTY_BIT(i));
                assert_int_equal(agent_status_update(&shown, changed + i), 0);
                assert_int_equal(agent_status_compare(&shown, changed + i), 0);
                assert_int_equal(agent_status_update(&shown, &empty), PROPERTY_BIT(i));
        }
        assert_int_equal(agent_status_compare(changed + PROPERTY_Env, changed + PROPERTY_State),
                        PROPERTY_BIT(PROPERTY_Env) | PROPERTY_BIT(PROPERTY_State));
        assert_int_equal(agent_status_compare(&shown, &empty), 0);
}

/* What is behind a string's end was there before. */
static void test_no_difference(void **state) {
        static AgentStatus a, b;

        (void) state;
        strcpy(a.node_id, "A7");
        strcpy(b.node_id, "old-id");
        strcpy(b.node_id, "A7");
        strcpy(b.last_report_error, "timeout");
        b.last_report_error[0] = '\0';
        assert_int_equal(agent_status_compare(&a, &b), 0);
}

static void test_values(void **state) {
        static AgentStatus status = {
                .is_registered = true,
                .last_report_http_status = UINT32_MAX,
                .last_report_usec = UINT64_MAX,
                .reports_failed = 7,
                .node_id = "A7",
        };

        (void) state;
        assert_string_equal(agent_status_string(&status, PROPERTY_NodeId), "A7");
        assert_int_equal(agent_status_number(&status, PROPERTY_Registered), 1);
        assert_int_equal(agent_status_number(&status, PROPERTY_StatePersisted), 0);
        assert_int_equal(agent_status_number(&status, PROPERTY_LastReportHttpStatus), UINT32_MAX);
        assert_true(agent_status_number(&status, PROPERTY_LastReportTimestamp) == UINT64_MAX);
        assert_int_equal(agent_status_number(&status, PROPERTY_ReportsFailed), 7);
}

static void test_names(void **state) {
        (void) state;
        assert_int_equal(agent_property_from_name("Version"), PROPERTY_Version);
        assert_int_equal(agent_property_from_name("HealthFiles"), PROPERTY_HealthFiles);
        assert_int_equal(agent_property_from_name("healthfiles"), _PROPERTY_MAX);
        assert_int_equal(agent_property_from_name(""), _PROPERTY_MAX);

        assert_true(agent_properties[PROPERTY_State].has_signal);
        assert_true(agent_properties[PROPERTY_HealthFiles].has_signal);
        assert_false(agent_properties[PROPERTY_Version].has_signal);
        assert_false(agent_properties[PROPERTY_Registrations].has_signal);
}

static void test_errors(void **state) {
        (void) state;
        assert_null(operation_error(OPERATION_OK));
        assert_null(operation_error((OperationResult) 99));
        assert_string_equal(
                        operation_error(OPERATION_REJECTED)->name, "org.argus.Agent1.Error.MasterRejected");
        assert_string_equal(operation_error(OPERATION_REJECTED)->words, "The Master refused");

        assert_ptr_equal(operation_error_from_name("org.argus.Agent1.Error.Stopping"),
                        operation_error(OPERATION_STOPPING));
        assert_null(operation_error_from_name("Stopping"));
        assert_null(operation_error_from_name(NULL));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_property),
                cmocka_unit_test(test_no_difference),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_errors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

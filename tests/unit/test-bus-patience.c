/* SPDX-License-Identifier: MIT */
/* What takes its time: a caller waits 20 s at most, and a name that was refused is asked for again after
 * 30 s. */
#include "bus-fixture.h"

#define AT_MOST_USEC (50 * USEC_PER_SEC)

static void call_unnamed(Agent *agent, sd_bus *client, const char *member, Reply *reply) {
        const char *name;

        *reply = (Reply){ 0 };
        assert_true(sd_bus_get_unique_name(bus_get(agent->bus), &name) >= 0);
        assert_true(sd_bus_call_method_async(client, &reply->slot, name, AGENT_PATH, AGENT, member, on_reply,
                                    reply, NULL) >= 0);
}

static void test_patience(_unused_ void **state) {
        static const struct {
                const char *member, *name, *words;
        } cases[] = {
                { "Reregister", "org.argus.Agent1.Error.MasterUnreachable",
                                "The Master has not responded within 20 s" },
                { "Report", "org.argus.Agent1.Error.MasterUnreachable",
                                "The Master has not responded within 20 s" },
                { "GetHealth", SD_BUS_ERROR_TIMEOUT, "The health files were not read within 20 s" },
        };
        Reply replies[ELEMENTSOF(cases)];
        usec_t start, end;
        Agent agent;
        sd_bus *client;

        assert_int_equal(setenv("DBUS_SESSION_BUS_ADDRESS", daemon_address(), true), 0);
        agent_start_on(&agent, BUS_USER);
        RUN_UNTIL(agent.event, agent.refusals == 1);
        assert_int_equal(agent.refused_error, -EACCES);
        client = client_open(agent.event);
        start = now_usec(CLOCK_MONOTONIC);
        end = start + AT_MOST_USEC;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                call_unnamed(&agent, client, cases[i].member, &replies[i]);

        /* The rules change meanwhile. */
        RUN_UNTIL(agent.event, agent.reports == 1);
        daemon_configure("");
        assert_int_equal(kill(daemon_pid, SIGHUP), 0);

        while (!replies[0].message || !replies[1].message || !replies[2].message) {
                assert_in_range(now_usec(CLOCK_MONOTONIC), 0, end);
                assert_true(sd_event_run(agent.event, USEC_PER_SEC) >= 0);
        }
        assert_in_range(now_usec(CLOCK_MONOTONIC) - start, 20 * USEC_PER_SEC, 22 * USEC_PER_SEC);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_string_equal(reply_error(&replies[i]), cases[i].name);
                assert_string_equal(reply_words(&replies[i]), cases[i].words);
                reply_done(&replies[i]);
        }

        /* Who comes after them asks anew; who is late is told nothing. */
        call_unnamed(&agent, client, "Report", &replies[0]);
        RUN_UNTIL(agent.event, agent.reports == 2);
        bus_complete(agent.bus, METHOD_REPORT, OPERATION_OK, 200, NULL);
        RUN_UNTIL(agent.event, replies[0].message);
        assert_string_equal(reply_error(&replies[0]), "none");
        reply_done(&replies[0]);

        while (agent.names == 0) {
                assert_in_range(now_usec(CLOCK_MONOTONIC), 0, end);
                assert_true(sd_event_run(agent.event, USEC_PER_SEC) >= 0);
        }
        assert_in_range(now_usec(CLOCK_MONOTONIC) - start, 28 * USEC_PER_SEC, 37 * USEC_PER_SEC);
        assert_int_equal(agent.refusals, 1);
        assert_int_equal(agent.losses, 0);

        sd_bus_close_unref(client);
        agent_stop(&agent);
}

static int setup(void **state) {
        int r = test_directory_make(state);

        if (r == 0)
                daemon_start("<policy context=\"mandatory\"><deny own=\"" AGENT "\"/></policy>");
        return r;
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_patience, setup, bus_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The methods: callers that share an answer, refusals by name, limits, answers that are big. */
#include "bus-fixture.h"

/* Where memory is watched, sd-bus's reading of a big message piece by piece takes minutes. */
#define BIG_SIZE (MEMORY_IS_WATCHED ? (size_t) 1024 * 1024 : (size_t) 8 * 1024 * 1024)
/* Two of them are just below the 32 MiB that the daemon lets in. */
#define LONG_SIZE (MEMORY_IS_WATCHED ? (size_t) 1024 * 1024 : (size_t) 16 * 1024 * 1024 - 128)

#define ERROR "org.argus.Agent1.Error."

static void test_callers_share_an_answer(_unused_ void **state) {
        sd_bus *clients[2];
        Reply replies[6];
        uint32_t number;
        Agent agent;

        agent_start_for_own_user(&agent);
        clients[0] = client_open(agent.event);
        clients[1] = client_open(agent.event);

        for (size_t i = 0; i < 3; i++) {
                call_send(clients[i % 2], "Reregister", &replies[i]);
                call_send(clients[i % 2], "Report", &replies[3 + i]);
        }
        RUN_UNTIL(agent.event, agent.reregisters > 0 && agent.reports > 0);
        run_for(agent.event, 100 * USEC_PER_MSEC);
        assert_int_equal(agent.reregisters, 1);
        assert_int_equal(agent.reports, 1);

        bus_complete(agent.bus, METHOD_REREGISTER, OPERATION_OK, 0, "A7");
        RUN_UNTIL(agent.event, replies[0].message && replies[1].message && replies[2].message);
        for (size_t i = 0; i < 3; i++)
                assert_string_equal(reply_text(&replies[i]), "A7");
        assert_null(replies[3].message);

        bus_complete(agent.bus, METHOD_REPORT, OPERATION_OK, 204, NULL);
        RUN_UNTIL(agent.event, replies[3].message && replies[4].message && replies[5].message);
        for (size_t i = 3; i < 6; i++) {
                assert_true(sd_bus_message_read(replies[i].message, "u", &number) > 0);
                assert_int_equal(number, 204);
        }
        for (size_t i = 0; i < 6; i++)
                reply_done(&replies[i]);

        /* Nobody waits now: the next caller asks anew. */
        bus_complete(agent.bus, METHOD_REREGISTER, OPERATION_OK, 0, "A8");
        call_send(clients[0], "Reregister", &replies[0]);
        RUN_UNTIL(agent.event, agent.reregisters == 2);
        bus_complete(agent.bus, METHOD_REREGISTER, OPERATION_OK, 0, "\xFF");
        RUN_UNTIL(agent.event, replies[0].message);
        assert_string_equal(reply_text(&replies[0]), "\xEF\xBF\xBD");
        reply_done(&replies[0]);

        sd_bus_flush_close_unref(clients[0]);
        sd_bus_flush_close_unref(clients[1]);
        agent_stop(&agent);
}

static void test_failures_by_name(_unused_ void **state) {
        static const struct {
                OperationResult result;
                const char *text, *name, *words;
        } cases[] = {
                { OPERATION_NOT_REGISTERED, "not yet", ERROR "NotRegistered", "not yet" },
                { OPERATION_UNREACHABLE, "Connection refused", ERROR "MasterUnreachable",
                                "Connection refused" },
                { OPERATION_REJECTED, "400: \xE4\xB8\x8D\xE8\xA1\x8C", ERROR "MasterRejected",
                                "400: \xE4\xB8\x8D\xE8\xA1\x8C" },
                { OPERATION_REJECTED, "bad \xEF\xBF\xBF \xFF %s %n", ERROR "MasterRejected",
                                "bad \xEF\xBF\xBD \xEF\xBF\xBD %s %n" },
                { OPERATION_STOPPING, NULL, ERROR "Stopping", "The agent is stopping" },
                { OPERATION_UNREACHABLE, "", ERROR "MasterUnreachable", "The Master cannot be reached" },
                { (OperationResult) 99, "odd", SD_BUS_ERROR_FAILED, "odd" },
        };
        Agent agent;
        sd_bus *client;
        Reply reply;

        agent_start_for_own_user(&agent);
        client = client_open(agent.event);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                /* It fails once it is under way … */
                agent.result = 0;
                agent.reports = 0;
                call_send(client, "Report", &reply);
                RUN_UNTIL(agent.event, agent.reports == 1);
                bus_complete(agent.bus, METHOD_REPORT, cases[i].result, 400, cases[i].text);
                RUN_UNTIL(agent.event, reply.message);
                assert_string_equal(reply_error(&reply), cases[i].name);
                assert_string_equal(reply_words(&reply), cases[i].words);
                reply_done(&reply);

                /* … or cannot begin. */
                agent.result = cases[i].result;
                agent.reason = cases[i].text;
                call_send(client, i % 2 ? "Reregister" : "GetHealth", &reply);
                RUN_UNTIL(agent.event, reply.message);
                assert_string_equal(reply_error(&reply), cases[i].name);
                assert_string_equal(reply_words(&reply), cases[i].words);
                reply_done(&reply);
        }

        sd_bus_flush_close_unref(client);
        agent_stop(&agent);
}

static void assert_refused(const Reply *reply) {
        assert_string_equal(reply_error(reply), SD_BUS_ERROR_FAILED);
        assert_non_null(strstr(reply_words(reply), "noncharacter"));
}

static void test_data(_unused_ void **state) {
        static const char node[] = "{\"id\": 9007199254740993, \"\xE5\x90\x8D\" : [1.0]}\n";
        Agent agent;
        sd_bus *client;
        Reply reply;

        agent_start_for_own_user(&agent);
        client = client_open(agent.event);

        call_send(client, "GetNode", &reply);
        RUN_UNTIL(agent.event, reply.message);
        assert_string_equal(reply_error(&reply), ERROR "NotRegistered");
        reply_done(&reply);

        agent.node = node;
        call_send(client, "GetNode", &reply);
        RUN_UNTIL(agent.event, reply.message);
        assert_string_equal(reply_text(&reply), node);
        reply_done(&reply);

        /* JSON may hold what sd-bus does not carry. */
        agent.node = "{\"id\":\"\xEF\xBF\xBE\"}";
        call_send(client, "GetNode", &reply);
        RUN_UNTIL(agent.event, reply.message);
        assert_refused(&reply);
        reply_done(&reply);

        /* The end may be told from within the operation, or later. */
        agent.health_text = "{\"log-a\":1}";
        call_send(client, "GetHealth", &reply);
        RUN_UNTIL(agent.event, reply.message);
        assert_string_equal(reply_text(&reply), "{\"log-a\":1}");
        reply_done(&reply);

        agent.health_text = NULL;
        call_send(client, "GetHealth", &reply);
        RUN_UNTIL(agent.event, agent.collections == 2);
        bus_complete(agent.bus, METHOD_GET_HEALTH, OPERATION_OK, 0, "{}");
        RUN_UNTIL(agent.event, reply.message);
        assert_string_equal(reply_text(&reply), "{}");
        reply_done(&reply);

        agent.health_text = "{\"log-a\":\"\xEF\xB7\x90\"}";
        call_send(client, "GetHealth", &reply);
        RUN_UNTIL(agent.event, reply.message);
        assert_refused(&reply);
        reply_done(&reply);

        /* The connection has survived all that. */
        assert_int_equal(agent.losses, 0);
        sd_bus_flush_close_unref(client);
        agent_stop(&agent);
}

enum { LIMITED_CLIENTS = 9, CALLS = 9 };

static size_t count_answered(Reply replies[LIMITED_CLIENTS][CALLS]) {
        size_t n = 0;

        for (size_t c = 0; c < LIMITED_CLIENTS; c++)
                for (size_t i = 0; i < CALLS; i++)
                        n += replies[c][i].message != NULL;
        return n;
}

/* 8 of one sender and 64 in all wait; the others are told so at once. */
static void test_limits(_unused_ void **state) {
        sd_bus *clients[LIMITED_CLIENTS];
        Reply replies[LIMITED_CLIENTS][CALLS];
        size_t n_refused = 0, n_of_sender = 0;
        Agent agent;

        agent_start_for_own_user(&agent);
        for (size_t c = 0; c < LIMITED_CLIENTS; c++)
                clients[c] = client_open(agent.event);
        for (size_t i = 0; i < CALLS; i++)
                for (size_t c = 0; c < LIMITED_CLIENTS; c++)
                        call_send(clients[c], i % 2 ? "Report" : "GetHealth", &replies[c][i]);
        RUN_UNTIL(agent.event, count_answered(replies) >= LIMITED_CLIENTS * CALLS - 64);
        run_for(agent.event, 100 * USEC_PER_MSEC);
        assert_int_equal(agent.reports, 1);
        assert_int_equal(agent.collections, 1);

        for (size_t c = 0; c < LIMITED_CLIENTS; c++) {
                size_t n = 0;

                for (size_t i = 0; i < CALLS; i++)
                        if (replies[c][i].message) {
                                assert_string_equal(
                                                reply_error(&replies[c][i]), SD_BUS_ERROR_LIMITS_EXCEEDED);
                                n++;
                        }
                assert_in_range(n, 1, CALLS);
                n_of_sender += n == 1;
                n_refused += n;
        }
        assert_int_equal(n_refused, LIMITED_CLIENTS * CALLS - 64);
        assert_in_range(n_of_sender, 1, LIMITED_CLIENTS - 1);

        bus_complete(agent.bus, METHOD_REPORT, OPERATION_OK, 200, NULL);
        bus_complete(agent.bus, METHOD_GET_HEALTH, OPERATION_OK, 0, "{}");
        for (size_t c = 0; c < LIMITED_CLIENTS; c++)
                for (size_t i = 0; i < CALLS; i++)
                        RUN_UNTIL(agent.event, replies[c][i].message);

        for (size_t c = 0; c < LIMITED_CLIENTS; c++) {
                for (size_t i = 0; i < CALLS; i++)
                        reply_done(&replies[c][i]);
                sd_bus_flush_close_unref(clients[c]);
        }
        agent_stop(&agent);
}

/* Answers of 8 MiB to many: one after the other, each whole. */
static void test_big_answers(_unused_ void **state) {
        enum { CLIENTS = 2, OF_EACH = 6 };
        _cleanup_free_ char *text = malloc(BIG_SIZE + 1);
        sd_bus *clients[CLIENTS];
        Reply replies[CLIENTS][OF_EACH];
        uint64_t queued, queued_max = 0;
        size_t n_whole = 0;
        Agent agent;

        assert_non_null(text);
        memset(text, 'h', BIG_SIZE);
        text[BIG_SIZE] = 0;

        agent_start_for_own_user(&agent);
        agent.health_text = agent.node = text;
        for (size_t c = 0; c < CLIENTS; c++) {
                clients[c] = client_open(agent.event);
                for (size_t i = 0; i < OF_EACH; i++)
                        call_send(clients[c], i % 2 ? "GetHealth" : "GetNode", &replies[c][i]);
        }

        while (n_whole < CLIENTS * OF_EACH) {
                assert_true(sd_event_run(agent.event, USEC_PER_SEC) >= 0);
                assert_true(sd_bus_get_n_queued_write(bus_get(agent.bus), &queued) >= 0);
                queued_max = queued > queued_max ? queued : queued_max;
                for (size_t c = 0; c < CLIENTS; c++)
                        for (size_t i = 0; i < OF_EACH; i++)
                                if (replies[c][i].message) {
                                        assert_string_equal(reply_text(&replies[c][i]), text);
                                        reply_done(&replies[c][i]);
                                        n_whole++;
                                }
        }
        /* A big one, and at most small ones besides: a sender is looked up once, whatever it calls. */
        assert_in_range(queued_max, 1, 4);

        for (size_t c = 0; c < CLIENTS; c++)
                sd_bus_flush_close_unref(clients[c]);
        agent_stop(&agent);
}

/* A call that wants no answer acts, and gets none. */
static void test_no_reply_wanted(_unused_ void **state) {
        static const char *const members[] = { "Reregister", "Report", "GetNode", "GetHealth" };
        Agent agent;
        sd_bus *client;
        Reply reply;

        agent_start_for_own_user(&agent);
        agent.node = "{}";
        client = client_open(agent.event);

        for (size_t i = 0; i < ELEMENTSOF(members); i++) {
                sd_bus_message *call;

                assert_true(sd_bus_message_new_method_call(
                                            client, &call, AGENT, AGENT_PATH, AGENT, members[i]) >= 0);
                assert_true(sd_bus_message_set_expect_reply(call, false) >= 0);
                assert_true(sd_bus_send(client, call, NULL) >= 0);
                sd_bus_message_unref(call);
        }
        RUN_UNTIL(agent.event, agent.reregisters == 1 && agent.reports == 1 && agent.collections == 1);
        bus_complete(agent.bus, METHOD_REREGISTER, OPERATION_OK, 0, "A7");
        bus_complete(agent.bus, METHOD_REPORT, OPERATION_UNREACHABLE, 0, "no");
        bus_complete(agent.bus, METHOD_GET_HEALTH, OPERATION_OK, 0, "{}");

        /* Whatever had come back would have come before this. */
        call_send(client, "GetNode", &reply);
        RUN_UNTIL(agent.event, reply.message);
        assert_string_equal(reply_text(&reply), "{}");
        reply_done(&reply);

        sd_bus_flush_close_unref(client);
        agent_stop(&agent);
}

static void assert_call(Agent *agent, sd_bus *client, const char *path, const char *interface,
                const char *member, const char *error, const char *types, ...) {
        sd_bus_message *call;
        Reply reply = { 0 };
        va_list arguments;

        assert_true(sd_bus_message_new_method_call(client, &call, AGENT, path, interface, member) >= 0);
        va_start(arguments, types);
        assert_true(sd_bus_message_appendv(call, types, arguments) >= 0);
        va_end(arguments);
        assert_true(sd_bus_call_async(client, &reply.slot, call, on_reply, &reply, 0) >= 0);
        sd_bus_message_unref(call);

        RUN_UNTIL(agent->event, reply.message);
        assert_string_equal(reply_error(&reply), error);
        assert_in_range(strlen(reply_words(&reply)), 1, 1024);
        reply_done(&reply);
}

/* Calls that make no sense: an error that is short, and the connection stays. */
static void test_wrong_calls(_unused_ void **state) {
        _cleanup_free_ char *text = malloc(LONG_SIZE + 1);
        Agent agent;
        sd_bus *client;

        assert_non_null(text);
        memset(text, 'n', LONG_SIZE);
        text[LONG_SIZE] = 0;

        agent_start_for_own_user(&agent);
        client = client_open(agent.event);

        assert_call(&agent, client, AGENT_PATH, AGENT, "Reregister", SD_BUS_ERROR_INVALID_ARGS, "s", "x");
        assert_call(&agent, client, AGENT_PATH, AGENT, "GetNode", SD_BUS_ERROR_INVALID_ARGS, "a{sv}", 0);
        assert_call(&agent, client, AGENT_PATH, AGENT, "Nothing", SD_BUS_ERROR_UNKNOWN_METHOD, "");
        assert_call(&agent, client, "/org/argus", AGENT, "Report", SD_BUS_ERROR_UNKNOWN_OBJECT, "");
        assert_call(&agent, client, "/nowhere", AGENT, "Report", SD_BUS_ERROR_UNKNOWN_OBJECT, "");
        assert_call(&agent, client, AGENT_PATH, PROPERTIES, "Get", SD_BUS_ERROR_UNKNOWN_PROPERTY, "ss",
                        AGENT, "Nothing");
        assert_call(&agent, client, AGENT_PATH, PROPERTIES, "Get", SD_BUS_ERROR_INVALID_ARGS, "u", 1U);
        assert_call(&agent, client, AGENT_PATH, PROPERTIES, "Set", SD_BUS_ERROR_PROPERTY_READ_ONLY, "ssv",
                        AGENT, "NodeId", "s", "x");
        /* As much as a message may hold: repeated in an error it would be more than that. */
        assert_call(&agent, client, AGENT_PATH, PROPERTIES, "Get", SD_BUS_ERROR_INVALID_ARGS, "ss", text,
                        text);
        text[256] = 0;
        assert_call(&agent, client, AGENT_PATH, PROPERTIES, "Get", SD_BUS_ERROR_INVALID_ARGS, "ss", AGENT,
                        text);
        assert_call(&agent, client, AGENT_PATH, PROPERTIES, "Set", SD_BUS_ERROR_INVALID_ARGS, "ssv", AGENT,
                        text, "u", 1U);
        assert_call(&agent, client, AGENT_PATH, PROPERTIES, "GetAll", SD_BUS_ERROR_INVALID_ARGS, "s", text);
        assert_call(&agent, client, AGENT_PATH, PROPERTIES, "GetAll", SD_BUS_ERROR_UNKNOWN_INTERFACE, "s",
                        "org.example");

        assert_int_equal(agent.losses, 0);
        assert_int_equal(agent.reregisters + agent.reports, 0);
        sd_bus_flush_close_unref(client);
        agent_stop(&agent);
}

/* Callers that wait when the bus goes, or the agent: nothing is answered, nothing is lost or freed twice. */
static void test_waiting_when_it_ends(_unused_ void **state) {
        static const char *const members[] = { "Reregister", "Report", "GetHealth" };
        Reply replies[3];
        Agent agent;
        sd_bus *client;

        agent_start_for_own_user(&agent);
        for (unsigned round = 0; round < 2; round++) {
                agent.reregisters = agent.reports = agent.collections = 0;
                client = client_open(agent.event);
                for (size_t i = 0; i < 3; i++)
                        call_send(client, members[i], &replies[i]);
                RUN_UNTIL(agent.event,
                                agent.reregisters == 1 && agent.reports == 1 && agent.collections == 1);
                if (round == 0) {
                        daemon_kill();
                        RUN_UNTIL(agent.event, agent.losses == 1);
                        daemon_start("");
                        RUN_UNTIL(agent.event, agent.names == 2);
                        bus_complete(agent.bus, METHOD_REREGISTER, OPERATION_OK, 0, "A7");
                }
                for (size_t i = 0; i < 3; i++)
                        reply_done(&replies[i]);
                sd_bus_close_unref(client);
        }
        agent_stop(&agent);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                bus_test(test_callers_share_an_answer),
                bus_test(test_failures_by_name),
                bus_test(test_data),
                bus_test(test_limits),
                bus_test(test_big_answers),
                bus_test(test_no_reply_wanted),
                bus_test(test_wrong_calls),
                bus_test(test_waiting_when_it_ends),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Floods of calls, from many connections that read their answers or never do: the agent's memory stays flat,
 * and what else its loop has to do is done in time. */
#include "bus-fixture.h"
#include "core/health-entry.h"
#include "core/health-set.h"

#include <malloc.h>

enum {
        CONNECTIONS = 12,
        CALLS = 1500, /* of each connection */
        TICK_MSEC = 20,
};

/* Where memory is watched everything takes many times longer, and is measured in vain. */
#define BIG_TEXT_SIZE (MEMORY_IS_WATCHED ? (size_t) 64 * 1024 : (size_t) 8 * 1024 * 1024)
#define SLOWNESS (MEMORY_IS_WATCHED ? 5U : 1U)
#define HEALTH_FILES (MEMORY_IS_WATCHED ? 16U : (unsigned) HEALTH_ENTRIES_MAX)

typedef struct Flood {
        const char *interface, *member, *argument;
        bool reads;
        unsigned calls;
        unsigned growth_max_kib;
} Flood;

/* What the kernel says of this process, in KiB; the peak is made to start anew. */
static unsigned memory_kib(const char *field) {
        FILE *file = fopen("/proc/self/status", "re");
        char line[256];
        unsigned value = 0;

        assert_non_null(file);
        while (fgets(line, sizeof line, file))
                if (strncmp(line, field, strlen(field)) == 0)
                        value = (unsigned) strtoul(line + strlen(field) + 1, NULL, 10);
        (void) fclose(file);
        return value;
}

static void memory_reset_peak(void) {
        FILE *file = fopen("/proc/self/clear_refs", "we");

        assert_non_null(file);
        (void) fputs("5", file);
        (void) fclose(file);
}

/* A process that floods from several connections, until all is sent, and then stays. */
static void flood_run(const Flood *flood) {
        sd_bus *clients[CONNECTIONS];

        for (size_t c = 0; c < CONNECTIONS; c++)
                clients[c] = client_open(NULL);

        for (unsigned i = 0; i < flood->calls / SLOWNESS; i++)
                for (size_t c = 0; c < CONNECTIONS; c++) {
                        sd_bus_message *call;
                        uint64_t cookie;

                        if (sd_bus_message_new_method_call(clients[c], &call, AGENT, AGENT_PATH,
                                            flood->interface, flood->member) < 0 ||
                                        (flood->argument && sd_bus_message_append(call, "s",
                                                                            flood->argument) < 0) ||
                                        sd_bus_send(clients[c], call, &cookie) < 0)
                                return;
                        sd_bus_message_unref(call);

                        if (flood->reads)
                                while (sd_bus_process(clients[c], NULL) > 0)
                                        ;
                        else if (i % 64 == 63)
                                (void) sd_bus_flush(clients[c]);
                }

        for (;;) {
                for (size_t c = 0; c < CONNECTIONS; c++) {
                        if (!flood->reads)
                                (void) sd_bus_flush(clients[c]);
                        else
                                while (sd_bus_process(clients[c], NULL) > 0)
                                        ;
                }
                (void) usleep(1000);
        }
}

typedef struct Ticker {
        sd_event_source *source;
        usec_t before, longest;
} Ticker;

static int on_tick(sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        Ticker *ticker = userdata;
        usec_t now = now_usec(CLOCK_MONOTONIC), span = now - ticker->before;

        ticker->longest = span > ticker->longest ? span : ticker->longest;
        ticker->before = now;
        assert_true(sd_event_source_set_time(source, now + TICK_MSEC * USEC_PER_MSEC) >= 0);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void flood_measure(const Flood *flood) {
        Ticker ticker = { 0 };
        unsigned before, peak, after;
        sd_bus *client;
        Reply reply = { 0 };
        Agent agent;
        pid_t pid;
        char *text;

        (void) malloc_trim(0); /* what the test before left */
        agent_start_for_own_user(&agent);
        text = malloc(BIG_TEXT_SIZE + 1);
        assert_non_null(text);
        memset(text, 't', BIG_TEXT_SIZE);
        text[BIG_TEXT_SIZE] = 0;
        agent.node = agent.health_text = text;

        /* As many files as are remembered: a property of some 60 KiB. */
        health_set_begin(agent.health, false);
        for (unsigned i = 0; i < HEALTH_FILES; i++) {
                HealthEntry *entry;
                char name[64];

                (void) snprintf(name, sizeof name, "metric-%u.json", i);
                assert_int_equal(health_set_meet(agent.health, name, &entry), 1);
                health_set_refuse(agent.health, entry, HEALTH_INVALID, "no JSON: byte 17");
        }
        (void) health_set_end(agent.health);

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                flood_run(flood);
                _exit(1);
        }

        ticker.before = now_usec(CLOCK_MONOTONIC);
        assert_true(sd_event_add_time(agent.event, &ticker.source, CLOCK_MONOTONIC, ticker.before, 1,
                                    on_tick, &ticker) >= 0);
        memory_reset_peak();
        before = memory_kib("VmRSS");
        run_for(agent.event, 2 * USEC_PER_SEC);
        peak = memory_kib("VmHWM");
        assert_int_equal(waitpid(pid, NULL, WNOHANG), 0); /* it still floods */

        (void) kill(pid, SIGKILL);
        (void) waitpid(pid, NULL, 0);

        /* Others are answered again at once. */
        client = client_open(agent.event);
        assert_true(sd_bus_set_method_call_timeout(client, PATIENCE_USEC) >= 0);
        assert_true(sd_bus_call_method_async(client, &reply.slot, AGENT, AGENT_PATH, PROPERTIES, "Get",
                                    on_reply, &reply, "ss", AGENT, "State") >= 0);
        RUN_UNTIL(agent.event, reply.message);
        assert_string_equal(reply_error(&reply), "none");
        reply_done(&reply);
        after = memory_kib("VmRSS");

        print_message("%s%s: %u KiB before, %u at most, %u after; the longest tick took %u ms\n",
                        flood->member, flood->reads ? "" : ", unread", before, peak, after,
                        (unsigned) (ticker.longest / USEC_PER_MSEC));
        if (!MEMORY_IS_WATCHED) {
                assert_in_range(peak, 0, before + flood->growth_max_kib);
                assert_in_range(after, 0, before + flood->growth_max_kib);
        }
        assert_in_range(ticker.longest, 0, USEC_PER_SEC);
        assert_int_equal(agent.losses, 0);

        sd_event_source_disable_unref(ticker.source);
        sd_bus_close_unref(client);
        agent_stop(&agent);
        free(text);
}

/* A small message in the queue, or a call, and what malloc rounds up. */
#define SMALL_KIB 2048
/* A copy of the text, and the message it is sent in, for which sd-bus reserves twice as much
 * (MALLOC_PERTURB_, which meson sets, makes use of it); twice, as one is made when the last is
 * just freed. */
#define BIG_KIB (5 * 8 * 1024 + SMALL_KIB)

#define DEFINE_FLOOD(name, ...)                                                                             \
        static void test_##name(_unused_ void **state) {                                                    \
                static const Flood flood = { __VA_ARGS__ };                                                 \
                                                                                                            \
                flood_measure(&flood);                                                                      \
        }

DEFINE_FLOOD(get_all, PROPERTIES, "GetAll", AGENT, true, CALLS, SMALL_KIB)
DEFINE_FLOOD(get_all_unread, PROPERTIES, "GetAll", AGENT, false, CALLS, SMALL_KIB)
DEFINE_FLOOD(introspect_unread, "org.freedesktop.DBus.Introspectable", "Introspect", NULL, false, CALLS,
                SMALL_KIB)
DEFINE_FLOOD(nothing_unread, AGENT, "Nothing", NULL, false, CALLS, SMALL_KIB)
DEFINE_FLOOD(report_unread, AGENT, "Report", NULL, false, CALLS, SMALL_KIB)
DEFINE_FLOOD(get_node, AGENT, "GetNode", NULL, true, CALLS, BIG_KIB)
DEFINE_FLOOD(get_node_unread, AGENT, "GetNode", NULL, false, CALLS, BIG_KIB)
DEFINE_FLOOD(get_health_unread, AGENT, "GetHealth", NULL, false, CALLS, BIG_KIB)

int main(void) {
        static const struct CMUnitTest tests[] = {
                bus_test(test_get_all),
                bus_test(test_get_all_unread),
                bus_test(test_introspect_unread),
                bus_test(test_nothing_unread),
                bus_test(test_report_unread),
                bus_test(test_get_node),
                bus_test(test_get_node_unread),
                bus_test(test_get_health_unread),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

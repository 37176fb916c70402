/* SPDX-License-Identifier: MIT */
/* Who may call: root, another user with and without a polkit that a test scripts. Callers are processes of
 * that user, on a real bus daemon; the test has to be root to start them. */
#include "bus-fixture.h"

#include <grp.h>

#include "bus/calls.h"

/* nobody and daemon: the bus daemon lets in only users that exist. */
enum { OTHER_UID = 65534, THIRD_UID = 1 };

typedef enum PolkitBehaviour {
        POLKIT_YES,
        POLKIT_NO,
        POLKIT_CHALLENGE,
        POLKIT_PASSWORD, /* a challenge, and then a person who knows the password */
        POLKIT_ERROR,
        POLKIT_NONSENSE,
        POLKIT_SILENT,
} PolkitBehaviour;

typedef struct Polkit {
        sd_bus *bus;
        PolkitBehaviour behaviour;
        unsigned asked;
        char sender[32], action[64];
        uint32_t flags;
        bool is_up;
} Polkit;

static int on_check(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Polkit *polkit = userdata;
        const char *kind, *key, *sender, *action;

        polkit->asked++;
        assert_true(sd_bus_message_enter_container(message, 'r', "sa{sv}") > 0);
        assert_true(sd_bus_message_read(message, "s", &kind) > 0);
        assert_string_equal(kind, "system-bus-name");
        assert_true(sd_bus_message_read(message, "a{sv}", 1, &key, "s", &sender) > 0);
        assert_string_equal(key, "name");
        assert_true(sd_bus_message_exit_container(message) > 0);
        assert_true(sd_bus_message_read(message, "s", &action) > 0);
        assert_true(sd_bus_message_skip(message, "a{ss}") > 0);
        assert_true(sd_bus_message_read(message, "u", &polkit->flags) > 0);
        (void) snprintf(polkit->sender, sizeof polkit->sender, "%s", sender);
        (void) snprintf(polkit->action, sizeof polkit->action, "%s", action);

        switch (polkit->behaviour) {
        case POLKIT_YES:
        case POLKIT_NO:
        case POLKIT_CHALLENGE:
        case POLKIT_PASSWORD:
                if (polkit->behaviour == POLKIT_PASSWORD && polkit->flags)
                        return sd_bus_reply_method_return(message, "(bba{ss})", 1, 0, 0);
                return sd_bus_reply_method_return(message, "(bba{ss})", polkit->behaviour == POLKIT_YES,
                                polkit->behaviour != POLKIT_NO && polkit->behaviour != POLKIT_YES, 0);
        case POLKIT_ERROR:
                return sd_bus_error_set(error, "org.freedesktop.PolicyKit1.Error.Failed", "no such action");
        case POLKIT_NONSENSE:
                return sd_bus_reply_method_return(message, "s", "yes");
        case POLKIT_SILENT:
                break;
        }
        return 1;
}

static int on_polkit_name(_unused_ sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        ((Polkit *) userdata)->is_up = true;
        return 1;
}

static void polkit_start(Polkit *polkit, sd_event *event) {
        *polkit = (Polkit){ .bus = client_open(event) };
        assert_true(sd_bus_add_object(polkit->bus, NULL, "/org/freedesktop/PolicyKit1/Authority", on_check,
                                    polkit) >= 0);
        assert_true(sd_bus_request_name_async(polkit->bus, NULL, "org.freedesktop.PolicyKit1", 0,
                                    on_polkit_name, polkit) >= 0);
        RUN_UNTIL(event, polkit->is_up);
}

/* A process of another user that calls, and says what it got: a line for each answer. */
typedef struct Caller {
        pid_t pid;
        int fd;
        char *answers;
        size_t size, allocated;
        bool is_done;
} Caller;

static int on_caller_reply(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(message);
        unsigned *missing = userdata;

        (*missing)--;
        (void) dprintf(STDOUT_FILENO, "%s\n", e ? strrchr(e->name, '.') + 1 : "ok");
        return 1;
}

static void caller_run(uid_t uid, const char *member, unsigned count, bool is_interactive) {
        unsigned missing = count;
        sd_bus *bus;

        if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
                return;
        bus = client_open(NULL);
        for (unsigned i = 0; i < count; i++) {
                sd_bus_message *call;

                if (sd_bus_message_new_method_call(bus, &call, AGENT, AGENT_PATH, AGENT, member) < 0 ||
                                sd_bus_message_set_allow_interactive_authorization(call, is_interactive) <
                                                0 ||
                                sd_bus_call_async(bus, NULL, call, on_caller_reply, &missing,
                                                60 * USEC_PER_SEC) < 0)
                        return;
                sd_bus_message_unref(call);
        }
        while (missing > 0) {
                int r = sd_bus_process(bus, NULL);

                if (r < 0 || (r == 0 && sd_bus_wait(bus, UINT64_MAX) < 0))
                        return;
        }
        sd_bus_close_unref(bus);
}

static void caller_start(
                Caller *caller, uid_t uid, const char *member, unsigned count, bool is_interactive) {
        int fds[2];

        *caller = (Caller){ 0 };
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        caller->pid = fork();
        assert_true(caller->pid >= 0);
        if (caller->pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) dup2(fds[1], STDOUT_FILENO);
                caller_run(uid, member, count, is_interactive);
                _exit(0);
        }
        (void) close(fds[1]);
        assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
        caller->fd = fds[0];
}

static bool caller_is_done(Caller *caller) {
        ssize_t n;

        do {
                if (caller->size + 4096 > caller->allocated) {
                        caller->allocated = caller->size + 65536;
                        caller->answers = realloc(caller->answers, caller->allocated);
                        assert_non_null(caller->answers);
                }
                n = read(caller->fd, caller->answers + caller->size, 4095);
                if (n > 0)
                        caller->size += (size_t) n;
        } while (n > 0);
        caller->answers[caller->size] = 0;
        caller->is_done = n == 0;
        return caller->is_done;
}

static size_t caller_count(const Caller *caller, const char *answer) {
        size_t count = 0, size = strlen(answer);

        for (const char *p = caller->answers; *p; p = strchr(p, '\n') + 1)
                count += strncmp(p, answer, size) == 0 && p[size] == '\n';
        return count;
}

static void caller_end(Caller *caller) {
        if (!caller->is_done)
                (void) kill(caller->pid, SIGKILL);
        (void) waitpid(caller->pid, NULL, 0);
        (void) close(caller->fd);
        free(caller->answers);
}

static void assert_caller(
                Agent *agent, uid_t uid, const char *member, bool is_interactive, const char *answer) {
        Caller caller;

        caller_start(&caller, uid, member, 1, is_interactive);
        RUN_UNTIL(agent->event, caller_is_done(&caller));
        if (caller_count(&caller, answer) != 1)
                fail_msg("%s by %u: %s instead of %s", member, (unsigned) uid, caller.answers, answer);
        caller_end(&caller);
}

static void skip_unless_root(void) {
        if (geteuid() != 0)
                skip();
}

static void test_root_needs_no_polkit(_unused_ void **state) {
        Polkit polkit;
        Agent agent;

        skip_unless_root();
        agent_start(&agent);
        agent.node = "{}";
        assert_caller(&agent, 0, "GetNode", false, "ok");

        polkit_start(&polkit, agent.event);
        polkit.behaviour = POLKIT_NO;
        assert_caller(&agent, 0, "GetNode", false, "ok");
        assert_int_equal(polkit.asked, 0);

        sd_bus_close_unref(polkit.bus);
        agent_stop(&agent);
}

static void test_others_need_polkit(_unused_ void **state) {
        static const struct {
                PolkitBehaviour behaviour;
                bool is_interactive;
                const char *member, *action, *answer;
                unsigned asked; /* how often: a person is only asked if polkit says that it would help */
        } cases[] = {
                { POLKIT_YES, false, "GetNode", "org.argus.Agent1.read-data", "ok", 1 },
                { POLKIT_YES, true, "GetHealth", "org.argus.Agent1.read-data", "ok", 1 },
                { POLKIT_NO, false, "GetNode", "org.argus.Agent1.read-data", "AccessDenied", 1 },
                { POLKIT_NO, true, "Report", "org.argus.Agent1.report", "AccessDenied", 1 },
                { POLKIT_CHALLENGE, false, "Reregister", "org.argus.Agent1.reregister",
                                "InteractiveAuthorizationRequired", 1 },
                { POLKIT_CHALLENGE, true, "Reregister", "org.argus.Agent1.reregister",
                                "InteractiveAuthorizationRequired", 2 },
                { POLKIT_PASSWORD, false, "GetNode", "org.argus.Agent1.read-data",
                                "InteractiveAuthorizationRequired", 1 },
                { POLKIT_PASSWORD, true, "GetNode", "org.argus.Agent1.read-data", "ok", 2 },
                { POLKIT_ERROR, false, "GetNode", "org.argus.Agent1.read-data", "AccessDenied", 1 },
                { POLKIT_NONSENSE, false, "GetNode", "org.argus.Agent1.read-data", "AccessDenied", 1 },
        };
        Polkit polkit;
        Agent agent;

        skip_unless_root();
        agent_start(&agent);
        agent.node = agent.health_text = "{}";
        assert_caller(&agent, OTHER_UID, "GetNode", false, "AccessDenied"); /* there is none */

        polkit_start(&polkit, agent.event);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                polkit.behaviour = cases[i].behaviour;
                polkit.asked = 0;
                assert_caller(&agent, OTHER_UID, cases[i].member, cases[i].is_interactive, cases[i].answer);
                assert_int_equal(polkit.asked, cases[i].asked);
                assert_string_equal(polkit.action, cases[i].action);
                assert_int_equal(polkit.sender[0], ':');
                assert_int_equal(polkit.flags, cases[i].asked - 1);
        }
        assert_int_equal(agent.reports + agent.reregisters, 0);

        /* One that says nothing is a no after 5 s, for those too who would type a password. */
        polkit.behaviour = POLKIT_SILENT;
        assert_caller(&agent, OTHER_UID, "GetNode", true, "AccessDenied");

        sd_bus_close_unref(polkit.bus);
        run_for(agent.event, 50 * USEC_PER_MSEC);
        assert_caller(&agent, OTHER_UID, "GetNode", false, "AccessDenied");
        agent_stop(&agent);
}

static void assert_own_user(BusKind kind, const char *answer) {
        Agent agent;
        sd_bus *client;
        Reply reply;

        agent_start_and_wait(&agent, kind);
        agent.node = "{}";
        client = client_open(agent.event);
        call_send(client, "GetNode", &reply);
        RUN_UNTIL(agent.event, reply.message);
        assert_string_equal(reply_error(&reply), answer);
        reply_done(&reply);
        sd_bus_flush_close_unref(client);
        agent_stop(&agent);
}

/* On the system's bus it is a user like others, on its own it is let in. */
static void test_own_user(_unused_ void **state) {
        bool is_root = geteuid() == 0;

        if (is_root)
                assert_int_equal(seteuid(OTHER_UID), 0);
        assert_int_equal(setenv("DBUS_SESSION_BUS_ADDRESS", daemon_address(), true), 0);
        assert_own_user(BUS_AUTO, SD_BUS_ERROR_ACCESS_DENIED);
        assert_own_user(BUS_USER, "none");
        if (is_root)
                assert_int_equal(seteuid(0), 0);
}

/* Nobody may on behalf of a sender that the bus does not know any more. */
static void test_sender_is_gone(_unused_ void **state) {
        sd_bus *client;
        Agent agent;
        Reply reply;

        agent_start_for_own_user(&agent);
        client = client_open(NULL);
        assert_true(sd_bus_call_method_async(client, NULL, AGENT, AGENT_PATH, AGENT, "Report", on_reply,
                                    &reply, NULL) >= 0);
        sd_bus_flush_close_unref(client);
        run_for(agent.event, 100 * USEC_PER_MSEC);
        assert_int_equal(agent.reports, 0);
        agent_stop(&agent);
}

static int begin_from(BusCalls *calls, sd_bus *bus, size_t sender) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        char name[16];
        int r;

        (void) snprintf(name, sizeof name, ":1.%zu", 100 + sender);
        assert_true(sd_bus_message_new_method_call(bus, &message, NULL, AGENT_PATH, AGENT, "Report") >= 0);
        assert_true(sd_bus_message_set_sender(message, name) >= 0);
        assert_true(sd_bus_message_seal(message, 7, 0) >= 0);
        r = bus_calls_begin(calls, message, &error);
        assert_true(r == 1 || sd_bus_error_has_name(&error, SD_BUS_ERROR_LIMITS_EXCEEDED));
        return r;
}

/* Those that are looked up are counted, in all and of a sender, and forgotten when the bus goes. */
static void test_pending_lookups(_unused_ void **state) {
        enum { SENDERS = 65, OF_EACH = 8 };
        _cleanup_(bus_calls_free_pointer) BusCalls *calls = NULL;
        Agent agent;

        agent_start(&agent);
        assert_int_equal(bus_calls_new(agent.event, false, &handlers, &agent, &calls), 0);
        daemon_stop();
        for (size_t s = 0; s < SENDERS; s++) {
                for (size_t i = 0; i < OF_EACH; i++)
                        assert_int_equal(begin_from(calls, bus_get(agent.bus), s), 1);
                if (s < SENDERS - 1)
                        assert_true(begin_from(calls, bus_get(agent.bus), s) < 0);
        }
        assert_int_equal(bus_calls_count(calls, CALL_LOOKUP, NULL, (uid_t) -1), 512);
        assert_int_equal(bus_calls_count(calls, ~0U, NULL, (uid_t) -1), 512);

        bus_calls_reset(calls);
        assert_int_equal(begin_from(calls, bus_get(agent.bus), 64), 1);
        assert_int_equal(bus_calls_count(calls, CALL_LOOKUP, NULL, (uid_t) -1), 1);
        bus_calls_reset(calls);

        daemon_kill();
        RUN_UNTIL(agent.event, agent.losses == 1);
        assert_int_equal(agent.reports, 0);
        agent_stop(&agent);
}

/* A user who keeps polkit busy with thousands of calls from several connections: neither root nor another
 * user is kept out, and polkit is asked few things at a time. */
static void test_flood_of_one_user(_unused_ void **state) {
        enum { CALLERS = 10, CALLS = 1000 };
        Caller callers[CALLERS];
        Polkit polkit;
        Agent agent;
        size_t n_denied = 0, n_limited = 0;

        skip_unless_root();
        agent_start(&agent);
        agent.node = "{}";
        polkit_start(&polkit, agent.event);
        polkit.behaviour = POLKIT_SILENT;

        for (size_t i = 0; i < CALLERS; i++)
                caller_start(&callers[i], OTHER_UID, i % 2 ? "GetNode" : "Report", CALLS, false);
        RUN_UNTIL(agent.event, polkit.asked >= 8);

        assert_caller(&agent, 0, "GetNode", false, "ok");
        polkit.behaviour = POLKIT_YES;
        assert_caller(&agent, THIRD_UID, "GetNode", false, "ok");
        assert_caller(&agent, 0, "GetNode", false, "ok");
        polkit.behaviour = POLKIT_NO;

        for (size_t i = 0; i < CALLERS; i++) {
                RUN_UNTIL(agent.event, caller_is_done(&callers[i]));
                n_denied += caller_count(&callers[i], "AccessDenied");
                n_limited += caller_count(&callers[i], "LimitsExceeded");
                caller_end(&callers[i]);
        }
        assert_int_equal(n_denied + n_limited, CALLERS * CALLS);
        assert_in_range(n_denied, 8, CALLERS * CALLS - 1);
        assert_int_equal(agent.reports, 0);

        sd_bus_close_unref(polkit.bus);
        agent_stop(&agent);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                bus_test(test_root_needs_no_polkit),
                bus_test(test_others_need_polkit),
                bus_test(test_own_user),
                bus_test(test_sender_is_gone),
                bus_test(test_pending_lookups),
                bus_test(test_flood_of_one_user),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

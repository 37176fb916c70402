/* SPDX-License-Identifier: MIT */
/* The object on a real bus daemon: properties, change signals, methods and their waiting callers. */
#include "bus-fixture.h"

#include <syslog.h>

#include "sys/log.h"
#include "core/health-entry.h"
#include "core/health-set.h"

static void call_property(sd_bus *client, const char *member, const char *name, Reply *reply) {
        *reply = (Reply){ 0 };
        assert_true(sd_bus_call_method_async(client, &reply->slot, AGENT, AGENT_PATH, PROPERTIES, member,
                                    on_reply, reply, name ? "ss" : "s", AGENT, name) >= 0);
}

static void status_fill(AgentStatus *status) {
        *status = (AgentStatus){
                .version = "1.0.0",
                .hostname = "dev-alice-web01",
                .health_directory = "/private/argus/agent/dev-alice-web01/health",
                .master_endpoint = "http://master:3000",
                .env = "dev",
                .user = "alice",
                .instance = "web01",
                .identity_source = "hostname",
                .node_id = "A7",
                .is_registered = true,
                .state = "online",
                .address = "10.0.0.5",
                .last_registration_usec = 11,
                .last_report_status = "failed",
                .last_report_usec = 12,
                .last_successful_report_usec = 13,
                .next_report_usec = UINT64_C(1) << 60,
                .last_report_http_status = 503,
                .last_report_error = "no",
                .consecutive_failures = 3,
                .reports_succeeded = 4,
                .reports_failed = UINT64_C(5) << 40,
                .registrations = 6,
        };
}

/* In the order of the contract; `number` for b, t and u. */
static const struct {
        const char *name, *type, *text;
        uint64_t number;
} expected[] = {
        { "Version", "s", "1.0.0", 0 },
        { "Hostname", "s", "dev-alice-web01", 0 },
        { "HealthDirectory", "s", "/private/argus/agent/dev-alice-web01/health", 0 },
        { "MasterEndpoint", "s", "http://master:3000", 0 },
        { "Env", "s", "dev", 0 },
        { "User", "s", "alice", 0 },
        { "Instance", "s", "web01", 0 },
        { "IdentitySource", "s", "hostname", 0 },
        { "NodeId", "s", "A7", 0 },
        { "Registered", "b", NULL, true },
        { "StatePersisted", "b", NULL, false },
        { "State", "s", "online", 0 },
        { "Address", "s", "10.0.0.5", 0 },
        { "LastRegistrationTimestamp", "t", NULL, 11 },
        { "LastReportStatus", "s", "failed", 0 },
        { "LastReportTimestamp", "t", NULL, 12 },
        { "LastSuccessfulReportTimestamp", "t", NULL, 13 },
        { "NextReportTimestamp", "t", NULL, UINT64_C(1) << 60 },
        { "LastReportHttpStatus", "u", NULL, 503 },
        { "LastReportError", "s", "no", 0 },
        { "ConsecutiveFailures", "u", NULL, 3 },
        { "ReportsSucceeded", "t", NULL, 4 },
        { "ReportsFailed", "t", NULL, UINT64_C(5) << 40 },
        { "Registrations", "t", NULL, 6 },
        { "HealthFiles", "a(sss)", NULL, 0 },
};

static void health_fill(HealthSet *set) {
        HealthEntry *entry;

        health_set_begin(set, false);
        assert_int_equal(health_set_meet(set, "log-fluentbit.json", &entry), 1);
        assert_int_equal(health_set_content(set, entry, HEALTH_OLD, strdup("{\"a\":1}"), 7), 0);
        assert_int_equal(health_set_meet(set, "log-x.json", &entry), 1);
        health_set_refuse(set, entry, HEALTH_UNREADABLE, "mode \xEF\xBF\xBF\xFF");
        (void) health_set_end(set);
}

static void assert_value(sd_bus_message *message, size_t index) {
        const char *name = expected[index].name, *type = expected[index].type, *text, *verdict, *reason;
        uint64_t number = 0;
        uint32_t small = 0;
        int boolean = 0;

        assert_true(sd_bus_message_enter_container(message, 'v', type) > 0);
        switch (type[0]) {
        case 's':
                assert_true(sd_bus_message_read(message, "s", &text) > 0);
                assert_string_equal(text, expected[index].text);
                break;
        case 'b':
                assert_true(sd_bus_message_read(message, "b", &boolean) > 0);
                assert_int_equal(boolean, expected[index].number);
                break;
        case 'u':
                assert_true(sd_bus_message_read(message, "u", &small) > 0);
                assert_int_equal(small, expected[index].number);
                break;
        case 't':
                assert_true(sd_bus_message_read(message, "t", &number) > 0);
                assert_int_equal(number, expected[index].number);
                break;
        default:
                assert_string_equal(name, "HealthFiles");
                assert_true(sd_bus_message_enter_container(message, 'a', "(sss)") > 0);
                assert_true(sd_bus_message_read(message, "(sss)", &text, &verdict, &reason) > 0);
                assert_string_equal(text, "log-fluentbit");
                assert_string_equal(verdict, "ok");
                assert_string_equal(reason, "");
                assert_true(sd_bus_message_read(message, "(sss)", &text, &verdict, &reason) > 0);
                assert_string_equal(text, "log-x");
                assert_string_equal(verdict, "unreadable");
                assert_string_equal(reason, "mode \xEF\xBF\xBD\xEF\xBF\xBD");
                assert_true(sd_bus_message_exit_container(message) > 0);
        }
        assert_true(sd_bus_message_exit_container(message) > 0);
}

static void test_properties(_unused_ void **state) {
        const char *name;
        Agent agent;
        sd_bus *client;
        Reply reply;

        agent_start(&agent);
        client = client_open(agent.event);
        status_fill(&agent.status);
        health_fill(agent.health);
        bus_publish(agent.bus, &agent.status);

        for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                call_property(client, "Get", expected[i].name, &reply);
                RUN_UNTIL(agent.event, reply.message);
                assert_string_equal(reply_error(&reply), "none");
                assert_value(reply.message, i);
                reply_done(&reply);
        }

        call_property(client, "GetAll", NULL, &reply);
        RUN_UNTIL(agent.event, reply.message);
        assert_true(sd_bus_message_enter_container(reply.message, 'a', "{sv}") > 0);
        for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                assert_true(sd_bus_message_enter_container(reply.message, 'e', "sv") > 0);
                assert_true(sd_bus_message_read(reply.message, "s", &name) > 0);
                assert_string_equal(name, expected[i].name);
                assert_value(reply.message, i);
                assert_true(sd_bus_message_exit_container(reply.message) > 0);
        }
        assert_true(sd_bus_message_at_end(reply.message, false) > 0);
        reply_done(&reply);

        sd_bus_flush_close_unref(client);
        agent_stop(&agent);
}

/* What is no UTF-8, and noncharacters, which sd-bus sends neither: GetAll goes on working. */
static void test_properties_of_any_bytes(_unused_ void **state) {
        Agent agent;
        sd_bus *client;
        Reply reply;
        const char *text;

        agent_start(&agent);
        client = client_open(agent.event);
        strcpy(agent.status.last_report_error, "bad \xC3\x28 \xEF\xBF\xBE \xEF\xB7\x90 \xED\xA0\x80 end");
        strcpy(agent.status.node_id, "\xFF");
        strcpy(agent.status.version, "\x80\x81");
        bus_publish(agent.bus, &agent.status);

        call_property(client, "Get", "LastReportError", &reply);
        RUN_UNTIL(agent.event, reply.message);
        assert_true(sd_bus_message_read(reply.message, "v", "s", &text) > 0);
        assert_non_null(strstr(text, "bad \xEF\xBF\xBD"));
        assert_non_null(strstr(text, " end"));
        reply_done(&reply);

        call_property(client, "GetAll", NULL, &reply);
        RUN_UNTIL(agent.event, reply.message);
        assert_string_equal(reply_error(&reply), "none");
        reply_done(&reply);

        sd_bus_flush_close_unref(client);
        agent_stop(&agent);
}

static char *interface_of(const char *xml) {
        const char *start = strstr(xml, "<interface name=\"org.argus.Agent1\">"), *end;
        char *text, *out;

        assert_non_null(start);
        end = strstr(start, "</interface>");
        assert_non_null(end);
        text = out = calloc(1, (size_t) (end - start) * 2 + 1);
        assert_non_null(text);

        /* Without comments and white space between tags; <x/> and <x></x> are the same. */
        while (start < end) {
                if (strncmp(start, "<!--", 4) == 0)
                        start = strstr(start, "-->") + 3;
                else if (start[0] == '/' && start[1] == '>') {
                        char *tag = out;

                        while (*--tag != '<')
                                ;
                        out += sprintf(out, "></%.*s>", (int) strcspn(tag + 1, " "), tag + 1);
                        start += 2;
                } else if (strchr(" \n\t", *start)) {
                        start += strspn(start, " \n\t");
                        if (*start != '<' && *start != '>')
                                *out++ = ' ';
                } else
                        *out++ = *start++;
        }
        return text;
}

/* libsystemd up to 247 leaves out the names of what a method without arguments returns. */
static void drop_output_names(char *xml) {
        char *out = xml;

        while (*xml) {
                char *end = strncmp(xml, " name=\"", 7) == 0 ? strchr(xml + 7, '"') : NULL;

                if (end && strncmp(end, "\" direction=\"out\"", 17) == 0)
                        xml = end + 1;
                *out++ = *xml++;
        }
        *out = 0;
}

/* The file is where a client's author looks; the agent is what answers. */
static void test_introspection(_unused_ void **state) {
        char path[512], *slash;
        _cleanup_free_ char *file = NULL, *in_file = NULL, *in_agent = NULL;
        _cleanup_close_ int fd = -1;
        size_t size;
        Agent agent;
        sd_bus *client;
        Reply reply = { 0 };

        (void) snprintf(path, sizeof path, "%s", __FILE__);
        slash = strrchr(path, '/');
        assert_non_null(slash);
        strcpy(slash, "/../../dbus/org.argus.Agent1.xml");
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(fd_read_all(fd, 1024 * 1024, &file, &size), 0);

        agent_start(&agent);
        client = client_open(agent.event);
        assert_true(sd_bus_call_method_async(client, &reply.slot, AGENT, AGENT_PATH,
                                    "org.freedesktop.DBus.Introspectable", "Introspect", on_reply, &reply,
                                    NULL) >= 0);
        RUN_UNTIL(agent.event, reply.message);

        in_file = interface_of(file);
        in_agent = interface_of(reply_text(&reply));
        if (!strstr(in_agent, "name=\"node_id\" direction=\"out\""))
                drop_output_names(in_file);
        assert_string_equal(in_agent, in_file);

        reply_done(&reply);
        sd_bus_flush_close_unref(client);
        agent_stop(&agent);
}

/* Change signals. */

typedef struct Changes {
        bool is_subscribed;
        unsigned count;
        char names[512], invalidated[128]; /* of the last one, each followed by a space */
        uint32_t failures;                 /* the value of ConsecutiveFailures, if it was there */
} Changes;

static int on_changed(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        Changes *changes = userdata;
        const char *interface, *name;

        changes->count++;
        changes->names[0] = changes->invalidated[0] = 0;
        assert_true(sd_bus_message_read(message, "s", &interface) > 0);
        assert_string_equal(interface, AGENT);
        assert_true(sd_bus_message_enter_container(message, 'a', "{sv}") > 0);
        while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
                assert_true(sd_bus_message_read(message, "s", &name) > 0);
                strcat(strcat(changes->names, name), " ");
                if (streq(name, "ConsecutiveFailures"))
                        assert_true(sd_bus_message_read(message, "v", "u", &changes->failures) > 0);
                else
                        assert_true(sd_bus_message_skip(message, "v") > 0);
                assert_true(sd_bus_message_exit_container(message) > 0);
        }
        assert_true(sd_bus_message_exit_container(message) > 0);
        assert_true(sd_bus_message_enter_container(message, 'a', "s") > 0);
        while (sd_bus_message_read(message, "s", &name) > 0)
                strcat(strcat(changes->invalidated, name), " ");
        return 0;
}

static int on_subscribed(_unused_ sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        ((Changes *) userdata)->is_subscribed = true;
        return 0;
}

static void changes_subscribe(Agent *agent, sd_bus *client, Changes *changes) {
        *changes = (Changes){ 0 };
        assert_true(sd_bus_add_match_async(client, NULL,
                                    "type='signal',sender='" AGENT "',path='" AGENT_PATH
                                    "',interface='" PROPERTIES "',member='PropertiesChanged'",
                                    on_changed, on_subscribed, changes) >= 0);
        RUN_UNTIL(agent->event, changes->is_subscribed);
}

static void test_changes(_unused_ void **state) {
        Changes changes = { 0 };
        Agent agent;
        sd_bus *client;

        agent_start(&agent);
        client = client_open(agent.event);
        changes_subscribe(&agent, client, &changes);

        /* Several changes of one step are one signal. */
        strcpy(agent.status.state, "retrying");
        agent.status.consecutive_failures = 7;
        strcpy(agent.status.last_report_error, "no route");
        agent.status.reports_failed = 7;
        agent.status.health_generation++;
        bus_publish(agent.bus, &agent.status);
        RUN_UNTIL(agent.event, changes.count > 0);
        assert_string_equal(changes.names, "State LastReportError ConsecutiveFailures ");
        assert_string_equal(changes.invalidated, "HealthFiles ");
        assert_int_equal(changes.failures, 7);

        /* No change, no signal; nor for what is only counted. */
        bus_publish(agent.bus, &agent.status);
        agent.status.reports_failed = 8;
        bus_publish(agent.bus, &agent.status);
        run_for(agent.event, 100 * USEC_PER_MSEC);
        assert_int_equal(changes.count, 1);

        agent.status.health_generation++;
        bus_publish(agent.bus, &agent.status);
        RUN_UNTIL(agent.event, changes.count > 1);
        assert_string_equal(changes.names, "");
        assert_string_equal(changes.invalidated, "HealthFiles ");
        run_for(agent.event, 50 * USEC_PER_MSEC);
        assert_int_equal(changes.count, 2);

        sd_bus_flush_close_unref(client);
        agent_stop(&agent);
}

/* Days of a daemon that hangs: the signals of all of them are one. */
static void test_changes_wait_for_the_bus(_unused_ void **state) {
        Changes changes = { 0 };
        uint64_t queued;
        Agent agent;
        sd_bus *client;

        agent_start(&agent);
        client = client_open(agent.event);
        changes_subscribe(&agent, client, &changes);

        daemon_stop();
        for (uint32_t i = 1; i <= 20000; i++) {
                agent.status.consecutive_failures = i;
                memset(agent.status.last_report_error, 'a' + (char) (i % 26), 600);
                bus_publish(agent.bus, &agent.status);
                assert_true(sd_event_run(agent.event, 0) >= 0);
        }
        assert_true(sd_bus_get_n_queued_write(bus_get(agent.bus), &queued) >= 0);
        assert_in_range(queued, 1, 16);
        daemon_continue();

        RUN_UNTIL(agent.event, changes.failures == 20000);
        assert_in_range(changes.count, 2, 2000);
        assert_int_equal(agent.losses, 0);

        sd_bus_flush_close_unref(client);
        agent_stop(&agent);
}

/* The log's level. */

static void log_control_set(
                Agent *agent, sd_bus *client, const char *property, const char *value, const char *error) {
        Reply reply = { 0 };

        assert_true(sd_bus_call_method_async(client, &reply.slot, AGENT, "/org/freedesktop/LogControl1",
                                    PROPERTIES, "Set", on_reply, &reply, "ssv",
                                    "org.freedesktop.LogControl1", property, "s", value) >= 0);
        RUN_UNTIL(agent->event, reply.message);
        assert_string_equal(reply_error(&reply), error);
        reply_done(&reply);
}

static void test_log_control(_unused_ void **state) {
        static const char *const values[][2] = {
                { "LogLevel", "info" },
                { "LogTarget", "console" },
                { "SyslogIdentifier", "argus-agent" },
        };
        const char *text;
        Agent agent;
        sd_bus *client;
        Reply reply;

        agent_start(&agent);
        log_set_level(LOG_INFO);
        client = client_open(agent.event);

        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                reply = (Reply){ 0 };
                assert_true(sd_bus_call_method_async(client, &reply.slot, AGENT,
                                            "/org/freedesktop/LogControl1", PROPERTIES, "Get", on_reply,
                                            &reply, "ss", "org.freedesktop.LogControl1", values[i][0]) >= 0);
                RUN_UNTIL(agent.event, reply.message);
                assert_true(sd_bus_message_read(reply.message, "v", "s", &text) > 0);
                assert_string_equal(text, values[i][1]);
                reply_done(&reply);
        }

        log_control_set(&agent, client, "LogLevel", "debug", "none");
        assert_int_equal(log_get_level(), LOG_DEBUG);
        log_control_set(&agent, client, "LogLevel", "err", "none");
        assert_int_equal(log_get_level(), LOG_ERR);
        log_control_set(&agent, client, "LogLevel", "loud", SD_BUS_ERROR_INVALID_ARGS);
        log_control_set(&agent, client, "LogLevel", "", SD_BUS_ERROR_INVALID_ARGS);
        log_control_set(&agent, client, "LogLevel", "7", SD_BUS_ERROR_INVALID_ARGS);
        log_control_set(&agent, client, "LogTarget", "console", "none");
        log_control_set(&agent, client, "LogTarget", "journal", SD_BUS_ERROR_NOT_SUPPORTED);
        log_control_set(&agent, client, "SyslogIdentifier", "x", SD_BUS_ERROR_PROPERTY_READ_ONLY);
        assert_int_equal(log_get_level(), LOG_ERR);

        sd_bus_flush_close_unref(client);
        agent_stop(&agent);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                bus_test(test_properties),
                bus_test(test_properties_of_any_bytes),
                bus_test(test_introspection),
                bus_test(test_changes),
                bus_test(test_changes_wait_for_the_bus),
                bus_test(test_log_control),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

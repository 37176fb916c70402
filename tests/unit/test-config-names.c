/* SPDX-License-Identifier: MIT */
/* Names: near misses of variables and what must not be taken for one, host names, enumerations. */
#include "config-fixture.h"

#include <syslog.h>

#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16
#define X253 X64 X64 X64 X16 X16 X16 "xxxxxxxxxxxxx"

static void test_near_misses(void **state _unused_) {
        static const struct {
                const char *entry, *meant;
        } cases[] = {
                { "MASTER_ENDPIONT=http://user:s3cret@host", "MASTER_ENDPOINT" },
                { "MASTER_ENDPOINTS=s3cret", "MASTER_ENDPOINT" },
                { "MASTER_ENDPOIT=s3cret", "MASTER_ENDPOINT" },
                { "MASTERENDPOINT=s3cret", "MASTER_ENDPOINT" },
                { "master_endpoint=s3cret", "MASTER_ENDPOINT" },
                { "Master_Endpiont=s3cret", "MASTER_ENDPOINT" },
                { " MASTER_ENDPOINT=s3cret", "MASTER_ENDPOINT" },
                { "MASTER_ENDPOINT\x1b=s3cret", "MASTER_ENDPOINT" },
                { "MASTER_ENDPOINT =", "MASTER_ENDPOINT" },
                { "REPORT_INTERVAL_SECOND=5", "REPORT_INTERVAL_SECONDS" },
                { "report_interval_second=5", "REPORT_INTERVAL_SECONDS" },
                { "AGENT_HOST_NAME=x", "AGENT_HOSTNAME" },
                { "AGENT_STATEROOT=/x", "AGENT_STATE_ROOT" },
                { "AGENT_STATE_ROOT_=/x", "AGENT_STATE_ROOT" },
                { "AGENT_LOG_LEVLE=x", "AGENT_LOG_LEVEL" },
                { "AGENT_LOGTARGET=x", "AGENT_LOG_TARGET" },
                { "AGENT_WATCH_UNIT=x", "AGENT_WATCH_UNITS" },
                { "AGENT_WATCHUNIT=x", "AGENT_WATCH_UNITS" },
                { "AGENT_ENVS=x", "AGENT_ENV" },
                { "AGENT_USR=x", "AGENT_USER" },
                { "AGENT_BSU=x", "AGENT_BUS" },
                { "AGNET_ADDRESS=x", "AGENT_ADDRESS" },
                { "MASTER_CAFILE=x", "MASTER_CA_FILE" },
                { "MASTER_TOKENFILE=x", "MASTER_TOKEN_FILE" },
                { "MASTER_CLIENT_CERTFILE=x", "MASTER_CLIENT_CERT_FILE" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                ConfigMessages messages;
                Config config;

                assert_int_equal(parse(ENTRIES(cases[i].entry), &config, &messages), 0);
                if (messages.count != 1)
                        fail_msg("%s: %zu messages", cases[i].entry, messages.count);
                check_messages(&messages);
                assert_false(messages.items[0].is_error);
                assert_string_equal(messages.items[0].variable, cases[i].meant);
                assert_non_null(strstr(messages.items[0].text, cases[i].meant));
                assert_null(strstr(messages.items[0].text, "s3cret"));
                config_done(&config);
                config_messages_done(&messages);
        }
}

static void test_foreign_names(void **state _unused_) {
        static const char *const cases[] = {
                "MASTER_SERVICE_HOST=10.0.0.1",
                "MASTER_SERVICE_PORT=80",
                "MASTER_PORT=tcp://10.0.0.1:80",
                "MASTER_PORT_80_TCP=x",
                "MASTER_HOST=x",
                "MASTER_URL=x",
                "MASTER_TOKEN=x",
                "MASTER_KEY_FILE=x",
                "MASTER_ENDPOINT_SERVICE_HOST=x",
                "MASTER=x",
                "AGENT_PID=1",
                "AGENT_UID=1",
                "AGENT_ID=1",
                "AGENT_OS=x",
                "AGENT_URL=x",
                "AGENT_NAME=x",
                "AGENT_HOME=x",
                "AGENT_PORT=x",
                "AGENT_HOST=x",
                "AGENT_VERSION=x",
                "AGENT=x",
                "SSH_AGENT_PID=1",
                "SSH_AUTH_SOCK=/x",
                "GPG_AGENT_INFO=x",
                "USER=root",
                "HOSTNAME=h",
                "ENV=x",
                "ADDRESS=x",
                "REPORT_INTERVAL=5",
                "LOG_LEVEL=x",
                "NOTIFY_SOCKET=/x",
                "=x",
                "=",
                "",
                "MASTER_ENDPIONT", /* no variable */
                "MASTER_ENDPOINT",
                "REPORT_INTERVAL_SECONDS",
        };
        _cleanup_free_ char *large = calloc(1, 1024 * 1024);
        Config config;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                accept_entries(ENTRIES(cases[i]), &config);
                assert_int_equal(config.report_interval_usec, 60 * USEC_PER_SEC);
                config_done(&config);
        }

        assert_non_null(large);
        memset(large, 'M', 1024 * 1024 - 1);
        large[1024 * 1024 - 3] = '=';
        accept_entries(ENTRIES(large), &config);
        config_done(&config);
}

static void test_hostname_is_valid(void **state _unused_) {
        assert_false(config_hostname_is_valid(NULL));
        assert_false(config_hostname_is_valid(""));
        assert_false(config_hostname_is_valid("."));
        assert_false(config_hostname_is_valid(".."));
        assert_false(config_hostname_is_valid("a/b"));
        assert_false(config_hostname_is_valid("a:b"));
        assert_false(config_hostname_is_valid(X253 "x"));
        assert_true(config_hostname_is_valid(X253));
        assert_true(config_hostname_is_valid("aZ09._-"));
}

static void test_hostname_is_local(void **state _unused_) {
        assert_true(config_hostname_is_local("localhost"));
        assert_true(config_hostname_is_local("LocalHost.localdomain"));
        assert_true(config_hostname_is_local("localhost6.localdomain6"));
        assert_true(config_hostname_is_local("localhost4"));
        assert_false(config_hostname_is_local("localhost7"));
        assert_false(config_hostname_is_local("localhost-alice-web01"));
        assert_false(config_hostname_is_local("local"));
        assert_false(config_hostname_is_local("web.localhost"));
}

static void test_names(void **state _unused_) {
        static const char *const levels[] = { "err", "warning", "notice", "info", "debug" };
        LogTarget target = LOG_TARGET_CONSOLE;
        int level = 99;

        assert_string_equal(bus_kind_to_string(BUS_AUTO), "auto");
        assert_string_equal(bus_kind_to_string(BUS_SYSTEM), "system");
        assert_string_equal(bus_kind_to_string(BUS_USER), "user");
        assert_string_equal(bus_kind_to_string(BUS_NONE), "none");
        assert_string_equal(log_target_to_string(LOG_TARGET_AUTO), "auto");
        assert_string_equal(log_target_to_string(LOG_TARGET_JOURNAL), "journal");
        assert_string_equal(log_target_to_string(LOG_TARGET_CONSOLE), "console");
        assert_string_equal(log_target_to_string(LOG_TARGET_JSON), "json");

        assert_int_equal(log_target_from_string(NULL, &target), -EINVAL);
        assert_int_equal(target, LOG_TARGET_CONSOLE);
        assert_int_equal(log_target_from_string("Json", &target), 0);
        assert_int_equal(target, LOG_TARGET_JSON);
        assert_int_equal(log_level_from_string(NULL, &level), -EINVAL);
        assert_int_equal(log_level_from_string("", &level), -EINVAL);
        assert_int_equal(log_level_from_string("crit", &level), -EINVAL);
        assert_int_equal(level, 99);
        for (int i = 0; i < (int) ELEMENTSOF(levels); i++) {
                assert_int_equal(log_level_from_string(levels[i], &level), 0);
                assert_int_equal(level, LOG_ERR + i);
                assert_string_equal(log_level_to_string(level), levels[i]);
        }
        assert_int_equal(log_level_from_string("Info", &level), 0);
        assert_int_equal(level, LOG_INFO);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_near_misses),
                cmocka_unit_test(test_foreign_names),
                cmocka_unit_test(test_hostname_is_valid),
                cmocka_unit_test(test_hostname_is_local),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The configuration: each variable with good and bad values, set, empty and missing. */
#include "config-fixture.h"

#include <stdio.h>
#include <syslog.h>

#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16
#define X253 X64 X64 X64 X16 X16 X16 "xxxxxxxxxxxxx"
#define X255 X253 "xx"

static void test_defaults(void **state _unused_) {
        Config config;

        accept_entries(ENTRIES("PATH=/bin"), &config);

        assert_int_equal(config.n_endpoints, 1);
        assert_string_equal(config.endpoints[0].url, "http://localhost:3000");
        assert_int_equal(config.report_interval_usec, 60 * USEC_PER_SEC);
        assert_int_equal(config.master_timeout_usec, 10 * USEC_PER_SEC);
        assert_string_equal(config.hostname, "dev-alice-web01");
        assert_null(config.env);
        assert_null(config.user);
        assert_null(config.instance);
        assert_null(config.address);
        assert_string_equal(config.state_root, "/private/argus/agent");
        assert_int_equal(config.health_max_age_usec, 0);
        assert_null(config.watch_units);
        assert_int_equal(config.n_watch_units, 0);
        assert_false(config.report_on_change);
        assert_null(config.ca_file);
        assert_null(config.token_file);
        assert_null(config.client_cert_file);
        assert_null(config.client_key_file);
        assert_int_equal(config.bus, BUS_AUTO);
        assert_int_equal(config.log_target, LOG_TARGET_AUTO);
        assert_int_equal(config.log_level, LOG_INFO);
        config_done(&config);
        assert_null(config.hostname);
}

static const char *const all_set[] = {
        "MASTER_ENDPOINT=https://one:3000/p/ , https://[fd00::1] ,http://127.0.0.1:3000",
        "REPORT_INTERVAL_SECONDS=15",
        "AGENT_HOSTNAME=Web_01.example",
        "AGENT_ENV=dev",
        "AGENT_USER=al\xc3\xaf"
        "ce",
        "AGENT_INSTANCE=web 01",
        "AGENT_ADDRESS=10.0.0.5",
        "AGENT_STATE_ROOT=/srv/argus/",
        "AGENT_HEALTH_MAX_AGE_SECONDS=300",
        "AGENT_WATCH_UNITS=",
        "AGENT_REPORT_ON_CHANGE=no",
        "MASTER_TIMEOUT_SECONDS=15",
        "MASTER_CA_FILE=/ca.pem",
        "MASTER_TOKEN_FILE=/token",
        "MASTER_CLIENT_CERT_FILE=/client.crt",
        "MASTER_CLIENT_KEY_FILE=/client.key",
        "AGENT_BUS=none",
        "AGENT_LOG_LEVEL=debug",
        "AGENT_LOG_TARGET=json",
        NULL,
};

static void test_all_set(void **state _unused_) {
        Config config;

        accept_entries(all_set, &config);

        assert_int_equal(config.n_endpoints, 3);
        assert_string_equal(config.endpoints[0].url, "https://one:3000/p");
        assert_string_equal(config.endpoints[1].url, "https://[fd00::1]");
        assert_string_equal(config.endpoints[2].url, "http://127.0.0.1:3000");
        assert_int_equal(config.report_interval_usec, 15 * USEC_PER_SEC);
        assert_int_equal(config.master_timeout_usec, 15 * USEC_PER_SEC);
        assert_string_equal(config.hostname, "Web_01.example");
        assert_string_equal(config.env, "dev");
        assert_string_equal(config.user, "al\xc3\xaf"
                                         "ce");
        assert_string_equal(config.instance, "web 01");
        assert_string_equal(config.address, "10.0.0.5");
        assert_string_equal(config.state_root, "/srv/argus");
        assert_int_equal(config.health_max_age_usec, 300 * USEC_PER_SEC);
        assert_string_equal(config.ca_file, "/ca.pem");
        assert_string_equal(config.token_file, "/token");
        assert_string_equal(config.client_cert_file, "/client.crt");
        assert_string_equal(config.client_key_file, "/client.key");
        assert_int_equal(config.bus, BUS_NONE);
        assert_int_equal(config.log_level, LOG_DEBUG);
        assert_int_equal(config.log_target, LOG_TARGET_JSON);
        config_done(&config);
}

/* Set but empty is as not set, but for the two of which test_bad_values has the error. */
static void test_empty(void **state _unused_) {
        char copies[ELEMENTSOF(all_set)][64];
        const char *entries[ELEMENTSOF(all_set)] = {};
        size_t n = 0;
        Config config;

        for (size_t i = 0; all_set[i]; i++) {
                size_t size = strcspn(all_set[i], "=") + 1;

                (void) snprintf(copies[i], sizeof copies[i], "%.*s", (int) size, all_set[i]);
                if (!streq(copies[i], "MASTER_ENDPOINT=") && !streq(copies[i], "AGENT_HOSTNAME="))
                        entries[n++] = copies[i];
        }

        accept_entries(entries, &config);
        assert_int_equal(config.report_interval_usec, 60 * USEC_PER_SEC);
        assert_int_equal(config.master_timeout_usec, 10 * USEC_PER_SEC);
        assert_string_equal(config.state_root, "/private/argus/agent");
        assert_null(config.env);
        assert_null(config.token_file);
        assert_null(config.client_key_file);
        assert_int_equal(config.log_level, LOG_INFO);
        config_done(&config);
}

static void test_good_values(void **state _unused_) {
        static const char *const cases[] = {
                "REPORT_INTERVAL_SECONDS=1",
                "REPORT_INTERVAL_SECONDS=90",
                "REPORT_INTERVAL_SECONDS=0060",
                "AGENT_HOSTNAME=-",
                "AGENT_HOSTNAME=...",
                "AGENT_HOSTNAME=.a",
                "AGENT_HOSTNAME=" X253,
                "AGENT_ENV=" X255,
                "AGENT_ADDRESS=::1",
                "AGENT_ADDRESS=fd00::5",
                "AGENT_ADDRESS=::ffff:10.0.0.5",
                "AGENT_ADDRESS=255.255.255.255",
                "AGENT_STATE_ROOT=/",
                "AGENT_STATE_ROOT=/a..b/...",
                "AGENT_STATE_ROOT=/a b/\xc3\xa4",
                "AGENT_HEALTH_MAX_AGE_SECONDS=0",
                "AGENT_HEALTH_MAX_AGE_SECONDS=4294967295",
                "AGENT_WATCH_UNITS= \t ",
                "AGENT_REPORT_ON_CHANGE=NO",
                "AGENT_REPORT_ON_CHANGE=False",
                "AGENT_REPORT_ON_CHANGE=off",
                "AGENT_REPORT_ON_CHANGE=0",
                "MASTER_TIMEOUT_SECONDS=1",
                "MASTER_TIMEOUT_SECONDS=20",
                "MASTER_CA_FILE=/a/../b c.pem",
                "MASTER_TOKEN_FILE=/run/credentials/t",
                "AGENT_BUS=auto",
                "AGENT_BUS=system",
                "AGENT_BUS=user",
                "AGENT_LOG_LEVEL=err",
                "AGENT_LOG_LEVEL=warning",
                "AGENT_LOG_LEVEL=notice",
                "AGENT_LOG_LEVEL=info",
                "AGENT_LOG_LEVEL=INFO",
                "AGENT_BUS=None",
                "AGENT_LOG_TARGET=JSON",
                "AGENT_LOG_TARGET=auto",
                "AGENT_LOG_TARGET=journal",
                "AGENT_LOG_TARGET=console",
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Config config;

                accept_entries(ENTRIES(cases[i]), &config);
                config_done(&config);
        }
}

static void test_bad_values(void **state _unused_) {
        static const struct {
                const char *variable, *value;
                const char *shown; /* NULL: as it is */
        } cases[] = {
                { "MASTER_ENDPOINT", "", NULL },
                { "MASTER_ENDPOINT", " ", NULL },
                { "MASTER_ENDPOINT", "ftp://host", NULL },
                { "MASTER_ENDPOINT", "http://host:99999", NULL },
                { "MASTER_ENDPOINT", "http://ho st", NULL },
                { "MASTER_ENDPOINT", "http://host\r", "http://host\\x0d" },
                { "MASTER_ENDPOINT", "http://host\n\x1b[31m", "http://host\\x0a\\x1b[31m" },
                { "MASTER_ENDPOINT", "http://\xff", "http://\\xff" },
                { "MASTER_ENDPOINT", "host:3000?x=1", NULL },
                { "MASTER_ENDPOINT", "http://host:3000/#a", NULL },
                { "MASTER_ENDPOINT", ",", NULL },
                { "MASTER_ENDPOINT", "a,", NULL },
                { "MASTER_ENDPOINT", ",a", NULL },
                { "MASTER_ENDPOINT", "a,,b", NULL },
                { "MASTER_ENDPOINT", "a, ,b", NULL },
                { "MASTER_ENDPOINT", "a,b c", NULL },
                { "MASTER_ENDPOINT", "a b", NULL },
                { "MASTER_ENDPOINT", "a,b,a", NULL },
                { "MASTER_ENDPOINT", "a,http://A:80/", NULL },
                { "MASTER_ENDPOINT", "[::1],[0::1]:80", NULL },
                { "MASTER_ENDPOINT", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", NULL },
                { "REPORT_INTERVAL_SECONDS", "0", NULL },
                { "REPORT_INTERVAL_SECONDS", "00", NULL },
                { "REPORT_INTERVAL_SECONDS", "-1", NULL },
                { "REPORT_INTERVAL_SECONDS", "+60", NULL },
                { "REPORT_INTERVAL_SECONDS", " 60", NULL },
                { "REPORT_INTERVAL_SECONDS", "60 ", NULL },
                { "REPORT_INTERVAL_SECONDS", "60s", NULL },
                { "REPORT_INTERVAL_SECONDS", "1e2", NULL },
                { "REPORT_INTERVAL_SECONDS", "0x10", NULL },
                { "REPORT_INTERVAL_SECONDS", "60.0", NULL },
                { "REPORT_INTERVAL_SECONDS", "4294967296", NULL },
                { "REPORT_INTERVAL_SECONDS", "18446744073709551617", NULL },
                { "REPORT_INTERVAL_SECONDS", "60\r", "60\\x0d" },
                { "REPORT_INTERVAL_SECONDS", "\xd9\xa6", NULL }, /* a digit, but no ASCII one */
                { "AGENT_HOSTNAME", "", NULL },
                { "AGENT_HOSTNAME", ".", NULL },
                { "AGENT_HOSTNAME", "..", NULL },
                { "AGENT_HOSTNAME", "a/b", NULL },
                { "AGENT_HOSTNAME", "a b", NULL },
                { "AGENT_HOSTNAME", "a\n", "a\\x0a" },
                { "AGENT_HOSTNAME", "h\xc3\xb6st", NULL },
                { "AGENT_HOSTNAME", X253 "x", X64 "\xe2\x80\xa6" },
                { "AGENT_ENV", "a\tb", "a\\x09b" },
                { "AGENT_USER", "a\xff", "a\\xff" },
                { "AGENT_USER",
                                "a\xc2\x9b"
                                "31m",
                                "a\\xc2\\x9b31m" },
                { "AGENT_USER", "a\xef\xbf\xbf", "a\\xef\\xbf\\xbf" },
                { "AGENT_INSTANCE", X255 "x", X64 "\xe2\x80\xa6" },
                { "AGENT_ADDRESS", "host", NULL },
                { "AGENT_ADDRESS", "10.0.0", NULL },
                { "AGENT_ADDRESS", "10.0.0.5:80", NULL },
                { "AGENT_ADDRESS", "10.0.0.5/24", NULL },
                { "AGENT_ADDRESS", "[::1]", NULL },
                { "AGENT_ADDRESS", "fe80::1%eth0", NULL },
                { "AGENT_ADDRESS", "0.0.0.0", NULL },
                { "AGENT_ADDRESS", "::", NULL },
                { "AGENT_ADDRESS", "10.0.0.5 ", NULL },
                { "AGENT_STATE_ROOT", "a", NULL },
                { "AGENT_STATE_ROOT", "./a", NULL },
                { "AGENT_STATE_ROOT", "/..", NULL },
                { "AGENT_STATE_ROOT", "/a/../b", NULL },
                { "AGENT_STATE_ROOT", "/a//..", NULL },
                { "AGENT_STATE_ROOT", "/a\nb", "/a\\x0ab" },
                { "AGENT_STATE_ROOT", "/a\xff", "/a\\xff" },
                { "AGENT_HEALTH_MAX_AGE_SECONDS", "-1", NULL },
                { "AGENT_HEALTH_MAX_AGE_SECONDS", "4294967296", NULL },
                { "AGENT_HEALTH_MAX_AGE_SECONDS", "off", NULL },
                { "AGENT_WATCH_UNITS", "a*b", NULL },
                { "AGENT_WATCH_UNITS", "a.service,b.service", NULL },
                { "AGENT_WATCH_UNITS", "/dev/sda", NULL },
                { "AGENT_WATCH_UNITS", "a @b.service", NULL },
                { "AGENT_WATCH_UNITS", ".service", NULL },
                { "AGENT_WATCH_UNITS", "template@.service", NULL },
                { "AGENT_WATCH_UNITS", "template@", NULL },
                { "AGENT_WATCH_UNITS", "a\xff", "a\\xff" },
                { "AGENT_WATCH_UNITS", X253, X64 "\xe2\x80\xa6" }, /* too long with its suffix */
                { "AGENT_WATCH_UNITS", X255 "x.service", X64 "\xe2\x80\xa6" },
                { "AGENT_REPORT_ON_CHANGE", "maybe", NULL },
                { "AGENT_REPORT_ON_CHANGE", "y", NULL },
                { "AGENT_REPORT_ON_CHANGE", "2", NULL },
                { "AGENT_REPORT_ON_CHANGE", "yes ", NULL },
                { "MASTER_TIMEOUT_SECONDS", "0", NULL },
                { "MASTER_TIMEOUT_SECONDS", "1.5", NULL },
                { "MASTER_TIMEOUT_SECONDS", "61", NULL },
                { "MASTER_TIMEOUT_SECONDS", "4294967296", NULL },
                { "MASTER_CA_FILE", "ca.pem", NULL },
                { "MASTER_CA_FILE", "/ca\n", "/ca\\x0a" },
                { "AGENT_BUS", "session", NULL },
                { "AGENT_BUS", "sys\ttem", "sys\\x09tem" },
                { "AGENT_LOG_LEVEL", "warn", NULL },
                { "AGENT_LOG_LEVEL", "7", NULL },
                { "AGENT_LOG_LEVEL", "emerg", NULL },
                { "AGENT_LOG_TARGET", "syslog", NULL },
                { "AGENT_LOG_TARGET", "stdout", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char entry[1024], quoted[600], invalid[64];

                (void) snprintf(entry, sizeof entry, "%s=%s", cases[i].variable, cases[i].value);
                (void) snprintf(invalid, sizeof invalid, "Invalid %s=", cases[i].variable);
                (void) snprintf(quoted, sizeof quoted,
                                "=\"%s\": ", cases[i].shown ? cases[i].shown : cases[i].value);
                refuse_with(&host_default, ENTRIES(entry, ENDPOINT_ENTRY), cases[i].variable,
                                ENTRIES(invalid, quoted, "expected "));
        }
}

static void test_missing(void **state _unused_) {
        static const ConfigDefaults bad_name = { .hostname = "my host\x1b" }, no_name = { .hostname = "" };

        refuse_with(&host_default, ENTRIES("PATH=/bin"), "MASTER_ENDPOINT",
                        ENTRIES("MASTER_ENDPOINT is required but not set; expected an address such as http://"));
        refuse_with(&host_default, (const char *const[]){ NULL }, "MASTER_ENDPOINT",
                        ENTRIES("is required but not set"));
        refuse_with(&host_default, NULL, "MASTER_ENDPOINT", ENTRIES("is required but not set"));

        refuse_with(NULL, ENTRIES(ENDPOINT_ENTRY), "AGENT_HOSTNAME",
                        ENTRIES("is required but not set", "no name"));
        refuse_with(&no_name, ENTRIES(ENDPOINT_ENTRY), "AGENT_HOSTNAME",
                        ENTRIES("is required but not set", "no name"));
        refuse_with(&bad_name, ENTRIES(ENDPOINT_ENTRY), "AGENT_HOSTNAME",
                        ENTRIES("is required but not set", "\"my host\\x1b\""));
}

static void test_path_sizes(void **state _unused_) {
        static const struct {
                const char *variable;
                size_t max;
        } cases[] = {
                { "AGENT_STATE_ROOT", 3072 },
                { "MASTER_CA_FILE", 4095 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char entry[8192], *end = stpcpy(stpcpy(entry, cases[i].variable), "=/");
                Config config;

                memset(end, 'a', cases[i].max);
                end[cases[i].max] = '\0';
                refuse_with(&host_default, ENTRIES(entry, ENDPOINT_ENTRY), cases[i].variable,
                                ENTRIES("too long"));
                end[cases[i].max - 1] = '\0';
                accept_entries(ENTRIES(entry), &config);
                config_done(&config);
        }
}

static void test_state_root_slashes(void **state _unused_) {
        static const struct {
                const char *entry, *root;
        } cases[] = {
                { "AGENT_STATE_ROOT=/", "/" },
                { "AGENT_STATE_ROOT=//", "/" },
                { "AGENT_STATE_ROOT=/a", "/a" },
                { "AGENT_STATE_ROOT=/a//", "/a" },
                { "AGENT_STATE_ROOT=/a/./b/", "/a/./b" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Config config;

                accept_entries(ENTRIES(cases[i].entry), &config);
                assert_string_equal(config.state_root, cases[i].root);
                config_done(&config);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_all_set),
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_good_values),
                cmocka_unit_test(test_bad_values),
                cmocka_unit_test(test_missing),
                cmocka_unit_test(test_path_sizes),
                cmocka_unit_test(test_state_root_slashes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

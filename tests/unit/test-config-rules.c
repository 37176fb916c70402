/* SPDX-License-Identifier: MIT */
/* What the configuration promises over all variables: every error at once, no secret in a message, short
 * messages; and the rules that bind several variables. */
#include "config-fixture.h"

#include <stdio.h>

#include "test-memory.h"
static void test_all_errors_at_once(void **state _unused_) {
        /* In the reverse of the order that the messages are to have. */
        static const struct {
                const char *variable, *entry;
        } wrong[] = {
                { "AGENT_LOG_TARGET", "AGENT_LOG_TARGET=x" },
                { "AGENT_LOG_LEVEL", "AGENT_LOG_LEVEL=x" },
                { "AGENT_BUS", "AGENT_BUS=x" },
                { "AGENT_REPORT_ON_CHANGE", "AGENT_REPORT_ON_CHANGE=x" },
                { "AGENT_WATCH_UNITS", "AGENT_WATCH_UNITS=*" },
                { "AGENT_HEALTH_MAX_AGE_SECONDS", "AGENT_HEALTH_MAX_AGE_SECONDS=x" },
                { "AGENT_STATE_ROOT", "AGENT_STATE_ROOT=x" },
                { "AGENT_ADDRESS", "AGENT_ADDRESS=x" },
                { "AGENT_INSTANCE", "AGENT_INSTANCE=\x01" },
                { "AGENT_USER", "AGENT_USER=\x01" },
                { "AGENT_ENV", "AGENT_ENV=\x01" },
                { "AGENT_HOSTNAME", "AGENT_HOSTNAME=" },
                { "MASTER_CLIENT_KEY_FILE", "MASTER_CLIENT_KEY_FILE=x" },
                { "MASTER_CLIENT_CERT_FILE", "MASTER_CLIENT_CERT_FILE=x" },
                { "MASTER_TOKEN_FILE", "MASTER_TOKEN_FILE=x" },
                { "MASTER_CA_FILE", "MASTER_CA_FILE=x" },
                { "MASTER_TIMEOUT_SECONDS", "MASTER_TIMEOUT_SECONDS=x" },
                { "REPORT_INTERVAL_SECONDS", "REPORT_INTERVAL_SECONDS=x" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=" },
        };
        const size_t n = ELEMENTSOF(wrong);
        const char *entries[ELEMENTSOF(wrong) + 2] = { "AGENT_LOG_TARGETT=x" };
        ConfigMessages messages;
        Config config;

        for (size_t i = 0; i < n; i++)
                entries[i + 1] = wrong[i].entry;

        assert_int_equal(parse(entries, &config, &messages), -EINVAL);
        check_messages(&messages);
        assert_int_equal(messages.count, n + 1);
        assert_int_equal(messages.n_errors, n);
        for (size_t i = 0; i < n; i++)
                assert_string_equal(messages.items[i].variable, wrong[n - 1 - i].variable);
        assert_false(messages.items[n].is_error);
        config_done(&config);
        config_messages_done(&messages);
        assert_int_equal(messages.count, 0);
        assert_null(messages.items);
}

static void test_first_entry_counts(void **state _unused_) {
        Config config;

        accept_entries(ENTRIES("AGENT_ENV", "AGENT_ENVELOPE=x", "AGENT_ENV=first", "AGENT_ENV=second",
                                       "AGENT_USER=", "AGENT_USER=later"),
                        &config);
        assert_string_equal(config.env, "first");
        assert_null(config.user);
        config_done(&config);

        accept_entries(ENTRIES("AGENT_ENV==a=b"), &config);
        assert_string_equal(config.env, "=a=b");
        config_done(&config);
}

static void test_long_values(void **state _unused_) {
        static const char *const variables[] = {
                "MASTER_ENDPOINT",
                "REPORT_INTERVAL_SECONDS",
                "AGENT_HOSTNAME",
                "AGENT_ENV",
                "AGENT_ADDRESS",
                "AGENT_STATE_ROOT",
                "AGENT_WATCH_UNITS",
                "AGENT_REPORT_ON_CHANGE",
                "MASTER_TIMEOUT_SECONDS",
                "MASTER_CA_FILE",
                "MASTER_TOKEN_FILE",
                "AGENT_LOG_LEVEL",
        };
        static const char fills[] = { 'x', '/', '9', '\x1b', '\xff', '@', ',' };
        const size_t size = 1024 * 1024;
        _cleanup_free_ char *entry = malloc(size + 64);

        assert_non_null(entry);
        for (size_t i = 0; i < ELEMENTSOF(variables); i++)
                for (size_t j = 0; j < sizeof fills; j++) {
                        char *end = stpcpy(stpcpy(entry, variables[i]), "=");

                        memset(end, fills[j], size);
                        end[size] = '\0';
                        refuse_with(&host_default, ENTRIES(entry, ENDPOINT_ENTRY), variables[i],
                                        ENTRIES("expected "));
                }
}

static void test_endpoint_reasons(void **state _unused_) {
        static const struct {
                const char *entry, *words;
        } cases[] = {
                { "MASTER_ENDPOINT=a,,b", "address 2: empty" },
                { "MASTER_ENDPOINT=a,b,", "address 3: empty" },
                { "MASTER_ENDPOINT=,", "address 1: empty" },
                { "MASTER_ENDPOINT=a,b:0,c:0", "address 2: the port" },
                { "MASTER_ENDPOINT=a,b,a:80/", "address 3: a duplicate" },
                { "MASTER_ENDPOINT=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "address 17: more than 16" },
                { "MASTER_ENDPOINT=ftp://a", ": the scheme" },
        };
        Config config;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                refuse_with(&host_default, ENTRIES(cases[i].entry), "MASTER_ENDPOINT",
                                ENTRIES(cases[i].words));

        /* 16 are taken, and what differs in one thing is not the same. */
        accept_entries(ENTRIES("MASTER_ENDPOINT=a,b,c,d,e,f,g,h,i,j,k,l,a:81,https://a,a/x,a/y"), &config);
        assert_int_equal(config.n_endpoints, 16);
        assert_string_equal(config.endpoints[15].url, "http://a/y");
        config_done(&config);
}

static void test_secrets_are_not_shown(void **state _unused_) {
        static const struct {
                const char *variable, *entry;
        } cases[] = {
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://user:s3cret@host:3000" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://s3cret@host" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://user:p@s3cret@host" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=user:s3cret@host:3000" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://s3 s3cret@" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://user:a/s3cret@host" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://user:a,s3cret@host" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://user:s3cret,a@host" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://a,http://user:s3cret@host,http://b" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://user:a?s3cret@host" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://user:a#s3cret@host" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://user%3As3cret%40host" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://host/?token=s3cret" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://host/#s3cret" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://user:s3cret\x1b@host" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://user:s3cret\n@host" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://user:\xff"
                                     "s3cret@host" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=ftp://user:s3cret@host" },
                { "MASTER_ENDPOINT", "MASTER_ENDPOINT=http://user:s3cret@[::1" },
                /* Put there in place of the name of the file. */
                { "MASTER_TOKEN_FILE", "MASTER_TOKEN_FILE=s3cret" },
                { "MASTER_TOKEN_FILE", "MASTER_TOKEN_FILE=/s3cret\n" },
                { "MASTER_CLIENT_KEY_FILE", "MASTER_CLIENT_KEY_FILE=-----BEGIN PRIVATE KEY-----s3cret" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                ConfigMessages messages;
                Config config;

                assert_int_equal(parse(ENTRIES(cases[i].entry, "MASTER_CLIENT_CERT_FILE=/c"), &config,
                                                 &messages),
                                -EINVAL);
                check_messages(&messages);
                assert_string_equal(messages.items[0].variable, cases[i].variable);
                for (size_t j = 0; j < messages.count; j++) {
                        assert_null(strstr(messages.items[j].text, "s3"));
                        assert_null(strstr(messages.items[j].text, "user:"));
                }
                assert_non_null(strstr(messages.items[0].text, "not shown"));
                config_messages_done(&messages);
                config_done(&config);
        }
}

static void test_secret_over_plain_http(void **state _unused_) {
        static const ConfigDefaults token = { "h", .token_file = "/run/credentials/t" },
                                    pair = { "h", .client_cert_file = "/c", .client_key_file = "/k" };
        static const char *const plain = "MASTER_ENDPOINT=https://a,http://10.0.0.5:3000,http://b";
        Config config;

        refuse_with(&host_default, ENTRIES(plain, "MASTER_TOKEN_FILE=/t"), "MASTER_ENDPOINT",
                        ENTRIES("MASTER_ENDPOINT=\"https://a,http://10.0.0.5:3000,http://b\": ",
                                        "MASTER_TOKEN_FILE", "expected https"));
        refuse_with(&host_default, ENTRIES(plain, "MASTER_CLIENT_CERT_FILE=/c", "MASTER_CLIENT_KEY_FILE=/k"),
                        "MASTER_ENDPOINT", ENTRIES("MASTER_CLIENT_CERT_FILE"));
        refuse_with(&host_default,
                        ENTRIES(plain, "MASTER_TOKEN_FILE=/t", "MASTER_CLIENT_CERT_FILE=/c",
                                        "MASTER_CLIENT_KEY_FILE=/k"),
                        "MASTER_ENDPOINT", ENTRIES("MASTER_TOKEN_FILE"));
        refuse_with(&token, ENTRIES(plain), "MASTER_ENDPOINT", ENTRIES("credential master-token"));
        refuse_with(&pair, ENTRIES(plain), "MASTER_ENDPOINT", ENTRIES("credential client.crt"));
        refuse_with(&host_default, ENTRIES("MASTER_ENDPOINT=http://0.0.0.0", "MASTER_TOKEN_FILE=/t"),
                        "MASTER_ENDPOINT", ENTRIES("clear"));
        refuse_with(&host_default, ENTRIES("MASTER_ENDPOINT=localhost.evil", "MASTER_TOKEN_FILE=/t"),
                        "MASTER_ENDPOINT", ENTRIES("clear"));

        accept_entries(ENTRIES("MASTER_ENDPOINT=https://a,http://127.0.0.9,http://[::1],http://localhost",
                                       "MASTER_TOKEN_FILE=/t", "MASTER_CLIENT_CERT_FILE=/c",
                                       "MASTER_CLIENT_KEY_FILE=/k"),
                        &config);
        config_done(&config);
        accept_entries(ENTRIES(plain, "MASTER_CA_FILE=/ca", "MASTER_TOKEN_FILE="), &config);
        config_done(&config);
}

static void test_credentials(void **state _unused_) {
        static const ConfigDefaults all = { "h", "/run/t", "/run/c", "/run/k" },
                                    only_cert = { "h", .client_cert_file = "/run/c" },
                                    only_key = { "h", .client_key_file = "/run/k" };
        static const char *const cert = "MASTER_CLIENT_CERT_FILE=/c",
                                 *const key = "MASTER_CLIENT_KEY_FILE=/k";
        char *environment[] = { (char *) ENDPOINT_ENTRY, NULL, NULL, NULL };
        ConfigMessages messages;
        Config config;

        assert_int_equal(config_parse(environment, endpoint_parse, &all, &config, &messages), 0);
        assert_int_equal(messages.count, 0);
        assert_string_equal(config.token_file, "/run/t");
        assert_string_equal(config.client_cert_file, "/run/c");
        assert_string_equal(config.client_key_file, "/run/k");
        config_done(&config);

        environment[1] = (char *) cert;
        environment[2] = (char *) key;
        assert_int_equal(config_parse(environment, endpoint_parse, &all, &config, &messages), 0);
        assert_int_equal(messages.count, 0);
        assert_string_equal(config.client_cert_file, "/c");
        assert_string_equal(config.client_key_file, "/k");
        config_done(&config);

        /* Both or neither; halves of two pairs are no pair. */
        refuse_with(&host_default, ENTRIES(ENDPOINT_ENTRY, cert), "MASTER_CLIENT_KEY_FILE",
                        ENTRIES("not set: MASTER_CLIENT_CERT_FILE is set"));
        refuse_with(&host_default, ENTRIES(ENDPOINT_ENTRY, key), "MASTER_CLIENT_CERT_FILE",
                        ENTRIES("not set: MASTER_CLIENT_KEY_FILE is set"));
        refuse_with(&all, ENTRIES(ENDPOINT_ENTRY, cert), "MASTER_CLIENT_KEY_FILE", ENTRIES("not set"));
        refuse_with(&all, ENTRIES(ENDPOINT_ENTRY, key, "MASTER_CLIENT_CERT_FILE="),
                        "MASTER_CLIENT_CERT_FILE", ENTRIES("not set"));
        refuse_with(&only_cert, ENTRIES(ENDPOINT_ENTRY), "MASTER_CLIENT_KEY_FILE", ENTRIES("client.key"));
        refuse_with(&only_key, ENTRIES(ENDPOINT_ENTRY), "MASTER_CLIENT_CERT_FILE", ENTRIES("client.crt"));
}

static void test_timeout(void **state _unused_) {
        static const struct {
                const char *interval, *timeout; /* NULL: not set */
                unsigned expected;
                bool is_warned;
        } cases[] = {
                { NULL, NULL, 10, false },
                { "REPORT_INTERVAL_SECONDS=90", NULL, 10, false },
                { "REPORT_INTERVAL_SECONDS=11", NULL, 10, false },
                { "REPORT_INTERVAL_SECONDS=10", NULL, 10, false },
                { "REPORT_INTERVAL_SECONDS=9", NULL, 9, false },
                { "REPORT_INTERVAL_SECONDS=1", NULL, 1, false },
                { "REPORT_INTERVAL_SECONDS=1", "MASTER_TIMEOUT_SECONDS=1", 1, false },
                { "REPORT_INTERVAL_SECONDS=20", "MASTER_TIMEOUT_SECONDS=20", 20, false },
                { "REPORT_INTERVAL_SECONDS=21", "MASTER_TIMEOUT_SECONDS=21", 20, true },
                { NULL, "MASTER_TIMEOUT_SECONDS=60", 20, true },
                { NULL, "MASTER_TIMEOUT_SECONDS=0000000000000000000000000000000000000000000000000000060", 20,
                                true },
                { "REPORT_INTERVAL_SECONDS=90", "MASTER_TIMEOUT_SECONDS=90", 20, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *entries[3] = {};
                ConfigMessages messages;
                size_t n = 0;
                Config config;

                if (cases[i].interval)
                        entries[n++] = cases[i].interval;
                if (cases[i].timeout)
                        entries[n++] = cases[i].timeout;

                assert_int_equal(parse(entries, &config, &messages), 0);
                assert_int_equal(config.master_timeout_usec, cases[i].expected * USEC_PER_SEC);
                assert_int_equal(messages.count, cases[i].is_warned);
                check_messages(&messages);
                if (cases[i].is_warned) {
                        assert_false(messages.items[0].is_error);
                        assert_string_equal(messages.items[0].variable, "MASTER_TIMEOUT_SECONDS");
                        assert_non_null(strstr(messages.items[0].text, "using 20"));
                }
                config_done(&config);
                config_messages_done(&messages);
        }

        refuse_with(&host_default,
                        ENTRIES(ENDPOINT_ENTRY, "REPORT_INTERVAL_SECONDS=5", "MASTER_TIMEOUT_SECONDS=6"),
                        "MASTER_TIMEOUT_SECONDS", ENTRIES("\"6\"", "longer than the report interval"));
        /* Not measured by an interval that is itself wrong. */
        refuse_with(&host_default,
                        ENTRIES(ENDPOINT_ENTRY, "REPORT_INTERVAL_SECONDS=0", "MASTER_TIMEOUT_SECONDS=19"),
                        "REPORT_INTERVAL_SECONDS", ENTRIES("\"0\""));
}

/* Of features that are not there yet: checked, and refused if right. */
static void test_watch_units(void **state _unused_) {
        static const char *const expected[] = { "a.service", "b.socket", "c@x.service", "web-1.2.service" };
        _cleanup_free_ char *units = malloc(64 * 1024);
        Config config;
        char *end;

        accept_entries(ENTRIES("AGENT_WATCH_UNITS= a  b.socket\tc@x web-1.2 a.service "), &config);
        assert_int_equal(config.n_watch_units, ELEMENTSOF(expected));
        for (size_t i = 0; i < ELEMENTSOF(expected); i++)
                assert_string_equal(config.watch_units[i], expected[i]);
        assert_null(config.watch_units[ELEMENTSOF(expected)]);
        config_done(&config);

        refuse_with(&host_default, ENTRIES("AGENT_WATCH_UNITS=ok no*", ENDPOINT_ENTRY), "AGENT_WATCH_UNITS",
                        ENTRIES("\"no*\": contains a character"));

        /* 1024 are right, however often each is named; 1025 are too many. */
        assert_non_null(units);
        end = stpcpy(units, "AGENT_WATCH_UNITS=");
        for (unsigned i = 0; i < WATCH_UNITS_MAX; i++)
                end += sprintf(end, "u%u u%u.service\n", i, i);
        accept_entries(ENTRIES(units), &config);
        assert_int_equal(config.n_watch_units, WATCH_UNITS_MAX);
        config_done(&config);
        (void) stpcpy(end, "more");
        refuse_with(&host_default, ENTRIES(units, ENDPOINT_ENTRY), "AGENT_WATCH_UNITS",
                        ENTRIES("more than 1024"));
}

static void test_report_on_change(void **state _unused_) {
        static const struct {
                const char *value;
                bool is_yes;
        } values[] = {
                { "yes", true },
                { "YES", true },
                { "true", true },
                { "On", true },
                { "1", true },
                { "no", false },
                { "0", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                char entry[64];
                Config config;

                (void) snprintf(entry, sizeof entry, "AGENT_REPORT_ON_CHANGE=%s", values[i].value);
                accept_entries(ENTRIES(entry), &config);
                assert_int_equal(config.report_on_change, values[i].is_yes);
                config_done(&config);
        }
}

/* Parses an environment in which everything allocates: each form of value, an error, a warning. */
static int parse_good(void) {
        static const char *const environment[] = {
                "MASTER_ENDPOINT=https://a.example:3000/x, https://[::1], https://127.0.0.1",
                "AGENT_ENV=dev",
                "AGENT_USER=alice",
                "AGENT_INSTANCE=\"web01\"",
                "AGENT_ADDRESS=10.0.0.5",
                "AGENT_STATE_ROOT=/x//",
                "AGENT_WATCH_UNITS=a.socket b",
                "MASTER_TIMEOUT_SECONDS=30",
                "MASTER_CA_FILE=/ca",
                "MASTER_ENDPIONT=x",
                NULL,
        };
        ConfigMessages messages;
        Config config;
        int r;

        r = config_parse((char **) environment, endpoint_parse, &host_default, &config, &messages);
        if (r < 0)
                return r;

        assert_int_equal(messages.count, 3); /* the quotes, the timeout that is too long, the near miss */
        config_messages_done(&messages);
        config_done(&config);
        return 0;
}

static int parse_bad(void) {
        static const char *const environment[] = {
                "MASTER_ENDPOINT=host,host:0",
                "AGENT_WATCH_UNITS=@",
                "AGENT_LOG_LEVEL=\x01",
                NULL,
        };
        ConfigMessages messages;
        Config config;
        int r;

        r = config_parse((char **) environment, endpoint_parse, &(ConfigDefaults){ .hostname = "/" },
                        &config, &messages);
        if (r != -EINVAL)
                return r;

        assert_int_equal(messages.n_errors, 4);
        config_messages_done(&messages);
        config_done(&config);
        return 0;
}

static void test_no_memory(void **state _unused_) {
        memory_check(parse_good);
        memory_check(parse_bad);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_errors_at_once),
                cmocka_unit_test(test_first_entry_counts),
                cmocka_unit_test(test_long_values),
                cmocka_unit_test(test_endpoint_reasons),
                cmocka_unit_test(test_secrets_are_not_shown),
                cmocka_unit_test(test_secret_over_plain_http),
                cmocka_unit_test(test_credentials),
                cmocka_unit_test(test_timeout),
                cmocka_unit_test(test_watch_units),
                cmocka_unit_test(test_report_on_change),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

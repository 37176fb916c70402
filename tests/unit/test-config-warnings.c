/* SPDX-License-Identifier: MIT */
/* The configuration: what is accepted but is hardly what was meant, and the words that name what was. */
#include "config-fixture.h"

/* Expects success and exactly one warning, with these words. */
static void warn_with(const char *entry, const char *variable, const char *words) {
        ConfigMessages messages;
        Config config;

        assert_int_equal(parse(ENTRIES(entry), &config, &messages), 0);
        if (messages.count != 1)
                dump(&messages);
        assert_int_equal(messages.count, 1);
        check_messages(&messages);
        assert_false(messages.items[0].is_error);
        assert_string_equal(messages.items[0].variable, variable);
        if (!strstr(messages.items[0].text, words))
                fail_msg("no `%s` in `%s`", words, messages.items[0].text);
        config_messages_done(&messages);
        config_done(&config);
}

static void test_long_interval(void **state _unused_) {
        Config config;

        accept_entries(ENTRIES("REPORT_INTERVAL_SECONDS=90"), &config);
        config_done(&config);
        warn_with("REPORT_INTERVAL_SECONDS=91", "REPORT_INTERVAL_SECONDS",
                        "\"91\" is long: a Master with default settings");
        warn_with("REPORT_INTERVAL_SECONDS=4294967295", "REPORT_INTERVAL_SECONDS", "180 s");
}

/* `docker run --env-file` keeps the quotes that a shell and systemd take off. */
static void test_quotes_and_blanks(void **state _unused_) {
        static const struct {
                const char *entry, *variable, *words;
        } wrong[] = {
                { "MASTER_ENDPOINT=\"http://10.77.0.1:3000\"", "MASTER_ENDPOINT", "quotes are part" },
                { "MASTER_ENDPOINT='http://10.77.0.1:3000'", "MASTER_ENDPOINT", "quotes are part" },
                { "MASTER_ENDPOINT=\"http://10.77.0.1:3000", "MASTER_ENDPOINT", "quotes are part" },
                { "MASTER_ENDPOINT=http://10.77.0.1:3000\r", "MASTER_ENDPOINT", "ends with white space" },
                { "REPORT_INTERVAL_SECONDS=\"60\"", "REPORT_INTERVAL_SECONDS", "quotes are part" },
                { "REPORT_INTERVAL_SECONDS=60 ", "REPORT_INTERVAL_SECONDS", "ends with white space" },
                { "AGENT_LOG_LEVEL='info'", "AGENT_LOG_LEVEL", "quotes are part" },
                { "AGENT_WATCH_UNITS=\"nginx\"", "AGENT_WATCH_UNITS", "quotes are part" },
                { "MASTER_CA_FILE=\"/ca.pem\"", "MASTER_CA_FILE", "quotes are part" },
                { "MASTER_TOKEN_FILE=\"/token\"", "MASTER_TOKEN_FILE", "quotes are part" },
        };
        Config config;

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                refuse_with(&host_default, ENTRIES(wrong[i].entry, ENDPOINT_ENTRY), wrong[i].variable,
                                ENTRIES("Invalid ", wrong[i].words));

        warn_with("AGENT_ENV=\"dev\"", "AGENT_ENV", "Check AGENT_ENV=\"\"dev\"\": the quotes");
        warn_with("AGENT_USER='al", "AGENT_USER", "the quotes");
        warn_with("AGENT_INSTANCE=web01 ", "AGENT_INSTANCE", "white space");
        warn_with("MASTER_TOKEN_FILE=/token ", "MASTER_TOKEN_FILE", "\"(not shown)\": the value");

        /* Blanks that are taken off, and quotes inside. */
        accept_entries(ENTRIES("MASTER_ENDPOINT= http://a ", "AGENT_WATCH_UNITS= nginx\n",
                                       "AGENT_USER=o'neil"),
                        &config);
        config_done(&config);
}

static void test_unknown_variable(void **state _unused_) {
        warn_with("MASTER_ENDPIONT=x", "MASTER_ENDPOINT",
                        "Ignoring unknown variable MASTER_ENDPIONT; did you mean MASTER_ENDPOINT?");
}

/* systemd.exec(5): such lines and files are dropped, with a line in the journal at most. */
static void test_why_the_endpoint_is_missing(void **state _unused_) {
        refuse_with(&host_default, ENTRIES("PATH=/bin"), "MASTER_ENDPOINT",
                        ENTRIES("export", "open quote", "byte order mark", "backslash", "NUL", "UTF-8",
                                        "directory", "sudo argusctl check"));
}

/* A check goes on with what is right. */
static void test_what_is_right_is_kept(void **state _unused_) {
        ConfigMessages messages;
        Config config;

        assert_int_equal(parse(ENTRIES("AGENT_BUS=x", "AGENT_USER=alice"), &config, &messages), -EINVAL);
        assert_int_equal(messages.n_errors, 1);
        assert_int_equal(config.n_endpoints, 1);
        assert_string_equal(config.user, "alice");
        assert_string_equal(config.hostname, "dev-alice-web01");
        config_messages_done(&messages);
        config_done(&config);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_long_interval),
                cmocka_unit_test(test_quotes_and_blanks),
                cmocka_unit_test(test_unknown_variable),
                cmocka_unit_test(test_why_the_endpoint_is_missing),
                cmocka_unit_test(test_what_is_right_is_kept),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

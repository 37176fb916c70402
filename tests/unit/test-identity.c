/* SPDX-License-Identifier: MIT */
/* Who the node is: which source wins, what is half set, and how host names are read. */
#include "core/identity.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/macro.h"

#include "test-memory.h"

#define ALL_NEEDED ": all three are needed"

typedef struct Case {
        const char *env, *user, *instance;                /* of the environment */
        const char *node_env, *node_user, *node_instance; /* of the stored node */
        const char *hostname;
        int result;
        const char *expected_env, *expected_user, *expected_instance;
        IdentitySource source;
        const char *warning; /* NULL: none */
} Case;

static char *unconst(const char *text) {
        return (char *) text;
}

static void check(const Case *c) {
        Config config = {
                .env = unconst(c->env),
                .user = unconst(c->user),
                .instance = unconst(c->instance),
                .hostname = unconst(c->hostname),
        };
        Node node = {
                .env = unconst(c->node_env),
                .user = unconst(c->node_user),
                .instance = unconst(c->node_instance),
        };
        _cleanup_free_ char *warning = unconst("not touched");
        Identity identity = {};
        int r;

        r = identity_choose(&config, c->node_env || c->node_user ? &node : NULL, &identity, &warning);
        assert_int_equal(r, c->result);

        if (c->warning)
                assert_string_equal(warning, c->warning);
        else
                assert_null(warning);

        if (r < 0) {
                assert_null(identity.env);
                return;
        }

        assert_string_equal(identity.env, c->expected_env);
        assert_string_equal(identity.user, c->expected_user);
        assert_string_equal(identity.instance, c->expected_instance);
        assert_int_equal(identity.source, c->source);
        identity_done(&identity);
        assert_null(identity.env);
}

static void test_order(void **state _unused_) {
        static const Case cases[] = {
                { "e", "u", "i", "ne", "nu", "ni", "he-hu-hi", 0, "e", "u", "i", IDENTITY_FROM_ENVIRONMENT,
                                NULL },
                { "e", "u", "i", NULL, NULL, NULL, "host", 0, "e", "u", "i", IDENTITY_FROM_ENVIRONMENT,
                                NULL },
                { NULL, NULL, NULL, "ne", "nu", "ni", "he-hu-hi", 0, "ne", "nu", "ni",
                                IDENTITY_FROM_NODE_FILE, NULL },
                { NULL, NULL, NULL, "ne", "nu", NULL, "he-hu-hi", 0, "he", "hu", "hi",
                                IDENTITY_FROM_HOSTNAME, NULL },
                { "", "", "", "", "nu", "ni", "he-hu-hi", 0, "he", "hu", "hi", IDENTITY_FROM_HOSTNAME,
                                NULL },
                { NULL, NULL, NULL, NULL, NULL, NULL, "he-hu-hi", 0, "he", "hu", "hi",
                                IDENTITY_FROM_HOSTNAME, NULL },
                { NULL, NULL, NULL, NULL, NULL, NULL, "host", -ENODATA, NULL, NULL, NULL, 0, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                check(&cases[i]);
}

static void test_half_set(void **state _unused_) {
        static const Case cases[] = {
                { "e", NULL, NULL, NULL, NULL, NULL, "a-b-c", 0, "a", "b", "c", IDENTITY_FROM_HOSTNAME,
                                "AGENT_USER and AGENT_INSTANCE not set, so AGENT_ENV not used" ALL_NEEDED },
                { NULL, "u", NULL, "ne", "nu", "ni", "a-b-c", 0, "ne", "nu", "ni", IDENTITY_FROM_NODE_FILE,
                                "AGENT_ENV and AGENT_INSTANCE not set, so AGENT_USER not used" ALL_NEEDED },
                { "e", "", "i", NULL, NULL, NULL, "a-b-c", 0, "a", "b", "c", IDENTITY_FROM_HOSTNAME,
                                "AGENT_USER not set, so AGENT_ENV and AGENT_INSTANCE not used" ALL_NEEDED },
                { "e", "u", NULL, NULL, NULL, NULL, "host", -ENODATA, NULL, NULL, NULL, 0,
                                "AGENT_INSTANCE not set, so AGENT_ENV and AGENT_USER not used" ALL_NEEDED },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                check(&cases[i]);
}

static void test_hostname(void **state _unused_) {
        static const struct {
                const char *hostname, *env, *user, *instance; /* env NULL: no identity */
        } cases[] = {
                { "dev-alice-web01", "dev", "alice", "web01" },
                { "dev-alice-web01-more", "dev", "alice", "web01" },
                { "dev-alice-web01-more-and-more", "dev", "alice", "web01" },
                { "dev-alice-web01-", "dev", "alice", "web01" },
                { "dev-alice-web01--", "dev", "alice", "web01" },
                { "dev-alice-web01.example.org", "dev", "alice", "web01" },
                { "dev-alice-web01.a-b-c", "dev", "alice", "web01" },
                { "dev-alice-web01.", "dev", "alice", "web01" },
                { "Dev_1-Al-0", "Dev_1", "Al", "0" },
                { "a-b-c", "a", "b", "c" },
                { "dev-alice", NULL, NULL, NULL },
                { "dev-alice-", NULL, NULL, NULL },
                { "dev-alice-.x", NULL, NULL, NULL },
                { "dev-alice.web01-x", NULL, NULL, NULL },
                { "dev.alice-web-01", NULL, NULL, NULL },
                { "dev--web01", NULL, NULL, NULL },
                { "-alice-web01", NULL, NULL, NULL },
                { "--", NULL, NULL, NULL },
                { "---", NULL, NULL, NULL },
                { ".a-b-c", NULL, NULL, NULL },
                { "", NULL, NULL, NULL },
                { NULL, NULL, NULL, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                check(&(Case){
                                .hostname = cases[i].hostname,
                                .result = cases[i].env ? 0 : -ENODATA,
                                .expected_env = cases[i].env,
                                .expected_user = cases[i].user,
                                .expected_instance = cases[i].instance,
                                .source = IDENTITY_FROM_HOSTNAME,
                });
}

static void test_source_names(void **state _unused_) {
        assert_string_equal(identity_source_to_string(IDENTITY_FROM_ENVIRONMENT), "environment");
        assert_string_equal(identity_source_to_string(IDENTITY_FROM_NODE_FILE), "node-file");
        assert_string_equal(identity_source_to_string(IDENTITY_FROM_HOSTNAME), "hostname");
}

static int choose_half_set(void) {
        char *warning = NULL;
        Identity identity;
        int r;

        r = identity_choose(&(Config){ .env = unconst("dev"), .hostname = unconst("a-b-c") }, NULL,
                        &identity, &warning);
        if (r < 0) {
                assert_null(warning);
                return r;
        }

        assert_non_null(warning);
        free(warning);
        identity_done(&identity);
        return 0;
}

static void test_no_memory(void **state _unused_) {
        memory_check(choose_half_set);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_half_set),
                cmocka_unit_test(test_hostname),
                cmocka_unit_test(test_source_names),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

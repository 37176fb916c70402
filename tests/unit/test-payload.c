/* SPDX-License-Identifier: MIT */
/* The body of the registration, to the byte. */
#include "core/payload.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/json-scan.h"
#include "test-memory.h"

static char env[] = "dev", user[] = "alice", instance[] = "web01";
static const Identity identity = { .env = env, .user = user, .instance = instance };

static const HostFacts facts = {
        .hostname = "dev-alice-web01",
        .address = "10.0.0.5",
        .machine_id = "0123456789abcdef0123456789abcdef",
        .cpu_number = 8,
        .memory_in_bytes = 33554432000,
};

static void assert_register(
                const char *id_json, const Identity *who, const HostFacts *what, const char *expected) {
        _cleanup_(buffer_done) Buffer buffer = {};
        JsonSlice value;

        assert_int_equal(payload_build_register(id_json, who, what, "1.0.0", &buffer), 0);
        assert_string_equal(buffer.data, expected);
        assert_int_equal(buffer.size, strlen(expected));
        assert_int_equal(json_scan(buffer.data, buffer.size, &value, NULL), 0);
}

static void test_register(void **state) {
        (void) state;
        assert_register("\"A7\"", &identity, &facts,
                        "{\"id\":\"A7\",\"name\":\"dev-alice-web01\",\"type\":\"agent\","
                        "\"version\":\"1.0.0\",\"meta_data\":{\"hostname\":\"dev-alice-web01\","
                        "\"ip\":\"10.0.0.5\","
                        "\"env\":\"dev\",\"user\":\"alice\",\"instance\":\"web01\","
                        "\"cpu_number\":8,\"memory_in_bytes\":33554432000,\"gpu_number\":0,"
                        "\"machine_id\":\"0123456789abcdef0123456789abcdef\"}}");
}

static void test_register_without(void **state) {
        static const HostFacts few = { .hostname = "h", .cpu_number = 1 };

        (void) state;
        assert_register(NULL, &identity, &few,
                        "{\"name\":\"h\",\"type\":\"agent\",\"version\":\"1.0.0\","
                        "\"meta_data\":{\"hostname\":\"h\",\"env\":\"dev\",\"user\":\"alice\","
                        "\"instance\":\"web01\",\"cpu_number\":1,\"memory_in_bytes\":0,\"gpu_number\":0}}");
}

/* Integers stay what they are, and the id what it was: its JSON type, its digits, its escapes. */
static void test_register_exact(void **state) {
        static const struct {
                const char *id_json;
        } ids[] = {
                { "42" },
                { "-1" },
                { "18446744073709551615" },
                { "\"\\u00417\\/\"" },
                { "\"\xE4\xB8\xAD\"" },
        };
        static const HostFacts large = {
                .hostname = "h",
                .cpu_number = 9007199254740993, /* 2^53 + 1 */
                .memory_in_bytes = UINT64_MAX,
                .gpu_number = 1234567890123456789,
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                _cleanup_(buffer_done) Buffer expected = {};

                assert_int_equal(buffer_printf(&expected,
                                                 "{\"id\":%s,\"name\":\"h\",\"type\":\"agent\","
                                                 "\"version\":\"1.0.0\",\"meta_data\":{\"hostname\":\"h\","
                                                 "\"env\":\"dev\",\"user\":\"alice\",\"instance\":\"web01\","
                                                 "\"cpu_number\":9007199254740993,"
                                                 "\"memory_in_bytes\":18446744073709551615,"
                                                 "\"gpu_number\":1234567890123456789}}",
                                                 ids[i].id_json),
                                0);
                assert_register(ids[i].id_json, &identity, &large, expected.data);
        }
}

static void test_register_escapes(void **state) {
        static char quoted[] = "a\"b\\c", spaced[] = "x y\t", foreign[] = "\xE4\xB8\xAD/";
        static const Identity odd = { .env = quoted, .user = spaced, .instance = foreign };
        static const HostFacts few = { .hostname = "h" };

        (void) state;
        assert_register(NULL, &odd, &few,
                        "{\"name\":\"h\",\"type\":\"agent\",\"version\":\"1.0.0\","
                        "\"meta_data\":{\"hostname\":\"h\",\"env\":\"a\\\"b\\\\c\",\"user\":\"x y\\t\","
                        "\"instance\":\"\xE4\xB8\xAD/\",\"cpu_number\":0,\"memory_in_bytes\":0,"
                        "\"gpu_number\":0}}");
}

static int build_register(void) {
        _cleanup_(buffer_done) Buffer buffer = {};

        return payload_build_register("\"A7\"", &identity, &facts, "1.0.0", &buffer);
}

static void test_no_memory(void **state) {
        (void) state;
        memory_check(build_register);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_register),
                cmocka_unit_test(test_register_without),
                cmocka_unit_test(test_register_exact),
                cmocka_unit_test(test_register_escapes),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

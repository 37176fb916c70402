/* The bodies of the two requests, to the byte. */
#include "core/payload.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/json-scan.h"
#include "test-memory.h"

DEFINE_CLEANUP(HealthSet *, health_set_free)

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

static HealthSet *set_new(void) {
        static const char text[] = " { \"n\" : 18446744073709551616.50 } ";
        HealthSet *set = NULL;

        assert_int_equal(health_set_new(&set), 0);
        health_set_begin(set);
        assert_int_equal(health_set_content(set, "log-fluentbit.json", &(HealthStamp){}, true, strdup(text),
                                         strlen(text)),
                        0);
        assert_true(health_set_end(set));
        return set;
}

static void test_report(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = set_new(), *empty = NULL;
        _cleanup_(buffer_done) Buffer buffer = {};

        (void) state;
        assert_int_equal(payload_build_report(1795522380123000, set, NULL, &buffer), 0);
        assert_string_equal(buffer.data,
                        "{\"timestamp\":\"2026-11-24T12:13:00.123Z\","
                        "\"health\":{\"log-fluentbit\":{ \"n\" : 18446744073709551616.50 }}}");

        buffer_clear(&buffer);
        assert_int_equal(payload_build_report(0, set, "\"systemd-x\":{}", &buffer), 0);
        assert_string_equal(buffer.data,
                        "{\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"health\":{\"log-fluentbit\":"
                        "{ \"n\" : 18446744073709551616.50 },\"systemd-x\":{}}}");

        assert_int_equal(health_set_new(&empty), 0);
        buffer_clear(&buffer);
        assert_int_equal(payload_build_report(0, empty, NULL, &buffer), 0);
        assert_string_equal(buffer.data, "{\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"health\":{}}");
}

static int build_register(void) {
        _cleanup_(buffer_done) Buffer buffer = {};

        return payload_build_register("\"A7\"", &identity, &facts, "1.0.0", &buffer);
}

static HealthSet *report_set;

static int build_report(void) {
        _cleanup_(buffer_done) Buffer buffer = {};

        return payload_build_report(0, report_set, NULL, &buffer);
}

static void test_no_memory(void **state) {
        _cleanup_(health_set_free_pointer) HealthSet *set = NULL;
        static const size_t size = 1024;
        char *text;

        (void) state;
        if (!memory_can_fail())
                skip();

        memory_check(build_register);

        report_set = set = set_new();
        memory_check(build_report);

        /* A value that needs more room than the first bytes made. */
        text = malloc(size + 1);
        assert_non_null(text);
        memset(text, ' ', size);
        text[0] = '[';
        text[size - 1] = ']';
        health_set_begin(set);
        assert_int_equal(health_set_content(set, "a-b.json", &(HealthStamp){}, true, text, size), 0);
        assert_true(health_set_end(set));
        memory_check(build_report);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_register),
                cmocka_unit_test(test_register_without),
                cmocka_unit_test(test_register_exact),
                cmocka_unit_test(test_register_escapes),
                cmocka_unit_test(test_report),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

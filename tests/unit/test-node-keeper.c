/* SPDX-License-Identifier: MIT */
/* node-keeper: what others put at node.json's path is read before it is replaced, and set aside where it is
 * not ours; an error at the start costs no id. */
#include "agent/node-keeper.h"

#include <sys/syscall.h>
#include <syslog.h>

#include "agent/node-file.h"
#include "sys/log.h"
#include "util/text.h"

#include "test-state-fixture.h"

#define NODE_OF(id, more) "{\"id\":\"" id "\",\"name\":\"dev-alice-web01\"" more "}"
#define MINUTES(n) ((n) *USEC_PER_MINUTE)

/* These stand before the C library's: they fail when told to, as a disk or a full table of files would. */
static struct {
        const char *name;
        int error;
        unsigned times;
} failing_open;

int openat(int fd, const char *name, int flags, ...) {
        mode_t mode = 0;

        if (flags & O_CREAT) {
                va_list arguments;

                va_start(arguments, flags);
                mode = va_arg(arguments, mode_t);
                va_end(arguments);
        }
        if (failing_open.times > 0 && streq(name, failing_open.name)) {
                failing_open.times--;
                errno = failing_open.error;
                return -1;
        }
        return (int) syscall(SYS_openat, fd, name, flags, mode);
}

/* What a fortified build calls. */
int __openat64_2(int fd, const char *name, int flags);
int __openat64_2(int fd, const char *name, int flags) {
        return openat(fd, name, flags & ~O_CREAT);
}

static Node *node_from(const char *text) {
        Node *node;

        assert_int_equal(node_parse(text, strlen(text), &node, NULL), 0);
        return node;
}

/* What main() does. */
static NodeKeeper started(void) {
        StateStore *store = store_at(in("root"));
        _cleanup_free_ char *reason = NULL;
        NodeKeeper keeper;
        Node *node = NULL;
        int r;

        if (node_file_read(store, "dev-alice-web01", &node, &reason) == NODE_FILE_OURS)
                state_store_know(store);
        r = state_store_lock(store);
        node_keeper_init(&keeper, "dev-alice-web01", store, node, r, 0);
        return keeper;
}

static void put(const char *text) {
        write_text(in("new"), text);
        assert_return_code(rename(in("new"), in(NODE)), errno);
}

static void take(NodeKeeper *keeper, const char *text, bool is_registration, usec_t now) {
        (void) node_keeper_take(keeper, text ? node_from(text) : NULL, is_registration, now);
}

static void assert_id(const NodeKeeper *keeper, const char *id) {
        const Node *node = node_keeper_candidate(keeper);

        assert_non_null(node);
        assert_string_equal(node->id, id);
}

static void assert_aside(const char *kind, const char *expected) {
        DIR *directory = opendir(in(HOST));
        unsigned count = 0;

        assert_non_null(directory);
        for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
                if (strncmp(entry->d_name, kind, strlen(kind)) == 0) {
                        assert_file(in(HOST "/%s", entry->d_name), expected);
                        count++;
                }
        (void) closedir(directory);
        assert_int_equal(count, 1);
}

#define OTHER "node.json.other-"
#define CORRUPT "node.json.corrupt-"

static void test_one_error_at_the_start(_unused_ void **state) {
        static const int errors[] = { EIO, EACCES, EMFILE, ENFILE, ENOMEM, ESTALE, EAGAIN };
        static const char *const places[] = { "node.json", "dev-alice-web01" };

        make_directories(in(HOST));
        for (size_t place = 0; place < ELEMENTSOF(places); place++)
                for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                        NodeKeeper keeper;

                        put(NODE_OF("A7", ""));
                        failing_open.name = places[place];
                        failing_open.error = errors[i];
                        failing_open.times = 1;
                        keeper = started();
                        assert_int_equal(failing_open.times, 0);
                        assert_null(keeper.node);

                        assert_true(node_keeper_prepare(&keeper, 1));
                        assert_id(&keeper, "A7");
                        assert_false(node_keeper_prepare(&keeper, 2));
                        take(&keeper, NODE_OF("A7", ",\"new\":1"), true, 3);
                        assert_file(in(NODE), NODE_OF("A7", ",\"new\":1"));
                        assert_int_equal(count_names(OTHER), 0);
                        node_keeper_done(&keeper);
                }
}

/* It is readable when the Master's object is about to replace it: it stays, and is asked for. */
static void test_readable_before_the_first_save(_unused_ void **state) {
        NodeKeeper keeper;

        make_directories(in(HOST));
        put(NODE_OF("A7", ""));
        failing_open.name = "node.json";
        failing_open.error = EIO;
        failing_open.times = 2;
        keeper = started();
        assert_false(node_keeper_prepare(&keeper, 1));
        assert_null(node_keeper_candidate(&keeper));

        take(&keeper, NODE_OF("B2", ""), true, 2);
        assert_id(&keeper, "A7");
        assert_file(in(NODE), NODE_OF("A7", ""));
        node_keeper_done(&keeper);
}

static void test_never_readable(_unused_ void **state) {
        NodeKeeper keeper;

        make_directories(in(HOST));
        put(NODE_OF("A7", ""));
        failing_open.name = "node.json";
        failing_open.error = EACCES;
        failing_open.times = UINT32_MAX;
        keeper = started();
        assert_false(node_keeper_prepare(&keeper, 1));
        take(&keeper, NULL, false, 2); /* a failed registration overwrites nothing */
        assert_int_equal(count_names(OTHER), 0);

        take(&keeper, NODE_OF("B2", ""), true, 3);
        failing_open.times = 0;
        assert_int_equal(keeper.error, 0);
        assert_file(in(NODE), NODE_OF("B2", ""));
        assert_aside(OTHER, NODE_OF("A7", ""));
        node_keeper_done(&keeper);
}

static void test_a_late_file_before_the_first_registration(_unused_ void **state) {
        NodeKeeper keeper = started();

        put(NODE_OF("A1", ""));
        take(&keeper, NULL, false, 1);
        assert_true(node_keeper_prepare(&keeper, 2));
        assert_id(&keeper, "A1");
        node_keeper_done(&keeper);
}

/* Registered as x; a file system with A1 comes. */
static NodeKeeper with_found(void) {
        NodeKeeper keeper = started();

        take(&keeper, NODE_OF("x", ""), true, 1);
        assert_file(in(NODE), NODE_OF("x", ""));
        assert_return_code(rename(in(HOST), in("before")), errno);
        make_directories(in(HOST));
        put(NODE_OF("A1", ""));

        take(&keeper, NODE_OF("x", ",\"n\":1"), false, 2);
        assert_string_equal(keeper.node->id, "x");
        assert_id(&keeper, "A1");
        assert_file(in(NODE), NODE_OF("A1", ""));
        assert_int_equal(count_names(OTHER), 0);
        return keeper;
}

static void test_a_late_file_is_asked_for(_unused_ void **state) {
        static const char *const answers[] = { NULL, NODE_OF("A1", ",\"n\":2") };

        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                NodeKeeper keeper = with_found();

                take(&keeper, answers[i], true, 3);
                assert_null(keeper.found);
                assert_string_equal(keeper.node->id, "A1");
                assert_file(in(NODE), answers[i] ? answers[i] : NODE_OF("A1", ""));
                assert_int_equal(count_names(OTHER), 0);
                node_keeper_done(&keeper);
                assert_return_code(rename(in("root"), in("root.%zu", i)), errno);
                assert_return_code(rename(in("before"), in("before.%zu", i)), errno);
        }
}

static void test_a_late_file_is_refused(_unused_ void **state) {
        NodeKeeper keeper = with_found();

        assert_true(node_keeper_reject_found(&keeper, 3));
        assert_id(&keeper, "x");
        assert_file(in(NODE), NODE_OF("x", ",\"n\":1"));
        assert_aside(OTHER, NODE_OF("A1", ""));
        assert_false(node_keeper_reject_found(&keeper, 4));

        /* The next one is not asked for. */
        put(NODE_OF("A2", ""));
        take(&keeper, NULL, false, 5);
        assert_id(&keeper, "x");
        assert_file(in(NODE), NODE_OF("x", ",\"n\":1"));
        assert_int_equal(count_names(OTHER), 2);
        node_keeper_done(&keeper);
}

/* The Master answers with a third id. */
static void test_a_late_file_is_answered_with_another_id(_unused_ void **state) {
        NodeKeeper keeper = with_found();

        take(&keeper, NODE_OF("y", ""), true, 3);
        assert_id(&keeper, "y");
        assert_file(in(NODE), NODE_OF("y", ""));
        assert_aside(OTHER, NODE_OF("A1", ""));
        node_keeper_done(&keeper);
}

static void test_a_stop_while_it_is_asked_for(_unused_ void **state) {
        NodeKeeper keeper = with_found();

        assert_false(node_keeper_flush(&keeper, 3));
        assert_file(in(NODE), NODE_OF("A1", ""));
        node_keeper_done(&keeper);
}

static void test_a_stored_id_is_not_exchanged(_unused_ void **state) {
        NodeKeeper keeper;

        make_directories(in(HOST));
        put(NODE_OF("A7", ""));
        keeper = started();
        take(&keeper, NODE_OF("A7", ""), true, 1);
        put(NODE_OF("B2", ""));
        take(&keeper, NULL, false, 2);
        assert_id(&keeper, "A7");
        assert_file(in(NODE), NODE_OF("A7", ""));
        assert_aside(OTHER, NODE_OF("B2", ""));

        /* Its own id, by whomever: the newest is in memory. */
        put(NODE_OF("A7", ",\"by\":\"an editor\""));
        take(&keeper, NULL, false, 3);
        assert_file(in(NODE), NODE_OF("A7", ""));
        assert_int_equal(count_names(OTHER), 1);
        node_keeper_done(&keeper);
}

static void test_what_is_not_ours(_unused_ void **state) {
        static const struct {
                const char *text, *kind;
        } cases[] = {
                { "{\"id\":\"A1\",\"name\":\"another-host\"}", OTHER },
                { "no JSON", CORRUPT },
                { "", CORRUPT },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                NodeKeeper keeper;

                make_directories(in(HOST));
                put(cases[i].text);
                keeper = started();
                assert_false(node_keeper_prepare(&keeper, 1));
                assert_null(keeper.node);
                assert_aside(cases[i].kind, cases[i].text);
                take(&keeper, NODE_OF("x", ""), true, 2);
                assert_file(in(NODE), NODE_OF("x", ""));
                node_keeper_done(&keeper);
                assert_return_code(rename(in("root"), in("root.%zu", i)), errno);
        }
}

static void test_204_brings_a_change_to_the_disk(_unused_ void **state) {
        NodeKeeper keeper = started();
        usec_t now = 1;

        take(&keeper, NODE_OF("x", ",\"seen\":0"), true, now);
        for (unsigned i = 1; i <= 5; i++) {
                char text[128];

                (void) snprintf(text, sizeof text, NODE_OF("x", ",\"seen\":%u"), i);
                take(&keeper, text, false, now += MINUTES(1));
        }
        assert_file(in(NODE), NODE_OF("x", ",\"seen\":3"));
        for (unsigned i = 0; i < 10; i++)
                take(&keeper, NULL, false, now += MINUTES(1));
        assert_file(in(NODE), NODE_OF("x", ",\"seen\":5"));
        node_keeper_done(&keeper);
}

static void test_what_the_master_sets_is_written_at_once(_unused_ void **state) {
        NodeKeeper keeper = started();

        take(&keeper, NODE_OF("x", ""), true, 1);
        take(&keeper, NODE_OF("x", ",\"config\":{\"level\":1}"), false, 2);
        assert_file(in(NODE), NODE_OF("x", ",\"config\":{\"level\":1}"));
        node_keeper_done(&keeper);
}

static int quiet(_unused_ void **state) {
        return log_open(LOG_TARGET_CONSOLE, LOG_ERR);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, test_directory_make, test_directory_remove)
        const struct CMUnitTest tests[] = {
                TEST(test_one_error_at_the_start),
                TEST(test_readable_before_the_first_save),
                TEST(test_never_readable),
                TEST(test_a_late_file_before_the_first_registration),
                TEST(test_a_late_file_is_asked_for),
                TEST(test_a_late_file_is_refused),
                TEST(test_a_late_file_is_answered_with_another_id),
                TEST(test_a_stop_while_it_is_asked_for),
                TEST(test_a_stored_id_is_not_exchanged),
                TEST(test_what_is_not_ours),
                TEST(test_204_brings_a_change_to_the_disk),
                TEST(test_what_the_master_sets_is_written_at_once),
        };

        return cmocka_run_group_tests_name("node-keeper", tests, quiet, NULL);
}

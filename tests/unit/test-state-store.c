/* SPDX-License-Identifier: MIT */
/* state-store: the lock, what is made, what is refused, what is set aside. */
#include <sys/file.h>

#include "core/node.h"
#include "util/text.h"

#include "test-state-fixture.h"

static void test_paths(_unused_ void **state) {
        static const struct {
                const char *root, *path, *health;
        } cases[] = {
                { "/private/argus/agent", "/private/argus/agent/h", "/private/argus/agent/h/health" },
                { "/private//", "/private/h", "/private/h/health" },
                { "/", "/h", "/h/health" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_store_ StateStore *store = NULL;

                assert_int_equal(state_store_new(cases[i].root, "h", &store), 0);
                assert_string_equal(state_store_path(store), cases[i].path);
                assert_string_equal(state_store_health_path(store), cases[i].health);
        }

        assert_null(state_store_free(NULL));
}

static void test_directories_are_made(_unused_ void **state) {
        _cleanup_store_ StateStore *store = store_at(in("a/b//c/"));
        mode_t saved = umask(0077); /* must not matter */
        int r = state_store_lock(store);

        (void) umask(saved);
        assert_int_equal(r, 0);
        assert_int_equal(mode_of(in("a")) & 07777, 0755);
        assert_int_equal(mode_of(in("a/b/c")) & 07777, 0755);
        assert_int_equal(mode_of(in("a/b/c/dev-alice-web01")) & 07777, 0750);
        assert_int_equal(mode_of(in("a/b/c/dev-alice-web01/health")) & 07777, 01770);
        assert_int_equal(mode_of(in("a/b/c/dev-alice-web01/.lock")) & 07777, 0600);
        assert_int_equal(state_store_lock(store), 0);
}

static void test_modes_are_handed_down_or_left(_unused_ void **state) {
        _cleanup_store_ StateStore *store = store_at(in("root"));

        make_directories(in("root"));
        assert_return_code(chmod(in("root"), 02755), errno);
        assert_int_equal(state_store_lock(store), 0);
        assert_int_equal(mode_of(in(HOST)) & 07777, 02750);
        assert_int_equal(mode_of(in(HOST "/health")) & 07777, 03770);

        assert_return_code(chmod(in(HOST "/health"), 03700), errno);
        assert_int_equal(state_store_lock(store), 0);
        assert_int_equal(mode_of(in(HOST "/health")) & 07777, 03700);

        /* A health directory that is gone comes back. */
        assert_return_code(rmdir(in(HOST "/health")), errno);
        assert_int_equal(state_store_lock(store), 0);
        assert_int_equal(mode_of(in(HOST "/health")) & 07777, 03770);
}

static int hold_flock(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        return fd >= 0 ? flock(fd, LOCK_EX | LOCK_NB) : -1;
}

static void test_second_agent(_unused_ void **state) {
        _cleanup_store_ StateStore *first = locked_store(), *second = store_at(in("root"));
        Child child;

        assert_int_equal(state_store_lock(second), -EBUSY);
        assert_int_equal(save_text(second, "{}"), -EBUSY);
        assert_false(exists(in(NODE)));

        first = state_store_free(first);
        assert_int_equal(state_store_lock(second), 0);
        second = state_store_free(second);

        /* Whoever can read it can lock it: one that was made with another mode is closed to others. */
        assert_return_code(chmod(in(HOST "/.lock"), 0644), errno);
        first = store_at(in("root"));
        assert_int_equal(state_store_lock(first), 0);
        assert_int_equal(mode_of(in(HOST "/.lock")) & 07777, 0600);
        first = state_store_free(first);

        child = child_start(hold_flock, in(HOST "/.lock"));
        first = store_at(in("root"));
        assert_int_equal(state_store_lock(first), -EBUSY);
        child_stop(child);
        assert_int_equal(state_store_lock(first), 0);
}

static void test_strange_lock_file(_unused_ void **state) {
        _cleanup_store_ StateStore *store = store_at(in("root"));
        const char *lock = in(HOST "/.lock");

        make_directories(in(HOST));

        assert_return_code(symlink("elsewhere", lock), errno);
        assert_int_equal(state_store_lock(store), -ELOOP);
        assert_false(exists(in(HOST "/elsewhere")));
        assert_return_code(unlink(lock), errno);

        assert_return_code(mkfifo(lock, 0600), errno);
        assert_int_equal(state_store_lock(store), -EINVAL);
        assert_return_code(unlink(lock), errno);

        make_socket(lock);
        assert_int_equal(state_store_lock(store), -EINVAL);
        assert_return_code(unlink(lock), errno);

        assert_return_code(mkdir(lock, 0700), errno);
        assert_int_equal(state_store_lock(store), -EISDIR);
        assert_return_code(rmdir(lock), errno);

        assert_int_equal(state_store_lock(store), 0);
}

static void test_no_directory(_unused_ void **state) {
        _cleanup_store_ StateStore *store = store_at(in("file/root"));
        _cleanup_free_ char *text = NULL;
        size_t size;

        write_text(in("file"), "");
        assert_int_equal(state_store_lock(store), -ENOTDIR);
        assert_int_equal(save_text(store, "{}"), -ENOTDIR);
        assert_int_equal(state_store_load(store, &text, &size), -ENOTDIR);
        assert_int_equal(state_store_set_aside(store, STATE_ASIDE_CORRUPT, 0, aside), -ENOTDIR);

        /* The same object is asked again when the mistake is mended. */
        assert_return_code(unlink(in("file")), errno);
        assert_int_equal(save_text(store, "{}"), 0);
        assert_file(in("file/root/dev-alice-web01/node.json"), "{}");
}

static void test_save_and_load(_unused_ void **state) {
        static const char odd[] = "{\"id\":9007199254740993}\n\0 and a NUL";
        _cleanup_store_ StateStore *store = store_at(in("root"));
        _cleanup_free_ char *text = NULL, *again = NULL, *largest = NULL;
        mode_t saved;
        size_t size;

        assert_int_equal(state_store_load(store, &text, &size), -ENOENT);
        assert_false(exists(in("root"))); /* to load makes nothing */
        assert_null(text);

        saved = umask(0077);
        assert_int_equal(state_store_save(store, odd, sizeof odd - 1), 0);
        (void) umask(saved);
        assert_int_equal(mode_of(in(NODE)) & 07777, 0640);
        assert_int_equal(state_store_load(store, &text, &size), 0);
        assert_int_equal(size, sizeof odd - 1);
        assert_memory_equal(text, odd, sizeof odd);
        assert_int_equal(count_names(".node.json"), 0);

        /* Another store needs no lock to read. */
        {
                _cleanup_store_ StateStore *reader = store_at(in("root"));

                assert_int_equal(state_store_load(reader, &again, &size), 0);
                assert_int_equal(size, sizeof odd - 1);
        }

        largest = calloc(1, NODE_SIZE_MAX + 1);
        assert_non_null(largest);
        memset(largest, ' ', NODE_SIZE_MAX + 1);
        free(TAKE_PTR(text));
        assert_int_equal(state_store_save(store, largest, NODE_SIZE_MAX), 0);
        assert_int_equal(state_store_load(store, &text, &size), 0);
        assert_int_equal(size, NODE_SIZE_MAX);
        assert_int_equal(state_store_save(store, largest, NODE_SIZE_MAX + 1), 0);
        free(TAKE_PTR(text));
        assert_int_equal(state_store_load(store, &text, &size), -EFBIG);

        /* An empty file is a text like another: to judge it is not the store's. */
        assert_int_equal(state_store_save(store, "", 0), 0);
        assert_int_equal(state_store_load(store, &text, &size), 0);
        assert_int_equal(size, 0);
        assert_string_equal(text, "");
}

static void test_load_refuses(_unused_ void **state) {
        _cleanup_store_ StateStore *store = locked_store();
        _cleanup_free_ char *text = NULL;
        Child child;
        size_t size;

        write_text(in("secret"), "{\"id\":1}");
        assert_return_code(symlink(in("secret"), in(NODE)), errno);
        assert_int_equal(state_store_load(store, &text, &size), -ELOOP);
        assert_return_code(unlink(in(NODE)), errno);

        assert_return_code(mkfifo(in(NODE), 0600), errno);
        assert_int_equal(state_store_load(store, &text, &size), -EINVAL);
        assert_return_code(unlink(in(NODE)), errno);

        make_socket(in(NODE));
        assert_int_equal(state_store_load(store, &text, &size), -EINVAL);
        assert_return_code(unlink(in(NODE)), errno);

        assert_return_code(mkdir(in(NODE), 0700), errno);
        assert_int_equal(state_store_load(store, &text, &size), -EISDIR);
        assert_return_code(rmdir(in(NODE)), errno);

        write_text(in(NODE), "{}");
        child = child_start(take_lease, in(NODE));
        assert_int_equal(state_store_load(store, &text, &size), -EAGAIN);
        child_stop(child);
        assert_int_equal(state_store_load(store, &text, &size), 0);
}

static void make_text(const char *path) {
        write_text(path, "{\"id\":\"A1\"}");
}

static void make_link(const char *path) {
        write_text(in("victim"), "untouched");
        assert_return_code(symlink(in("victim"), path), errno);
}

static void make_fifo(const char *path) {
        assert_return_code(mkfifo(path, 0600), errno);
}

static void make_folder(const char *path) {
        make_directories(in("%s/somebody's", path + strlen(test_directory) + 1));
}

/* Whatever somebody puts at the path is there after a save, and has to be set aside first. */
static void test_save_replaces_only_what_it_knows(_unused_ void **state) {
        static void (*const make[])(
                        const char *) = { make_text, make_link, make_fifo, make_socket, make_folder };
        _cleanup_store_ StateStore *store = locked_store();

        assert_int_equal(save_text(store, "one"), 0);
        /* Who has the old file open, or linked elsewhere, keeps the old bytes. */
        assert_return_code(link(in(NODE), in("second-name")), errno);
        assert_int_equal(save_text(store, "two"), 0);
        assert_file(in("second-name"), "one");

        for (size_t i = 0; i < ELEMENTSOF(make); i++) {
                assert_return_code(unlink(in(NODE)), errno);
                make[i](in(NODE));
                assert_int_equal(state_store_look(store), STATE_NODE_UNKNOWN);
                assert_int_equal(save_text(store, "three"), -EEXIST);
                assert_int_equal(count_names(".node.json"), 0);

                assert_int_equal(
                                state_store_set_aside(store, STATE_ASIDE_OTHER, i * USEC_PER_SEC, aside), 0);
                assert_int_equal(save_text(store, "four"), 0);
                assert_file(in(NODE), "four");
        }
        assert_file(in("victim"), "untouched");
        assert_int_equal(count_names("node.json.other-"), 3);

        /* Leftovers are in nobody's way, whatever they are called. */
        write_text(in(HOST "/.node.json.%ld.tmp", (long) getpid()), "half");
        assert_int_equal(save_text(store, "five"), 0);
        assert_file(in(NODE), "five");
        assert_int_equal(count_names(".node.json"), 0);
}

/* Its parent may belong to another user than root, who would point it anywhere. */
static void test_a_link_is_not_followed(_unused_ void **state) {
        _cleanup_store_ StateStore *store = store_at(in("root"));
        _cleanup_free_ char *text = NULL;
        size_t size;

        make_directories(in("root"));
        make_directories(in("elsewhere"));
        write_text(in("elsewhere/node.json"), "{\"id\":\"A1\"}");
        assert_return_code(symlink(in("elsewhere"), in(HOST)), errno);

        assert_int_equal(state_store_lock(store), -ENOTDIR);
        assert_int_equal(state_store_load(store, &text, &size), -ENOTDIR);
        assert_int_equal(state_store_look(store), -ENOTDIR);
        assert_int_equal(save_text(store, "one"), -ENOTDIR);
        assert_int_equal(state_store_set_aside(store, STATE_ASIDE_OTHER, 0, aside), -ENOTDIR);
        assert_non_null(strstr(state_store_error_text(-ENOTDIR), "link"));
        assert_false(exists(in("elsewhere/.lock")));
        assert_false(exists(in("elsewhere/health")));

        /* One to nowhere is not filled in either. */
        assert_return_code(unlink(in(HOST)), errno);
        assert_return_code(symlink(in("nowhere"), in(HOST)), errno);
        assert_int_equal(state_store_lock(store), -ENOTDIR);
        assert_false(exists(in("nowhere")));

        /* Above it links are the administrator's. */
        assert_return_code(unlink(in(HOST)), errno);
        store = state_store_free(store);
        assert_return_code(rename(in("root"), in("other-disk")), errno);
        assert_return_code(symlink(in("other-disk"), in("root")), errno);
        store = store_at(in("root"));
        assert_int_equal(save_text(store, "one"), 0);
        assert_file(in("other-disk/dev-alice-web01/node.json"), "one");
}

static void test_directory_goes_away(_unused_ void **state) {
        _cleanup_store_ StateStore *store = locked_store(), *other = NULL;

        /* Removed. */
        assert_int_equal(save_text(store, "one"), 0);
        assert_return_code(rename(in("root"), in("gone")), errno);
        assert_int_equal(save_text(store, "two"), 0);
        assert_file(in(NODE), "two");
        assert_true(exists(in(HOST "/health")));
        assert_file(in("gone/dev-alice-web01/node.json"), "one");

        /* The old place is free for another agent: its lock was given back. */
        other = store_at(in("gone"));
        assert_int_equal(state_store_lock(other), 0);
        other = state_store_free(other);

        /* Replaced, and another agent is in the new one. */
        assert_return_code(rename(in(HOST), in("gone/again")), errno);
        other = store_at(in("root"));
        assert_int_equal(state_store_lock(other), 0);
        assert_int_equal(save_text(store, "three"), -EBUSY);
        assert_int_equal(state_store_lock(store), -EBUSY);
        other = state_store_free(other);
        assert_int_equal(save_text(store, "three"), 0);
        assert_file(in(NODE), "three");

        /* Only the lock file was removed: it is made and taken again. */
        assert_return_code(unlink(in(HOST "/.lock")), errno);
        other = store_at(in("root"));
        assert_int_equal(state_store_lock(store), 0);
        assert_int_equal(state_store_lock(other), -EBUSY);
}

/* What the next start would not find, or find to be something else. */
static void test_look(_unused_ void **state) {
        _cleanup_store_ StateStore *store = locked_store();
        _cleanup_free_ char *text = NULL;
        size_t size;

        assert_int_equal(state_store_look(store), STATE_NODE_NONE);
        assert_int_equal(save_text(store, "{}"), 0);
        assert_int_equal(state_store_look(store), STATE_NODE_KNOWN);

        /* Moved away with its directory. */
        assert_return_code(rename(in(HOST), in("elsewhere")), errno);
        assert_int_equal(state_store_look(store), STATE_NODE_NONE);
        assert_int_equal(save_text(store, "{}"), 0);
        assert_return_code(unlink(in(NODE)), errno);
        assert_int_equal(state_store_look(store), STATE_NODE_NONE);

        /* Written into the file, or put in its place. */
        assert_int_equal(save_text(store, "{}"), 0);
        write_text(in(NODE), "[]!");
        assert_int_equal(state_store_look(store), STATE_NODE_UNKNOWN);
        write_text(in("another"), "[]");
        assert_return_code(rename(in("another"), in(NODE)), errno);
        assert_int_equal(state_store_look(store), STATE_NODE_UNKNOWN);

        /* What was read is ours only when somebody has looked into it, and only those bytes. */
        assert_int_equal(state_store_load(store, &text, &size), 0);
        assert_int_equal(state_store_look(store), STATE_NODE_UNKNOWN);
        state_store_know(store);
        assert_int_equal(state_store_look(store), STATE_NODE_KNOWN);
        write_text(in(NODE), "[] ");
        assert_int_equal(save_text(store, "{}"), -EEXIST);
}

static void test_twins(_unused_ void **state) {
        static const char *const strangers[] = { "dev-alice-web1", "dev-alice-web011", "dev-alice-web",
                "x.dev-alice-web01", "dev-alice-web01.link", "dev-alice-web01.empty" };
        _cleanup_store_ StateStore *store = locked_store();
        _cleanup_free_ char *name = NULL;

        write_text(in(NODE), "{}");
        for (size_t i = 0; i + 2 < ELEMENTSOF(strangers); i++) {
                make_directories(in("root/%s", strangers[i]));
                write_text(in("root/%s/node.json", strangers[i]), "{}");
        }
        assert_return_code(symlink("dev-alice-web01", in("root/dev-alice-web01.link")), errno);
        make_directories(in("root/dev-alice-web01.empty"));
        write_text(in("root/dev-alice-web01.file"), "{}");
        assert_int_equal(state_store_find_twin(store, &name), 0);

        make_directories(in("root/dev-alice-web01.example.org"));
        write_text(in("root/dev-alice-web01.example.org/node.json"), "{}");
        assert_int_equal(state_store_find_twin(store, &name), 1);
        assert_string_equal(name, "dev-alice-web01.example.org");
}

static void test_set_aside(_unused_ void **state) {
        _cleanup_store_ StateStore *store = locked_store();
        const usec_t noon = UINT64_C(1795521600) * USEC_PER_SEC; /* 2026-11-24T12:00:00Z */

        assert_int_equal(state_store_set_aside(store, STATE_ASIDE_CORRUPT, noon, aside), -ENOENT);

        write_text(in(NODE), "bad 1");
        assert_int_equal(state_store_set_aside(store, STATE_ASIDE_CORRUPT, noon, aside), 0);
        assert_string_equal(aside, "node.json.corrupt-20261124T120000Z");
        assert_file(in(HOST "/%s", aside), "bad 1");
        assert_false(exists(in(NODE)));

        /* Within the same second nothing is lost. */
        write_text(in(NODE), "bad 2");
        assert_int_equal(state_store_set_aside(store, STATE_ASIDE_CORRUPT, noon + 5, aside), 0);
        assert_string_equal(aside, "node.json.corrupt-20261124T120001Z");
        assert_int_equal(count_names("node.json.corrupt-"), 2);

        for (unsigned i = 1; i < 6; i++) {
                write_text(in(NODE), "bad 3");
                assert_int_equal(state_store_set_aside(store, STATE_ASIDE_CORRUPT, noon + i * USEC_PER_HOUR,
                                                 aside),
                                0);
        }
        assert_int_equal(count_names("node.json.corrupt-"), 3);
        assert_true(exists(in(HOST "/node.json.corrupt-20261124T170000Z")));
        assert_true(exists(in(HOST "/node.json.corrupt-20261124T150000Z")));

        /* With a clock that was set back, the newest is the one that was just set aside. */
        assert_return_code(symlink("nowhere", in(NODE)), errno);
        assert_int_equal(state_store_set_aside(store, STATE_ASIDE_CORRUPT, 0, aside), 0);
        assert_true(exists(in(HOST "/node.json.corrupt-19700101T000000Z")));
        assert_true(exists(in(HOST "/node.json.corrupt-20261124T160000Z")));
        assert_int_equal(count_names("node.json.corrupt-"), 3);

        /* The two kinds do not push each other out. */
        write_text(in(NODE), "other");
        assert_int_equal(state_store_set_aside(store, STATE_ASIDE_OTHER, noon, aside), 0);
        assert_string_equal(aside, "node.json.other-20261124T120000Z");
        assert_int_equal(count_names("node.json.corrupt-"), 3);
}

static void expect_health(const StateStore *store, int expected) {
        int fd = state_store_open_health(store);

        assert_int_equal(fd < 0 ? fd : 0, expected);
        close_fd(fd);
}

/* Root reads in a directory that may belong to the service's user, who must not lead it elsewhere. */
static void test_health_is_a_link(void **state _unused_) {
        _cleanup_store_ StateStore *store = locked_store();

        expect_health(store, 0);
        assert_return_code(rename(in(HOST "/health"), in("elsewhere")), errno);
        expect_health(store, -ENOENT);
        assert_return_code(symlink(in("elsewhere"), in(HOST "/health")), errno);
        expect_health(store, 0);

        if (geteuid() != 0)
                skip();
        assert_return_code(chown(in(HOST), 65534, 65534), errno);
        expect_health(store, -ENOTDIR);
        assert_return_code(unlink(in(HOST "/health")), errno);
        assert_return_code(rename(in("elsewhere"), in(HOST "/health")), errno);
        expect_health(store, 0);

        assert_return_code(rename(in(HOST), in("root/moved")), errno);
        assert_return_code(symlink("moved", in(HOST)), errno);
        expect_health(store, -ENOTDIR);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, test_directory_make, test_directory_remove)
        const struct CMUnitTest tests[] = {
                TEST(test_paths),
                TEST(test_directories_are_made),
                TEST(test_modes_are_handed_down_or_left),
                TEST(test_second_agent),
                TEST(test_strange_lock_file),
                TEST(test_no_directory),
                TEST(test_save_and_load),
                TEST(test_load_refuses),
                TEST(test_save_replaces_only_what_it_knows),
                TEST(test_a_link_is_not_followed),
                TEST(test_directory_goes_away),
                TEST(test_look),
                TEST(test_twins),
                TEST(test_set_aside),
                TEST(test_health_is_a_link),
        };

        return cmocka_run_group_tests_name("state-store", tests, NULL, NULL);
}

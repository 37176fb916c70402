/* state-store: the lock, what is made, what is refused, and that node.json survives kills, full and
 * read-only disks, and errors of the disk at every step of a save. */
#include "sys/state-store.h"

#include <dirent.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "core/node.h"
#include "util/text.h"

#include "test-files.h"

DEFINE_CLEANUP(StateStore *, state_store_free)
#define _cleanup_store_ _cleanup_(state_store_free_pointer)

/* These two stand before the C library's: they write down the order of what a save does, and fail when told
 * to. */
static struct {
        char steps[64]; /* f: fsync of a file, d: of a directory, r: rename */
        char fail_at;   /* the letter of the step that fails */
        int error;
} disk;

static bool step_fails(char step) {
        size_t length = strlen(disk.steps);

        if (length + 1 < sizeof disk.steps) {
                disk.steps[length] = step;
                disk.steps[length + 1] = '\0';
        }
        if (disk.fail_at != step)
                return false;

        errno = disk.error;
        return true;
}

int fsync(int fd) {
        struct stat st;

        if (step_fails(fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? 'd' : 'f'))
                return -1;
        return (int) syscall(SYS_fsync, fd);
}

int renameat(int old_fd, const char *old_name, int new_fd, const char *new_name) {
        if (step_fails('r'))
                return -1;
        return (int) syscall(SYS_renameat2, old_fd, old_name, new_fd, new_name, 0);
}

static StateStore *store_at(const char *root) {
        StateStore *store;

        assert_int_equal(state_store_new(root, "dev-alice-web01", &store), 0);
        return store;
}

static StateStore *locked_store(void) {
        StateStore *store = store_at(in("root"));

        assert_int_equal(state_store_lock(store), 0);
        return store;
}

#define HOST "root/dev-alice-web01"
#define NODE HOST "/node.json"

static int save_text(StateStore *store, const char *text) {
        return state_store_save(store, text, strlen(text));
}

/* How many names in the host's directory begin so. */
static unsigned count_names(const char *prefix) {
        DIR *directory = opendir(in(HOST));
        unsigned count = 0;

        assert_non_null(directory);
        for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
                if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
                        count++;
        (void) closedir(directory);
        return count;
}

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
        assert_int_equal(mode_of(in("a/b/c/dev-alice-web01/health")) & 07777, 0770);
        assert_int_equal(mode_of(in("a/b/c/dev-alice-web01/.lock")) & 0137, 0);
        assert_int_equal(state_store_lock(store), 0);
}

static void test_modes_are_handed_down_or_left(_unused_ void **state) {
        _cleanup_store_ StateStore *store = store_at(in("root"));

        make_directories(in("root"));
        assert_return_code(chmod(in("root"), 02755), errno);
        assert_int_equal(state_store_lock(store), 0);
        assert_int_equal(mode_of(in(HOST)) & 07777, 02750);
        assert_int_equal(mode_of(in(HOST "/health")) & 07777, 02770);

        assert_return_code(chmod(in(HOST "/health"), 03700), errno);
        assert_int_equal(state_store_lock(store), 0);
        assert_int_equal(mode_of(in(HOST "/health")) & 07777, 03700);

        /* A health directory that is gone comes back. */
        assert_return_code(rmdir(in(HOST "/health")), errno);
        assert_int_equal(state_store_lock(store), 0);
        assert_int_equal(mode_of(in(HOST "/health")) & 07777, 02770);
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
        assert_int_equal(state_store_set_aside(store, 0, NULL), -ENOTDIR);

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

static void test_save_replaces_whatever_is_there(_unused_ void **state) {
        _cleanup_store_ StateStore *store = locked_store();

        /* A link is replaced, not followed. */
        write_text(in("victim"), "untouched");
        assert_return_code(symlink(in("victim"), in(NODE)), errno);
        assert_int_equal(save_text(store, "one"), 0);
        assert_file(in(NODE), "one");
        assert_file(in("victim"), "untouched");

        /* Who has the old file open, or linked elsewhere, keeps the old bytes. */
        assert_return_code(link(in(NODE), in("second-name")), errno);
        assert_int_equal(save_text(store, "two"), 0);
        assert_file(in("second-name"), "one");

        assert_return_code(unlink(in(NODE)), errno);
        assert_return_code(mkfifo(in(NODE), 0600), errno);
        assert_int_equal(save_text(store, "three"), 0);
        assert_file(in(NODE), "three");

        /* A directory cannot be replaced: it is kept under another name. */
        assert_return_code(unlink(in(NODE)), errno);
        make_directories(in(NODE "/somebody's"));
        assert_int_equal(save_text(store, "four"), 0);
        assert_file(in(NODE), "four");
        assert_int_equal(count_names("node.json.corrupt-"), 1);

        /* Leftovers are in nobody's way, whatever they are called. */
        write_text(in(HOST "/.node.json.%ld.tmp", (long) getpid()), "half");
        assert_int_equal(save_text(store, "five"), 0);
        assert_file(in(NODE), "five");
        assert_int_equal(count_names(".node.json"), 0);
}

static void test_order_of_a_save(_unused_ void **state) {
        _cleanup_store_ StateStore *store = locked_store();
        static const struct {
                char fail_at;
                int error;
                const char *steps, *left;
                int result;
        } cases[] = {
                { 0, 0, "frd", "new", 0 }, { 'f', EIO, "f", "old", -EIO },
                { 'f', ENOSPC, "f", "old", -ENOSPC }, { 'r', EDQUOT, "fr", "old", -EDQUOT },
                { 'd', EIO, "frd", "new", -EIO },
                { 'd', EINVAL, "frd", "new", 0 }, /* no such operation on this file system */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int r;

                assert_int_equal(save_text(store, "old"), 0);

                disk.steps[0] = '\0';
                disk.fail_at = cases[i].fail_at;
                disk.error = cases[i].error;
                r = save_text(store, "new");
                disk.fail_at = 0;

                assert_int_equal(r, cases[i].result);
                assert_string_equal(disk.steps, cases[i].steps);
                assert_file(in(NODE), cases[i].left);
                assert_int_equal(count_names(".node.json"), 0);
        }

        /* What is made on the way is brought to the disk in each parent: root, the host, and health. */
        store = state_store_free(store);
        store = store_at(in("fresh"));
        disk.steps[0] = '\0';
        assert_int_equal(save_text(store, "new"), 0);
        assert_string_equal(disk.steps, "dddfrd");
}

static void test_kill_at_any_instant(_unused_ void **state) {
        static char odd[20000], even[30000];
        unsigned leftovers = 0, changed = 0;

        memset(odd, '1', sizeof odd);
        memset(even, '2', sizeof even);

        for (unsigned i = 0; i < 60; i++) {
                _cleanup_store_ StateStore *store = NULL;
                _cleanup_free_ char *text = NULL;
                pid_t pid = fork();
                size_t size;

                assert_return_code(pid, errno);
                if (pid == 0) {
                        store = store_at(in("root"));
                        for (unsigned turn = i;; turn++)
                                if (state_store_save(store, turn % 2 ? odd : even,
                                                    turn % 2 ? sizeof odd : sizeof even) < 0)
                                        _exit(1);
                }

                (void) usleep(500 + i * 211 % 7000);
                assert_return_code(kill(pid, SIGKILL), errno);
                assert_int_equal(waitpid(pid, NULL, 0), pid);

                store = store_at(in("root"));
                if (exists(in(HOST)))
                        leftovers += count_names(".node.json");
                if (state_store_load(store, &text, &size) == 0) {
                        assert_true(size == sizeof odd || size == sizeof even);
                        assert_memory_equal(text, size == sizeof odd ? odd : even, size);
                        changed++;
                } else
                        assert_false(exists(in(NODE)));

                assert_int_equal(state_store_lock(store), 0);
                assert_int_equal(count_names(".node.json"), 0);
        }

        assert_true(changed > 0);
        print_message("%u kills left %u temporary files, all removed\n", 60U, leftovers);
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

static void test_set_aside(_unused_ void **state) {
        _cleanup_store_ StateStore *store = locked_store();
        _cleanup_free_ char *name = NULL;
        const usec_t noon = UINT64_C(1795521600) * USEC_PER_SEC; /* 2026-11-24T12:00:00Z */

        assert_int_equal(state_store_set_aside(store, noon, &name), -ENOENT);
        assert_null(name);

        write_text(in(NODE), "bad 1");
        assert_int_equal(state_store_set_aside(store, noon, &name), 0);
        assert_string_equal(name, "node.json.corrupt-20261124T120000Z");
        assert_file(in(HOST "/%s", name), "bad 1");
        assert_false(exists(in(NODE)));
        free(TAKE_PTR(name));

        /* Within the same second nothing is lost. */
        write_text(in(NODE), "bad 2");
        assert_int_equal(state_store_set_aside(store, noon + 5, &name), 0);
        assert_string_equal(name, "node.json.corrupt-20261124T120001Z");
        assert_int_equal(count_names("node.json.corrupt-"), 2);

        for (unsigned i = 1; i < 6; i++) {
                write_text(in(NODE), "bad 3");
                assert_int_equal(state_store_set_aside(store, noon + i * USEC_PER_HOUR, NULL), 0);
        }
        assert_int_equal(count_names("node.json.corrupt-"), 3);
        assert_true(exists(in(HOST "/node.json.corrupt-20261124T170000Z")));
        assert_true(exists(in(HOST "/node.json.corrupt-20261124T150000Z")));

        /* With a clock that was set back, the newest is the one that was just set aside. */
        assert_return_code(symlink("nowhere", in(NODE)), errno);
        assert_int_equal(state_store_set_aside(store, 0, NULL), 0);
        assert_true(exists(in(HOST "/node.json.corrupt-19700101T000000Z")));
        assert_true(exists(in(HOST "/node.json.corrupt-20261124T160000Z")));
        assert_int_equal(count_names("node.json.corrupt-"), 3);
}

/* A file system of our own in a name space of our own, for what a real disk may be. */
static bool mount_small(const char *options) {
        return unshare(CLONE_NEWNS) == 0 && mount("none", "/", "none", MS_REC | MS_PRIVATE, "") == 0 &&
               mkdir(in("root"), 0755) == 0 && mount("tmpfs", in("root"), "tmpfs", 0, options) == 0;
}

static int on_read_only_disk(void) {
        StateStore *store, *other;
        _cleanup_free_ char *text = NULL;
        size_t size;

        if (!mount_small("size=256k"))
                return CHILD_SKIP;

        CHECK(state_store_new(in("root"), "dev-alice-web01", &store) == 0);
        CHECK(state_store_new(in("root"), "other", &other) == 0);
        CHECK(save_text(store, "one") == 0);
        store = state_store_free(store);
        CHECK(mount("none", in("root"), "none", MS_REMOUNT | MS_RDONLY, "") == 0);

        /* What is there serves: the lock is taken, so that a second agent still learns of the first. */
        CHECK(state_store_new(in("root"), "dev-alice-web01", &store) == 0);
        CHECK(state_store_lock(store) == 0);
        CHECK(state_store_load(store, &text, &size) == 0 && streq(text, "one"));
        CHECK(save_text(store, "two") == -EROFS);
        CHECK(state_store_set_aside(store, 0, NULL) == -EROFS);
        CHECK(state_store_lock(other) == -EROFS);
        other = state_store_free(other);
        CHECK(state_store_new(in("root"), "dev-alice-web01", &other) == 0);
        CHECK(state_store_lock(other) == -EBUSY);

        CHECK(mount("none", in("root"), "none", MS_REMOUNT, "") == 0);
        CHECK(save_text(store, "two") == 0);
        state_store_free(store);
        state_store_free(other);
        return 0;
}

static void test_read_only_disk(_unused_ void **state) {
        run_in_child(on_read_only_disk);
}

static int on_full_disk(void) {
        static char filler[4096], large[64 * 1024];
        _cleanup_free_ char *text = NULL;
        StateStore *store;
        size_t size;
        int fd;

        if (!mount_small("size=128k"))
                return CHILD_SKIP;

        memset(large, 'x', sizeof large);
        CHECK(state_store_new(in("root"), "dev-alice-web01", &store) == 0);
        CHECK(save_text(store, "one") == 0);
        fd = open(in("root/filler"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        for (unsigned i = 0; i < 20; i++)
                CHECK(write(fd, filler, sizeof filler) > 0);

        CHECK(state_store_save(store, large, sizeof large) == -ENOSPC);
        CHECK(count_names(".node.json") == 0);
        CHECK(state_store_load(store, &text, &size) == 0 && streq(text, "one"));

        CHECK(ftruncate(fd, 0) == 0);
        CHECK(state_store_save(store, large, sizeof large) == 0);
        (void) close(fd);
        state_store_free(store);
        return 0;
}

static void test_full_disk(_unused_ void **state) {
        run_in_child(on_full_disk);
}

static uid_t owner_of(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 ? st.st_uid : 0;
}

enum { NOBODY = 65534 };

static int as_other_user(void) {
        StateStore *store, *foreign;
        _cleanup_free_ char *text = NULL;
        size_t size;

        if (geteuid() != 0)
                return CHILD_SKIP;

        /* Root runs the agent once in the service's directory. */
        CHECK(chmod(test_directory, 0755) == 0);
        CHECK(mkdir(in("root"), 0755) == 0);
        if (chown(in("root"), NOBODY, NOBODY) < 0)
                return CHILD_SKIP; /* a user name space without that user */
        CHECK(mkdir(in("foreign"), 0755) == 0 && mkdir(in("foreign/dev-alice-web01"), 0755) == 0);
        CHECK(state_store_new(in("root"), "dev-alice-web01", &store) == 0);
        CHECK(save_text(store, "one") == 0);
        store = state_store_free(store);
        CHECK(owner_of(in(HOST)) == NOBODY);
        CHECK(owner_of(in(HOST "/health")) == NOBODY);
        CHECK(owner_of(in(HOST "/.lock")) == NOBODY);
        CHECK(owner_of(in(NODE)) == NOBODY);

        /* A file that was there is not given away, be it called as it likes. */
        CHECK(unlink(in(HOST "/.lock")) == 0);
        write_text(in("roots-own"), "");
        CHECK(link(in("roots-own"), in(HOST "/.lock")) == 0);
        CHECK(state_store_new(in("root"), "dev-alice-web01", &store) == 0);
        CHECK(state_store_lock(store) == 0);
        store = state_store_free(store);
        CHECK(owner_of(in("roots-own")) == 0);
        CHECK(unlink(in(HOST "/.lock")) == 0);

        /* Then the service itself. A node.json of root's, as the Python agent left it, is taken over. */
        CHECK(unlink(in(NODE)) == 0);
        write_text(in(NODE), "root's");
        CHECK(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
        CHECK(state_store_new(in("root"), "dev-alice-web01", &store) == 0);
        CHECK(state_store_lock(store) == 0);
        CHECK(state_store_load(store, &text, &size) == 0 && streq(text, "root's"));
        CHECK(save_text(store, "two") == 0);
        CHECK(owner_of(in(NODE)) == NOBODY);
        state_store_free(store);

        CHECK(state_store_new(in("foreign"), "dev-alice-web01", &foreign) == 0);
        CHECK(state_store_lock(foreign) == -EACCES);
        CHECK(save_text(foreign, "two") == -EACCES);
        state_store_free(foreign);
        return 0;
}

static void test_users(_unused_ void **state) {
        run_in_child(as_other_user);
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
                TEST(test_save_replaces_whatever_is_there),
                TEST(test_order_of_a_save),
                TEST(test_kill_at_any_instant),
                TEST(test_directory_goes_away),
                TEST(test_set_aside),
                TEST(test_read_only_disk),
                TEST(test_full_disk),
                TEST(test_users),
        };

        return cmocka_run_group_tests_name("state-store", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* state-store: node.json survives kills, full and read-only disks, other users, and errors of the disk at
 * every step of a save. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "util/text.h"

#include "test-state-fixture.h"

/* These two stand before the C library's: they write down the order of what a save does, and fail when
 * told to. */
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
                        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                        store = store_at(in("root"));
                        (void) load_text(store, &text);
                        for (unsigned turn = i;; turn++)
                                if (state_store_save(store, turn % 2 ? odd : even,
                                                    turn % 2 ? sizeof odd : sizeof even) < 0)
                                        _exit(1);
                }

                /* A slow machine gets longer, until the first save was seen. */
                (void) usleep((500 + i * 211 % 7000) * (changed > 0 ? 1 : 1 + i));
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

/* A file system of our own in a name space of our own, for what a real disk may be. */
static bool mount_small(const char *options) {
        return unshare(CLONE_NEWNS) == 0 && mount("none", "/", "none", MS_REC | MS_PRIVATE, "") == 0 &&
               mkdir(in("root"), 0755) == 0 && mount("tmpfs", in("root"), "tmpfs", 0, options) == 0;
}

static int on_read_only_disk(void) {
        StateStore *store, *other;
        _cleanup_free_ char *text = NULL;

        if (!mount_small("size=256k"))
                return CHILD_SKIP;

        CHECK(state_store_new(in("root"), "dev-alice-web01", &store) == 0);
        CHECK(state_store_new(in("root"), "other", &other) == 0);
        CHECK(save_text(store, "one") == 0);
        /* Nothing that is open for writing is in the way of it. */
        CHECK(mount("none", in("root"), "none", MS_REMOUNT | MS_RDONLY, "") == 0);
        CHECK(save_text(store, "two") == -EROFS);
        store = state_store_free(store);

        /* What is there serves: the lock is taken, so that a second agent still learns of the first. */
        CHECK(state_store_new(in("root"), "dev-alice-web01", &store) == 0);
        CHECK(state_store_lock(store) == 0);
        CHECK(load_text(store, &text) == 0 && streq(text, "one"));
        CHECK(save_text(store, "two") == -EROFS);
        CHECK(state_store_set_aside(store, STATE_ASIDE_CORRUPT, 0, aside) == -EROFS);
        CHECK(state_store_lock(other) == -EROFS);
        other = state_store_free(other);

        /* A root that is not there is not called read-only: the sandbox makes all of the disk so. */
        CHECK(state_store_new(in("root/private/argus"), "dev-alice-web01", &other) == 0);
        CHECK(state_store_lock(other) == -ENOENT);
        CHECK(save_text(other, "two") == -ENOENT);
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

        /* A file that was there is not given away nor closed, be it called as it likes. */
        CHECK(unlink(in(HOST "/.lock")) == 0);
        write_text(in("roots-own"), "");
        CHECK(link(in("roots-own"), in(HOST "/.lock")) == 0);
        CHECK(state_store_new(in("root"), "dev-alice-web01", &store) == 0);
        CHECK(state_store_lock(store) == 0);
        store = state_store_free(store);
        CHECK(owner_of(in("roots-own")) == 0);
        CHECK((mode_of(in("roots-own")) & 07777) == 0644);
        CHECK(unlink(in(HOST "/.lock")) == 0);

        /* Then the service itself. A node.json of root's, as the Python agent left it, is taken over. */
        CHECK(unlink(in(NODE)) == 0);
        write_text(in(NODE), "root's");
        CHECK(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
        CHECK(state_store_new(in("root"), "dev-alice-web01", &store) == 0);
        CHECK(state_store_lock(store) == 0);
        CHECK(load_text(store, &text) == 0 && streq(text, "root's"));
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
                TEST(test_order_of_a_save),
                TEST(test_kill_at_any_instant),
                TEST(test_read_only_disk),
                TEST(test_full_disk),
                TEST(test_users),
        };

        return cmocka_run_group_tests_name("state-store-crash", tests, NULL, NULL);
}

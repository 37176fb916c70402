/* SPDX-License-Identifier: MIT */
/* health-scan: what lies in the directory, however hostile, neither blocks nor leads elsewhere nor costs
 * without bound. */
#include <sys/sysmacros.h>

#include "test-health-fixture.h"

static void test_names(_unused_ void **state) {
        Fixture fixture = fixture_new();

        write_text(in(HEALTH "/a-b c.json"), "1");
        write_text(in(HEALTH "/systemd-x.json"), "1");
        assert_return_code(symlink("/dev/zero", in(HEALTH "/a-\x1b.json")), errno);
        assert_true(collect(&fixture));
        assert_verdict(&fixture, "a-b c.json", HEALTH_INVALID, "name");
        assert_verdict(&fixture, "systemd-x.json", HEALTH_INVALID, "systemd-");
        assert_verdict(&fixture, "a-\x1b.json", HEALTH_INVALID, "name");
        fixture_done(&fixture);
}

static void test_nothing_but_regular_files(_unused_ void **state) {
        Fixture fixture = fixture_new();
        usec_t begin;

        write_text(in("secret"), "\"secret\"");
        assert_return_code(symlink(in("secret"), in(HEALTH "/a-link.json")), errno);
        assert_return_code(symlink("nowhere", in(HEALTH "/a-dangling.json")), errno);
        assert_return_code(mkfifo(in(HEALTH "/a-fifo.json"), 0666), errno);
        assert_return_code(mkdir(in(HEALTH "/a-directory.json"), 0755), errno);
        make_socket(in(HEALTH "/a-socket.json"));
        write_text(in(HEALTH "/z-good.json"), "true");

        begin = now_usec(CLOCK_MONOTONIC);
        assert_true(collect(&fixture));
        assert_true(now_usec(CLOCK_MONOTONIC) - begin < USEC_PER_SEC);
        assert_int_equal(fixture.error, 0);

        assert_verdict(&fixture, "a-link.json", HEALTH_UNREADABLE, "a symbolic link");
        assert_verdict(&fixture, "a-dangling.json", HEALTH_UNREADABLE, "a symbolic link");
        assert_verdict(&fixture, "a-fifo.json", HEALTH_UNREADABLE, "a FIFO");
        assert_verdict(&fixture, "a-directory.json", HEALTH_UNREADABLE, "a directory");
        assert_verdict(&fixture, "a-socket.json", HEALTH_UNREADABLE, "a socket");
        assert_value(&fixture, "z-good.json", "true");

        if (mknod(in(HEALTH "/a-device.json"), S_IFCHR | 0666, makedev(1, 5)) == 0) {
                assert_true(collect(&fixture));
                assert_verdict(&fixture, "a-device.json", HEALTH_UNREADABLE, "a device");
        }
        fixture_done(&fixture);
}

static void test_lease(_unused_ void **state) {
        Fixture fixture = fixture_new();
        usec_t begin;
        Child child;

        write_text(in(HEALTH "/a-b.json"), "1");
        child = child_start(take_lease, in(HEALTH "/a-b.json"));

        begin = now_usec(CLOCK_MONOTONIC);
        assert_true(collect(&fixture));
        assert_true(now_usec(CLOCK_MONOTONIC) - begin < USEC_PER_SEC);
        assert_verdict(&fixture, "a-b.json", HEALTH_UNREADABLE, "a lease is held on it");

        child_stop(child);
        assert_true(collect(&fixture));
        assert_value(&fixture, "a-b.json", "1");
        fixture_done(&fixture);
}

static void test_sizes(_unused_ void **state) {
        Fixture fixture = fixture_new();
        _cleanup_free_ char *text = malloc(HEALTH_FILE_SIZE_MAX + 1);

        assert_non_null(text);
        memset(text, ' ', HEALTH_FILE_SIZE_MAX + 1);
        memcpy(text, "{}", 2);
        write_bytes(in(HEALTH "/a-exact.json"), text, HEALTH_FILE_SIZE_MAX);
        write_bytes(in(HEALTH "/a-over.json"), text, HEALTH_FILE_SIZE_MAX + 1);
        write_text(in(HEALTH "/a-sparse.json"), "");
        assert_return_code(truncate(in(HEALTH "/a-sparse.json"), (off_t) 1 << 40), errno);

        assert_true(collect(&fixture));
        assert_value(&fixture, "a-exact.json", "{}");
        assert_verdict(&fixture, "a-over.json", HEALTH_TOO_LARGE, "1 MiB");
        assert_verdict(&fixture, "a-sparse.json", HEALTH_TOO_LARGE, "1 MiB");
        fixture_done(&fixture);
}

static void test_many_files(_unused_ void **state) {
        Fixture fixture = fixture_new();
        const unsigned n_files = 2 * HEALTH_ENTRIES_MAX + 500;
        char name[32];

        for (unsigned i = 0; i < HEALTH_FILES_MAX + 1; i++)
                write_text(in(HEALTH "/a-%04u.json", i), "1");
        assert_true(collect(&fixture));
        assert_int_equal(count_verdicts(&fixture, HEALTH_OK), HEALTH_FILES_MAX);
        assert_verdict(&fixture, "a-0256.json", HEALTH_TOO_MANY, "");

        /* The one that was left out takes the place of one that goes, in the same collection. */
        assert_return_code(unlink(in(HEALTH "/a-0007.json")), errno);
        clock_offset_seconds = 3;
        assert_true(collect(&fixture));
        assert_int_equal(count_verdicts(&fixture, HEALTH_OK), HEALTH_FILES_MAX);
        assert_value(&fixture, "a-0256.json", "1");
        assert_true(fixture.is_changed);

        /* A flood of one prefix: the first in byte order are shown, the rest is counted. */
        for (unsigned i = 0; i < n_files; i++)
                write_text(in(HEALTH "/a-%04u.json", i), "1");
        for (unsigned turn = 0; turn < 2; turn++) {
                assert_true(collect(&fixture));
                assert_int_equal(fixture.error, 0);
                assert_int_equal(health_set_count(fixture.set), HEALTH_ENTRIES_MAX);
                assert_int_equal(count_verdicts(&fixture, HEALTH_OK), HEALTH_FILES_MAX);
                assert_value(&fixture, "a-0255.json", "1");
                for (unsigned i = 0; i < HEALTH_ENTRIES_MAX; i++) {
                        (void) snprintf(name, sizeof name, "a-%04u.json", i);
                        assert_string_equal(health_set_get(fixture.set, i)->file_name, name);
                }
                assert_int_equal(health_set_overflow(fixture.set), n_files - HEALTH_ENTRIES_MAX);
        }
        fixture_done(&fixture);
}

/* A crowd takes nobody's place: not in the report, and not among the files that are remembered at all. */
static void test_crowds(_unused_ void **state) {
        Fixture fixture = fixture_new();
        const unsigned n_files = HEALTH_ENTRIES_MAX + 100;

        write_text(in(HEALTH "/log-fluentbit.json"), "1");
        for (unsigned i = 0; i < n_files; i++)
                write_text(in(HEALTH "/a-%04u.json", i), "1");
        assert_true(collect(&fixture));
        assert_value(&fixture, "log-fluentbit.json", "1");
        assert_int_equal(count_verdicts(&fixture, HEALTH_OK), HEALTH_FILES_MAX);
        assert_int_equal(health_set_count(fixture.set), HEALTH_ENTRIES_MAX);

        /* Nor one of files that are refused, for name or kind. */
        for (unsigned i = 0; i < n_files; i++)
                write_text(in(HEALTH "/b-%04u\x01.json", i), "1");
        for (unsigned i = 0; i < 100; i++)
                assert_return_code(symlink("nowhere", in(HEALTH "/c-%04u.json", i)), errno);
        assert_true(collect(&fixture));
        assert_value(&fixture, "log-fluentbit.json", "1");
        assert_int_equal(health_set_count(fixture.set), HEALTH_ENTRIES_MAX);
        assert_int_equal(health_set_overflow(fixture.set), 2 * n_files + 101 - HEALTH_ENTRIES_MAX);
        fixture_done(&fixture);
}

/* More prefixes give an owner no more room. */
static void test_crowd_of_another_owner(_unused_ void **state) {
        Fixture fixture = fixture_new();

        if (geteuid() != 0)
                skip();

        for (unsigned i = 0; i < 2 * HEALTH_FILES_MAX; i++) {
                write_text(in(HEALTH "/a%04u-b.json", i), "1");
                assert_return_code(chown(in(HEALTH "/a%04u-b.json", i), 65534, (gid_t) -1), errno);
        }
        for (unsigned i = 0; i < 100; i++)
                write_text(in(HEALTH "/log-%02u.json", i), "1");
        assert_true(collect(&fixture));
        for (unsigned i = 0; i < 100; i++)
                assert_value(&fixture, strrchr(in(HEALTH "/log-%02u.json", i), '/') + 1, "1");
        assert_verdict(&fixture, "a0156-b.json", HEALTH_TOO_MANY,
                        "256 files at most, 156 of them for this owner, 0 for this prefix");
        fixture_done(&fixture);
}

/* What is only meant as a health file is named, and uses none of the limits. */
static void test_misnamed(_unused_ void **state) {
        Fixture fixture = fixture_new();

        for (unsigned i = 0; i < HEALTH_FILES_MAX; i++)
                write_text(in(HEALTH "/a-%04u.json", i), "1");
        for (unsigned i = 0; i < 3 * HEALTH_MISNAMED_MAX; i++)
                write_text(in(HEALTH "/a-%04u.JSON", i), "1");
        write_text(in(HEALTH "/disk.json"), "1");
        for (unsigned scan = 0; scan < 2; scan++) {
                assert_true(collect(&fixture));
                assert_int_equal(health_set_overflow(fixture.set), 0);
                assert_int_equal(health_set_count(fixture.set), HEALTH_FILES_MAX + HEALTH_MISNAMED_MAX);
                assert_int_equal(count_verdicts(&fixture, HEALTH_OK), HEALTH_FILES_MAX);
                assert_verdict(&fixture, "disk.json", HEALTH_INVALID, "not named PREFIX-NAME.json");
                assert_verdict(&fixture, "a-0000.JSON", HEALTH_INVALID, "not named PREFIX-NAME.json");
                assert_null(find_file(&fixture, "a-0031.JSON"));
        }
        fixture_done(&fixture);
}

/* Nor is it read in the order of names, where there is too much to read. */
static void test_turns_in_reading(_unused_ void **state) {
        Fixture fixture = fixture_new();
        _cleanup_free_ char *text = malloc(HEALTH_FILE_SIZE_MAX);

        assert_non_null(text);
        memset(text, ' ', HEALTH_FILE_SIZE_MAX);
        text[0] = '!';
        for (unsigned i = 0; i < 40; i++)
                write_bytes(in(HEALTH "/a-%02u.json", i), text, HEALTH_FILE_SIZE_MAX);
        write_text(in(HEALTH "/log-fluentbit.json"), "1");
        assert_true(collect(&fixture));
        assert_value(&fixture, "log-fluentbit.json", "1");
        assert_verdict(&fixture, "a-31.json", HEALTH_TOO_LARGE, "32 MiB");
        fixture_done(&fixture);
}

/* Files of one prefix that are read and then have no room leave nothing of what is read in one pass. */
static void test_room_for_the_last_name(_unused_ void **state) {
        Fixture fixture = fixture_new();
        _cleanup_free_ char *text = malloc(HEALTH_FILE_SIZE_MAX);

        assert_non_null(text);
        memset(text, 'a', HEALTH_FILE_SIZE_MAX);
        text[0] = text[HEALTH_FILE_SIZE_MAX - 1] = '"';
        for (unsigned i = 0; i < 31; i++)
                write_bytes(in(HEALTH "/a-%02u.json", i), text, HEALTH_FILE_SIZE_MAX);
        text[HEALTH_FILE_SIZE_MAX - 3] = '"';
        write_bytes(in(HEALTH "/a-31.json"), text, HEALTH_FILE_SIZE_MAX - 2);
        write_text(in(HEALTH "/log-fluentbit.json"), "12345678");

        assert_true(collect(&fixture));
        assert_value(&fixture, "log-fluentbit.json", "12345678");
        fixture_done(&fixture);
}

static void test_much_to_read(_unused_ void **state) {
        enum { N_FILES = 40, N_READ = 32 };
        Fixture fixture = fixture_new();
        _cleanup_free_ char *text = malloc(HEALTH_FILE_SIZE_MAX);

        /* Each bad at its last byte, so that none counts against the limit on what is reported. */
        assert_non_null(text);
        memset(text, ' ', HEALTH_FILE_SIZE_MAX);
        text[0] = '1';
        text[HEALTH_FILE_SIZE_MAX - 1] = '!';
        for (unsigned i = 0; i < N_FILES; i++)
                write_bytes(in(HEALTH "/a-%02u.json", i), text, HEALTH_FILE_SIZE_MAX);

        clock_offset_seconds = 3;
        assert_true(collect(&fixture));
        assert_int_equal(count_verdicts(&fixture, HEALTH_INVALID), N_READ);
        assert_int_equal(count_verdicts(&fixture, HEALTH_TOO_LARGE), N_FILES - N_READ);
        assert_verdict(&fixture, "a-32.json", HEALTH_TOO_LARGE, "32 MiB");

        /* What is known costs nothing, so that the others have their turn. */
        assert_true(collect(&fixture));
        assert_int_equal(count_verdicts(&fixture, HEALTH_INVALID), N_FILES);
        fixture_done(&fixture);
}

/* In place, without a pause, as no module should. */
static void write_for_ever(const char *path, const char *odd, const char *even, size_t size) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (unsigned i = 0; fd >= 0; i++)
                if (pwrite(fd, i % 2 ? odd : even, size, 0) < 0)
                        break;
        _exit(1);
}

static void test_written_meanwhile(_unused_ void **state) {
        static char odd[HEALTH_FILE_SIZE_MAX], even[HEALTH_FILE_SIZE_MAX];
        Fixture fixture = fixture_new();
        unsigned n_waited = 0;
        usec_t end;
        pid_t pid;

        memset(odd, '1', sizeof odd);
        memset(even, '2', sizeof even);
        odd[0] = even[0] = odd[sizeof odd - 1] = even[sizeof even - 1] = '"';
        write_bytes(in(HEALTH "/a-b.json"), odd, sizeof odd);
        pid = fork();
        assert_return_code(pid, errno);
        if (pid == 0)
                write_for_ever(in(HEALTH "/a-b.json"), odd, even, sizeof odd);

        /* A mixture of two texts may be valid, as here: what was written while it was read is not taken for
         * whole at once, and never remembered as unchanged. It ends nevertheless. */
        clock_offset_seconds = 3;
        end = now_usec(CLOCK_MONOTONIC) + 20 * USEC_PER_SEC;
        for (unsigned i = 0; i < 5 || (n_waited == 0 && now_usec(CLOCK_MONOTONIC) < end); i++) {
                n_waited += !collect(&fixture);
                assert_verdict(&fixture, "a-b.json", HEALTH_OK, "");
        }
        assert_true(n_waited > 0);

        assert_return_code(kill(pid, SIGKILL), errno);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        write_text(in(HEALTH "/a-b.json"), "3");
        assert_true(collect(&fixture));
        assert_value(&fixture, "a-b.json", "3");
        fixture_done(&fixture);
}

static int as_other_user(void) {
        Fixture fixture = fixture_new();

        if (geteuid() != 0)
                return CHILD_SKIP;

        CHECK(chmod(test_directory, 0755) == 0);
        write_text(in(HEALTH "/a-secret.json"), "1");
        CHECK(chmod(in(HEALTH "/a-secret.json"), 0600) == 0);
        write_text(in(HEALTH "/b-open.json"), "2");
        if (setgid(65534) < 0 || setuid(65534) < 0)
                return CHILD_SKIP; /* a user name space without that user */

        CHECK(collect(&fixture) && fixture.error == 0);
        assert_verdict(&fixture, "a-secret.json", HEALTH_UNREADABLE,
                        "permission denied: give it mode 0640 and group argus-health, or use the drop-in");
        assert_value(&fixture, "b-open.json", "2");
        fixture_done(&fixture);
        return 0;
}

static int with_closed_directory(void) {
        Fixture fixture = fixture_new();

        if (geteuid() != 0)
                return CHILD_SKIP;

        CHECK(chmod(test_directory, 0755) == 0);
        write_text(in(HEALTH "/a-b.json"), "1");
        CHECK(chown(in(HEALTH), 65534, 65534) == 0 || errno == EINVAL);
        if (setgid(65534) < 0 || setuid(65534) < 0)
                return CHILD_SKIP;

        CHECK(chmod(in(HEALTH), 0400) == 0);
        CHECK(collect(&fixture) && fixture.error == 0);
        assert_verdict(&fixture, "a-b.json", HEALTH_UNREADABLE, "not enter");

        CHECK(chmod(in(HEALTH), 0300) == 0);
        CHECK(collect(&fixture) && fixture.error == -EACCES);
        CHECK(health_set_count(fixture.set) == 0);

        CHECK(chmod(in(HEALTH), 0700) == 0);
        CHECK(collect(&fixture) && fixture.error == 0);
        assert_value(&fixture, "a-b.json", "1");
        fixture_done(&fixture);
        return 0;
}

static void test_permissions(_unused_ void **state) {
        run_in_child(as_other_user);
        assert_return_code(unlink(in(HEALTH "/a-secret.json")), errno);
        assert_return_code(unlink(in(HEALTH "/b-open.json")), errno);
        run_in_child(with_closed_directory);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, test_directory_make, test_directory_remove)
        const struct CMUnitTest tests[] = {
                TEST(test_names),
                TEST(test_nothing_but_regular_files),
                TEST(test_lease),
                TEST(test_sizes),
                TEST(test_many_files),
                TEST(test_crowds),
                TEST(test_crowd_of_another_owner),
                TEST(test_misnamed),
                TEST(test_turns_in_reading),
                TEST(test_room_for_the_last_name),
                TEST(test_much_to_read),
                TEST(test_written_meanwhile),
                TEST(test_permissions),
        };

        return cmocka_run_group_tests_name("health-scan-hostile", tests, NULL, NULL);
}

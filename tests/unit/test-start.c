/* SPDX-License-Identifier: MIT */
/* The start's steps, where what they need fails. */
#include "start.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include "test-files.h"
#include "test-memory.h"
#include "util/fd-util.h"
#include "util/macro.h"
#include "util/text.h"

/* A credential that is given is never overlooked: without its token every report would be refused. */
static int load(void) {
        Start start = {};
        int r;

        r = start_load(true, &start);
        if (r == 0)
                assert_non_null(start.config.token_file);
        start_done(&start);
        return r;
}

static void test_a_credential_and_no_memory(_unused_ void **state) {
        close_fd(open(in("master-token"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        (void) setenv("MASTER_ENDPOINT", "https://m", 1);
        (void) setenv("AGENT_HOSTNAME", "dev-alice-web01", 1);
        (void) setenv("CREDENTIALS_DIRECTORY", test_directory, 1);
        memory_check(load);
}

int main(void) {
        static const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(
                        test_a_credential_and_no_memory, test_directory_make, test_directory_remove) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

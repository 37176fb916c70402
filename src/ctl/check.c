/* SPDX-License-Identifier: MIT */
/* `argusctl check`: what would the service get at its next start, and would it work with that?
 *
 * systemd answers both: it tells what it has loaded for the unit, and runs `argus-agent --check` with that,
 * beside the service, in a transient unit. Only what systemd does silently is read here, in the settings
 * files. Nothing is created, and the service is left alone.
 *
 * It waits for nothing but that unit, so it looks at it again and again, and needs neither signals of
 * systemd nor an event loop. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/settings-check.h"
#include "ctl/unit-copy.h"
#include "ctl/verbs.h"
#include "util/fd-util.h"
#include "util/text.h"

#define MANAGER SYSTEMD_BUS_NAME, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"

/* The unit's own limit; ours is longer, in case systemd does not keep it. */
#define RUN_USEC (60 * USEC_PER_SEC)
#define DEADLINE_USEC (RUN_USEC + 15 * USEC_PER_SEC)
#define STOP_USEC (5 * USEC_PER_SEC)
#define LOOK_USEC (20 * USEC_PER_MSEC)

enum { INTERRUPTED = 128 + SIGINT, SYSTEMD_STATUS_FIRST = 200, OUTPUT_MAX = 1024 * 1024 };

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(_unused_ int signal) {
        is_interrupted = true;
}

/* ---- the transient unit ---- */

static int append_properties(sd_bus *bus, sd_bus_message *call, int output_fd, UnitOmissions *omissions) {
        int r;

        r = sd_bus_message_open_container(call, 'a', "(sv)");
        if (r >= 0)
                /* AddRef: it can be looked at until our connection ends. */
                r = sd_bus_message_append(call, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s",
                                "argusctl check", "Type", "s", "oneshot", "AddRef", "b", true, "CollectMode",
                                "s", "inactive-or-failed", "TimeoutStartUSec", "t", (uint64_t) RUN_USEC,
                                "TimeoutStopUSec", "t", (uint64_t) STOP_USEC, "StandardOutputFileDescriptor",
                                "h", output_fd, "StandardErrorFileDescriptor", "h", output_fd);
        if (r >= 0)
                r = service_copy(bus, call, omissions);
        if (r >= 0)
                r = service_copy_command(bus, call, "--check");
        return r < 0 ? r : sd_bus_message_close_container(call);
}

/* Properties that this systemd refuses are left out, one more at each attempt. */
static int start(sd_bus *bus, const char *unit, int output_fd, UnitOmissions *omissions,
                sd_bus_error *error) {
        int r;

        do {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;

                sd_bus_error_free(error);
                r = sd_bus_message_new_method_call(bus, &call, MANAGER, "StartTransientUnit");
                if (r >= 0)
                        r = sd_bus_message_append(call, "ss", unit, "fail");
                if (r >= 0)
                        r = append_properties(bus, call, output_fd, omissions);
                if (r >= 0)
                        r = sd_bus_message_append(call, "a(sa(sv))", 0);
                if (r >= 0)
                        r = sd_bus_call(bus, call, 0, error, NULL);
        } while (r < 0 && service_copy_omit(error, omissions));
        return r;
}

/* A oneshot service has a job until its program has ended, or could not be started. */
static int wait_for_end(sd_bus *bus, const char *path) {
        usec_t end = usec_add(now_usec(CLOCK_MONOTONIC), DEADLINE_USEC);
        uint32_t job;
        int r;

        for (;; (void) usleep(LOOK_USEC)) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *value = NULL;

                r = sd_bus_get_property(bus, SYSTEMD_BUS_NAME, path, SYSTEMD_UNIT_INTERFACE, "Job", NULL,
                                &value, "(uo)");
                if (r >= 0)
                        r = sd_bus_message_read(value, "(uo)", &job, NULL);
                if (r < 0 || job == 0)
                        return r;
                if (is_interrupted)
                        return -EINTR;
                if (now_usec(CLOCK_MONOTONIC) >= end)
                        return -ETIMEDOUT;
        }
}

/* At most 1 MiB, without control characters. */
static void print_output(int fd) {
        static char data[OUTPUT_MAX];
        ssize_t size = pread(fd, data, sizeof data, 0);

        for (char *line = data, *line_end; line < data + size; line = line_end + 1) {
                size_t left = (size_t) (data + size - line);
                _cleanup_free_ char *text = NULL;

                line_end = memchr(line, '\n', left);
                line_end = line_end ? line_end : line + left;
                text = text_sanitize(line, (size_t) (line_end - line), SIZE_MAX);
                if (!text)
                        exit_out_of_memory();
                (void) puts(text);
        }
}

/* From systemd.exec(5), "Process Exit Codes". */
static const char *systemd_status_words(int status) {
        static const struct {
                int status;
                const char *words;
        } table[] = {
                { 200, "cannot change to WorkingDirectory=" },
                { 203, "cannot execute the program of ExecStart=" },
                { 205, "cannot set a limit (Limit…=)" },
                { 216, "cannot set the group; see Group= and SupplementaryGroups=" },
                { 217, "cannot set the user; see User=" },
                { 218, "cannot set the capabilities" },
                { 219, "cannot set up the control group" },
                { 225, "cannot set up the network namespace" },
                { 226, "cannot set up the mount namespace: a path of the sandbox is missing (ReadWritePaths=, "
                       "BindPaths=, …), or the kernel or container forbids it" },
                { 228, "cannot set up the system call filter" },
                { 229, "cannot set the SELinux context" },
                { 231, "cannot set the AppArmor profile" },
                { 243, "cannot set up the credentials; see LoadCredential= and SetCredential=" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (table[i].status == status)
                        return table[i].words;
        return "cannot start the program; see systemd.exec(5), \"Process Exit Codes\"";
}

/* Returns the exit status of the program, or systemd's, or a negative errno. */
static int read_result(sd_bus *bus, const char *path) {
        _cleanup_free_ char *result = NULL;
        int r, code, status;

        r = sd_bus_get_property_trivial(bus, SYSTEMD_BUS_NAME, path, SYSTEMD_SERVICE_INTERFACE,
                        "ExecMainCode", NULL, 'i', &code);
        if (r >= 0)
                r = sd_bus_get_property_trivial(bus, SYSTEMD_BUS_NAME, path, SYSTEMD_SERVICE_INTERFACE,
                                "ExecMainStatus", NULL, 'i', &status);
        if (r >= 0)
                r = sd_bus_get_property_string(bus, SYSTEMD_BUS_NAME, path, SYSTEMD_SERVICE_INTERFACE,
                                "Result", NULL, &result);
        if (r < 0)
                return r;
        if (code == CLD_EXITED && status < SYSTEMD_STATUS_FIRST)
                return status;

        (void) fflush(stdout); /* in order with stderr */
        if (code == CLD_EXITED)
                (void) fprintf(stderr, "argusctl: The service would fail: systemd %s (status %d).\n",
                                systemd_status_words(status), status);
        else
                (void) fprintf(stderr, "argusctl: systemd could not run the program to its end: %s.\n",
                                result);
        (void) fputs("See journalctl -e -u 'argus-agent-check-*'\n", stderr);
        return code == CLD_EXITED ? status : EXIT_FAILURE;
}

/* Returns as read_result(); -EINTR or -ETIMEDOUT if the program had to be stopped. */
static int run_check(sd_bus *bus, sd_bus_error *error) {
        _cleanup_close_ int output_fd = memfd_create("argusctl-check", MFD_CLOEXEC);
        _cleanup_free_ char *path = NULL;
        UnitOmissions omissions = {};
        char unit[64];
        int r;

        if (output_fd < 0)
                return -errno;
        (void) snprintf(unit, sizeof unit, "argus-agent-check-%jd-%" PRIx64 ".service", (intmax_t) getpid(),
                        now_usec(CLOCK_REALTIME));
        r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path);
        if (r >= 0)
                r = start(bus, unit, output_fd, &omissions, error);
        if (r >= 0)
                r = wait_for_end(bus, path);
        if (r < 0)
                (void) sd_bus_call_method(bus, MANAGER, "StopUnit", NULL, NULL, "ss", unit, "replace");

        print_output(output_fd);
        for (size_t i = 0; i < omissions.count; i++)
                (void) printf("Warning: checked without %s= of the unit, which cannot be copied.\n",
                                omissions.names[i]);
        return r < 0 ? r : read_result(bus, path);
}

/* ---- the steps ---- */

static bool can_check(void) {
        const char *fault = NULL;

        if (access("/run/systemd/system", F_OK) < 0)
                fault = "systemd is not running here; run argus-agent --check in the environment of the agent.";
        else if (geteuid() != 0)
                fault = "Permission denied: only root may check the service.\n"
                        "Run it as root: sudo argusctl check";
        if (fault)
                (void) fprintf(stderr, "argusctl: %s\n", fault);
        return !fault;
}

static int check_loaded(sd_bus *bus, sd_bus_error *error) {
        _cleanup_free_ char *state = NULL;
        int r, is_stale = 0;

        r = sd_bus_get_property_string(bus, SYSTEMD_BUS_NAME, SERVICE_PATH, SYSTEMD_UNIT_INTERFACE,
                        "LoadState", error, &state);
        if (r < 0)
                return r;
        if (!streq(state, "loaded"))
                return sd_bus_error_setf(error, "org.argus.NotLoaded",
                                "argus-agent.service is not loaded (%s)", state);

        (void) sd_bus_get_property_trivial(bus, SYSTEMD_BUS_NAME, SERVICE_PATH, SYSTEMD_UNIT_INTERFACE,
                        "NeedDaemonReload", NULL, 'b', &is_stale);
        if (is_stale)
                (void) puts("Warning: the unit has changed on disk, and this checks what systemd has loaded; run "
                            "systemctl daemon-reload.");
        return 0;
}

int verb_check(Session *session) {
        static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        char words[512] = "";
        int r;

        if (!can_check() || client_open(session, CALL_TIMEOUT_USEC) < 0)
                return EXIT_FAILURE;

        for (size_t i = 0; i < ELEMENTSOF(ends); i++)
                (void) sigaction(ends[i], &(struct sigaction){ .sa_handler = on_interrupt }, NULL);
        r = check_loaded(session->bus, &error);
        if (r >= 0)
                r = settings_check(session->bus);
        if (r == 0)
                return EX_CONFIG;
        if (r > 0)
                r = run_check(session->bus, &error);
        if (r >= 0)
                return r;
        if (r == -EINTR)
                return INTERRUPTED;

        if (error.message)
                text_sanitize_into(words, sizeof words, error.message, strlen(error.message));
        (void) fflush(stdout); /* in order with stderr */
        (void) fprintf(stderr, "argusctl: Cannot check the service: %s.\n",
                        r == -ETIMEDOUT  ? "argus-agent --check did not end in time"
                        : isempty(words) ? strerror(-r)
                                         : words);
        return EXIT_FAILURE;
}

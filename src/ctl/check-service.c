#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/settings-check.h"
#include "ctl/unit-run.h"
#include "ctl/verbs.h"
#include "util/text.h"

#define UNIT "argus-agent.service"

enum { INTERRUPTED = 128 + SIGINT, SYSTEMD_STATUS_FIRST = 200 };

/* ---- what systemd could not do ---- */

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

static int say_result(const UnitResult *result) {
        if (result->has_exited && result->status < SYSTEMD_STATUS_FIRST)
                return result->status;

        if (result->has_exited)
                (void) fprintf(stderr, "argusctl: The service would fail: systemd %s (status %d).\n",
                                systemd_status_words(result->status), result->status);
        else
                (void) fprintf(stderr, "argusctl: systemd could not run the program to its end: %s.\n",
                                result->result);
        (void) fputs("Details: journalctl -e -u 'argus-agent-check-*'\n", stderr);
        return result->has_exited ? result->status : EXIT_FAILURE;
}

static void say_omissions(const UnitOmissions *omissions) {
        for (size_t i = 0; i < omissions->count; i++)
                (void) printf("Warning: checked without %s= of the unit, which cannot be copied.\n",
                                omissions->names[i]);
}

/* ---- the steps ---- */

static int complain(int r, const sd_bus_error *error) {
        char words[512] = "";

        if (error && error->message)
                text_sanitize_into(words, sizeof words, error->message, strlen(error->message));
        if (r == -EINTR)
                return INTERRUPTED;
        if (r == -ETIMEDOUT)
                (void) fputs("argusctl: Cannot check the service: argus-agent --check did not end in time.\n",
                                stderr);
        else
                (void) fprintf(stderr, "argusctl: Cannot check the service: %s.\n",
                                isempty(words) ? strerror(-r) : words);
        return EXIT_FAILURE;
}

static int say_preconditions(void) {
        if (access("/run/systemd/system", F_OK) < 0) {
                (void) fputs("argusctl: systemd is not running here; run argus-agent --check in the environment "
                             "of the agent.\n",
                                stderr);
                return -EOPNOTSUPP;
        }
        if (geteuid() != 0) {
                (void) fputs("argusctl: Permission denied: only root may check the service.\n"
                             "Run it as root: sudo argusctl check\n",
                                stderr);
                return -EPERM;
        }
        return 0;
}

static int load_unit(sd_bus *bus, char **ret_path, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL, *value = NULL;
        const char *path, *type, *state;
        int r;

        r = sd_bus_call_method(bus, SYSTEMD_BUS_NAME, SYSTEMD_MANAGER_PATH, SYSTEMD_MANAGER_INTERFACE,
                        "LoadUnit", error, &reply, "s", UNIT);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0)
                r = unit_get(bus, path, SYSTEMD_UNIT_INTERFACE, "LoadState", &value, &type);
        if (r >= 0)
                r = sd_bus_message_read(value, "s", &state);
        if (r < 0)
                return r;
        if (!streq(state, "loaded"))
                return sd_bus_error_setf(error, "org.argus.NotLoaded", "%s is not loaded (%s)", UNIT, state);
        return text_duplicate(path, ret_path);
}

static void warn_reload(sd_bus *bus, const char *path) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *value = NULL;
        const char *type;
        int is_needed = 0;

        if (unit_get(bus, path, SYSTEMD_UNIT_INTERFACE, "NeedDaemonReload", &value, &type) >= 0)
                (void) sd_bus_message_read(value, "b", &is_needed);
        if (is_needed)
                (void) puts("Warning: the unit has changed on disk, and this checks what systemd has loaded; run "
                            "systemctl daemon-reload.");
}

static int check(sd_bus *bus, UnitResult *ret_result, sd_bus_error *error) {
        _cleanup_free_ char *path = NULL;
        UnitOmissions omissions = {};
        int r;

        r = load_unit(bus, &path, error);
        if (r < 0)
                return r;

        warn_reload(bus, path);
        r = settings_check(bus, path);
        if (r >= 0)
                r = settings_check_conditions(bus, path);
        if (r == 0) {
                *ret_result = (UnitResult){ .has_exited = true, .status = EX_CONFIG };
                return 0;
        }
        if (r < 0)
                return r;

        (void) fflush(stdout);
        r = unit_run(bus, path, "--check", &omissions, ret_result, error);
        say_omissions(&omissions);
        return r;
}

int verb_check(Session *session) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        UnitResult result = {};
        int r;

        if (say_preconditions() < 0 || client_open(session, CALL_TIMEOUT_USEC) < 0)
                return EXIT_FAILURE;

        r = check(session->bus, &result, &error);

        /* keep stdout and stderr in order */
        (void) fflush(stdout);
        return r < 0 ? complain(r, &error) : say_result(&result);
}

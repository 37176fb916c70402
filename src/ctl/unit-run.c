#include "ctl/unit-run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "ctl/client.h"
#include "util/fd-util.h"
#include "util/text.h"
#include "util/time-util.h"

/* The unit's own limit; ours is longer, in case systemd does not keep it. */
#define RUN_USEC (60 * USEC_PER_SEC)
#define DEADLINE_USEC (RUN_USEC + 15 * USEC_PER_SEC)
#define STOP_USEC (5 * USEC_PER_SEC)

enum { LINE_MAX_BYTES = 4096, OUTPUT_MAX = 1024 * 1024 };

typedef struct Run {
        sd_event *event;
        char name[64];
        const char *systemd, *job; /* its unique name on the bus, and the path of the start's job */
        int output_fd;
        char line[LINE_MAX_BYTES];
        size_t line_size, output_size;
} Run;

/* ---- output ---- */

static void print_line(Run *run) {
        char text[LINE_MAX_BYTES * 3 + 1]; /* a byte that is not UTF-8 becomes three */

        text_sanitize_into(text, sizeof text, run->line, run->line_size);
        (void) puts(text);
        run->line_size = 0;
}

static void take_output(Run *run, const char *data, size_t size) {
        for (size_t i = 0; i < size && run->output_size < OUTPUT_MAX; i++, run->output_size++) {
                if (data[i] == '\n' || run->line_size == sizeof run->line)
                        print_line(run);
                if (data[i] != '\n')
                        run->line[run->line_size++] = data[i];
        }
}

/* Returns false at the end, or if nothing is there now. */
static bool read_output(Run *run) {
        char data[4096];
        ssize_t n;

        do
                n = read(run->output_fd, data, sizeof data);
        while (n < 0 && errno == EINTR);
        if (n > 0)
                take_output(run, data, (size_t) n);
        return n > 0;
}

/* Does not wait for end of file: a process that the program left behind may hold the pipe open. */
static void read_rest(Run *run) {
        while (run->output_size < OUTPUT_MAX && read_output(run))
                ;
        if (run->line_size > 0)
                print_line(run);
}

static int on_output(sd_event_source *source, _unused_ int fd, _unused_ uint32_t events, void *userdata) {
        return read_output(userdata) ? 0 : sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

/* ---- the end ---- */

static int on_deadline(sd_event_source *source, _unused_ uint64_t usec, _unused_ void *userdata) {
        return sd_event_exit(sd_event_source_get_event(source), -ETIMEDOUT);
}

static int on_interrupt(sd_event_source *source, _unused_ const struct signalfd_siginfo *info,
                _unused_ void *userdata) {
        return sd_event_exit(sd_event_source_get_event(source), -EINTR);
}

static int on_disconnected(_unused_ sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        Run *run = userdata;

        return sd_event_exit(run->event, -ECONNRESET);
}

/* Any client may send this signal, so check the sender. */
static int on_job_removed(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        const char *sender = sd_bus_message_get_sender(message), *job;
        Run *run = userdata;
        uint32_t id;

        if (sd_bus_message_read(message, "uo", &id, &job) < 0 || !streq_or_null(sender, run->systemd) ||
                        !streq(job, run->job))
                return 0;
        return sd_event_exit(run->event, 0);
}

/* ---- the start ---- */

static int call_manager(sd_bus *bus, const char *method, sd_bus_error *error, const char *types, ...) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        va_list values;
        int r;

        r = sd_bus_message_new_method_call(bus, &call, SYSTEMD_BUS_NAME, SYSTEMD_MANAGER_PATH,
                        SYSTEMD_MANAGER_INTERFACE, method);
        if (r < 0)
                return r;

        va_start(values, types);
        r = sd_bus_message_appendv(call, types, values);
        va_end(values);
        return r < 0 ? r : sd_bus_call(bus, call, CALL_TIMEOUT_USEC, error, NULL);
}

/* AddRef: the unit lives exactly as long as our connection. */
static int append_own_properties(sd_bus_message *call, int output_fd) {
        return sd_bus_message_append(call, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s",
                        "argusctl check", "Type", "s", "oneshot", "AddRef", "b", true, "CollectMode", "s",
                        "inactive-or-failed", "TimeoutStartUSec", "t", (uint64_t) RUN_USEC,
                        "TimeoutStopUSec", "t", (uint64_t) STOP_USEC, "StandardOutputFileDescriptor", "h",
                        output_fd, "StandardErrorFileDescriptor", "h", output_fd);
}

static int new_start(sd_bus *bus, const char *path, const char *argument, const Run *run, int output_fd,
                UnitOmissions *omissions, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &call, SYSTEMD_BUS_NAME, SYSTEMD_MANAGER_PATH,
                        SYSTEMD_MANAGER_INTERFACE, "StartTransientUnit");
        if (r >= 0)
                r = sd_bus_message_append(call, "ss", run->name, "fail");
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "(sv)");
        if (r >= 0)
                r = append_own_properties(call, output_fd);
        if (r >= 0)
                r = unit_copy(bus, path, call, omissions);
        if (r >= 0)
                r = unit_copy_command(bus, path, call, argument);
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        if (r >= 0)
                r = sd_bus_message_append(call, "a(sa(sv))", 0);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(call);
        return 0;
}

/* Properties that this systemd refuses are left out, one more at each attempt. */
static int start(sd_bus *bus, const char *path, const char *argument, Run *run, int output_fd,
                UnitOmissions *omissions, sd_bus_message **ret_reply, sd_bus_error *error) {
        int r;

        do {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;

                sd_bus_error_free(error);
                r = new_start(bus, path, argument, run, output_fd, omissions, &call);
                if (r < 0)
                        return r;
                r = sd_bus_call(bus, call, CALL_TIMEOUT_USEC, error, ret_reply);
        } while (r < 0 && unit_copy_omit(error, omissions));
        if (r < 0)
                return r;

        run->systemd = sd_bus_message_get_sender(*ret_reply);
        return sd_bus_message_read(*ret_reply, "o", &run->job);
}

/* ---- the loop ---- */

static int subscribe(sd_bus *bus, Run *run, sd_bus_error *error) {
        int r;

        r = sd_bus_match_signal(bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                        "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, run);
        if (r >= 0)
                r = sd_bus_match_signal(bus, NULL, SYSTEMD_BUS_NAME, SYSTEMD_MANAGER_PATH,
                                SYSTEMD_MANAGER_INTERFACE, "JobRemoved", on_job_removed, run);
        return r < 0 ? r : call_manager(bus, "Subscribe", error, "");
}

static int prepare_loop(sd_bus *bus, Run *run) {
        sigset_t signals;
        int r;

        (void) sigemptyset(&signals);
        (void) sigaddset(&signals, SIGINT);
        (void) sigaddset(&signals, SIGTERM);
        (void) sigaddset(&signals, SIGHUP);
        if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
                return -errno;

        r = sd_event_new(&run->event);
        for (int signal = 1; r >= 0 && signal <= SIGTERM; signal++)
                if (sigismember(&signals, signal) == 1)
                        r = sd_event_add_signal(run->event, NULL, signal, on_interrupt, run);
        if (r >= 0)
                r = sd_event_add_time_relative(
                                run->event, NULL, CLOCK_MONOTONIC, DEADLINE_USEC, 1, on_deadline, run);
        if (r >= 0)
                r = sd_event_add_io(run->event, NULL, run->output_fd, EPOLLIN, on_output, run);
        return r < 0 ? r : sd_bus_attach_event(bus, run->event, SD_EVENT_PRIORITY_NORMAL);
}

static int get_number(sd_bus *bus, const char *path, const char *name, int *ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *value = NULL;
        const char *type;
        int r;

        r = unit_get(bus, path, SYSTEMD_SERVICE_INTERFACE, name, &value, &type);
        return r < 0 ? r : sd_bus_message_read(value, "i", ret);
}

static int read_result(sd_bus *bus, const char *name, UnitResult *ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *value = NULL;
        _cleanup_free_ char *path = NULL;
        const char *type, *result;
        int r, code;

        r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", name, &path);
        if (r >= 0)
                r = get_number(bus, path, "ExecMainCode", &code);
        if (r >= 0)
                r = get_number(bus, path, "ExecMainStatus", &ret->status);
        if (r >= 0)
                r = unit_get(bus, path, SYSTEMD_SERVICE_INTERFACE, "Result", &value, &type);
        if (r >= 0)
                r = sd_bus_message_read(value, "s", &result);
        if (r < 0)
                return r;

        ret->has_exited = code == CLD_EXITED;
        text_sanitize_into(ret->result, sizeof ret->result, result, strlen(result));
        return 0;
}

static int run_loop(sd_bus *bus, Run *run, UnitResult *ret_result) {
        int r = sd_event_loop(run->event);

        if (r < 0) {
                (void) call_manager(bus, "StopUnit", NULL, "ss", run->name, "replace");
                return r;
        }
        read_rest(run);
        return read_result(bus, run->name, ret_result);
}

int unit_run(sd_bus *bus, const char *path, const char *argument, UnitOmissions *omissions,
                UnitResult *ret_result, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_close_ int output_fd = -1, input_fd = -1;
        Run run = {};
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0 || fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        output_fd = fds[0];
        run.output_fd = output_fd;
        input_fd = fds[1];
        (void) snprintf(run.name, sizeof run.name, "argus-agent-check-%jd-%" PRIx64 ".service",
                        (intmax_t) getpid(), now_usec(CLOCK_REALTIME));

        r = prepare_loop(bus, &run);
        if (r >= 0)
                r = subscribe(bus, &run, error);
        if (r >= 0)
                r = start(bus, path, argument, &run, input_fd, omissions, &reply, error);
        (void) close(TAKE_FD(input_fd));
        if (r >= 0)
                r = run_loop(bus, &run, ret_result);

        (void) sd_bus_detach_event(bus);
        sd_event_unref(run.event);
        return r;
}

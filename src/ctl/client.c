/* The agent as a service on the bus: calls to it, and why one failed in words. */
#include "ctl/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/fd-util.h"
#include "util/text.h"

#define LOG_CONTROL_PATH "/org/freedesktop/LogControl1"
#define LOG_CONTROL_INTERFACE "org.freedesktop.LogControl1"
#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"

/* The agent's longest reason: the Master's words, and what is said around them. */
enum { ERROR_WORDS_MAX = 1024 };

/* ---- the connection ---- */

static void complain_bus(bool is_user, int r) {
        if (is_user && r == -ENOMEDIUM)
                (void) fputs("argusctl: There is no user bus here: neither DBUS_SESSION_BUS_ADDRESS nor "
                             "XDG_RUNTIME_DIR is set.\n",
                                stderr);
        else if (is_user)
                (void) fprintf(stderr, "argusctl: The user bus cannot be reached: %s.\n", strerror(-r));
        else
                (void) fprintf(stderr, "argusctl: The system bus cannot be reached: %s. Is D-Bus running?\n",
                                strerror(-r));
}

int client_open(bool is_user, Client *ret) {
        _cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
        bool may_ask = !is_user && geteuid() != 0 && isatty(STDIN_FILENO);
        int r;

        r = is_user ? sd_bus_open_user_with_description(&bus, "argusctl")
                    : sd_bus_open_system_with_description(&bus, "argusctl");
        if (r >= 0)
                /* At the end nothing waits to be sent that a bus that hangs should be waited for. */
                r = sd_bus_set_close_on_exit(bus, false);
        if (r >= 0)
                r = sd_bus_set_allow_interactive_authorization(bus, may_ask);
        if (r < 0) {
                complain_bus(is_user, r);
                return r;
        }

        *ret = (Client){ .bus = TAKE_PTR(bus), .is_user = is_user, .may_ask = may_ask };
        return 0;
}

void client_close(Client *client) {
        client->bus = sd_bus_close_unref(client->bus);
}

/* ---- calls ---- */

int client_new_call(const Client *client, const char *path, const char *interface, const char *member,
                sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        r = sd_bus_message_new_method_call(client->bus, &call, AGENT_BUS_NAME, path, interface, member);
        if (r < 0)
                return r;
        r = sd_bus_message_set_auto_start(call, false);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(call);
        return 0;
}

/* sd_bus_call() itself would wait for 90 s where the bus accepts the connection and then says nothing.
 * -ETIME: the bus gave no answer. */
int client_wait_ready(const Client *client) {
        usec_t end = usec_add(now_usec(CLOCK_MONOTONIC), CALL_TIMEOUT_USEC), now;
        int r;

        while ((r = sd_bus_is_ready(client->bus)) == 0) {
                r = sd_bus_process(client->bus, NULL);
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;

                now = now_usec(CLOCK_MONOTONIC);
                if (now >= end)
                        return -ETIME;
                r = sd_bus_wait(client->bus, end - now);
                if (r < 0 && r != -EINTR)
                        return r;
        }

        return r < 0 ? r : 0;
}

static int client_call(const Client *client, sd_bus_message *call, sd_bus_message **ret_reply,
                sd_bus_error *error) {
        int r;

        r = client_wait_ready(client);
        if (r < 0)
                return r;
        return sd_bus_call(client->bus, call, CALL_TIMEOUT_USEC, error, ret_reply);
}

/* ---- a password for polkit ---- */

/* polkit's own program that asks on the terminal, beside us while we wait for the agent. */
#define PASSWORD_PROGRAM "/usr/bin/pkttyagent"

/* It registers itself over the bus, which may hang. */
enum { PASSWORD_READY_MSEC = 5000 };

typedef struct PasswordAgent {
        pid_t pid; /* 0: there is none */
} PasswordAgent;

/* It talks on /dev/tty; on stderr it would only say that there is no polkit, which our own words tell. */
static _Noreturn void run_program(int ready_fd, pid_t parent) {
        char number[16];
        int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
                _exit(EXIT_FAILURE);
        if (null_fd < 0 || dup2(null_fd, STDERR_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0)
                _exit(EXIT_FAILURE);
        if (fcntl(ready_fd, F_SETFD, 0) < 0)
                _exit(EXIT_FAILURE);

        (void) snprintf(number, sizeof number, "%d", ready_fd);
        /* Not --fallback: that one is asked in login sessions only, and a shell by su has none. */
        (void) execl(PASSWORD_PROGRAM, PASSWORD_PROGRAM, "--notify-fd", number, (char *) NULL);
        _exit(EXIT_FAILURE);
}

/* Returns when it is ready to be asked, or cannot be had. */
static PasswordAgent password_agent_start(void) {
        _cleanup_close_ int ready_fd = -1, child_fd = -1;
        pid_t parent = getpid(), pid;
        int fds[2];

        if (access(PASSWORD_PROGRAM, X_OK) < 0 || pipe2(fds, O_CLOEXEC) < 0)
                return (PasswordAgent){};
        ready_fd = fds[0];
        child_fd = fds[1];

        pid = fork();
        if (pid < 0)
                return (PasswordAgent){};
        if (pid == 0)
                run_program(child_fd, parent);

        /* It closes its end when it is ready, or has ended. */
        (void) close(TAKE_FD(child_fd));
        (void) poll(&(struct pollfd){ .fd = ready_fd, .events = POLLIN }, 1, PASSWORD_READY_MSEC);
        return (PasswordAgent){ .pid = pid };
}

static void password_agent_stop(PasswordAgent *agent) {
        if (agent->pid == 0)
                return;

        (void) kill(agent->pid, SIGTERM);
        (void) kill(agent->pid, SIGCONT);
        while (waitpid(agent->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        agent->pid = 0;
}

static int client_call_with_password(const Client *client, sd_bus_message *call, sd_bus_message **ret_reply,
                sd_bus_error *error) {
        PasswordAgent password_agent;
        int r;

        password_agent = password_agent_start();
        r = sd_bus_call(client->bus, call, CALL_TIMEOUT_USEC + PASSWORD_TIMEOUT_USEC, error, ret_reply);
        password_agent_stop(&password_agent);
        return r;
}

int client_call_method(
                const Client *client, const char *member, sd_bus_message **ret_reply, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        r = client_new_call(client, AGENT_PATH, AGENT_INTERFACE, member, &call);
        if (r < 0)
                return r;
        r = client_wait_ready(client);
        if (r < 0)
                return r;

        return client->may_ask ? client_call_with_password(client, call, ret_reply, error)
                               : sd_bus_call(client->bus, call, CALL_TIMEOUT_USEC, error, ret_reply);
}

int client_get_all(const Client *client, AgentView *ret_view, HealthRows *ret_health, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_(health_rows_done) HealthRows health = {};
        AgentView view = {};
        uint64_t fields;
        int r;

        r = client_new_call(client, AGENT_PATH, PROPERTIES_INTERFACE, "GetAll", &call);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "s", AGENT_INTERFACE);
        if (r < 0)
                return r;
        r = client_call(client, call, &reply, error);
        if (r < 0)
                return r;
        r = agent_view_read(&view, &health, reply, &fields);
        if (r < 0)
                return r;

        *ret_view = view;
        *ret_health = health;
        health = (HealthRows){};
        return 0;
}

int client_get_log_level(const Client *client, char **ret_level, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        const char *text;
        char *level;
        int r;

        r = client_new_call(client, LOG_CONTROL_PATH, PROPERTIES_INTERFACE, "Get", &call);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "ss", LOG_CONTROL_INTERFACE, "LogLevel");
        if (r < 0)
                return r;
        r = client_call(client, call, &reply, error);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "v", "s", &text);
        if (r < 0)
                return r;

        level = text_sanitize(text, strlen(text), ERROR_WORDS_MAX);
        if (!level)
                return -ENOMEM;

        *ret_level = level;
        return 0;
}

int client_set_log_level(const Client *client, const char *level, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        r = client_new_call(client, LOG_CONTROL_PATH, PROPERTIES_INTERFACE, "Set", &call);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "ssv", LOG_CONTROL_INTERFACE, "LogLevel", "s", level);
        if (r < 0)
                return r;
        r = client_call(client, call, NULL, error);
        return r < 0 ? r : 0;
}

/* ---- failures ---- */

bool client_error_is_absence(const sd_bus_error *error) {
        return sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
               sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
}

int client_complain_absent(const Client *client) {
        if (client->is_user)
                (void) fputs("argusctl: The agent is not running on the user bus: start it with AGENT_BUS=user.\n",
                                stderr);
        else
                (void) fputs("argusctl: The agent is not running, or not on the system bus.\n"
                             "Which it is, and why: systemctl status argus-agent\n"
                             "Start it: systemctl start argus-agent\n"
                             "Check its settings: sudo argusctl check\n",
                                stderr);
        return EXIT_FAILURE;
}

static void complain_denied(const char *verb, const char *action, const char *words) {
        /* The bus daemon's own refusals list the whole message, which helps nobody here; the agent's are
         * one short sentence. */
        bool is_short = !isempty(words) && strlen(words) <= 100;

        (void) fprintf(stderr, "argusctl: Permission denied%s%s.\nRun it as root: sudo argusctl %s\n",
                        is_short ? ": " : "", is_short ? words : "", verb);
        if (action)
                (void) fprintf(stderr, "A polkit rule for %s can allow others.\n", action);
}

static bool is_denial(const sd_bus_error *error) {
        return sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED) ||
               sd_bus_error_has_name(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) ||
               sd_bus_error_has_name(error, "org.freedesktop.PolicyKit1.Error.NotAuthorized");
}

int client_complain(const Client *client, const char *verb, const char *action, int r,
                const sd_bus_error *error) {
        _cleanup_free_ char *words = NULL;
        const OperationError *failure = operation_error_from_name(error->name);

        if (client_error_is_absence(error))
                return client_complain_absent(client);

        if (error->message)
                words = text_sanitize(error->message, strlen(error->message), ERROR_WORDS_MAX);

        if (is_denial(error)) {
                complain_denied(verb, action, words);
                return EXIT_FAILURE;
        }

        if (failure)
                (void) fprintf(stderr, "argusctl: %s: %s\n", failure->words, strempty(words));
        else if (r == -ETIME)
                (void) fputs("argusctl: The bus gives no answer.\n", stderr);
        else if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) || r == -ETIMEDOUT)
                (void) fprintf(stderr, "argusctl: The agent gives no answer: %s\n",
                                isempty(words) ? strerror(-r) : words);
        else if (r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE)
                (void) fputs("argusctl: The connection to the bus was lost.\n", stderr);
        else
                (void) fprintf(stderr, "argusctl: The call failed: %s\n",
                                isempty(words) ? strerror(-r) : words);
        return EXIT_FAILURE;
}

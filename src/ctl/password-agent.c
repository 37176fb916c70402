/* polkit's own program that asks for a password on the terminal, beside us while we wait for the agent. */
#include "ctl/password-agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/fd-util.h"
#include "util/macro.h"

#define PROGRAM "/usr/bin/pkttyagent"

/* It registers itself over the bus, which may hang. */
enum { READY_TIMEOUT_MSEC = 5000 };

/* It talks on /dev/tty; what it would say on stderr is that there is no polkit, of which our own words tell.
 */
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
        /* Not --fallback: that one is asked within login sessions only, and a shell by su or runuser has
         * none. */
        (void) execl(PROGRAM, PROGRAM, "--notify-fd", number, (char *) NULL);
        _exit(EXIT_FAILURE);
}

PasswordAgent password_agent_start(void) {
        _cleanup_close_ int ready_fd = -1, child_fd = -1;
        pid_t parent = getpid(), pid;
        int fds[2];

        if (access(PROGRAM, X_OK) < 0 || pipe2(fds, O_CLOEXEC) < 0)
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
        (void) poll(&(struct pollfd){ .fd = ready_fd, .events = POLLIN }, 1, READY_TIMEOUT_MSEC);
        return (PasswordAgent){ .pid = pid };
}

void password_agent_stop(PasswordAgent *agent) {
        if (agent->pid == 0)
                return;

        (void) kill(agent->pid, SIGTERM);
        (void) kill(agent->pid, SIGCONT);
        while (waitpid(agent->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        agent->pid = 0;
}

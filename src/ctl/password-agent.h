/* polkit's own program that asks for a password on the terminal, beside us while we wait for the agent. */
#pragma once

#include <sys/types.h>

typedef struct PasswordAgent {
        pid_t pid; /* 0: there is none */
} PasswordAgent;

/* Returns when it is ready to be asked, or cannot be had. */
PasswordAgent password_agent_start(void);
void password_agent_stop(PasswordAgent *agent);

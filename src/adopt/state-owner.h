/* SPDX-License-Identifier: MIT */
/* Gives the state of a machine to the service's user, and removes what is ours from the disk. The user may
 * be hostile: it owns <root> and can exchange every name below. So no name is looked up twice: what was
 * checked is what is changed. */
#pragma once

#include <sys/types.h>

typedef struct Owner {
        uid_t user;
        gid_t group;
} Owner;

/* Gives <root>/<hostname> to `owner`, with node.json, .lock and health/ in it, if an agent that ran as root
 * left it behind: all of them root's, and node.json a regular file with one name. The directory itself comes
 * last, so an interrupted run is repeated. Returns 1, 0 if there is no such directory, -EXDEV if another
 * user than root can change the way to it, or another negative errno. */
int state_take_over(int root_fd, const char *root, const char *hostname, const Owner *owner);

/* Removes node.json*, .lock and the regular files in health/ from the directory at `path`, if it is the
 * `owner`'s, then the two directories if that leaves them empty. Returns 0, also if it is not there or is
 * not his, -EXDEV as above, or another negative errno. What cannot be removed stays. */
int state_purge(int root_fd, const char *path, const Owner *owner);

/* Removes the settings below `root_fd`: etc/argus/agent.env, and each .env file of agent.env.d beside it.
 * What cannot be removed stays. */
void settings_purge(int root_fd);

/* Removes this directory if it is one, is empty, and nothing is mounted there. */
void empty_directory_remove(int root_fd, const char *path);

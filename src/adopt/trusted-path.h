/* SPDX-License-Identifier: MIT */
/* Opens a path only if no user but root can change where it leads, for a program that root runs and that
 * changes what it finds there. */
#pragma once

/* Opens the directory (O_PATH) or regular file (for reading) at `path` below the directory `root_fd`. Links
 * are an administrator's own and are followed, absolute ones from `root_fd` on, and ".." leads no higher.
 * Each directory on the way must be root's and writable for root alone: elsewhere another user could
 * exchange the next name, and the result is -EXDEV. The last component may belong to anyone. Returns
 * a descriptor that the caller closes, or a negative errno. */
int trusted_open(int root_fd, const char *path);

/* The same for the directory above the last component, whose name is *ret_name, a part of `path`. */
int trusted_open_parent(int root_fd, const char *path, const char **ret_name);

/* Whether the state directory could be used, without making or changing anything. */
#pragma once

/* Looks whether <root>/<hostname>/ could be made, written and locked by this user, and its health/ be made
 * or read. Returns 0; 1 if so, and another agent holds the lock; or a negative errno with *ret_place, which
 * the caller frees, what it is about. */
int state_check(const char *root, const char *hostname, char **ret_place);

/* Whether the state directory could be used, without making or changing anything. */
#pragma once

/* Looks whether <root>/<hostname>/ could be made, written and locked by this user, and its health/ be made
 * or read. Returns 0 if so; 1 if so and another agent holds the lock; or a negative errno, with the path of
 * the failure in *ret_place, which the caller frees. */
int state_check(const char *root, const char *hostname, char **ret_place);

/* Names that the configuration deals in: near misses of variables, switches, systemd units. Internal
 * to it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How far the name of a variable is from a known one, if it is near enough to be meant for it: 0 if only the
 * case differs. SIZE_MAX if it is not near. */
size_t config_name_distance(const char *name, size_t size, const char *known);

/* Takes yes, true, on, 1 and no, false, off, 0 in whatever case. Returns 0 or -EINVAL. */
int config_boolean_parse(const char *text, bool *ret);

/* Reads names of systemd units with white space between them, as systemctl takes them: without a suffix
 * it is a service. One that is named twice is taken once. Returns 0 and a NULL-terminated list (NULL if
 * it is empty) that the caller frees with its strings; -EINVAL with *ret_reason, which the caller frees;
 * or -ENOMEM. */
int config_units_parse(const char *text, char ***ret, size_t *ret_count, char **ret_reason);

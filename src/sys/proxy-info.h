/* Which proxy libcurl will take from the environment (libcurl-env(3)), for showing: never with its
 * credentials. */
#pragma once

#include <stdbool.h>

/* Returns 0 if there is none for the scheme; 1 with *ret_variable (static) the variable that names it and
 * *ret_url, freed by the caller, its address without user and password; or -ENOMEM. Whether no_proxy makes
 * an exception is for libcurl to say. */
int proxy_info_find(bool is_tls, const char **ret_variable, char **ret_url);

/* libcurl repeats the whole value of a proxy variable, password and all, in some of its errors. Returns the
 * variable whose value the text holds, or NULL. */
const char *proxy_info_quoted(const char *text);

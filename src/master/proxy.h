/* SPDX-License-Identifier: MIT */
/* What the other files of the wing ask of the proxies in the environment; see also master.h. */
#pragma once

/* libcurl repeats the whole value of a proxy variable, password and all, in some of its errors. Returns the
 * variable whose value the text quotes, or the beginning of it where the text is cut; else NULL. */
const char *proxy_quoted(const char *text);

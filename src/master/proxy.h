/* SPDX-License-Identifier: MIT */
/* What the other files of the wing ask of the proxies in the environment; see also master.h. */
#pragma once

/* libcurl repeats the whole value of a proxy variable, password and all, in some of its errors. Returns the
 * variable whose user and password the text holds, or a part of them; else NULL. */
const char *proxy_quoted(const char *text);

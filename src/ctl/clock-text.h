/* SPDX-License-Identifier: MIT */
/* Points in time as people read them. Times are µs since the epoch; what is returned may be `buffer`. */
#pragma once

#include "util/time-util.h"

enum { CLOCK_TEXT_SIZE = SPAN_SIZE + sizeof " ago" };

/* Tue 2026-11-24 12:13:00 CST, in the local time zone. */
const char *format_clock(char buffer[static CLOCK_TEXT_SIZE], usec_t realtime_usec);

/* Nov 24 12:13:00, as the journal shows it. */
const char *format_clock_short(char buffer[static CLOCK_TEXT_SIZE], usec_t realtime_usec);

/* 3min 4s ago, just now; a time that the clock was set back from is "in the future". */
const char *format_ago(char buffer[static CLOCK_TEXT_SIZE], usec_t realtime_usec, usec_t now);

/* in 48s; "now" if it is past. */
const char *format_until(char buffer[static CLOCK_TEXT_SIZE], usec_t realtime_usec, usec_t now);

/* Points in time as people read them. */
#pragma once

#include "util/time-util.h"

enum { CLOCK_TEXT_SIZE = 64 };

/* Tue 2026-11-24 12:13:00 CST, in the local time zone. Returns `buffer`. */
const char *format_clock(char buffer[static CLOCK_TEXT_SIZE], usec_t realtime_usec);

/* Nov 24 12:13:00, as the journal shows it. Returns `buffer`. */
const char *format_clock_short(char buffer[static CLOCK_TEXT_SIZE], usec_t realtime_usec);

/* 3min 4s ago, just now; a point that the clock has been set back from is "in the future". */
const char *format_ago(char buffer[static CLOCK_TEXT_SIZE + SPAN_SIZE], usec_t realtime_usec, usec_t now);

/* in 48s; "now" if it is past. */
const char *format_until(char buffer[static CLOCK_TEXT_SIZE + SPAN_SIZE], usec_t realtime_usec, usec_t now);

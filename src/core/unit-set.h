/* SPDX-License-Identifier: MIT */
/* The watched units (AGENT_WATCH_UNITS) as the report shows them: members of its `health` object, one for
 * each unit whose state is known, and whether a change is worth a report. It knows nothing of systemd's bus:
 * who reads the states brings them here.
 *
 * "healthy" is what an administrator would say who looks at `systemctl status`, of a unit that should be up:
 *
 *     load_state is not loaded (not-found, masked, bad-setting, error)    no: it does not come up again
 *     active, reloading, refreshing                                       yes
 *     activating, a unit that waits for its next restart (auto-restart)   no: it has failed just now
 *     activating, other sub-states                                        yes
 *     inactive, a oneshot service whose result is success                 yes: it has done its work, or has
 *                                                                         none to do yet
 *     inactive, all others                                                no
 *     deactivating, maintenance, failed, and whatever comes after these   no
 *     a service that systemd has restarted twice within a minute          no, whatever it is just now: it
 *                                                                         comes up and fails again */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/time-util.h"

enum { UNIT_WORD_SIZE = 32 }; /* systemd's longest has 21 letters; longer ones are cut */

/* Which of the fields systemd has for a unit of this type; the others are null in the report. */
typedef enum UnitKind {
        UNIT_PLAIN,       /* target, slice, device */
        UNIT_WITH_RESULT, /* socket, timer, mount, automount, swap, path, scope */
        UNIT_SERVICE,     /* result, restarts and main process */
} UnitKind;

/* What systemd says of a unit, in its own words, each set by unit_word_set(). */
typedef struct UnitState {
        char load_state[UNIT_WORD_SIZE], active_state[UNIT_WORD_SIZE], sub_state[UNIT_WORD_SIZE];
        char result[UNIT_WORD_SIZE];
        bool is_oneshot;
        uint32_t n_restarts, main_pid;
        usec_t since_usec; /* CLOCK_REALTIME of the last change of state; 0: systemd knows of none */
} UnitState;

typedef struct UnitSet UnitSet;

/* `names` are whole unit names, each once, and outlive the set. Returns 0 or -ENOMEM.
 *
 * A unit's key in the report is `systemd-` and its name, without .service. Where that would be another
 * watched unit's key too (a.socket, a.socket.service), the service keeps its suffix. */
int unit_set_new(char *const *names, size_t count, UnitSet **ret);
UnitSet *unit_set_free(UnitSet *set);

/* The units are numbered in byte order of their keys. */
size_t unit_set_count(const UnitSet *set);
const char *unit_set_name(const UnitSet *set, size_t index);

UnitKind unit_kind(const char *name);

/* Makes a word safe to show and to stand in a JSON string. */
void unit_word_set(char word[static UNIT_WORD_SIZE], const char *text);

#define UNIT_LOOP_USEC (60 * USEC_PER_SEC) /* two restarts within this: a loop */

/* What its state alone says. */
bool unit_is_healthy(const UnitState *state);

/* Takes over what is known of a unit now, by CLOCK_BOOTTIME and CLOCK_REALTIME. Returns true if that is
 * news: other than before, and by more than the main process's number (a service may hand over to another)
 * or the time. systemd forgets the time of a unit that it unloads: where it says none, the known time holds
 * for the same state, and another state began now. */
bool unit_set_update(UnitSet *set, size_t index, const UnitState *state, usec_t now, usec_t realtime);

/* Nothing is known any more. */
void unit_set_forget(UnitSet *set);

/* The members for the report's `health` object, without braces; "" if nothing is known. They are built when
 * something has changed or a loop is over by `now` (CLOCK_BOOTTIME), and live until the next call. Returns
 * NULL if memory is out. */
const char *unit_set_members(UnitSet *set, usec_t now);

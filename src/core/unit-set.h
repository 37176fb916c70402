/* The watched units (AGENT_WATCH_UNITS) as the report shows them: members of its `health` object, one for
 * each unit whose state is known.
 *
 * "healthy" is what an administrator would say who looks at `systemctl status`, of a unit that is to be up:
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

/* What systemd says of a unit, in its own words. */
typedef struct UnitState {
        char load_state[UNIT_WORD_SIZE], active_state[UNIT_WORD_SIZE], sub_state[UNIT_WORD_SIZE];
        char result[UNIT_WORD_SIZE];
        bool is_oneshot;
        uint32_t n_restarts, main_pid;
        usec_t since_usec; /* CLOCK_REALTIME of the last change of state; 0: never */
} UnitState;

typedef struct UnitSet UnitSet;

/* `names` are whole unit names, each once, and outlive the set. Returns 0 or -ENOMEM. */
int unit_set_new(char *const *names, size_t count, UnitSet **ret);
UnitSet *unit_set_free(UnitSet *set);

/* The units are numbered in byte order of their keys. */
size_t unit_set_count(const UnitSet *set);
const char *unit_set_name(const UnitSet *set, size_t index);
/* What the report calls it: `systemd-` and the name, without .service. Where that would be another watched
 * unit's key too (a.socket, a.socket.service), the service keeps its suffix. */
const char *unit_set_key(const UnitSet *set, size_t index);
UnitKind unit_kind(const char *name);

#define UNIT_LOOP_USEC (60 * USEC_PER_SEC) /* two restarts within this: a loop */

/* What its state alone says. */
bool unit_is_healthy(const UnitState *state);

/* Takes over what is known of a unit now (boot time). Returns true if that is news: other than before, and
 * by more than the main process's number (a service may hand over to another) or the time. systemd forgets
 * times of units that it unloads: a time that goes to 0 while the state stays is kept. */
bool unit_set_update(UnitSet *set, size_t index, const UnitState *state, usec_t now);

/* Nothing is known any more. */
void unit_set_forget(UnitSet *set);

/* The members for health_set_splice(), without braces; "" if nothing is known. It is built when something
 * has changed or a loop is over by `now` (boot time), and lives until the next call. Returns NULL if memory
 * is out. */
const char *unit_set_members(UnitSet *set, usec_t now);

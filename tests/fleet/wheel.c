/* SPDX-License-Identifier: MIT */
#include "wheel.h"

#include <errno.h>
#include <stdbool.h>

#include "util/macro.h"

enum { BUCKETS = 1 << 20 };

typedef struct WheelEntry {
        tick_t due;
        uint32_t next;
} WheelEntry;

struct Wheel {
        tick_t now;
        uint32_t current;        /* what is left of the bucket of `now` */
        uint32_t heads[BUCKETS]; /* of the ticks that are equal modulo BUCKETS: some are due turns later */
        WheelEntry entries[];
};

int wheel_new(uint32_t count, Wheel **ret) {
        Wheel *wheel;

        wheel = calloc(1, sizeof *wheel + count * sizeof *wheel->entries);
        if (!wheel)
                return -ENOMEM;

        wheel->current = WHEEL_NONE;
        for (size_t i = 0; i < BUCKETS; i++)
                wheel->heads[i] = WHEEL_NONE;

        *ret = wheel;
        return 0;
}

Wheel *wheel_free(Wheel *wheel) {
        free(wheel);
        return NULL;
}

static void wheel_link(Wheel *wheel, uint32_t entry) {
        uint32_t *head = &wheel->heads[wheel->entries[entry].due % BUCKETS];

        wheel->entries[entry].next = *head;
        *head = entry;
}

void wheel_add(Wheel *wheel, uint32_t entry, tick_t due) {
        assert(due > wheel->now);

        wheel->entries[entry].due = due;
        wheel_link(wheel, entry);
}

/* Buckets are short: about one entry in each. */
static bool wheel_unlink(Wheel *wheel, uint32_t *link, uint32_t entry) {
        while (*link != WHEEL_NONE && *link != entry)
                link = &wheel->entries[*link].next;
        if (*link == WHEEL_NONE)
                return false;

        *link = wheel->entries[entry].next;
        return true;
}

void wheel_remove(Wheel *wheel, uint32_t entry) {
        bool is_found = wheel_unlink(wheel, &wheel->heads[wheel->entries[entry].due % BUCKETS], entry) ||
                        wheel_unlink(wheel, &wheel->current, entry);

        assert(is_found);
}

void wheel_advance(Wheel *wheel, tick_t tick) {
        assert(wheel->current == WHEEL_NONE);

        wheel->now = tick;
        wheel->current = wheel->heads[tick % BUCKETS];
        wheel->heads[tick % BUCKETS] = WHEEL_NONE;
}

uint32_t wheel_pop(Wheel *wheel, uint32_t *ret_likely_next) {
        while (wheel->current != WHEEL_NONE) {
                uint32_t entry = wheel->current;

                wheel->current = wheel->entries[entry].next;
                if (wheel->entries[entry].due == wheel->now) {
                        *ret_likely_next = wheel->current;
                        return entry;
                }
                wheel_link(wheel, entry);
        }

        return WHEEL_NONE;
}

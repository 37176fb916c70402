/* SPDX-License-Identifier: MIT */
#include "core/write-allowance.h"

#include "core/json-bytes.h"
#include "core/json-slice.h"
#include "util/macro.h"

/* FNV-1a, never 0. */
static uint64_t hash_slice(uint64_t seed, JsonSlice bytes) {
        uint64_t hash = UINT64_C(0xCBF29CE484222325) ^ seed;

        for (size_t i = 0; i < bytes.size; i++)
                hash = (hash ^ (unsigned char) bytes.text[i]) * UINT64_C(0x100000001B3);
        return hash != 0 ? hash : 1;
}

static MemberAllowance *member_find(WriteAllowance *allowance, JsonSlice name) {
        uint64_t hash = hash_slice(0, name);
        size_t i = 0;

        while (i < allowance->n_members && allowance->members[i].name != hash)
                i++;
        if (i == allowance->n_members && i < WRITE_ALLOWANCE_MEMBERS) {
                allowance->n_members++;
                allowance->members[i].name = hash;
        }

        return &allowance->members[i];
}

void write_allowance_note(WriteAllowance *allowance, const char *text, size_t size) {
        size_t blank = 0, position = 0;
        JsonSlice name, value;

        for (size_t i = 0; i < ELEMENTSOF(allowance->members); i++)
                allowance->members[i].newest = 0;

        while (blank < size && byte_is_space((unsigned char) text[blank]))
                blank++;
        while (json_object_next((JsonSlice){ text + blank, size - blank }, &position, &name, &value) > 0) {
                MemberAllowance *member = member_find(allowance, name);

                /* All values count of names that share one, and of a duplicate name. */
                member->newest = hash_slice(hash_slice(member->newest, name), value);
        }
}

static bool has_write_left(const MemberAllowance *member, usec_t now) {
        return member->full_usec <= usec_add(now, (WRITE_ALLOWANCE_MAX - 1) * WRITE_ALLOWANCE_INTERVAL_USEC);
}

bool write_allowance_is_due(const WriteAllowance *allowance, usec_t now) {
        if (now >= usec_add(allowance->written_usec, WRITE_ALLOWANCE_INTERVAL_USEC))
                return true;

        for (size_t i = 0; i < ELEMENTSOF(allowance->members); i++) {
                const MemberAllowance *member = &allowance->members[i];

                if (member->newest != member->written && has_write_left(member, now))
                        return true;
        }

        return false;
}

void write_allowance_written(WriteAllowance *allowance, usec_t now) {
        bool is_first = !allowance->has_written;

        for (size_t i = 0; i < ELEMENTSOF(allowance->members); i++) {
                MemberAllowance *member = &allowance->members[i];

                if (!is_first && member->newest != member->written && has_write_left(member, now))
                        member->full_usec = usec_add(
                                        usec_later(member->full_usec, now), WRITE_ALLOWANCE_INTERVAL_USEC);
                member->written = member->newest;
        }
        allowance->has_written = true;
        allowance->written_usec = now;
}

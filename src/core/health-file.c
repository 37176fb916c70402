/* The rules for names, and how verdicts are written. */
#include "core/health-file.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "util/macro.h"

#define SUFFIX ".json"
#define OWN_PREFIX "systemd-" /* watched units */

/* A table, as each name is checked at each scan. */
static const bool is_key_byte[0x100] = {
        ['A' ... 'Z'] = true,
        ['a' ... 'z'] = true,
        ['0' ... '9'] = true,
        ['.'] = true,
        ['_'] = true,
        ['-'] = true,
};

int health_name_check(const char *file_name, const char **ret_reason) {
        size_t size = strlen(file_name), suffix_size = strlen(SUFFIX), key_size;
        const char *dash = strchr(file_name, '-');

        if (size < suffix_size || strcmp(file_name + size - suffix_size, SUFFIX) != 0)
                return 0;

        /* The first dash is what separates: the rest may hold more of them. */
        key_size = size - suffix_size;
        if (file_name[0] == '.' || !dash || dash == file_name || dash + 1 >= file_name + key_size)
                return 0;

        for (size_t i = 0; i < key_size; i++)
                if (!is_key_byte[(unsigned char) file_name[i]]) {
                        *ret_reason = "the name holds other characters than letters, digits, '.', '_' and '-'";
                        return -EINVAL;
                }
        if (key_size > HEALTH_KEY_MAX) {
                *ret_reason = "the name is longer than 128 bytes";
                return -EINVAL;
        }
        if (strncmp(file_name, OWN_PREFIX, strlen(OWN_PREFIX)) == 0) {
                *ret_reason = "names that begin with systemd- are the agent's own";
                return -EINVAL;
        }
        return 1;
}

bool health_stamp_equal(const HealthStamp *a, const HealthStamp *b) {
        return a->device == b->device && a->inode == b->inode && a->size == b->size &&
               a->modified_usec == b->modified_usec && a->changed_usec == b->changed_usec;
}

const char *health_verdict_to_string(HealthVerdict verdict) {
        static const char *const names[] = {
                [HEALTH_OK] = "ok",
                [HEALTH_INVALID] = "invalid",
                [HEALTH_TOO_LARGE] = "too-large",
                [HEALTH_TOO_MANY] = "too-many",
                [HEALTH_UNREADABLE] = "unreadable",
                [HEALTH_STALE] = "stale",
        };

        assert((size_t) verdict < ELEMENTSOF(names));
        return names[verdict];
}

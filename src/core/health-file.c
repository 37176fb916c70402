/* SPDX-License-Identifier: MIT */
/* The rules for names, and how verdicts are written. */
#include "core/health-file.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "util/macro.h"
#include "util/text.h"

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

/* Static words; NULL if the key can be used. */
static const char *key_error(const char *key, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (!is_key_byte[(unsigned char) key[i]])
                        return "the name holds other characters than letters, digits, '.', '_' and '-'";
        if (size > HEALTH_KEY_MAX)
                return "the name is longer than 128 bytes";
        if (strncmp(key, OWN_PREFIX, strlen(OWN_PREFIX)) == 0)
                return "names that begin with systemd- are reserved";
        return NULL;
}

HealthName health_name_check(const char *file_name, const char **ret_reason) {
        size_t size = strlen(file_name), suffix_size = strlen(SUFFIX), key_size;
        const char *dash = strchr(file_name, '-');
        bool is_suffix_good;

        if (file_name[0] == '.' || size < suffix_size)
                return HEALTH_NAME_OTHER;
        key_size = size - suffix_size;
        is_suffix_good = memcmp(file_name + key_size, SUFFIX, suffix_size) == 0;
        if (!is_suffix_good && strcasecmp(file_name + key_size, SUFFIX) != 0)
                return HEALTH_NAME_OTHER;

        /* The first dash is what separates: the rest may hold more of them. */
        if (!is_suffix_good || !dash || dash == file_name || dash + 1 >= file_name + key_size) {
                *ret_reason = "not named PREFIX-NAME.json";
                return HEALTH_NAME_MISNAMED;
        }

        *ret_reason = key_error(file_name, key_size);
        return *ret_reason ? HEALTH_NAME_BAD_KEY : HEALTH_NAME_GOOD;
}

const char *health_verdict_to_string(HealthVerdict verdict) {
        static const char *const names[] = {
                [HEALTH_OK] = "ok",
                [HEALTH_INVALID] = "invalid",
                [HEALTH_TOO_LARGE] = "too-large",
                [HEALTH_TOO_MANY] = "too-many",
                [HEALTH_UNREADABLE] = "unreadable",
                [HEALTH_STALE] = "stale",
                [HEALTH_GONE] = "gone",
        };

        assert((size_t) verdict < ELEMENTSOF(names));
        return names[verdict];
}

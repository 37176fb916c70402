/* Who the node is for the Master: the environment's word before the stored node's, and that before what the
 * host name seems to say. */
#include "core/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/text.h"

enum { PARTS = 3 };

static int identity_set(Identity *ret, IdentitySource source, const char *const parts[static PARTS],
                const size_t sizes[static PARTS]) {
        Identity identity = { .source = source };

        identity.env = strndup(parts[0], sizes[0]);
        identity.user = strndup(parts[1], sizes[1]);
        identity.instance = strndup(parts[2], sizes[2]);
        if (!identity.env || !identity.user || !identity.instance) {
                identity_done(&identity);
                return -ENOMEM;
        }

        *ret = identity;
        return 0;
}

static int identity_copy(Identity *ret, IdentitySource source, const char *env, const char *user,
                const char *instance) {
        const char *parts[PARTS] = { env, user, instance };
        size_t sizes[PARTS] = { strlen(env), strlen(user), strlen(instance) };

        return identity_set(ret, source, parts, sizes);
}

/* Reads env-user-instance off the host name up to its first dot; what follows a third dash is ignored.
 * Returns 0, -ENODATA if that is not how the host is named, or -ENOMEM. */
static int identity_from_hostname(const char *hostname, Identity *ret) {
        const char *parts[PARTS];
        size_t sizes[PARTS];

        for (size_t i = 0; i < PARTS; i++) {
                parts[i] = hostname;
                sizes[i] = strcspn(hostname, "-.");
                if (sizes[i] == 0)
                        return -ENODATA;

                hostname += sizes[i];
                if (*hostname == '-')
                        hostname++;
                else if (i + 1 < PARTS) /* the short name ends before its third part */
                        return -ENODATA;
        }

        return identity_set(ret, IDENTITY_FROM_HOSTNAME, parts, sizes);
}

/* Says which of the three variables are missing. *ret is left NULL if all or none of them are set: both are
 * in order. Returns 0 or -ENOMEM. */
static int describe_missing(const Config *config, char **ret) {
        static const char *const names[PARTS] = { "AGENT_ENV", "AGENT_USER", "AGENT_INSTANCE" };
        const char *const values[PARTS] = { config->env, config->user, config->instance };
        const char *set[PARTS] = {}, *missing[PARTS] = {};
        size_t n_set = 0, n_missing = 0;
        char *text;

        for (size_t i = 0; i < PARTS; i++) {
                if (isempty(values[i]))
                        missing[n_missing++] = names[i];
                else
                        set[n_set++] = names[i];
        }
        if (n_set == 0 || n_missing == 0)
                return 0;

        if (asprintf(&text, "%s%s%s not set, so %s%s%s not used: all three are needed", missing[0],
                            n_missing > 1 ? " and " : "", n_missing > 1 ? missing[1] : "", set[0],
                            n_set > 1 ? " and " : "", n_set > 1 ? set[1] : "") < 0)
                return -ENOMEM;

        *ret = text;
        return 0;
}

int identity_choose(const Config *config, const Node *stored, Identity *ret, char **ret_warning) {
        _cleanup_free_ char *warning = NULL;
        int r;

        assert(config);
        assert(ret);
        assert(ret_warning);

        r = describe_missing(config, &warning);
        if (r < 0)
                return r;

        if (!isempty(config->env) && !isempty(config->user) && !isempty(config->instance))
                r = identity_copy(
                                ret, IDENTITY_FROM_ENVIRONMENT, config->env, config->user, config->instance);
        else if (stored && !isempty(stored->env) && !isempty(stored->user) && !isempty(stored->instance))
                r = identity_copy(ret, IDENTITY_FROM_NODE_FILE, stored->env, stored->user, stored->instance);
        else
                r = identity_from_hostname(strempty(config->hostname), ret);
        if (r == -ENOMEM)
                return r;

        *ret_warning = TAKE_PTR(warning);
        return r;
}

void identity_done(Identity *identity) {
        free(identity->env);
        free(identity->user);
        free(identity->instance);
        *identity = (Identity){};
}

const char *identity_source_to_string(IdentitySource source) {
        static const char *const names[] = {
                [IDENTITY_FROM_ENVIRONMENT] = "environment",
                [IDENTITY_FROM_NODE_FILE] = "node-file",
                [IDENTITY_FROM_HOSTNAME] = "hostname",
        };

        assert((size_t) source < ELEMENTSOF(names));
        return names[source];
}

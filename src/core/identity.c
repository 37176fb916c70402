/* SPDX-License-Identifier: MIT */
#include "core/identity.h"

#include <errno.h>
#include <stdio.h>

#include "util/text.h"

static bool is_complete(const char *env, const char *user, const char *instance) {
        return !isempty(env) && !isempty(user) && !isempty(instance);
}

static int identity_set(Identity *ret, IdentitySource source, const char *env, const char *user,
                const char *instance) {
        *ret = (Identity){ strdup(env), strdup(user), strdup(instance), source };
        if (ret->env && ret->user && ret->instance)
                return 0;

        identity_done(ret);
        return -ENOMEM;
}

/* Reads env-user-instance off the host name up to its first dot; what follows a third dash is ignored.
 * Returns 0, -ENODATA if that is not how the host is named, or -ENOMEM. */
static int identity_from_hostname(const char *hostname, Identity *ret) {
        _cleanup_free_ char *copy = strndup(hostname, strcspn(hostname, "."));
        char *rest = copy, *env, *user, *instance;

        if (!copy)
                return -ENOMEM;

        env = strsep(&rest, "-");
        user = strsep(&rest, "-");
        instance = strsep(&rest, "-");
        if (!is_complete(env, user, instance))
                return -ENODATA;
        return identity_set(ret, IDENTITY_FROM_HOSTNAME, env, user, instance);
}

/* Says which of the three variables are missing. *ret is left NULL if all or none of them are set: both are
 * in order. Returns 0 or -ENOMEM. */
static int describe_missing(const Config *config, char **ret) {
        static const char *const names[] = { "AGENT_ENV", "AGENT_USER", "AGENT_INSTANCE" };
        const char *const values[ELEMENTSOF(names)] = { config->env, config->user, config->instance };
        const char *set[ELEMENTSOF(names)] = {}, *missing[ELEMENTSOF(names)] = {};
        size_t n_set = 0, n_missing = 0;

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (isempty(values[i]))
                        missing[n_missing++] = names[i];
                else
                        set[n_set++] = names[i];
        if (n_set == 0 || n_missing == 0)
                return 0;

        if (asprintf(ret, "%s%s%s not set, so %s%s%s not used: all three are needed", missing[0],
                            n_missing > 1 ? " and " : "", n_missing > 1 ? missing[1] : "", set[0],
                            n_set > 1 ? " and " : "", n_set > 1 ? set[1] : "") >= 0)
                return 0;

        *ret = NULL;
        return -ENOMEM;
}

int identity_choose(const Config *config, const Node *stored, Identity *ret, char **ret_warning) {
        _cleanup_free_ char *warning = NULL;
        int r;

        r = describe_missing(config, &warning);
        if (r < 0)
                return r;

        if (is_complete(config->env, config->user, config->instance))
                r = identity_set(
                                ret, IDENTITY_FROM_ENVIRONMENT, config->env, config->user, config->instance);
        else if (stored && is_complete(stored->env, stored->user, stored->instance))
                r = identity_set(ret, IDENTITY_FROM_NODE_FILE, stored->env, stored->user, stored->instance);
        else
                r = identity_from_hostname(strempty(config->hostname), ret);
        if (r != -ENOMEM)
                *ret_warning = TAKE_PTR(warning);

        return r;
}

void identity_done(Identity *identity) {
        free(identity->env);
        free(identity->user);
        free(identity->instance);
        *identity = (Identity){};
}

DEFINE_TO_STRING(identity_source, IdentitySource, [IDENTITY_FROM_ENVIRONMENT] = "environment",
                [IDENTITY_FROM_NODE_FILE] = "node-file", [IDENTITY_FROM_HOSTNAME] = "hostname")

/* How loud an outage may be. The counting is apart from the log, so that a day of outage can be tested in a
 * moment. */
#include "core/log-policy.h"

#include "util/macro.h"

bool log_policy_failed(LogPolicy *policy, usec_t now) {
        assert(policy);

        policy->attempts++;
        if (policy->attempts == 1)
                policy->since_usec = now;
        else if (usec_sub(now, policy->said_usec) < LOG_POLICY_REPEAT_USEC)
                return false;

        policy->said_usec = now;
        return true;
}

bool log_policy_succeeded(LogPolicy *policy, usec_t now, usec_t *ret_duration_usec, uint64_t *ret_attempts) {
        assert(policy);

        if (policy->attempts == 0)
                return false;

        *ret_duration_usec = usec_sub(now, policy->since_usec);
        *ret_attempts = policy->attempts;
        *policy = (LogPolicy){};
        return true;
}

/* SPDX-License-Identifier: MIT */
/* Follows the agent on the bus: when it appears, changes or goes. */
#include "ctl/follower.h"

#include <errno.h>

static int on_signal(_unused_ sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        Follower *follower = userdata;

        follower->is_stale = true;
        return 0;
}

static int subscribe(Follower *follower) {
        int r;

        if (follower->is_subscribed)
                return 0;
        follower->is_subscribed = follower->is_stale = true;

        r = sd_bus_add_match_async(follower->session->bus, NULL,
                        "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
                        "arg0='" AGENT_BUS_NAME "'",
                        on_signal, NULL, follower);
        if (r < 0)
                return r;
        return sd_bus_add_match_async(follower->session->bus, NULL,
                        "type='signal',sender='" AGENT_BUS_NAME "',path='" AGENT_PATH
                        "',member='PropertiesChanged',arg0='" AGENT_INTERFACE "'",
                        on_signal, NULL, follower);
}

/* Returns whether there is news. */
static int look(Follower *follower, usec_t timeout_usec, sd_bus_error *error) {
        Sight now = {};
        int r;

        sd_bus_error_free(error); /* of the look before */
        follower->is_stale = false;
        /* NoReply: it went away before it replied; a timeout has another name. */
        r = client_try_get_all(follower->session, timeout_usec, &now.view, &now.health, error);
        if (r < 0 && !client_is_absent(error) && !sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY))
                return r;

        now.is_there = r >= 0;
        now.view.health_generation = follower->now.view.health_generation +
                                     !health_rows_equal(&now.health, &follower->now.health);
        health_rows_done(&follower->before.health);
        follower->before = follower->now;
        follower->now = now;
        follower->changed = follower->before.is_there && now.is_there
                                            ? agent_status_compare(&follower->before.view, &now.view)
                            : now.is_there ? PROPERTY_ALL
                                           : 0;
        if (!follower->is_known) {
                follower->is_known = true;
                return true;
        }
        return follower->changed != 0 || follower->before.is_there != now.is_there;
}

/* Returns as follower_next(), but for saying why. */
static int next(Follower *follower, usec_t end, sd_bus_error *error) {
        int r;

        r = subscribe(follower);
        while (r >= 0 || r == -EINTR) {
                usec_t left = usec_sub(end, now_usec(CLOCK_MONOTONIC));

                if (left == 0)
                        return follower->is_known ? 0 : -ETIMEDOUT;
                if (follower->is_stale) {
                        r = look(follower, usec_earlier(left, CALL_TIMEOUT_USEC), error);
                        if (r != 0)
                                return r;
                }
                r = sd_bus_process(follower->session->bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(follower->session->bus, left);
        }
        return r;
}

int follower_next(Follower *follower, usec_t end) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = next(follower, end, &error);
        if (r == -ETIMEDOUT && follower->is_known && now_usec(CLOCK_MONOTONIC) >= end)
                return 0;
        if (r < 0)
                (void) client_complain(follower->session, r, &error);
        return r;
}

void follower_done(Follower *follower) {
        health_rows_done(&follower->before.health);
        health_rows_done(&follower->now.health);
}

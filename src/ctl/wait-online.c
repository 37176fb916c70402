/* `argusctl is-online --wait=`: waits until the agent is online. */
#include "ctl/wait-online.h"

#include <errno.h>
#include <stdlib.h>

#include "ctl/exit-status.h"
#include "ctl/watch.h"
#include "util/macro.h"

typedef struct Wait {
        AgentView view;
        bool is_there, is_gone; /* neither: that is not known yet */
} Wait;

static void on_news(Watch *watch, const WatchNews *news, void *userdata) {
        Wait *wait = userdata;

        wait->is_gone = news->event == WATCH_GONE;
        wait->is_there = !wait->is_gone;
        wait->view = wait->is_there ? *news->view : (AgentView){};
        if (wait->is_there && agent_view_is_well(news->view))
                watch_end(watch, EXIT_SUCCESS);
}

static int on_timeout(sd_event_source *source, _unused_ uint64_t usec, _unused_ void *userdata) {
        return sd_event_exit(sd_event_source_get_event(source), EXIT_NOT_ONLINE);
}

int wait_online_run(const Client *client, usec_t timeout_usec, AgentView *ret_view) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        Wait wait = {};
        int r;

        r = sd_event_new(&event);
        if (r >= 0)
                r = sd_event_add_time(event, NULL, CLOCK_BOOTTIME,
                                usec_add(now_usec(CLOCK_BOOTTIME), timeout_usec), 1, on_timeout, NULL);
        if (r < 0)
                return client_complain(client, "is-online", NULL, r, &SD_BUS_ERROR_NULL);

        r = watch_run(client, event, on_news, &wait);
        if (r == EXIT_NOT_ONLINE && !wait.is_there)
                r = wait.is_gone ? client_complain_absent(client)
                                 : client_complain(client, "is-online", NULL, -ETIMEDOUT,
                                                   &SD_BUS_ERROR_NULL);

        *ret_view = wait.view;
        return r;
}

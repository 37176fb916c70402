/* Follows the agent on the bus by its signals: it appears, changes, is gone. Nothing blocks meanwhile. */
#include "ctl/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/macro.h"
#include "util/text.h"

struct Watch {
        const Client *client;
        sd_event *event;
        WatchCallback callback;
        void *userdata;

        char *owner;   /* the unique name of the agent's connection; NULL: it is not there */
        bool is_known; /* all properties were read since the owner appeared */
        AgentView view;
        HealthRows health;

        sd_bus_slot *get_all; /* the one call that may be under way */
};

void watch_end(Watch *watch, int exit_status) {
        (void) sd_event_exit(watch->event, exit_status);
}

static int watch_fail(Watch *watch, int r, const sd_bus_error *error) {
        watch_end(watch, client_complain(watch->client, "monitor", NULL, r, error));
        return 0;
}

static void watch_tell(Watch *watch, WatchNews news) {
        news.view = &watch->view;
        news.health = &watch->health;
        watch->callback(watch, &news, watch->userdata);
}

/* ---- all properties ---- */

static void watch_learn_all(Watch *watch, AgentView *view, HealthRows *health, uint64_t fields) {
        AgentView view_before = watch->view;
        HealthRows health_before = watch->health;

        watch->view = *view;
        watch->health = *health;
        *health = (HealthRows){};

        if (watch->is_known)
                watch_tell(watch, (WatchNews){
                                                  .event = WATCH_CHANGED,
                                                  .before = &view_before,
                                                  .health_before = &health_before,
                                                  .fields = agent_status_compare(&view_before, view),
                                  });
        else {
                watch->is_known = true;
                watch_tell(watch, (WatchNews){ .event = WATCH_APPEARED, .fields = fields });
        }
        health_rows_done(&health_before);
}

static int on_all_properties(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *ret_error) {
        Watch *watch = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        _cleanup_(health_rows_done) HealthRows health = {};
        AgentView view = watch->is_known ? watch->view : (AgentView){};
        uint64_t fields;
        int r;

        watch->get_all = sd_bus_slot_unref(watch->get_all);

        /* It went away meanwhile, which its name's signal tells. */
        if (client_error_is_absence(error))
                return 0;
        if (error)
                return watch_fail(watch, -sd_bus_message_get_errno(reply), error);

        r = agent_view_read(&view, &health, reply, &fields);
        if (r < 0)
                return watch_fail(watch, r, &SD_BUS_ERROR_NULL);

        watch_learn_all(watch, &view, &health, fields);
        return 0;
}

static int watch_ask_all(Watch *watch) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r;

        watch->get_all = sd_bus_slot_unref(watch->get_all);

        r = client_new_call(watch->client, AGENT_PATH, "org.freedesktop.DBus.Properties", "GetAll", &call);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "s", AGENT_INTERFACE);
        if (r < 0)
                return r;
        return sd_bus_call_async(watch->client->bus, &watch->get_all, call, on_all_properties, watch,
                        CALL_TIMEOUT_USEC);
}

/* ---- the agent's name ---- */

static int watch_set_owner(Watch *watch, const char *owner) {
        int r;

        /* The question who it is and the signal may both bring the news. */
        if (watch->owner && streq(watch->owner, strempty(owner)))
                return 0;

        watch->is_known = false;
        watch->get_all = sd_bus_slot_unref(watch->get_all);

        r = text_replace(&watch->owner, isempty(owner) ? NULL : owner);
        if (r >= 0 && watch->owner)
                r = watch_ask_all(watch);
        if (r < 0)
                return watch_fail(watch, r, &SD_BUS_ERROR_NULL);

        if (!watch->owner)
                watch_tell(watch, (WatchNews){ .event = WATCH_GONE });
        return 0;
}

static int on_owner_known(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *ret_error) {
        Watch *watch = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        const char *owner = NULL;
        int r;

        if (error && !client_error_is_absence(error))
                return watch_fail(watch, -sd_bus_message_get_errno(reply), error);
        if (!error) {
                r = sd_bus_message_read(reply, "s", &owner);
                if (r < 0)
                        return watch_fail(watch, r, &SD_BUS_ERROR_NULL);
        }

        return watch_set_owner(watch, owner);
}

static int on_owner_changed(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *ret_error) {
        Watch *watch = userdata;
        const char *owner;
        int r;

        r = sd_bus_message_read(message, "sss", NULL, NULL, &owner);
        if (r < 0)
                return watch_fail(watch, r, &SD_BUS_ERROR_NULL);

        return watch_set_owner(watch, owner);
}

/* ---- changes ---- */

static int watch_read_change(Watch *watch, sd_bus_message *message, bool *ret_is_stale) {
        _cleanup_(health_rows_done) HealthRows none = {};
        AgentView before = watch->view;
        const char *name;
        bool is_stale = false;
        uint64_t fields;
        int r;

        r = agent_view_read(&watch->view, &none, message, &fields);
        if (r < 0)
                return r;

        /* The list of health files can be long: it is said to have changed, and asked for. */
        r = sd_bus_message_enter_container(message, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(message, 's', &name)) > 0)
                is_stale = true;
        if (r < 0)
                return r;

        fields = agent_status_compare(&before, &watch->view) & ~PROPERTY_BIT(PROPERTY_HealthFiles);
        if (fields != 0)
                watch_tell(watch, (WatchNews){
                                                  .event = WATCH_CHANGED,
                                                  .before = &before,
                                                  .health_before = &watch->health,
                                                  .fields = fields,
                                  });

        *ret_is_stale = is_stale;
        return 0;
}

static int on_properties_changed(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *ret_error) {
        Watch *watch = userdata;
        const char *sender = sd_bus_message_get_sender(message), *interface;
        bool is_stale;
        int r;

        /* Anyone may send anyone a signal of this name. */
        if (!watch->is_known || !sender || !streq(sender, watch->owner))
                return 0;

        r = sd_bus_message_read(message, "s", &interface);
        if (r >= 0 && !streq(interface, AGENT_INTERFACE))
                return 0;
        if (r >= 0)
                r = watch_read_change(watch, message, &is_stale);
        if (r >= 0 && is_stale)
                r = watch_ask_all(watch);
        if (r < 0)
                return watch_fail(watch, r, &SD_BUS_ERROR_NULL);
        return 0;
}

static int on_disconnected(
                _unused_ sd_bus_message *message, void *userdata, _unused_ sd_bus_error *ret_error) {
        return watch_fail(userdata, -ECONNRESET, &SD_BUS_ERROR_NULL);
}

/* ---- the loop ---- */

static int watch_subscribe(Watch *watch) {
        sd_bus *bus = watch->client->bus;
        int r;

        r = sd_bus_match_signal(bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                        "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, watch);
        if (r < 0)
                return r;
        r = sd_bus_add_match_async(bus, NULL,
                        "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                        "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" AGENT_BUS_NAME
                        "'",
                        on_owner_changed, NULL, watch);
        if (r < 0)
                return r;
        r = sd_bus_add_match_async(bus, NULL,
                        "type='signal',sender='" AGENT_BUS_NAME "',path='" AGENT_PATH
                        "',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',arg0='" AGENT_INTERFACE
                        "'",
                        on_properties_changed, NULL, watch);
        if (r < 0)
                return r;

        /* Answered after both matches hold, so nothing is missed. */
        return sd_bus_call_method_async(bus, NULL, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                        "org.freedesktop.DBus", "GetNameOwner", on_owner_known, watch, "s", AGENT_BUS_NAME);
}

int watch_run(const Client *client, sd_event *event, WatchCallback callback, void *userdata) {
        Watch watch = { .client = client, .event = event, .callback = callback, .userdata = userdata };
        int r;

        r = sd_bus_attach_event(client->bus, event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = watch_subscribe(&watch);
        if (r >= 0)
                r = sd_event_loop(event);
        if (r < 0)
                r = client_complain(client, "monitor", NULL, r, &SD_BUS_ERROR_NULL);

        (void) sd_bus_detach_event(client->bus);
        watch.get_all = sd_bus_slot_unref(watch.get_all);
        health_rows_done(&watch.health);
        free(watch.owner);
        return r;
}

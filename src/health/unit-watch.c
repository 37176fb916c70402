/* SPDX-License-Identifier: MIT */
#include "health/unit-watch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "health/unit-fetch.h"
#include "sys/event-timer.h"
#include "util/macro.h"
#include "util/text.h"
#include "util/time-util.h"

#define ROUND_USEC (200 * USEC_PER_MSEC) /* from the end of one to the next */
#define RETRY_USEC (5 * USEC_PER_SEC)
#define ABSENT_USEC (5 * USEC_PER_SEC)
#define ACCURACY_USEC (50 * USEC_PER_MSEC)

#define DBUS "org.freedesktop.DBus"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE SYSTEMD_NAME ".Manager"

enum { MATCHES = 5 };

typedef struct Item {
        char *id; /* of the unit that the name means, another one's for an alias: signals come under it */
        bool changed_since_fetch;
        int n_loads; /* how often it was loaded since the last fetch, less how often it was unloaded */
} Item;

struct UnitWatch {
        UnitSet *set;
        UnitWatchCallback callback;
        void *userdata;
        bool is_ready;
        int error;                     /* of this round, or why there is none; 0: none yet */
        sd_event_source *absent_timer; /* until ABSENT */

        Item *items; /* as in `set` */
        size_t count;
        UnitFetch *fetch;       /* of the item before `next`; NULL: none is under way */
        size_t next;            /* where the round goes on; 0: none is under way */
        sd_event_source *timer; /* until the next round, or attempt */

        sd_bus *bus; /* NULL: none */
        sd_bus_slot *matches[MATCHES], *subscribe_call;
        char *owner; /* systemd's unique name; NULL: it is not known to be there */
};

DEFINE_CLEANUP(UnitWatch *, unit_watch_free)

static void arm(sd_event_source *timer, usec_t delay_usec) {
        event_timer_arm(timer, usec_add(now_usec(CLOCK_BOOTTIME), delay_usec));
}

static bool is_armed(sd_event_source *timer) {
        return sd_event_source_get_enabled(timer, NULL) > 0;
}

/* ---- rounds ---- */

static void start_fetches(UnitWatch *watch);

/* It is fetched again in a later round. */
static void fetch_failed(UnitWatch *watch, Item *item, int error) {
        item->changed_since_fetch = true;
        watch->error = error;
        arm(watch->timer, RETRY_USEC);
}

static void on_fetched(int error, const char *id, const UnitState *state, void *userdata) {
        UnitWatch *watch = userdata;
        size_t index = watch->next - 1;
        Item *item = &watch->items[index];
        int r = error < 0 ? error : text_replace(&item->id, id);

        if (r < 0)
                fetch_failed(watch, item, r);
        else {
                if (r > 0) /* until now its signals were taken for another unit's */
                        item->changed_since_fetch = true;
                if (unit_set_update(watch->set, index, state, now_usec(CLOCK_BOOTTIME),
                                    now_usec(CLOCK_REALTIME)))
                        watch->callback(UNIT_WATCH_NEWS, 0, watch->userdata);
                if (is_armed(watch->absent_timer)) /* many units take their time, but systemd is there */
                        arm(watch->absent_timer, ABSENT_USEC);
        }

        watch->fetch = unit_fetch_free(watch->fetch);
        start_fetches(watch);
}

static void end_round(UnitWatch *watch) {
        watch->next = 0;
        arm(watch->timer, ROUND_USEC);
        if (watch->error < 0)
                return;

        event_timer_arm(watch->absent_timer, USEC_INFINITY);
        if (!watch->is_ready) {
                watch->is_ready = true;
                watch->callback(UNIT_WATCH_READY, 0, watch->userdata);
        }
}

/* The next item of the round that wants a fetch, or NULL. */
static Item *next_changed(UnitWatch *watch) {
        while (watch->next < watch->count) {
                Item *item = &watch->items[watch->next++];

                if (item->changed_since_fetch || item->n_loads != 0)
                        return item;
        }
        return NULL;
}

/* Goes on with the round, or begins one if there is something to fetch. */
static void start_fetches(UnitWatch *watch) {
        bool is_beginning = watch->next == 0;
        const char *name;
        Item *item;
        int r;

        if (!watch->owner || watch->fetch || is_armed(watch->timer))
                return;

        item = next_changed(watch);
        if (!item) {
                if (is_beginning)
                        watch->next = 0;
                else
                        end_round(watch);
                return;
        }

        if (is_beginning)
                watch->error = 0;
        item->changed_since_fetch = false;
        item->n_loads = 0;
        name = unit_set_name(watch->set, (size_t) (item - watch->items));
        r = unit_fetch_new(watch->bus, watch->owner, name, on_fetched, watch, &watch->fetch);
        if (r < 0)
                fetch_failed(watch, item, r);
}

static void invalidate_all(UnitWatch *watch) {
        for (size_t i = 0; i < watch->count; i++)
                watch->items[i].changed_since_fetch = true;

        start_fetches(watch);
}

/* ---- what systemd signals ---- */

/* `load` is 1 for a unit that was loaded, -1 for one that was unloaded, 0 for one that changed. */
static void invalidate(UnitWatch *watch, const char *id, int load) {
        for (size_t i = 0; i < watch->count; i++) {
                Item *item = &watch->items[i];

                if (!streq(item->id, id))
                        continue;

                item->n_loads += load;
                if (load == 0 && item->n_loads == 0) /* else it is fetched for its loading, if that lasts */
                        item->changed_since_fetch = true;

                if (load == 0)
                        start_fetches(watch);
                else if (watch->next == 0 && !is_armed(watch->timer))
                        arm(watch->timer, ROUND_USEC); /* by then it may be undone */
        }
}

/* Anyone on the bus may send a signal to the agent alone; but nobody can fake the sender. */
static bool is_from(sd_bus_message *message, const char *sender) {
        return sender && streq(strempty(sd_bus_message_get_sender(message)), sender);
}

static int on_unit_changed(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        _cleanup_free_ char *id = NULL;
        UnitWatch *watch = userdata;

        if (is_from(message, watch->owner) &&
                        sd_bus_path_decode(sd_bus_message_get_path(message), SYSTEMD_UNIT_PATH, &id) > 0)
                invalidate(watch, id, 0);
        return 0;
}

static int on_unit_loaded(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        bool is_loaded = sd_bus_message_is_signal(message, NULL, "UnitNew") > 0;
        UnitWatch *watch = userdata;
        const char *id;

        if (is_from(message, watch->owner) && sd_bus_message_read(message, "s", &id) > 0)
                invalidate(watch, id, is_loaded ? 1 : -1);
        return 0;
}

/* After a reload unit files may be others, and names may mean other units. */
static int on_reloading(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        UnitWatch *watch = userdata;
        int is_beginning;

        if (is_from(message, watch->owner) && sd_bus_message_read(message, "b", &is_beginning) > 0 &&
                        !is_beginning)
                invalidate_all(watch);
        return 0;
}

/* ---- whether it is there ---- */

/* What the set knows stays there for a while: a systemd that executes itself anew is back soon. */
static void watch_lose(UnitWatch *watch, int error) {
        watch->error = error;
        watch->subscribe_call = sd_bus_slot_unref(watch->subscribe_call);
        watch->fetch = unit_fetch_free(watch->fetch);
        watch->next = 0;
        free(TAKE_PTR(watch->owner));
        event_timer_arm(watch->timer, USEC_INFINITY);
        if (watch->is_ready && !is_armed(watch->absent_timer))
                arm(watch->absent_timer, ABSENT_USEC);
}

static void watch_retry(UnitWatch *watch, int error) {
        watch_lose(watch, error);
        arm(watch->timer, RETRY_USEC);
}

static int on_subscribed(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        UnitWatch *watch = userdata;
        int r = 0;

        if (sd_bus_message_is_method_error(reply, NULL) &&
                        !sd_bus_message_is_method_error(reply, SYSTEMD_NAME ".AlreadySubscribed"))
                r = -sd_bus_message_get_errno(reply);
        if (r == -ENXIO || r == -EHOSTUNREACH) { /* nobody has the name: a signal says when */
                watch_lose(watch, -ENXIO);
                return 1;
        }

        if (r >= 0)
                r = text_replace(&watch->owner, sd_bus_message_get_sender(reply));
        if (r >= 0)
                invalidate_all(watch);
        else
                watch_retry(watch, r);
        return 1;
}

/* Without a subscriber systemd signals nothing. The reply tells its unique name. */
static int watch_subscribe(UnitWatch *watch) {
        sd_bus_message *call = NULL;
        int r;

        r = sd_bus_message_new_method_call(
                        watch->bus, &call, SYSTEMD_NAME, MANAGER_PATH, MANAGER_INTERFACE, "Subscribe");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(call, false);
        if (r >= 0)
                r = sd_bus_call_async(watch->bus, &watch->subscribe_call, call, on_subscribed, watch, 0);
        sd_bus_message_unref(call);
        return r;
}

static int on_owner_changed(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        UnitWatch *watch = userdata;
        int r;

        if (!is_from(message, DBUS))
                return 0;

        watch_lose(watch, -ENXIO);
        r = watch_subscribe(watch);
        if (r < 0)
                watch_retry(watch, r);
        return 0;
}

/* Without this handler sd-bus would close the connection for a match that is refused. */
static int on_match_added(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        if (sd_bus_message_is_method_error(reply, NULL))
                watch_retry(userdata, -sd_bus_message_get_errno(reply));
        return 1;
}

#define MATCH(sender, interface, member)                                                                    \
        "type='signal',sender='" sender "',interface='" interface "',member='" member "'"

/* A match rule for each unit could be more than a bus allows one connection (512). systemd signals each
 * change for the unit's type and for units in general; one of the two is enough. */
static int watch_add_matches(UnitWatch *watch) {
        static const struct {
                const char *rule;
                sd_bus_message_handler_t handler;
        } matches[MATCHES] = {
                { MATCH(DBUS, DBUS, "NameOwnerChanged") ",arg0='" SYSTEMD_NAME "'", on_owner_changed },
                { MATCH(SYSTEMD_NAME, DBUS ".Properties", "PropertiesChanged") ",arg0='" SYSTEMD_NAME
                                                                               ".Unit'",
                                on_unit_changed },
                { MATCH(SYSTEMD_NAME, MANAGER_INTERFACE, "UnitNew"), on_unit_loaded },
                { MATCH(SYSTEMD_NAME, MANAGER_INTERFACE, "UnitRemoved"), on_unit_loaded },
                { MATCH(SYSTEMD_NAME, MANAGER_INTERFACE, "Reloading"), on_reloading },
        };
        int r = 0;

        for (size_t i = 0; i < MATCHES && r >= 0; i++) {
                sd_bus_slot_unref(watch->matches[i]);
                watch->matches[i] = NULL;
                r = sd_bus_add_match_async(watch->bus, &watch->matches[i], matches[i].rule,
                                matches[i].handler, on_match_added, watch);
        }
        return r;
}

/* ---- life ---- */

static void watch_start(UnitWatch *watch) {
        int r;

        r = watch_add_matches(watch);
        if (r >= 0)
                r = watch_subscribe(watch);
        if (r < 0)
                watch_retry(watch, r);
}

void unit_watch_attach(UnitWatch *watch, sd_bus *bus) {
        assert(!watch->bus);

        watch->bus = sd_bus_ref(bus);
        watch_start(watch);
}

void unit_watch_detach(UnitWatch *watch, int error) {
        watch_lose(watch, error);
        for (size_t i = 0; i < MATCHES; i++)
                watch->matches[i] = sd_bus_slot_unref(watch->matches[i]);
        watch->bus = sd_bus_unref(watch->bus);
}

static int on_timer(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        UnitWatch *watch = userdata;

        if (watch->owner)
                start_fetches(watch);
        else
                watch_start(watch);
        return 0;
}

static int on_absent(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        UnitWatch *watch = userdata;

        watch->is_ready = false;
        if (watch->error == 0)
                watch->error = -ETIMEDOUT;
        unit_set_forget(watch->set);
        invalidate_all(watch);
        watch->callback(UNIT_WATCH_ABSENT, watch->error, watch->userdata);
        return 0;
}

static int watch_add_items(UnitWatch *watch) {
        size_t count = unit_set_count(watch->set);

        watch->items = calloc(count, sizeof *watch->items);
        if (!watch->items)
                return -ENOMEM;

        for (; watch->count < count; watch->count++) {
                watch->items[watch->count].id = strdup(unit_set_name(watch->set, watch->count));
                if (!watch->items[watch->count].id)
                        return -ENOMEM;
        }
        return 0;
}

int unit_watch_new(
                sd_event *event, UnitSet *set, UnitWatchCallback callback, void *userdata, UnitWatch **ret) {
        _cleanup_(unit_watch_free_pointer) UnitWatch *watch = NULL;
        int r;

        watch = calloc(1, sizeof *watch);
        if (!watch)
                return -ENOMEM;
        watch->set = set;
        watch->callback = callback;
        watch->userdata = userdata;
        watch->error = -ENXIO;

        r = watch_add_items(watch);
        if (r >= 0)
                r = event_timer_new(event, CLOCK_BOOTTIME, ACCURACY_USEC, on_timer, watch, &watch->timer);
        if (r >= 0)
                r = event_timer_new(event, CLOCK_BOOTTIME, ACCURACY_USEC, on_absent, watch,
                                &watch->absent_timer);
        if (r < 0)
                return r;
        arm(watch->absent_timer, ABSENT_USEC);

        *ret = TAKE_PTR(watch);
        return 0;
}

bool unit_watch_is_ready(const UnitWatch *watch) {
        return watch->is_ready;
}

UnitWatch *unit_watch_free(UnitWatch *watch) {
        if (!watch)
                return NULL;

        if (watch->bus)
                unit_watch_detach(watch, 0);
        for (size_t i = 0; i < watch->count; i++)
                free(watch->items[i].id);
        free(watch->items);
        sd_event_source_disable_unref(watch->timer);
        sd_event_source_disable_unref(watch->absent_timer);
        free(watch);
        return NULL;
}

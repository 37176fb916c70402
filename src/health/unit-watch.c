/* How a state gets here: the properties of each unit are fetched once, a few units at a time, and from then
 * on signals say what they become. systemd and the bus keep messages in order, so each is applied as it
 * comes, reply or signal, and the last one is right.
 *
 * Units that nobody needs are unloaded by systemd, and each look at one loads it again and unloads it, with
 * signals of both. So these lead to a fetch only where they are not the echo of one. */
#include "health/unit-watch.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "health/systemd-link.h"
#include "health/unit-fetch.h"
#include "sys/event-timer.h"
#include "util/macro.h"
#include "util/text.h"
#include "util/time-util.h"

#define ABSENT_USEC (5 * USEC_PER_SEC)
#define PAUSE_MIN_USEC (1 * USEC_PER_SEC)
#define PAUSE_MAX_USEC (30 * USEC_PER_SEC)
#define ECHO_USEC (5 * USEC_PER_SEC)
#define ACCURACY_USEC (100 * USEC_PER_MSEC)

/* At a time. A system bus allows a connection 128 calls that wait, and the agent has others. */
enum { FETCHES_MAX = 3 };

static_assert(FETCHES_MAX * UNIT_FETCH_CALLS_MAX <= 32, "too many calls at a time");

typedef struct Item {
        UnitWatch *watch;
        const char *name;
        char *path; /* of the unit that the name means: its own, or that of the unit it is an alias of */
        UnitState state;
        UnitFetch *fetch;   /* under way: `state` is a mixture of old and new */
        bool is_complete;   /* `state` is, and holds */
        bool wants_fetch;   /* as soon as it can be */
        bool is_loaded_new; /* since the last fetch: what only a fetch tells may be other than known */
        bool is_stirred;    /* its state has changed since the last fetch */
        usec_t fetched_usec;
} Item;

struct UnitWatch {
        UnitSet *set;
        UnitWatchCallback callback;
        void *userdata;
        sd_event_source *retry_timer, *absent_timer;
        usec_t pause_usec;
        int error; /* why systemd is out of reach, as far as known */
        bool is_absent, is_ready;

        Item *items;    /* as in `set` */
        Item **by_path; /* in order of path */
        size_t count, n_incomplete, n_fetches;
        size_t next; /* where to look first for what wants to be fetched */

        sd_bus *bus;       /* NULL: none */
        SystemdLink *link; /* NULL: none */
        bool is_link_bad;
};

DEFINE_CLEANUP(UnitWatch *, unit_watch_free)

static void arm(sd_event_source *timer, usec_t delay_usec) {
        event_timer_arm(timer, usec_add(now_usec(CLOCK_BOOTTIME), delay_usec));
}

static void disarm(sd_event_source *timer) {
        (void) sd_event_source_set_enabled(timer, SD_EVENT_OFF);
}

static bool is_armed(sd_event_source *timer) {
        return sd_event_source_get_enabled(timer, NULL) > 0;
}

/* ---- items ---- */

static int compare_paths(const void *a, const void *b) {
        return strcmp((*(Item *const *) a)->path, (*(Item *const *) b)->path);
}

static void watch_sort(UnitWatch *watch) {
        qsort(watch->by_path, watch->count, sizeof *watch->by_path, compare_paths);
}

/* Several names may mean one unit. Returns the place of the first, and how many there are. */
static size_t watch_find(const UnitWatch *watch, const char *path, size_t *ret_count) {
        size_t low = 0, high = watch->count, end;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(watch->by_path[middle]->path, path) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }

        end = low;
        while (end < watch->count && streq(watch->by_path[end]->path, path))
                end++;
        *ret_count = end - low;
        return low;
}

static void item_commit(Item *item) {
        UnitWatch *watch = item->watch;

        if (item->is_complete && !item->fetch &&
                        unit_set_update(watch->set, (size_t) (item - watch->items), &item->state,
                                        now_usec(CLOCK_BOOTTIME), now_usec(CLOCK_REALTIME)))
                watch->callback(UNIT_WATCH_NEWS, 0, watch->userdata);
}

static void item_drop_fetch(Item *item) {
        if (!item->fetch)
                return;

        item->fetch = unit_fetch_free(item->fetch);
        item->watch->n_fetches--;
}

/* ---- trouble ---- */

/* Something failed: all waits for a while, with growing pauses. */
static void watch_pause(UnitWatch *watch, int error) {
        watch->error = error;
        if (is_armed(watch->retry_timer))
                return;

        arm(watch->retry_timer, watch->pause_usec);
        watch->pause_usec = watch->pause_usec * 2 < PAUSE_MAX_USEC ? watch->pause_usec * 2 : PAUSE_MAX_USEC;
}

/* What the set knows stays there for a while: a systemd that executes itself anew is back soon. */
static void watch_doubt_all(UnitWatch *watch) {
        for (size_t i = 0; i < watch->count; i++) {
                item_drop_fetch(&watch->items[i]);
                watch->items[i].is_complete = false;
        }
        watch->n_incomplete = watch->count;

        if (!watch->is_absent && !is_armed(watch->absent_timer))
                arm(watch->absent_timer, ABSENT_USEC);
}

static int on_absent(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        UnitWatch *watch = userdata;

        watch->is_absent = true;
        watch->is_ready = false;
        unit_set_forget(watch->set);
        watch->callback(UNIT_WATCH_ABSENT, watch->error, watch->userdata);
        return 0;
}

/* ---- fetching ---- */

static void watch_pump(UnitWatch *watch);

/* A unit is known. */
static void watch_progress(UnitWatch *watch) {
        watch->pause_usec = PAUSE_MIN_USEC;

        if (watch->n_incomplete > 0) {
                if (is_armed(watch->absent_timer)) /* it takes its time, but it is there */
                        arm(watch->absent_timer, ABSENT_USEC);
                return;
        }

        disarm(watch->absent_timer);
        watch->is_absent = false;
        if (!watch->is_ready) {
                watch->is_ready = true;
                watch->callback(UNIT_WATCH_READY, 0, watch->userdata);
        }
}

/* Signals are sent from the path of the unit that a name means. Returns true if it was another one: what it
 * signalled until now was missed. */
static bool item_set_path(Item *item, const char *path) {
        if (text_replace(&item->path, path) == 0)
                return false;

        watch_sort(item->watch);
        return true;
}

static void on_fetched(_unused_ UnitFetch *fetch, int error, const char *path, void *userdata) {
        Item *item = userdata;
        UnitWatch *watch = item->watch;

        if (error < 0) {
                item_drop_fetch(item);
                item->wants_fetch = true;
                watch_pause(watch, error);
                return;
        }

        if (item_set_path(item, path))
                item->wants_fetch = true;
        item_drop_fetch(item);

        item->fetched_usec = now_usec(CLOCK_BOOTTIME);
        item->is_loaded_new = item->is_stirred = false;
        if (!item->is_complete) {
                item->is_complete = true;
                watch->n_incomplete--;
        }
        item_commit(item);
        watch_progress(watch);
        watch_pump(watch);
}

/* The next unit that wants to be fetched, each in its turn, or NULL. */
static Item *watch_next(UnitWatch *watch) {
        for (size_t i = 0; i < watch->count; i++) {
                Item *item = &watch->items[(watch->next + i) % watch->count];

                if (item->wants_fetch && !item->fetch) {
                        watch->next = (size_t) (item - watch->items) + 1;
                        return item;
                }
        }

        return NULL;
}

static void watch_pump(UnitWatch *watch) {
        Item *item;
        int r;

        if (!watch->link || !systemd_link_owner(watch->link) || is_armed(watch->retry_timer))
                return;

        while (watch->n_fetches < FETCHES_MAX && (item = watch_next(watch))) {
                r = unit_fetch_new(watch->bus, systemd_link_owner(watch->link), item->path, item->name,
                                &item->state, on_fetched, item, &item->fetch);
                if (r < 0) {
                        watch_pause(watch, r);
                        return;
                }
                watch->n_fetches++;
                item->wants_fetch = false;
        }
}

/* Unit files may be others, and names may mean other units. */
static void watch_fetch_all(UnitWatch *watch) {
        for (size_t i = 0; i < watch->count; i++) {
                Item *item = &watch->items[i];
                char *path;

                item->wants_fetch = true;
                if (sd_bus_path_encode(SYSTEMD_UNIT_PATH, item->name, &path) >= 0) {
                        free(item->path);
                        item->path = path;
                }
        }

        watch_sort(watch);
        watch_pump(watch);
}

/* ---- what systemd signals ---- */

static void on_unit_changed(const char *path, sd_bus_message *message, void *userdata) {
        UnitWatch *watch = userdata;
        size_t first, count;

        first = watch_find(watch, path, &count);
        for (size_t i = first; i < first + count; i++) {
                Item *item = watch->by_path[i];
                int changes = -EBADMSG;

                if (sd_bus_message_rewind(message, true) >= 0)
                        changes = unit_changes_read(message, item->name, &item->state);
                if (changes < 0 || changes & UNIT_WANTS_FETCH)
                        item->wants_fetch = true;
                if (changes > 0 && changes & UNIT_CHANGED) {
                        item->is_stirred = true;
                        /* What is read from the unit's file is not in these signals. */
                        if (item->is_loaded_new || !streq(item->state.load_state, "loaded"))
                                item->wants_fetch = true;
                        item_commit(item);
                }
        }
        if (count > 0)
                watch_pump(watch);
}

static void on_unit_loaded(const char *path, bool is_loaded, void *userdata) {
        usec_t now = now_usec(CLOCK_BOOTTIME);
        UnitWatch *watch = userdata;
        size_t first, count;

        first = watch_find(watch, path, &count);
        for (size_t i = first; i < first + count; i++) {
                Item *item = watch->by_path[i];

                if (!is_loaded)
                        item->wants_fetch = item->wants_fetch || item->is_stirred;
                else if (!item->fetch && now > usec_add(item->fetched_usec, ECHO_USEC)) {
                        item->is_loaded_new = true;
                        if (!streq(item->state.load_state, "loaded"))
                                item->wants_fetch = true;
                }
        }
        if (count > 0)
                watch_pump(watch);
}

static void on_reloaded(void *userdata) {
        watch_fetch_all(userdata);
}

static void on_systemd_up(void *userdata) {
        watch_doubt_all(userdata);
        watch_fetch_all(userdata);
}

static void on_systemd_gone(void *userdata) {
        UnitWatch *watch = userdata;

        watch->error = -ENXIO;
        watch_doubt_all(watch);
}

/* A link cannot be freed by one of its handlers: the timer does it. */
static void on_link_failed(int error, void *userdata) {
        UnitWatch *watch = userdata;

        watch->is_link_bad = true;
        watch_pause(watch, error);
}

static const SystemdLinkHandlers link_handlers = {
        .up = on_systemd_up,
        .gone = on_systemd_gone,
        .failed = on_link_failed,
        .reloaded = on_reloaded,
        .unit_loaded = on_unit_loaded,
        .unit_changed = on_unit_changed,
};

/* ---- life ---- */

static void watch_start(UnitWatch *watch) {
        int r;

        watch->is_link_bad = false;
        watch->link = systemd_link_free(watch->link);
        r = systemd_link_new(watch->bus, &link_handlers, watch, &watch->link);
        if (r < 0)
                on_link_failed(r, watch);
}

static int on_retry(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        UnitWatch *watch = userdata;

        if (watch->is_link_bad)
                watch_start(watch);
        else
                watch_pump(watch);
        return 0;
}

void unit_watch_attach(UnitWatch *watch, sd_bus *bus) {
        assert(!watch->bus);

        watch->bus = sd_bus_ref(bus);
        watch_start(watch);
}

void unit_watch_detach(UnitWatch *watch, int error) {
        watch_doubt_all(watch);
        disarm(watch->retry_timer);
        watch->pause_usec = PAUSE_MIN_USEC;
        watch->error = error;
        watch->link = systemd_link_free(watch->link);
        watch->bus = sd_bus_unref(watch->bus);
}

static int watch_add_items(UnitWatch *watch) {
        size_t count = unit_set_count(watch->set);
        int r;

        watch->items = calloc(count, sizeof *watch->items);
        watch->by_path = calloc(count, sizeof *watch->by_path);
        if (!watch->items || !watch->by_path)
                return -ENOMEM;

        for (; watch->count < count; watch->count++) {
                Item *item = &watch->items[watch->count];

                item->watch = watch;
                item->name = unit_set_name(watch->set, watch->count);
                r = sd_bus_path_encode(SYSTEMD_UNIT_PATH, item->name, &item->path);
                if (r < 0)
                        return r;
                watch->by_path[watch->count] = item;
        }

        watch_sort(watch);
        return 0;
}

static int add_timer(
                sd_event *event, sd_event_source **ret, sd_event_time_handler_t handler, UnitWatch *watch) {
        return event_timer_new(event, CLOCK_BOOTTIME, ACCURACY_USEC, handler, watch, ret);
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
        watch->pause_usec = PAUSE_MIN_USEC;
        watch->error = -ENXIO;

        r = watch_add_items(watch);
        if (r < 0)
                return r;
        r = add_timer(event, &watch->retry_timer, on_retry, watch);
        if (r < 0)
                return r;
        r = add_timer(event, &watch->absent_timer, on_absent, watch);
        if (r < 0)
                return r;
        watch_doubt_all(watch);

        *ret = TAKE_PTR(watch);
        return 0;
}

bool unit_watch_is_ready(const UnitWatch *watch) {
        return watch->is_ready;
}

UnitWatch *unit_watch_free(UnitWatch *watch) {
        if (!watch)
                return NULL;

        for (size_t i = 0; i < watch->count; i++) {
                item_drop_fetch(&watch->items[i]);
                free(watch->items[i].path);
        }
        systemd_link_free(watch->link);
        sd_bus_unref(watch->bus);
        sd_event_source_disable_unref(watch->retry_timer);
        sd_event_source_disable_unref(watch->absent_timer);
        free(watch->items);
        free(watch->by_path);
        free(watch);
        return NULL;
}

/* A match rule for each unit could be more than a bus allows one connection (512); one rule for all is
 * cheap, as a signal of a unit that is not watched ends with the look-up of its path. */
#include "health/systemd-link.h"

#include <errno.h>
#include <stdlib.h>

#include "util/macro.h"
#include "util/text.h"

#define DBUS "org.freedesktop.DBus"
#define DBUS_PATH "/org/freedesktop/DBus"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE SYSTEMD_NAME ".Manager"

enum { MATCHES = 5 };

struct SystemdLink {
        sd_bus *bus;
        const SystemdLinkHandlers *handlers;
        void *userdata;
        char *owner;
        sd_bus_slot *matches[MATCHES], *owner_call, *subscribe_call;
};

DEFINE_CLEANUP(SystemdLink *, systemd_link_free)

/* Anyone on the bus may send a signal to the agent alone, of whatever content; but nobody can fake
 * the sender. */
static bool is_from(sd_bus_message *message, const char *sender) {
        return sender && streq(strempty(sd_bus_message_get_sender(message)), sender);
}

/* ---- what it signals ---- */

static int on_unit_changed(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        SystemdLink *link = userdata;

        if (is_from(message, link->owner))
                link->handlers->unit_changed(sd_bus_message_get_path(message), message, link->userdata);
        return 0;
}

static int on_unit_loaded(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        bool is_loaded = sd_bus_message_is_signal(message, NULL, "UnitNew") > 0;
        SystemdLink *link = userdata;
        const char *id, *path;

        if (is_from(message, link->owner) && sd_bus_message_read(message, "so", &id, &path) > 0)
                link->handlers->unit_loaded(path, is_loaded, link->userdata);
        return 0;
}

static int on_reloading(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        SystemdLink *link = userdata;
        int is_beginning;

        if (is_from(message, link->owner) && sd_bus_message_read(message, "b", &is_beginning) > 0 &&
                        !is_beginning)
                link->handlers->reloaded(link->userdata);
        return 0;
}

/* ---- whether it is there ---- */

static int on_subscribed(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        SystemdLink *link = userdata;

        if (sd_bus_message_is_method_error(reply, NULL) &&
                        !sd_bus_message_is_method_error(reply, SYSTEMD_NAME ".AlreadySubscribed"))
                link->handlers->failed(-sd_bus_message_get_errno(reply), link->userdata);
        return 1;
}

/* Without a subscriber it signals nothing. */
static int link_subscribe(SystemdLink *link) {
        link->subscribe_call = sd_bus_slot_unref(link->subscribe_call);
        return sd_bus_call_method_async(link->bus, &link->subscribe_call, link->owner, MANAGER_PATH,
                        MANAGER_INTERFACE, "Subscribe", on_subscribed, link, NULL);
}

static void link_set_owner(SystemdLink *link, const char *owner) {
        int r;

        r = text_replace(&link->owner, owner);
        if (r >= 0 && owner)
                r = link_subscribe(link);

        if (r < 0)
                link->handlers->failed(r, link->userdata);
        else if (owner)
                link->handlers->up(link->userdata);
        else
                link->handlers->gone(link->userdata);
}

static int on_owner_changed(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        const char *name, *before, *owner;

        if (is_from(message, DBUS) && sd_bus_message_read(message, "sss", &name, &before, &owner) > 0)
                link_set_owner(userdata, isempty(owner) ? NULL : owner);
        return 0;
}

static int on_owner(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        SystemdLink *link = userdata;
        const char *owner = NULL;
        int r = 0;

        if (!sd_bus_message_is_method_error(reply, NULL))
                r = sd_bus_message_read(reply, "s", &owner);
        else if (!sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                r = -sd_bus_message_get_errno(reply);

        if (r < 0)
                link->handlers->failed(r, link->userdata);
        else
                link_set_owner(link, owner);
        return 1;
}

/* Without this handler sd-bus would close the connection for a match that is refused. */
static int on_match_added(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        SystemdLink *link = userdata;

        if (sd_bus_message_is_method_error(reply, NULL))
                link->handlers->failed(-sd_bus_message_get_errno(reply), link->userdata);
        return 1;
}

#define SIGNAL(sender, path, interface, member)                                                             \
        "type='signal',sender='" sender "'," path "',interface='" interface "',member='" member "'"
#define MANAGER_SIGNAL(member) SIGNAL(SYSTEMD_NAME, "path='" MANAGER_PATH, MANAGER_INTERFACE, member)

/* The owner is asked for behind the matches: no change of it is missed. */
static int link_start(SystemdLink *link) {
        static const struct {
                const char *rule;
                sd_bus_message_handler_t handler;
        } matches[MATCHES] = {
                { SIGNAL(DBUS, "path='" DBUS_PATH, DBUS, "NameOwnerChanged") ",arg0='" SYSTEMD_NAME "'",
                                on_owner_changed },
                { SIGNAL(SYSTEMD_NAME, "path_namespace='" SYSTEMD_UNIT_PATH, DBUS ".Properties",
                                  "PropertiesChanged"),
                                on_unit_changed },
                { MANAGER_SIGNAL("UnitNew"), on_unit_loaded },
                { MANAGER_SIGNAL("UnitRemoved"), on_unit_loaded },
                { MANAGER_SIGNAL("Reloading"), on_reloading },
        };
        int r;

        for (size_t i = 0; i < MATCHES; i++) {
                r = sd_bus_add_match_async(link->bus, &link->matches[i], matches[i].rule, matches[i].handler,
                                on_match_added, link);
                if (r < 0)
                        return r;
        }

        return sd_bus_call_method_async(link->bus, &link->owner_call, DBUS, DBUS_PATH, DBUS, "GetNameOwner",
                        on_owner, link, "s", SYSTEMD_NAME);
}

int systemd_link_new(sd_bus *bus, const SystemdLinkHandlers *handlers, void *userdata, SystemdLink **ret) {
        _cleanup_(systemd_link_free_pointer) SystemdLink *link = NULL;
        int r;

        link = calloc(1, sizeof *link);
        if (!link)
                return -ENOMEM;
        link->bus = sd_bus_ref(bus);
        link->handlers = handlers;
        link->userdata = userdata;

        r = link_start(link);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(link);
        return 0;
}

SystemdLink *systemd_link_free(SystemdLink *link) {
        if (!link)
                return NULL;

        for (size_t i = 0; i < MATCHES; i++)
                sd_bus_slot_unref(link->matches[i]);
        sd_bus_slot_unref(link->owner_call);
        sd_bus_slot_unref(link->subscribe_call);
        sd_bus_unref(link->bus);
        free(link->owner);
        free(link);
        return NULL;
}

const char *systemd_link_owner(const SystemdLink *link) {
        return link->owner;
}

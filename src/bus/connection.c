/* SPDX-License-Identifier: MIT */
/* sd_bus_attach_event() is not used: it goes on reading calls and queueing replies (up to 393216 of them, of
 * any size) while the bus daemon takes none. The loop of sd-bus is driven here instead, by the same public
 * calls, and stops reading while more than a few messages wait. */
#include "bus/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/event-timer.h"
#include "util/buffer.h"
#include "util/macro.h"
#include "util/text.h"
#include "util/time-util.h"

#define SYSTEM_BUS_SOCKET "/run/dbus/system_bus_socket"

/* A daemon that hangs lets connect() succeed and never says hello. */
#define CONNECT_TIMEOUT_USEC (30 * USEC_PER_SEC)
#define PAUSE_MIN_USEC (250 * USEC_PER_MSEC)
#define PAUSE_MAX_USEC (30 * USEC_PER_SEC)
#define NAME_RETRY_USEC (30 * USEC_PER_SEC)

enum {
        /* Not 0: behind one answer of 8 MiB to a privileged caller, others are still told that they have to
         * wait, or what a property is. None of these is greater than a list of health files. */
        WRITE_QUEUE_MAX = 16,
        /* D-Bus limits interface and member names to 255 bytes. sd-bus repeats in its errors what it was
         * asked for, and a text of the greatest size that the daemon lets in would come back greater than
         * that, for which the daemon closes the connection. */
        NAME_MAX_BYTES = 255,
        FREE_ROUNDS_MAX = 16,
        /* sd-bus asks for 8 MiB, and root gets them: what waits there is memory too. */
        SEND_BUFFER_SIZE = 128 * 1024,
        /* What else the loop has to do comes first, however many calls come in. */
        BUS_PRIORITY = SD_EVENT_PRIORITY_NORMAL + 10,
};

/* A reply to RequestName, by the D-Bus specification; the others that SD_BUS_NAME_QUEUE leaves are that it
 * is ours. */
enum { NAME_IN_QUEUE = 2 };

struct BusConnection {
        sd_event *event;
        BusEventCallback on_event;
        BusIdleCallback on_idle;
        void *userdata;

        char *addresses;          /* separated by semicolons, as D-Bus writes them */
        const char *address_rest; /* what is tried next of them; NULL: the first */

        sd_bus *bus;                     /* NULL while waiting for the next attempt */
        sd_event_source *io, *bus_timer; /* these two drive it */
        sd_bus_slot *name_request;
        bool is_up;
        int name_told;     /* 1: that it is ours; negative errno: that it is refused */
        bool is_lost_told; /* since it was up last */
        usec_t up_usec;    /* boot time when it came up */

        sd_event_source *timer; /* next attempt without a bus, timeout of one, next request for the name */
        usec_t pause_usec;
};

DEFINE_CLEANUP(BusConnection *, bus_connection_free)

size_t bus_queue_length(sd_bus *bus) {
        uint64_t count;

        return sd_bus_get_n_queued_write(bus, &count) >= 0 ? count : 0;
}

/* Whether so many messages wait to be written that nothing is to be read. */
static bool connection_is_held(const BusConnection *connection) {
        return connection->is_up && bus_queue_length(connection->bus) > WRITE_QUEUE_MAX;
}

static void connection_arm(BusConnection *connection, usec_t delay_usec) {
        (void) sd_event_source_set_time_accuracy(connection->timer, delay_usec / 8 + 1);
        event_timer_arm(connection->timer, usec_add(now_usec(CLOCK_BOOTTIME), delay_usec));
}

static void connection_drop(BusConnection *connection) {
        connection->name_request = sd_bus_slot_unref(connection->name_request);
        connection->io = sd_event_source_disable_unref(connection->io);
        connection->bus_timer = sd_event_source_disable_unref(connection->bus_timer);
        connection->is_up = false;
        connection->name_told = 0;
}

/* The connection is gone, or was not made. */
static void connection_lose(BusConnection *connection, int error) {
        sd_bus *bus = TAKE_PTR(connection->bus);
        bool is_given_up = connection->is_up || !connection->address_rest;

        /* The pause is short again only after the bus was up for a while: one that accepts and then breaks
         * must not be asked all the time. */
        if (connection->is_up && usec_sub(now_usec(CLOCK_BOOTTIME), connection->up_usec) > PAUSE_MAX_USEC)
                connection->pause_usec = PAUSE_MIN_USEC;

        connection_drop(connection);
        connection_arm(connection, is_given_up ? usec_double(&connection->pause_usec, PAUSE_MAX_USEC) : 0);
        if (is_given_up)
                connection->address_rest = NULL;
        if (is_given_up && !connection->is_lost_told) {
                connection->is_lost_told = true;
                connection->on_event(BUS_EVENT_LOST, error, connection->userdata);
        }
        sd_bus_close_unref(bus);
}

/* ---- the name ---- */

static void connection_has_name(BusConnection *connection) {
        event_timer_arm(connection->timer, USEC_INFINITY);
        if (connection->name_told != 1) {
                connection->name_told = 1;
                connection->on_event(BUS_EVENT_NAME, 0, connection->userdata);
        }
}

static void connection_lacks_name(BusConnection *connection, int error) {
        connection_arm(connection, NAME_RETRY_USEC);
        if (connection->name_told != error) {
                connection->name_told = error;
                connection->on_event(BUS_EVENT_NAME_REFUSED, error, connection->userdata);
        }
}

static int on_name_reply(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error) {
        BusConnection *connection = userdata;
        uint32_t reply = 0;
        int r;

        connection->name_request = sd_bus_slot_unref(connection->name_request);
        r = sd_bus_message_is_method_error(message, NULL) ? -sd_bus_message_get_errno(message)
                                                          : sd_bus_message_read(message, "u", &reply);
        if (r >= 0 && reply != NAME_IN_QUEUE)
                connection_has_name(connection);
        else
                connection_lacks_name(connection, r < 0 ? r : -EEXIST);
        return 1;
}

/* If another has the name we are queued for it: it becomes ours the moment the other lets it go. Asking
 * again while in the queue does no harm, and mends a reply that never came. */
static void connection_request_name(BusConnection *connection) {
        int r;

        connection->name_request = sd_bus_slot_unref(connection->name_request);
        r = sd_bus_request_name_async(connection->bus, &connection->name_request, AGENT_BUS_NAME,
                        SD_BUS_NAME_QUEUE, on_name_reply, connection);
        if (r < 0)
                connection_lacks_name(connection, r);
}

/* NameAcquired and NameLost come to their receiver alone, without being asked for. The daemon sets the
 * sender: nobody else can be it. */
static void connection_see_signal(BusConnection *connection, sd_bus_message *message) {
        const char *member = strempty(sd_bus_message_get_member(message)), *name;

        if (!streq(strempty(sd_bus_message_get_sender(message)), "org.freedesktop.DBus") ||
                        (!streq(member, "NameAcquired") && !streq(member, "NameLost")) ||
                        sd_bus_message_read(message, "s", &name) <= 0 || !streq(name, AGENT_BUS_NAME))
                return;

        if (streq(member, "NameAcquired"))
                connection_has_name(connection);
        else {
                connection_lacks_name(connection, -EEXIST);
                connection_request_name(connection);
        }
}

/* ---- messages ---- */

/* Every message passes here before the objects see it. */
static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *text;
        uint8_t type;

        if (sd_bus_message_get_type(message, &type) >= 0 && type == SD_BUS_MESSAGE_SIGNAL)
                connection_see_signal(userdata, message);
        else if (sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Properties", NULL) > 0) {
                while (sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &text) > 0)
                        if (strlen(text) > NAME_MAX_BYTES)
                                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                                "No interface and no property has a name that long");
                (void) sd_bus_message_rewind(message, true);
        }
        return 0;
}

static int on_no_message(_unused_ sd_bus_track *track, _unused_ void *userdata) {
        return 1;
}

/* sd_bus_process() goes on to read when it wrote but a part of a message. Here it finds something else to do
 * in place of that: a tracking object that tracks nobody, and so is dispatched. */
static int connection_write(BusConnection *connection) {
        sd_bus_track *in_place = NULL;
        int r;

        r = sd_bus_track_new(connection->bus, &in_place, on_no_message, NULL);
        if (r < 0)
                return 0; /* out of memory: at the next occasion */

        r = sd_bus_process(connection->bus, NULL);
        sd_bus_track_unref(in_place);
        return r;
}

/* Writes, or reads and dispatches one message, so that other sources of the loop have their turn. */
static void connection_process(BusConnection *connection) {
        int r;

        r = connection_is_held(connection) ? connection_write(connection)
                                           : sd_bus_process(connection->bus, NULL);
        if (r < 0 || sd_bus_is_open(connection->bus) <= 0)
                connection_lose(connection, r < 0 ? r : -ECONNRESET);
        else if (!connection->is_up && sd_bus_is_ready(connection->bus) > 0) {
                connection->is_up = true;
                connection->is_lost_told = false;
                connection->up_usec = now_usec(CLOCK_BOOTTIME);
                event_timer_arm(connection->timer, USEC_INFINITY);
                connection->on_event(BUS_EVENT_UP, 0, connection->userdata);
                connection_request_name(connection);
        }
}

static int on_io(_unused_ sd_event_source *source, _unused_ int fd, _unused_ uint32_t revents,
                void *userdata) {
        connection_process(userdata);
        return 0;
}

static int on_bus_timer(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        connection_process(userdata);
        return 0;
}

/* Before the loop waits: what sd-bus waits for now. */
static int on_prepare(_unused_ sd_event_source *source, void *userdata) {
        BusConnection *connection = userdata;
        uint64_t until = 0;
        int events;

        if (connection->is_up)
                connection->on_idle(connection->userdata);

        events = sd_bus_get_events(connection->bus);
        if (events < 0 || sd_bus_get_timeout(connection->bus, &until) < 0)
                events = 0; /* it is closed; `until` is 0, so that this is found out at once */
        else if (connection_is_held(connection)) {
                events = POLLOUT;
                if (until == 0)
                        until = USEC_INFINITY; /* a message that is read already: it waits too */
        }

        (void) sd_event_source_set_io_events(connection->io, (uint32_t) events);
        event_timer_arm(connection->bus_timer, until);
        return 0;
}

/* Takes the next of the addresses: sd-bus gets one at a time, because going through several it would change
 * its descriptor without a word. */
static int connection_next_address(BusConnection *connection, char **ret) {
        const char *start = connection->address_rest ?: connection->addresses, *end;
        char *address;

        end = strchrnul(start, ';');
        address = strndup(start, (size_t) (end - start));
        if (!address)
                return -ENOMEM;

        connection->address_rest = *end && end[1] ? end + 1 : NULL;
        *ret = address;
        return 0;
}

/* On failure connection_lose() clears away what was made. */
static int connection_open(BusConnection *connection) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        _cleanup_free_ char *address = NULL;
        const int send_buffer_size = SEND_BUFFER_SIZE;
        int fd, r;

        r = connection_next_address(connection, &address);
        if (r < 0)
                return r;
        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, true);
        if (r >= 0)
                r = sd_bus_negotiate_fds(bus, false); /* nobody has descriptors to give to the agent */
        if (r >= 0)
                r = sd_bus_add_filter(bus, NULL, on_message, connection);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0)
                return r;
        connection->bus = TAKE_PTR(bus);

        fd = sd_bus_get_fd(connection->bus);
        if (fd < 0)
                return fd;
        (void) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer_size, sizeof send_buffer_size);

        r = sd_event_add_io(connection->event, &connection->io, fd, 0, on_io, connection);
        if (r >= 0)
                r = event_timer_new(connection->event, CLOCK_MONOTONIC, 10 * USEC_PER_MSEC, on_bus_timer,
                                connection, &connection->bus_timer);
        if (r >= 0)
                r = sd_event_source_set_prepare(connection->io, on_prepare);
        if (r >= 0)
                r = sd_event_source_set_priority(connection->io, BUS_PRIORITY);
        if (r >= 0)
                r = sd_event_source_set_priority(connection->bus_timer, BUS_PRIORITY);
        return r;
}

static int on_timer(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        BusConnection *connection = userdata;
        int r;

        if (connection_is_held(connection)) /* the daemon hangs: the last request will do */
                connection_arm(connection, NAME_RETRY_USEC);
        else if (connection->is_up)
                connection_request_name(connection);
        else if (connection->bus)
                connection_lose(connection, -ETIMEDOUT);
        else {
                connection_arm(connection, CONNECT_TIMEOUT_USEC);
                r = connection_open(connection);
                if (r < 0)
                        connection_lose(connection, r);
        }
        return 0;
}

/* ---- which bus ---- */

static int user_bus_address(char **ret) {
        static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_/.\\*";
        const char *address = secure_getenv("DBUS_SESSION_BUS_ADDRESS");
        const char *directory = secure_getenv("XDG_RUNTIME_DIR");
        _cleanup_(buffer_done) Buffer buffer = { 0 };
        int r;

        if (!isempty(address))
                return text_duplicate(address, ret);
        if (isempty(directory))
                return -ENOMEDIUM;

        r = buffer_append_string(&buffer, "unix:path=");
        for (const char *p = directory; r >= 0 && *p; p++)
                r = strchr(plain, *p) ? buffer_append(&buffer, p, 1)
                                      : buffer_printf(&buffer, "%%%02x", (unsigned char) *p);
        if (r >= 0)
                r = buffer_append_string(&buffer, "/bus");
        if (r < 0)
                return r;

        *ret = TAKE_PTR(buffer.data);
        return 0;
}

static int system_bus_address(bool is_optional, char **ret) {
        const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");

        if (!isempty(address))
                return text_duplicate(address, ret);
        if (is_optional && access(SYSTEM_BUS_SOCKET, F_OK) < 0)
                return -ENOENT;
        return text_duplicate("unix:path=" SYSTEM_BUS_SOCKET, ret);
}

int bus_connection_new(sd_event *event, BusKind kind, BusEventCallback on_event, BusIdleCallback on_idle,
                void *userdata, BusConnection **ret) {
        _cleanup_(bus_connection_free_pointer) BusConnection *connection = NULL;
        int r;

        if (kind == BUS_NONE)
                return -ENOENT;

        connection = calloc(1, sizeof *connection);
        if (!connection)
                return -ENOMEM;
        connection->event = sd_event_ref(event);
        connection->on_event = on_event;
        connection->on_idle = on_idle;
        connection->userdata = userdata;
        connection->pause_usec = PAUSE_MIN_USEC;

        r = kind == BUS_USER ? user_bus_address(&connection->addresses)
                             : system_bus_address(kind == BUS_AUTO, &connection->addresses);
        if (r >= 0)
                r = event_timer_new(event, CLOCK_BOOTTIME, 1, on_timer, connection, &connection->timer);
        if (r < 0)
                return r;

        event_timer_arm(connection->timer, 0);
        *ret = TAKE_PTR(connection);
        return 0;
}

BusConnection *bus_connection_free(BusConnection *connection) {
        if (!connection)
                return NULL;

        connection_drop(connection);
        if (connection->bus)
                for (int i = 0; i < FREE_ROUNDS_MAX && bus_queue_length(connection->bus) > 0; i++)
                        if (connection_write(connection) <= 0)
                                break;
        sd_bus_close_unref(connection->bus);
        sd_event_source_disable_unref(connection->timer);
        sd_event_unref(connection->event);
        free(connection->addresses);
        free(connection);
        return NULL;
}

sd_bus *bus_connection_get(const BusConnection *connection) {
        return connection->is_up ? connection->bus : NULL;
}

/* Watched units: any names that the configuration accepts, any signal of systemd about them, and a report
 * that stays JSON with a member of its own for each. */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/config-names.h"
#include "core/unit-set.h"
#include "health/unit-fetch.h"
#include "util/buffer.h"

enum { SIGNALS_MAX = 16, CHANGES_MAX = 16 };

DEFINE_CLEANUP(UnitSet *, unit_set_free)
DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref)

/* Messages belong to a bus. Nobody answers on this one. */
static sd_bus *silent_bus(void) {
        static sd_bus *bus;
        int fds[2];

        if (bus)
                return bus;

        assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
        assert(sd_bus_new(&bus) >= 0);
        assert(sd_bus_set_fd(bus, fds[0], fds[0]) >= 0);
        assert(sd_bus_start(bus) >= 0);
        return bus;
}

static int append_change(sd_bus_message *message, FuzzInput *input) {
        static const char *const names[] = { "LoadState", "ActiveState", "SubState", "StateChangeTimestamp",
                "Result", "Type", "NRestarts", "MainPID", "Id", "Unknown" };
        uint8_t choice = fuzz_byte(input);
        const char *name = names[choice % ELEMENTSOF(names)];
        _cleanup_free_ char *text = NULL;

        switch (choice / 16 % 4) {
        case 0:
                return sd_bus_message_append(message, "{sv}", name, "u", (uint32_t) fuzz_number(input, 4));
        case 1:
                return sd_bus_message_append(message, "{sv}", name, "t", fuzz_number(input, 8));
        case 2:
                return sd_bus_message_append(message, "{sv}", name, "as", 2, name, "x");
        default:
                text = fuzz_string(input);
                return sd_bus_message_append(message, "{sv}", name, "s", text); /* -EINVAL: no UTF-8 */
        }
}

/* PropertiesChanged, whole but with types of the input's choice. Returns NULL if it is none that can
 * be sent. */
static sd_bus_message *make_signal(FuzzInput *input) {
        static const char *const interfaces[] = { "org.freedesktop.systemd1.Unit",
                "org.freedesktop.systemd1.Service", "a.b" };
        _cleanup_(sd_bus_message_unref_pointer) sd_bus_message *message = NULL;
        uint8_t choice = fuzz_byte(input);

        assert(sd_bus_message_new_signal(silent_bus(), &message, "/x", "org.freedesktop.DBus.Properties",
                               "PropertiesChanged") >= 0);
        assert(sd_bus_message_append(message, "s", interfaces[choice % ELEMENTSOF(interfaces)]) >= 0);
        assert(sd_bus_message_open_container(message, 'a', "{sv}") >= 0);
        for (unsigned i = 0; i < choice / 16U % CHANGES_MAX; i++)
                if (append_change(message, input) < 0)
                        return NULL;
        assert(sd_bus_message_close_container(message) >= 0);
        assert(sd_bus_message_append(message, "as", 1, choice & 8 ? "SubState" : "Unknown") >= 0);
        assert(sd_bus_message_seal(message, 1, 0) >= 0);
        assert(sd_bus_message_rewind(message, true) >= 0);
        return TAKE_PTR(message);
}

static void check_state(const UnitState *state) {
        const char *const words[] = { state->load_state, state->active_state, state->sub_state,
                state->result };

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                assert(memchr(words[i], '\0', UNIT_WORD_SIZE));
                assert(fuzz_is_safe(words[i]));
        }
}

static void check_member(JsonSlice unit, const char *name, const UnitState *state) {
        JsonSlice value;
        bool is_healthy;

        assert(json_type(unit) == JSON_OBJECT);
        assert(json_object_find(unit, "unit", &value) && json_string_equals(value, name));
        assert(json_object_find(unit, "active_state", &value) &&
                        json_string_equals(value, state->active_state));
        assert(json_object_find(unit, "healthy", &value));
        is_healthy = fuzz_slice_equals(value, "true", 4);
        assert(is_healthy || fuzz_slice_equals(value, "false", 5));
        assert(!is_healthy || unit_is_healthy(state)); /* the other way round: it restarts too often */
}

/* Each unit that is known has one member, in the order of the keys. */
static void check_members(UnitSet *set, const UnitState *states, const bool *is_known, usec_t now) {
        const char *members = unit_set_members(set, now);
        _cleanup_(buffer_done) Buffer buffer = {};
        JsonSlice object, name, value;
        size_t position = 0;

        assert(members);
        assert(buffer_printf(&buffer, "{%s}", members) == 0);
        assert(json_scan(buffer.data, buffer.size, &object, NULL) == 0);
        for (size_t i = 0; i < unit_set_count(set); i++) {
                if (!is_known[i])
                        continue;
                assert(json_object_next(object, &position, &name, &value) > 0);
                assert(json_string_equals(name, unit_set_key(set, i)));
                check_member(value, unit_set_name(set, i), &states[i]);
        }
        assert(json_object_next(object, &position, &name, &value) == 0);
}

static void check_keys(const UnitSet *set) {
        for (size_t i = 0; i < unit_set_count(set); i++) {
                assert(strncmp(unit_set_key(set, i), "systemd-", strlen("systemd-")) == 0);
                assert(i == 0 || strcmp(unit_set_key(set, i - 1), unit_set_key(set, i)) < 0);
        }
}

static void watch(char *const *names, size_t count, FuzzInput *input) {
        _cleanup_(unit_set_free_pointer) UnitSet *set = NULL;
        _cleanup_free_ UnitState *states = calloc(count, sizeof *states);
        _cleanup_free_ bool *is_known = calloc(count, sizeof *is_known);

        usec_t now = USEC_PER_SEC;

        assert(states && is_known);
        assert(unit_set_new(names, count, &set) == 0);
        check_keys(set);

        for (unsigned i = 0; i < SIGNALS_MAX && input->size > 0; i++) {
                _cleanup_(sd_bus_message_unref_pointer) sd_bus_message *message = NULL;
                size_t index = fuzz_byte(input) % count;
                UnitState before = states[index];
                bool is_news;
                int r;

                now += fuzz_byte(input) * USEC_PER_SEC;

                message = make_signal(input);
                if (!message)
                        continue;
                r = unit_changes_read(message, unit_set_name(set, index), &states[index]);
                check_state(&states[index]);
                if (r < 0) { /* then all is asked for anew */
                        states[index] = before;
                        continue;
                }
                if (!(r & UNIT_CHANGED))
                        assert(memcmp(&before, &states[index], sizeof before) == 0);

                is_news = unit_set_update(set, index, &states[index], now);
                assert(is_known[index] || is_news);
                is_known[index] = true;
        }
        check_members(set, states, is_known, now);

        memset(is_known, 0, count);
        unit_set_forget(set);
        check_members(set, states, is_known, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = NULL, *reason = NULL;
        FuzzInput input = { data, size };
        char **names = NULL;
        size_t count = 0;
        int r;

        text = fuzz_string(&input);
        r = config_units_parse(text, &names, &count, &reason);
        if (r < 0) {
                assert(r == -EINVAL && reason && fuzz_is_safe(reason));
                return 0;
        }

        assert(!names == (count == 0));
        if (count > 0)
                watch(names, count, &input);
        for (size_t i = 0; i < count; i++)
                free(names[i]);
        free(names);
        return 0;
}

/* Held method calls. Their number is bounded, in all and of one sender, and so is what each costs: a held
 * call is a small copy of its header, and of the answers that can be big (up to 8 MiB) only one exists at a
 * time, the next being made when the last is written. */
#include "bus/calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sys/event-timer.h"
#include "util/macro.h"
#include "util/text.h"
#include "util/time-util.h"

#define WAIT_MAX_USEC (20 * USEC_PER_SEC)
#define WAIT_ACCURACY_USEC (100 * USEC_PER_MSEC)

enum {
        WAITING_MAX = 64,
        PER_SENDER_MAX = 8,
        /* Those that are being authorised are bounded by the authorisation, which tells users apart. */
        CALLS_MAX = WAITING_MAX + 576,
        REASON_SIZE = 1024,
};

typedef enum CallPhase {
        CALL_AUTHORIZING,
        CALL_WAITING, /* for the operation */
        CALL_READY,   /* waits for room to write its answer */
} CallPhase;

typedef struct Call {
        sd_bus_message *message; /* a copy of the header */
        BusMethod method;
        CallPhase phase;
        usec_t deadline_usec; /* boot time; once authorised */
} Call;

struct BusCalls {
        const BusOperations *operations;
        void *userdata;
        Call items[CALLS_MAX]; /* in the order of arrival */
        size_t count;
        char *health; /* for the GetHealth calls that are ready; NULL if none are */
        sd_event_source *timer, *drain;
};

static const char *const method_actions[_METHOD_MAX] = {
        [METHOD_REREGISTER] = "org.argus.Agent1.reregister",
        [METHOD_REPORT] = "org.argus.Agent1.report",
        [METHOD_GET_NODE] = "org.argus.Agent1.read-data",
        [METHOD_GET_HEALTH] = "org.argus.Agent1.read-data",
};

static void calls_remove(BusCalls *calls, size_t index) {
        sd_bus_message_unref(calls->items[index].message);
        calls->count--;
        memmove(&calls->items[index], &calls->items[index + 1],
                        (calls->count - index) * sizeof calls->items[0]);
}

/* Returns CALLS_MAX if there is none. */
static size_t calls_find(const BusCalls *calls, const sd_bus_message *message) {
        for (size_t i = 0; i < calls->count; i++)
                if (calls->items[i].message == message)
                        return i;
        return CALLS_MAX;
}

static size_t calls_count_phase(const BusCalls *calls, CallPhase phase) {
        size_t count = 0;

        for (size_t i = 0; i < calls->count; i++)
                count += calls->items[i].phase == phase;
        return count;
}

static size_t calls_count_sender(const BusCalls *calls, const char *sender) {
        size_t count = 0;

        for (size_t i = 0; i < calls->count; i++)
                count += streq(sd_bus_message_get_sender(calls->items[i].message), sender);
        return count;
}

static bool calls_has(const BusCalls *calls, BusMethod method, CallPhase phase) {
        for (size_t i = 0; i < calls->count; i++)
                if (calls->items[i].method == method && calls->items[i].phase == phase)
                        return true;
        return false;
}

/* sd-bus sends no text that D-Bus does not allow, and then the caller would get no answer at all. */
static void calls_fail(BusCalls *calls, size_t index, const char *name, const char *text) {
        char safe[REASON_SIZE];

        text_sanitize_into(safe, sizeof safe, text, strlen(text));
        (void) sd_bus_reply_method_errorf(calls->items[index].message, name, "%s", safe);
        calls_remove(calls, index);
}

static void calls_fail_operation(BusCalls *calls, size_t index, OperationResult result, const char *text) {
        static const OperationError unknown = { SD_BUS_ERROR_FAILED, "The operation failed" };
        const OperationError *error = operation_error(result) ?: &unknown;

        calls_fail(calls, index, error->name, isempty(text) ? error->words : text);
}

static void calls_arm(BusCalls *calls) {
        usec_t next_usec = USEC_INFINITY;

        for (size_t i = 0; i < calls->count; i++)
                if (calls->items[i].phase != CALL_AUTHORIZING && calls->items[i].deadline_usec < next_usec)
                        next_usec = calls->items[i].deadline_usec;

        event_timer_arm(calls->timer, next_usec);
}

/* JSON may hold noncharacters, which not every version of sd-bus sends, and none reads. */
static bool text_is_carried(const char *text) {
        size_t left = strlen(text), n;
        uint32_t code_point;

        for (const char *p = text; left > 0; p += n, left -= n) {
                n = 1;
                if ((unsigned char) *p < 0x80)
                        continue;
                n = text_decode_utf8(p, left, &code_point);
                if (n == 0 || text_is_noncharacter(code_point))
                        return false;
        }
        return true;
}

/* Answers a call that is ready, and removes it. */
static void calls_answer_text(BusCalls *calls, size_t index) {
        const Call *call = &calls->items[index];
        const char *text;
        int r;

        if (call->method == METHOD_GET_NODE) {
                text = calls->operations->get_node(calls->userdata);
                if (!text) {
                        calls_fail_operation(calls, index, OPERATION_NOT_REGISTERED,
                                        "There is no node object yet: the node was never registered");
                        return;
                }
        } else
                text = calls->health;

        if (text && !text_is_carried(text)) {
                calls_fail(calls, index, SD_BUS_ERROR_FAILED,
                                "The text holds a character that D-Bus cannot carry (a Unicode noncharacter)");
                return;
        }

        r = text ? sd_bus_reply_method_return(call->message, "s", text) : -ENOMEM;
        if (r < 0)
                calls_fail(calls, index, SD_BUS_ERROR_NO_MEMORY, "The text cannot be sent");
        else
                calls_remove(calls, index);
}

/* Sends the answers of calls that are ready, as long as each is written at once. */
static void calls_flush(BusCalls *calls) {
        for (size_t i = 0; i < calls->count;) {
                sd_bus *bus = sd_bus_message_get_bus(calls->items[i].message);
                uint64_t queued;

                if (calls->items[i].phase != CALL_READY) {
                        i++;
                        continue;
                }
                if (sd_bus_get_n_queued_write(bus, &queued) >= 0 && queued > 0)
                        break;
                calls_answer_text(calls, i);
        }

        if (!calls_has(calls, METHOD_GET_HEALTH, CALL_READY)) {
                free(calls->health);
                calls->health = NULL;
        }
        (void) sd_event_source_set_enabled(
                        calls->drain, calls_count_phase(calls, CALL_READY) > 0 ? SD_EVENT_ON : SD_EVENT_OFF);
        calls_arm(calls);
}

/* Whenever anything happened in the loop: something may have been written. */
static int on_drain(_unused_ sd_event_source *source, void *userdata) {
        calls_flush(userdata);
        return 0;
}

static int on_timer(_unused_ sd_event_source *source, uint64_t usec, void *userdata) {
        BusCalls *calls = userdata;

        for (size_t i = 0; i < calls->count;) {
                const Call *call = &calls->items[i];

                if (call->phase == CALL_AUTHORIZING || call->deadline_usec > usec)
                        i++;
                else if (call->phase == CALL_READY)
                        calls_fail(calls, i, SD_BUS_ERROR_TIMEOUT, "The bus took no answer for 20 s");
                else if (call->method == METHOD_GET_HEALTH)
                        calls_fail(calls, i, SD_BUS_ERROR_TIMEOUT,
                                        "The health files were not read within 20 s");
                else
                        calls_fail_operation(calls, i, OPERATION_UNREACHABLE,
                                        "The Master has not answered within 20 s");
        }
        calls_flush(calls);
        return 0;
}

static int calls_start_operation(BusCalls *calls, BusMethod method, const char **ret_reason) {
        const BusOperations *operations = calls->operations;

        switch (method) {
        case METHOD_REREGISTER:
                return operations->reregister(ret_reason, calls->userdata);
        case METHOD_REPORT:
                return operations->report(ret_reason, calls->userdata);
        case METHOD_GET_HEALTH:
                return operations->collect_health(ret_reason, calls->userdata);
        case METHOD_GET_NODE:
        case _METHOD_MAX:
                break;
        }
        assert(false);
        return -EINVAL;
}

/* The call is authorised: it waits for its operation, which is asked for unless others wait for it already.
 * The operation may end from within. */
static void calls_start(BusCalls *calls, size_t index) {
        Call *call = &calls->items[index];
        BusMethod method = call->method;
        const char *reason = NULL;
        bool is_first;
        int r;

        if (calls_count_phase(calls, CALL_WAITING) + calls_count_phase(calls, CALL_READY) >= WAITING_MAX) {
                calls_fail(calls, index, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many callers are waiting");
                return;
        }

        call->deadline_usec = usec_add(now_usec(CLOCK_BOOTTIME), WAIT_MAX_USEC);
        if (method == METHOD_GET_NODE) {
                call->phase = CALL_READY;
                calls_flush(calls);
                return;
        }

        is_first = !calls_has(calls, method, CALL_WAITING);
        call->phase = CALL_WAITING;
        if (is_first) {
                r = calls_start_operation(calls, method, &reason);
                if (r != 0)
                        bus_calls_complete(calls, method, (OperationResult) r, 0, reason);
        }
        calls_arm(calls);
}

static void on_authorized(sd_bus_message *message, int allowed, const char *reason, void *userdata) {
        BusCalls *calls = userdata;
        size_t index = calls_find(calls, message);

        if (index == CALLS_MAX)
                return; /* forgotten with a connection */

        if (allowed > 0)
                calls_start(calls, index);
        else
                calls_fail(calls, index,
                                allowed == -EBUSY    ? SD_BUS_ERROR_LIMITS_EXCEEDED
                                : allowed == -ENOKEY ? SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED
                                                     : SD_BUS_ERROR_ACCESS_DENIED,
                                reason ?: "Access denied");
}

/* What is needed of a call to answer it. The message itself is not kept: its header may hold fields of any
 * size that nobody asked for. */
static int call_copy(sd_bus_message *message, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *copy = NULL;
        uint64_t cookie;
        int r;

        r = sd_bus_message_get_cookie(message, &cookie);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_call(sd_bus_message_get_bus(message), &copy, NULL,
                        sd_bus_message_get_path(message), sd_bus_message_get_interface(message),
                        sd_bus_message_get_member(message));
        if (r < 0)
                return r;
        r = sd_bus_message_set_sender(copy, sd_bus_message_get_sender(message));
        if (r < 0)
                return r;
        r = sd_bus_message_set_expect_reply(copy, sd_bus_message_get_expect_reply(message) > 0);
        if (r < 0)
                return r;
        r = sd_bus_message_set_allow_interactive_authorization(
                        copy, sd_bus_message_get_allow_interactive_authorization(message) > 0);
        if (r < 0)
                return r;
        r = sd_bus_message_seal(copy, cookie, 0);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(copy);
        return 0;
}

int bus_calls_begin(BusCalls *calls, BusMethod method, sd_bus_message *message, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *copy = NULL;
        const char *sender = sd_bus_message_get_sender(message);
        int r;

        if (!sender)
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "The caller has no name");
        if (calls->count >= CALLS_MAX || calls_count_sender(calls, sender) >= PER_SENDER_MAX)
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                "Too many calls are waiting for their answer");

        r = call_copy(message, &copy);
        if (r < 0)
                return r;
        calls->items[calls->count++] = (Call){ .message = sd_bus_message_ref(copy), .method = method };

        r = calls->operations->authorize(
                        copy, method_actions[method], on_authorized, calls, calls->userdata);
        if (r < 0) {
                calls_remove(calls, calls_find(calls, copy));
                if (r == -EBUSY)
                        return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                        "Too many authorisations are under way");
                return r;
        }
        return 1;
}

void bus_calls_complete(BusCalls *calls, BusMethod method, OperationResult result, unsigned http_status,
                const char *text) {
        char node_id[NODE_ID_MAX + 1];

        if (!calls_has(calls, method, CALL_WAITING))
                return;
        if (method == METHOD_GET_HEALTH && result == OPERATION_OK) {
                free(calls->health);
                calls->health = strdup(text);
        }
        if (method == METHOD_REREGISTER && result == OPERATION_OK)
                text_sanitize_into(node_id, sizeof node_id, strempty(text), strlen(strempty(text)));

        for (size_t i = 0; i < calls->count;) {
                Call *call = &calls->items[i];

                if (call->method != method || call->phase != CALL_WAITING) {
                        i++;
                        continue;
                }
                if (result != OPERATION_OK) {
                        calls_fail_operation(calls, i, result, text);
                        continue;
                }
                if (method == METHOD_GET_HEALTH) {
                        call->phase = CALL_READY;
                        i++;
                        continue;
                }

                if (method == METHOD_REPORT)
                        (void) sd_bus_reply_method_return(call->message, "u", (uint32_t) http_status);
                else
                        (void) sd_bus_reply_method_return(call->message, "s", node_id);
                calls_remove(calls, i);
        }
        calls_flush(calls);
}

void bus_calls_reset(BusCalls *calls) {
        while (calls->count > 0)
                calls_remove(calls, calls->count - 1);
        calls_flush(calls);
}

int bus_calls_new(sd_event *event, const BusOperations *operations, void *userdata, BusCalls **ret) {
        _cleanup_(bus_calls_free_pointer) BusCalls *calls = NULL;
        int r;

        calls = calloc(1, sizeof *calls);
        if (!calls)
                return -ENOMEM;
        calls->operations = operations;
        calls->userdata = userdata;

        r = event_timer_new(event, CLOCK_BOOTTIME, WAIT_ACCURACY_USEC, on_timer, calls, &calls->timer);
        if (r < 0)
                return r;
        r = sd_event_add_post(event, &calls->drain, on_drain, calls);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(calls->drain, SD_EVENT_OFF);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(calls);
        return 0;
}

BusCalls *bus_calls_free(BusCalls *calls) {
        if (!calls)
                return NULL;

        while (calls->count > 0)
                calls_remove(calls, calls->count - 1);
        free(calls->health);
        sd_event_source_disable_unref(calls->timer);
        sd_event_source_disable_unref(calls->drain);
        free(calls);
        return NULL;
}

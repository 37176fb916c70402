/* SPDX-License-Identifier: MIT */
#include "bus/calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/connection.h"
#include "sys/event-timer.h"
#include "util/text.h"

#define WAIT_MAX_USEC (20 * USEC_PER_SEC)
#define WAIT_ACCURACY_USEC (100 * USEC_PER_MSEC)

enum { WAITING_MAX = 64, PER_SENDER_MAX = 8, REASON_SIZE = 1024 };

static const struct {
        const char *name, *action;
} methods[_METHOD_MAX] = {
        [METHOD_REREGISTER] = { "Reregister", AGENT_INTERFACE ".reregister" },
        [METHOD_REPORT] = { "Report", AGENT_INTERFACE ".report" },
        [METHOD_GET_NODE] = { "GetNode", AGENT_INTERFACE ".read-data" },
        [METHOD_GET_HEALTH] = { "GetHealth", AGENT_INTERFACE ".read-data" },
};

size_t bus_calls_count(const BusCalls *calls, unsigned phases, const char *sender, uid_t uid) {
        size_t count = 0;

        for (const Call *call = calls->first; call; call = call->next)
                count += call->phase & phases &&
                         (!sender || streq(sd_bus_message_get_sender(call->message), sender)) &&
                         (uid == (uid_t) -1 || call->uid == uid);
        return count;
}

static bool calls_has(const BusCalls *calls, BusMethod method, CallPhase phase) {
        for (const Call *call = calls->first; call; call = call->next)
                if (call->method == method && call->phase == phase)
                        return true;
        return false;
}

/* ---- the end of a call ---- */

static void call_destroy(Call *call) {
        sd_bus_slot_unref(call->slot);
        sd_bus_message_unref(call->message);
        free(call);
}

static void call_free(Call *call) {
        Call **position = &call->calls->first;

        while (*position != call)
                position = &(*position)->next;
        *position = call->next;
        call_destroy(call);
}

/* sd-bus sends no text that D-Bus does not allow, and then the caller would get no reply at all. */
void call_fail(Call *call, const char *error_name, const char *text) {
        char safe[REASON_SIZE];

        text_sanitize_into(safe, sizeof safe, text, strlen(text));
        (void) sd_bus_reply_method_errorf(call->message, error_name, "%s", safe);
        call_free(call);
}

static void call_fail_operation(Call *call, OperationResult result, const char *text) {
        static const OperationError unknown = { SD_BUS_ERROR_FAILED, "The operation failed" };
        const OperationError *error = operation_error(result) ?: &unknown;

        call_fail(call, error->name, isempty(text) ? error->words : text);
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

static void call_reply_text(Call *call) {
        BusCalls *calls = call->calls;
        bool is_node = call->method == METHOD_GET_NODE;
        const char *text = is_node ? calls->handlers->get_node(calls->userdata) : calls->health;

        if (!text && is_node)
                call_fail_operation(call, OPERATION_NOT_REGISTERED,
                                "No node object yet: the node was never registered");
        else if (text && !text_is_carried(text))
                call_fail(call, SD_BUS_ERROR_FAILED,
                                "The text contains a Unicode noncharacter, which D-Bus cannot carry");
        else if (!text || sd_bus_reply_method_return(call->message, "s", text) < 0)
                call_fail(call, SD_BUS_ERROR_NO_MEMORY, "The text cannot be sent");
        else
                call_free(call);
}

static void calls_arm(BusCalls *calls) {
        usec_t next_usec = USEC_INFINITY;

        for (const Call *call = calls->first; call; call = call->next)
                if (call->phase & (CALL_WAITING | CALL_READY))
                        next_usec = usec_earlier(next_usec, call->deadline_usec);
        event_timer_arm(calls->timer, next_usec);
}

static void calls_flush(BusCalls *calls) {
        for (Call *call = calls->first, *next; call; call = next) {
                next = call->next;
                if (call->phase != CALL_READY)
                        continue;
                if (bus_queue_length(sd_bus_message_get_bus(call->message)) > 0)
                        break;
                call_reply_text(call);
        }

        if (!calls_has(calls, METHOD_GET_HEALTH, CALL_READY)) {
                free(calls->health);
                calls->health = NULL;
        }
        calls_arm(calls);
}

void bus_calls_flush(BusCalls *calls) {
        if (calls->first)
                calls_flush(calls);
}

static int on_timer(_unused_ sd_event_source *source, uint64_t usec, void *userdata) {
        BusCalls *calls = userdata;

        for (Call *call = calls->first, *next; call; call = next) {
                next = call->next;
                if (!(call->phase & (CALL_WAITING | CALL_READY)) || call->deadline_usec > usec)
                        continue;

                if (call->phase == CALL_READY)
                        call_fail(call, SD_BUS_ERROR_TIMEOUT, "The bus took no reply for 20 s");
                else if (call->method == METHOD_GET_HEALTH)
                        call_fail(call, SD_BUS_ERROR_TIMEOUT, "The health files were not read within 20 s");
                else
                        call_fail_operation(call, OPERATION_UNREACHABLE,
                                        "The Master has not responded within 20 s");
        }
        calls_flush(calls);
        return 0;
}

void bus_calls_complete(BusCalls *calls, BusMethod method, OperationResult result, unsigned http_status,
                const char *text) {
        char node_id[NODE_ID_MAX + 1];

        if (!calls_has(calls, method, CALL_WAITING))
                return;

        if (result == OPERATION_OK && method == METHOD_GET_HEALTH) {
                free(calls->health);
                calls->health = strdup(text);
        } else if (result == OPERATION_OK && method == METHOD_REREGISTER)
                text_sanitize_into(node_id, sizeof node_id, text, strlen(text));

        for (Call *call = calls->first, *next; call; call = next) {
                next = call->next;
                if (call->method != method || call->phase != CALL_WAITING)
                        continue;

                if (result != OPERATION_OK)
                        call_fail_operation(call, result, text);
                else if (method == METHOD_GET_HEALTH)
                        call->phase = CALL_READY;
                else {
                        (void) (method == METHOD_REPORT ? sd_bus_reply_method_return(call->message, "u",
                                                                          (uint32_t) http_status)
                                                        : sd_bus_reply_method_return(
                                                                          call->message, "s", node_id));
                        call_free(call);
                }
        }
        calls_flush(calls);
}

/* ---- its beginning ---- */

/* The call waits for its operation, started unless other calls wait for it. It may end within this. */
void call_start(Call *call) {
        BusCalls *calls = call->calls;
        BusMethod method = call->method;
        const char *reason = NULL;
        OperationResult result;
        bool is_first;

        if (bus_calls_count(calls, CALL_WAITING | CALL_READY, NULL, (uid_t) -1) >= WAITING_MAX) {
                call_fail(call, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many callers are waiting");
                return;
        }

        is_first = !calls_has(calls, method, CALL_WAITING);
        call->deadline_usec = usec_add(now_usec(CLOCK_BOOTTIME), WAIT_MAX_USEC);
        call->phase = method == METHOD_GET_NODE ? CALL_READY : CALL_WAITING;
        if (is_first && call->phase == CALL_WAITING) {
                result = calls->handlers->start(method, &reason, calls->userdata);
                if (result != OPERATION_OK)
                        bus_calls_complete(calls, method, result, 0, reason);
        }
        calls_flush(calls);
}

/* Copies what a reply needs. The message itself is not kept: its header may be of any size. */
static int copy_header(sd_bus_message *message, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *copy = NULL;
        uint64_t cookie;
        int r;

        r = sd_bus_message_get_cookie(message, &cookie);
        if (r >= 0)
                r = sd_bus_message_new_method_call(sd_bus_message_get_bus(message), &copy, NULL,
                                sd_bus_message_get_path(message), sd_bus_message_get_interface(message),
                                sd_bus_message_get_member(message));
        if (r >= 0)
                r = sd_bus_message_set_sender(copy, sd_bus_message_get_sender(message));
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(copy, sd_bus_message_get_expect_reply(message) > 0);
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(
                                copy, sd_bus_message_get_allow_interactive_authorization(message) > 0);
        if (r >= 0)
                r = sd_bus_message_seal(copy, cookie, 0);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(copy);
        return 0;
}

int bus_calls_begin(BusCalls *calls, sd_bus_message *message, sd_bus_error *error) {
        const char *sender = sd_bus_message_get_sender(message);
        BusMethod method = 0;
        Call *call, **end = &calls->first;
        int r;

        if (!sender)
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "The caller has no name");
        if (bus_calls_count(calls, ~0U, sender, (uid_t) -1) >= PER_SENDER_MAX)
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                "Too many calls are waiting for their reply");

        call = calloc(1, sizeof *call);
        if (!call)
                return -ENOMEM;
        r = copy_header(message, &call->message);
        if (r < 0) {
                free(call);
                return r;
        }

        while (!streq(methods[method].name, sd_bus_message_get_member(message)))
                method++;
        call->calls = calls;
        call->method = method;
        call->action = methods[method].action;
        while (*end)
                end = &(*end)->next;
        *end = call;

        call_authorize(call);
        return 1;
}

/* ---- all of them ---- */

void bus_calls_reset(BusCalls *calls) {
        for (Call *call = TAKE_PTR(calls->first), *next; call; call = next) {
                next = call->next;
                call_destroy(call);
        }
        memset(calls->known, 0, sizeof calls->known);
        calls_flush(calls);
}

int bus_calls_new(sd_event *event, bool allow_own_uid, const BusHandlers *handlers, void *userdata,
                BusCalls **ret) {
        _cleanup_(bus_calls_free_pointer) BusCalls *calls = NULL;
        int r;

        calls = calloc(1, sizeof *calls);
        if (!calls)
                return -ENOMEM;
        calls->handlers = handlers;
        calls->userdata = userdata;
        calls->allow_own_uid = allow_own_uid;

        r = event_timer_new(event, CLOCK_BOOTTIME, WAIT_ACCURACY_USEC, on_timer, calls, &calls->timer);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(calls);
        return 0;
}

BusCalls *bus_calls_free(BusCalls *calls) {
        if (!calls)
                return NULL;

        while (calls->first)
                call_free(calls->first);
        free(calls->health);
        sd_event_source_disable_unref(calls->timer);
        free(calls);
        return NULL;
}

/* SPDX-License-Identifier: MIT */
/* Who may call a method: root, and whom polkit allows. sd_bus_query_sender_privilege() would say it in one
 * call, but blocks the loop for up to 25 s when the daemon hangs, and lets the agent's own user in. */
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "bus/calls.h"
#include "util/text.h"

#define LOOKUP_TIMEOUT_USEC (5 * USEC_PER_SEC)
#define POLKIT_TIMEOUT_USEC (5 * USEC_PER_SEC)
/* A person has to find the window and type a password. */
#define POLKIT_INTERACTIVE_TIMEOUT_USEC (60 * USEC_PER_SEC)
#define POLKIT_ALLOW_INTERACTION UINT32_C(1)

/* Of each step on its own, so that users who wait for polkit cannot keep root from the first one. */
enum { LOOKUPS_MAX = 512, POLKIT_MAX = 64, POLKIT_PER_UID_MAX = 8 /* a user may have many connections */ };

static void call_deny(Call *call, const char *reason) {
        call_fail(call, SD_BUS_ERROR_ACCESS_DENIED, reason);
}

/* Sends a question about the call; the one before is over. */
static int call_ask(Call *call, usec_t timeout_usec, sd_bus_message_handler_t handler, const char *service,
                const char *path, const char *interface, const char *member, const char *types, ...) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *question = NULL;
        sd_bus *bus = sd_bus_message_get_bus(call->message);
        va_list arguments;
        int r;

        r = sd_bus_message_new_method_call(bus, &question, service, path, interface, member);
        if (r < 0)
                return r;
        va_start(arguments, types);
        r = sd_bus_message_appendv(question, types, arguments);
        va_end(arguments);
        if (r < 0)
                return r;

        call->slot = sd_bus_slot_unref(call->slot);
        return sd_bus_call_async(bus, &call->slot, question, handler, call, timeout_usec);
}

/* ---- polkit ---- */

static int on_polkit_reply(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error);

static void call_ask_polkit(Call *call) {
        /* subject, action, details, flags, cancellation id */
        if (call_ask(call, call->is_person_asked ? POLKIT_INTERACTIVE_TIMEOUT_USEC : POLKIT_TIMEOUT_USEC,
                            on_polkit_reply, "org.freedesktop.PolicyKit1",
                            "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
                            "CheckAuthorization", "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                            sd_bus_message_get_sender(call->message), call->action, 0,
                            call->is_person_asked ? POLKIT_ALLOW_INTERACTION : 0, "") < 0)
                call_deny(call, "Only root may do this (polkit cannot be asked)");
}

/* A caller who allows it is asked for a password, but only once polkit says that one would help: a polkit
 * that hangs must not hold him up for as long as a person may take. */
static void call_challenge(Call *call) {
        if (call->is_person_asked ||
                        sd_bus_message_get_allow_interactive_authorization(call->message) <= 0) {
                call_fail(call, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                "Interactive authentication required");
                return;
        }

        call->is_person_asked = true;
        call_ask_polkit(call);
}

static int on_polkit_reply(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        const sd_bus_error *failure = sd_bus_message_get_error(reply);
        int is_authorized, is_challenge;

        if (sd_bus_error_has_name(failure, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
                        sd_bus_error_has_name(failure, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                call_deny(userdata, "Only root may do this (polkit is not running)");
        else if (failure)
                call_deny(userdata, "Only root may do this (polkit does not respond)");
        else if (sd_bus_message_enter_container(reply, SD_BUS_TYPE_STRUCT, "bba{ss}") <= 0 ||
                        sd_bus_message_read(reply, "bb", &is_authorized, &is_challenge) <= 0)
                call_deny(userdata, "Only root may do this (the response of polkit is not usable)");
        else if (is_authorized)
                call_start(userdata);
        else if (is_challenge)
                call_challenge(userdata);
        else
                call_deny(userdata, "Neither root nor allowed by polkit");
        return 1;
}

/* ---- the user ---- */

static const KnownSender *find_known(const BusCalls *calls, const char *sender) {
        for (size_t i = 0; i < ELEMENTSOF(calls->known); i++)
                if (streq(calls->known[i].name, sender))
                        return calls->known + i;
        return NULL;
}

static void add_known(BusCalls *calls, const char *sender, uid_t uid) {
        KnownSender *known = calls->known + calls->known_next;

        if (strlen(sender) >= sizeof known->name || find_known(calls, sender))
                return;

        strcpy(known->name, sender);
        known->uid = uid;
        calls->known_next = (calls->known_next + 1) % ELEMENTSOF(calls->known);
}

static void call_check_uid(Call *call, uid_t uid) {
        if (uid == 0 || (call->calls->allow_own_uid && uid == geteuid())) {
                call_start(call);
                return;
        }
        if (bus_calls_count(call->calls, CALL_POLKIT, NULL, (uid_t) -1) >= POLKIT_MAX ||
                        bus_calls_count(call->calls, CALL_POLKIT, NULL, uid) >= POLKIT_PER_UID_MAX) {
                call_fail(call, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                "Too many authorisations of this user are under way");
                return;
        }

        call->phase = CALL_POLKIT;
        call->uid = uid;
        call_ask_polkit(call);
}

static Call *find_lookup(const BusCalls *calls, const char *sender) {
        for (Call *call = calls->first; call; call = call->next)
                if (call->phase == CALL_LOOKUP && streq(sd_bus_message_get_sender(call->message), sender))
                        return call;
        return NULL;
}

/* For all calls of the sender: only the first of them asks. Replies to the others would come behind big ones
 * that wait to be written, and perhaps too late. */
static int on_uid_reply(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        Call *call = userdata;
        BusCalls *calls = call->calls;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = sd_bus_message_ref(call->message);
        const char *sender = sd_bus_message_get_sender(message);
        uint32_t uid = 0;
        bool is_known = !sd_bus_message_is_method_error(reply, NULL) &&
                        sd_bus_message_read(reply, "u", &uid) > 0;

        if (is_known)
                add_known(calls, sender, uid);
        while ((call = find_lookup(calls, sender)))
                if (is_known)
                        call_check_uid(call, uid);
                else
                        call_deny(call, "The bus does not know the caller");
        return 1;
}

void call_authorize(Call *call) {
        const char *sender = sd_bus_message_get_sender(call->message);
        const KnownSender *known = find_known(call->calls, sender);
        bool is_asked = find_lookup(call->calls, sender);

        if (known) {
                call_check_uid(call, known->uid);
                return;
        }
        if (bus_calls_count(call->calls, CALL_LOOKUP, NULL, (uid_t) -1) >= LOOKUPS_MAX) {
                call_fail(call, SD_BUS_ERROR_LIMITS_EXCEEDED, "Too many authorisations are under way");
                return;
        }

        call->phase = CALL_LOOKUP;
        if (!is_asked && call_ask(call, LOOKUP_TIMEOUT_USEC, on_uid_reply, "org.freedesktop.DBus",
                                         "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                         "GetConnectionUnixUser", "s", sender) < 0)
                call_deny(call, "Cannot look up the caller");
}

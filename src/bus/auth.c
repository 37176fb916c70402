/* Authorisation in two steps, neither of which waits: the bus daemon says which user the sender is, and for
 * all but root polkit says whether that may be.
 *
 * sd_bus_query_sender_privilege() would do it in one, but blocks the loop for up to 25 s when the daemon
 * hangs, and lets the agent's own user in. */
#include "bus/auth.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/macro.h"
#include "util/text.h"
#include "util/time-util.h"

#define LOOKUP_TIMEOUT_USEC (5 * USEC_PER_SEC)
#define POLKIT_TIMEOUT_USEC (5 * USEC_PER_SEC)
/* A person has to find the window and type a password. */
#define POLKIT_INTERACTIVE_TIMEOUT_USEC (60 * USEC_PER_SEC)
#define POLKIT_ALLOW_INTERACTION UINT32_C(1)

enum {
        /* Of each step on its own, so that users who wait for polkit cannot keep root from the first one. */
        LOOKUPS_MAX = 64, /* one of a sender, however many calls of it wait for that */
        POLKIT_MAX = 64,
        PER_SENDER_MAX = 8,
        POLKIT_PER_UID_MAX = 8, /* a user may have many connections */
        KNOWN_MAX = 256,
        KNOWN_NAME_SIZE = 24,
};

typedef struct Check Check;

struct Check {
        BusAuth *auth;
        Check *next;
        sd_bus_message *message;
        const char *action;
        BusAuthCallback callback;
        void *userdata;
        sd_bus_slot *slot; /* of the call that is under way; NULL: waits for the lookup of another check */
        bool is_at_polkit;
        bool is_person_asked; /* by polkit, for a password */
        uid_t uid;            /* when at polkit */
};

/* A unique name is never used again on the same bus, and always is the same user. */
typedef struct KnownSender {
        char name[KNOWN_NAME_SIZE];
        uid_t uid;
} KnownSender;

struct BusAuth {
        bool allow_own_uid;
        Check *checks;
        /* Senders that are not let in without polkit: the first step is not taken again for them, so that a
         * flood of theirs leaves it free for others. */
        KnownSender known[KNOWN_MAX];
        size_t known_next;
};

static Check *check_free(Check *check) {
        if (!check)
                return NULL;

        sd_bus_slot_unref(check->slot);
        sd_bus_message_unref(check->message);
        free(check);
        return NULL;
}

DEFINE_CLEANUP(Check *, check_free)

static void check_unlink(Check *check) {
        Check **position = &check->auth->checks;

        while (*position != check)
                position = &(*position)->next;
        *position = check->next;
}

static void check_end(Check *check, int allowed, const char *reason) {
        check_unlink(check);
        check->callback(check->message, allowed, reason, check->userdata);
        check_free(check);
}

static const KnownSender *auth_find_known(const BusAuth *auth, const char *sender) {
        for (size_t i = 0; i < KNOWN_MAX; i++)
                if (streq(auth->known[i].name, sender))
                        return &auth->known[i];
        return NULL;
}

static void auth_add_known(BusAuth *auth, const char *sender, uid_t uid) {
        KnownSender *known = &auth->known[auth->known_next];

        if (strlen(sender) >= sizeof known->name || auth_find_known(auth, sender))
                return;

        strcpy(known->name, sender);
        known->uid = uid;
        auth->known_next = (auth->known_next + 1) % KNOWN_MAX;
}

static bool check_is_of(const Check *check, const char *sender) {
        return streq(sd_bus_message_get_sender(check->message), sender);
}

/* Finds a check of the sender that is at the first step. */
static Check *auth_find_lookup(const BusAuth *auth, const char *sender) {
        for (Check *c = auth->checks; c; c = c->next)
                if (!c->is_at_polkit && check_is_of(c, sender))
                        return c;
        return NULL;
}

static bool auth_sender_has_room(const BusAuth *auth, const char *sender) {
        size_t count = 0;

        for (const Check *c = auth->checks; c; c = c->next)
                count += check_is_of(c, sender);
        return count < PER_SENDER_MAX;
}

static bool auth_lookup_has_room(const BusAuth *auth) {
        size_t count = 0;

        for (const Check *c = auth->checks; c; c = c->next)
                count += !c->is_at_polkit && c->slot;
        return count < LOOKUPS_MAX;
}

static bool auth_polkit_has_room(const BusAuth *auth, uid_t uid) {
        size_t count = 0, of_uid = 0;

        for (const Check *c = auth->checks; c; c = c->next) {
                count += c->is_at_polkit;
                of_uid += c->is_at_polkit && c->uid == uid;
        }
        return count < POLKIT_MAX && of_uid < POLKIT_PER_UID_MAX;
}

static int check_ask_polkit(Check *check);

/* A caller who allows it is asked for a password, but only once polkit says that one would help: a polkit
 * that hangs must not hold him up for as long as a person may take. */
static bool check_ask_person(Check *check) {
        if (check->is_person_asked ||
                        sd_bus_message_get_allow_interactive_authorization(check->message) <= 0)
                return false;

        check->is_person_asked = true;
        return check_ask_polkit(check) >= 0;
}

static int on_polkit_reply(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        Check *check = userdata;
        int is_authorized, is_challenge;

        if (sd_bus_message_is_method_error(reply, NULL)) {
                const sd_bus_error *e = sd_bus_message_get_error(reply);

                check_end(check, 0,
                                sd_bus_error_has_name(e, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
                                                                sd_bus_error_has_name(e,
                                                                                SD_BUS_ERROR_NAME_HAS_NO_OWNER)
                                                ? "Only root may: polkit is not there to allow others"
                                                : "Only root may: polkit gave no answer about others");
                return 1;
        }

        if (sd_bus_message_enter_container(reply, SD_BUS_TYPE_STRUCT, "bba{ss}") <= 0 ||
                        sd_bus_message_read(reply, "bb", &is_authorized, &is_challenge) <= 0)
                check_end(check, 0, "Only root may: polkit gave no usable answer about others");
        else if (is_authorized)
                check_end(check, 1, NULL);
        else if (is_challenge && check_ask_person(check))
                return 1;
        else if (is_challenge)
                check_end(check, -ENOKEY, "Interactive authentication required");
        else
                check_end(check, 0, "Neither root nor allowed by polkit");
        return 1;
}

static int check_ask_polkit(Check *check) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        sd_bus *bus = sd_bus_message_get_bus(check->message);
        int r;

        r = sd_bus_message_new_method_call(bus, &call, "org.freedesktop.PolicyKit1",
                        "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
                        "CheckAuthorization");
        if (r < 0)
                return r;
        /* subject, action, details, flags, cancellation id */
        r = sd_bus_message_append(call, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                        sd_bus_message_get_sender(check->message), check->action, 0,
                        check->is_person_asked ? POLKIT_ALLOW_INTERACTION : 0, "");
        if (r < 0)
                return r;

        check->slot = sd_bus_slot_unref(check->slot);
        return sd_bus_call_async(bus, &check->slot, call, on_polkit_reply, check,
                        check->is_person_asked ? POLKIT_INTERACTIVE_TIMEOUT_USEC : POLKIT_TIMEOUT_USEC);
}

/* The sender of a check that was at the first step turned out to be this user. */
static void check_continue(Check *check, uid_t uid) {
        if (uid == 0 || (check->auth->allow_own_uid && uid == geteuid())) {
                check_end(check, 1, NULL);
                return;
        }
        if (!auth_polkit_has_room(check->auth, uid)) {
                check_end(check, -EBUSY, "Too many authorisations of this user are under way");
                return;
        }

        check->is_at_polkit = true;
        check->uid = uid;
        if (check_ask_polkit(check) < 0)
                check_end(check, 0, "Only root may: polkit cannot be asked about others");
}

static int on_uid_reply(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        BusAuth *auth = ((Check *) userdata)->auth;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message =
                        sd_bus_message_ref(((Check *) userdata)->message);
        const char *sender = sd_bus_message_get_sender(message);
        bool is_known;
        uint32_t uid;
        Check *check;

        is_known = !sd_bus_message_is_method_error(reply, NULL) && sd_bus_message_read(reply, "u", &uid) > 0;
        if (is_known && uid != 0 && !(auth->allow_own_uid && uid == geteuid()))
                auth_add_known(auth, sender, uid);

        while ((check = auth_find_lookup(auth, sender)))
                if (is_known)
                        check_continue(check, uid);
                else
                        check_end(check, 0, "The bus does not say who the caller is");
        return 1;
}

static int check_ask_uid(Check *check) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        sd_bus *bus = sd_bus_message_get_bus(check->message);
        int r;

        r = sd_bus_message_new_method_call(bus, &call, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                        "org.freedesktop.DBus", "GetConnectionUnixUser");
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "s", sd_bus_message_get_sender(check->message));
        if (r < 0)
                return r;

        return sd_bus_call_async(bus, &check->slot, call, on_uid_reply, check, LOOKUP_TIMEOUT_USEC);
}

int bus_auth_check(BusAuth *auth, sd_bus_message *message, const char *action, BusAuthCallback callback,
                void *userdata) {
        _cleanup_(check_free_pointer) Check *check = NULL;
        const char *sender = sd_bus_message_get_sender(message);
        const KnownSender *known;
        bool is_under_way;
        int r;

        if (!sender)
                return -EINVAL;

        known = auth_find_known(auth, sender);
        is_under_way = !known && auth_find_lookup(auth, sender);
        if (!auth_sender_has_room(auth, sender))
                return -EBUSY;
        if (known ? !auth_polkit_has_room(auth, known->uid) : !is_under_way && !auth_lookup_has_room(auth))
                return -EBUSY;

        check = calloc(1, sizeof *check);
        if (!check)
                return -ENOMEM;
        check->auth = auth;
        check->message = sd_bus_message_ref(message);
        check->action = action;
        check->callback = callback;
        check->userdata = userdata;

        if (known) {
                check->is_at_polkit = true;
                check->uid = known->uid;
                r = check_ask_polkit(check);
        } else
                r = is_under_way ? 0 : check_ask_uid(check);
        if (r < 0)
                return r;

        check->next = auth->checks;
        auth->checks = TAKE_PTR(check);
        return 0;
}

int bus_auth_new(bool allow_own_uid, BusAuth **ret) {
        BusAuth *auth;

        auth = calloc(1, sizeof *auth);
        if (!auth)
                return -ENOMEM;

        auth->allow_own_uid = allow_own_uid;
        *ret = auth;
        return 0;
}

void bus_auth_reset(BusAuth *auth) {
        while (auth->checks) {
                Check *check = auth->checks;

                auth->checks = check->next;
                check_free(check);
        }
        memset(auth->known, 0, sizeof auth->known);
}

BusAuth *bus_auth_free(BusAuth *auth) {
        if (!auth)
                return NULL;

        bus_auth_reset(auth);
        free(auth);
        return NULL;
}

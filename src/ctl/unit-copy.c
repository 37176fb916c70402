#include "ctl/unit-copy.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "util/macro.h"
#include "util/text.h"

/* Without RemoveIPC, which acts when a unit stops, and RuntimeDirectory: systemd would then remove the
 * directory of the running service. */
static const char *const copied[] = { "User", "Group", "DynamicUser", "SupplementaryGroups", "PAMName",
        "UMask", "WorkingDirectory", "Environment", "EnvironmentFiles", "PassEnvironment",
        "UnsetEnvironment", "LoadCredential", "LoadCredentialEncrypted", "SetCredential",
        "SetCredentialEncrypted", "ImportCredential", "Root*", "Mount*", "Extension*", "Bind*Paths",
        "TemporaryFileSystem", "ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths", "*ExecPaths",
        "ExecSearchPath", "Private*", "Protect*", "ProcSubset", "DevicePolicy", "DeviceAllow",
        "CapabilityBoundingSet", "AmbientCapabilities", "SecureBits", "NoNewPrivileges", "Restrict*",
        "SystemCall*", "SELinuxContext", "AppArmorProfile", "SmackProcessLabel", "KeyringMode",
        "LockPersonality", "MemoryDenyWriteExecute", "Personality", "NetworkNamespacePath",
        "IPCNamespacePath", "IPAddressAllow", "IPAddressDeny", "SocketBind*", "Limit*", "MemoryMax",
        "TasksMax" };

/* systemd makes these directories at the start. */
static const char *const creating[] = { "StateDirectory", "CacheDirectory", "LogsDirectory",
        "ConfigurationDirectory" };

static bool matches(const char *name, const char *const *patterns, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (fnmatch(patterns[i], name, 0) == 0)
                        return true;
        return false;
}

static bool is_omitted(const UnitOmissions *omissions, const char *name) {
        for (size_t i = 0; i < omissions->count; i++)
                if (streq(omissions->names[i], name))
                        return true;
        return false;
}

static bool omit(UnitOmissions *omissions, const char *name) {
        if (omissions->count == ELEMENTSOF(omissions->names) || is_omitted(omissions, name) ||
                        strlen(name) >= sizeof omissions->names[0])
                return false;

        text_sanitize_into(omissions->names[omissions->count++], sizeof omissions->names[0], name,
                        strlen(name));
        return true;
}

/* ---- values ---- */

int unit_get(sd_bus *bus, const char *path, const char *interface, const char *name, sd_bus_message **ret,
                const char **ret_type) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_call_method(bus, SYSTEMD_BUS_NAME, path, "org.freedesktop.DBus.Properties", "Get", NULL,
                        &reply, "ss", interface, name);
        if (r >= 0)
                r = sd_bus_message_peek_type(reply, NULL, ret_type);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'v', *ret_type);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(reply);
        return 0;
}

static int is_empty_array(sd_bus_message *value, const char *type) {
        int r;

        r = sd_bus_message_enter_container(value, 'a', type + 1);
        return r < 0 ? r : sd_bus_message_at_end(value, false);
}

/* (bas): a list, and whether it allows or denies. An empty list that allows is not an empty setting. */
static int is_empty_filter(sd_bus_message *value) {
        int r, is_allow = 0;

        r = sd_bus_message_enter_container(value, 'r', "bas");
        if (r >= 0)
                r = sd_bus_message_read_basic(value, 'b', &is_allow);
        if (r >= 0)
                r = is_empty_array(value, "as");
        return r < 0 ? r : r > 0 && !is_allow;
}

static int is_empty_text(sd_bus_message *value, const char *type) {
        const char *text;
        int r, may_fail;

        r = *type == 's' ? sd_bus_message_read_basic(value, 's', &text)
                         : sd_bus_message_read(value, type, &may_fail, &text);
        return r < 0 ? r : isempty(text);
}

static int is_empty_number(sd_bus_message *value, char type, const char *name) {
        uint64_t number = 0;
        int r;

        r = sd_bus_message_read_basic(value, type, &number);
        if (r < 0)
                return r;
        if (type == 't')
                return number == UINT64_MAX; /* not set, or no limit */
        return number == 0 && streq(name, "SystemCallErrorNumber");
}

/* Whether there is nothing to set: systemd refuses some empty values, and takes others for a reset. */
static int is_empty(sd_bus_message *value, const char *type, const char *name) {
        if (streq(type, "s") || streq(type, "(bs)"))
                return is_empty_text(value, type);
        if (streq(type, "(bas)"))
                return is_empty_filter(value);
        if (*type == 'a')
                return is_empty_array(value, type);
        return strlen(type) == 1 ? is_empty_number(value, *type, name) : 0;
}

/* A value that may fail takes a "-" in front. */
static int append_optional(sd_bus_message *call, const char *name, bool may_fail, const char *text) {
        char optional[PATH_MAX + 1];

        if (snprintf(optional, sizeof optional, "-%s", text) >= (int) sizeof optional)
                return -ENAMETOOLONG;
        return sd_bus_message_append(call, "(sv)", name, "s", may_fail ? optional : text);
}

/* A label, and whether a failure to set it is ignored. */
static int copy_selinux(sd_bus_message *value, sd_bus_message *call, const char *name) {
        const char *label;
        int r, may_fail;

        r = sd_bus_message_read(value, "(bs)", &may_fail, &label);
        return r < 0 || isempty(label) ? r : append_optional(call, name, may_fail, label);
}

/* Shown with "!" in front where it may be missing. */
static int copy_directory(sd_bus_message *value, sd_bus_message *call, const char *name) {
        const char *text;
        int r;

        r = sd_bus_message_read_basic(value, 's', &text);
        return r < 0 || isempty(text) ? r : append_optional(call, name, *text == '!', text + (*text == '!'));
}

static int copy_value(sd_bus_message *value, const char *type, sd_bus_message *call, const char *name) {
        int r;

        r = sd_bus_message_open_container(call, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(call, 's', name);
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'v', type);
        if (r >= 0)
                r = sd_bus_message_copy(call, value, true);
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

static int copy_property(sd_bus *bus, const char *path, const char *name, sd_bus_message *call,
                UnitOmissions *omissions) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *value = NULL;
        const char *type;
        int r;

        r = unit_get(bus, path, SYSTEMD_SERVICE_INTERFACE, name, &value, &type);
        if (r < 0)
                return r;
        if (streq(name, "SELinuxContext"))
                return copy_selinux(value, call, name);
        if (streq(name, "WorkingDirectory"))
                return copy_directory(value, call, name);

        r = is_empty(value, type, name);
        if (r != 0)
                return r;
        if (matches(name, creating, ELEMENTSOF(creating))) {
                (void) omit(omissions, name);
                return 0;
        }

        /* back to the value's beginning */
        r = sd_bus_message_rewind(value, true);
        if (r >= 0)
                r = sd_bus_message_enter_container(value, 'v', type);
        return r < 0 ? r : copy_value(value, type, call, name);
}

/* ---- a service ---- */

static int next_name(sd_bus_message *properties, const char **ret) {
        int r;

        r = sd_bus_message_enter_container(properties, 'e', "sv");
        if (r <= 0)
                return r;
        r = sd_bus_message_read_basic(properties, 's', ret);
        if (r >= 0)
                r = sd_bus_message_skip(properties, "v");
        if (r >= 0)
                r = sd_bus_message_exit_container(properties);
        return r < 0 ? r : 1;
}

static bool is_wanted(const char *name, const UnitOmissions *omissions) {
        return !is_omitted(omissions, name) &&
               (matches(name, copied, ELEMENTSOF(copied)) || matches(name, creating, ELEMENTSOF(creating)));
}

int unit_copy(sd_bus *bus, const char *path, sd_bus_message *call, UnitOmissions *omissions) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *all = NULL;
        const char *name;
        int r;

        r = sd_bus_call_method(bus, SYSTEMD_BUS_NAME, path, "org.freedesktop.DBus.Properties", "GetAll",
                        NULL, &all, "s", SYSTEMD_SERVICE_INTERFACE);
        if (r >= 0)
                r = sd_bus_message_enter_container(all, 'a', "{sv}");

        while (r >= 0 && (r = next_name(all, &name)) > 0)
                if (is_wanted(name, omissions))
                        r = copy_property(bus, path, name, call, omissions);
        return r < 0 ? r : 0;
}

/* "Cannot set property X, or unknown property." */
bool unit_copy_omit(const sd_bus_error *error, UnitOmissions *omissions) {
        static const char lead[] = "Cannot set property ";
        char name[64] = {};

        if (!error->message || strncmp(error->message, lead, strlen(lead)) != 0)
                return false;
        return sscanf(error->message + strlen(lead), "%63[A-Za-z]", name) == 1 && omit(omissions, name);
}

static int append_arguments(sd_bus_message *call, char *const *arguments, const char *last) {
        int r;

        r = sd_bus_message_open_container(call, 'a', "s");
        for (; r >= 0 && *arguments; arguments++)
                r = sd_bus_message_append_basic(call, 's', *arguments);
        if (r >= 0)
                r = sd_bus_message_append_basic(call, 's', last);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

static int append_command(
                sd_bus_message *call, const char *program, char *const *arguments, const char *last) {
        static const char *const outer[] = { "rsv", "va(sasb)", "a(sasb)", "rsasb" };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(outer); i++) {
                r = sd_bus_message_open_container(call, outer[i][0], outer[i] + 1);
                if (r >= 0 && i == 0)
                        r = sd_bus_message_append_basic(call, 's', "ExecStart");
        }
        if (r >= 0)
                r = sd_bus_message_append_basic(call, 's', program);
        if (r >= 0)
                r = append_arguments(call, arguments, last);
        if (r >= 0)
                r = sd_bus_message_append(call, "b", false);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(outer); i++)
                r = sd_bus_message_close_container(call);
        return r;
}

/* Takes the strings as well as the array. */
static void strings_free(char ***strings) {
        for (char **string = *strings; string && *string; string++)
                free(*string);
        free(*strings);
}

int unit_copy_command(sd_bus *bus, const char *path, sd_bus_message *call, const char *argument) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *value = NULL;
        _cleanup_(strings_free) char **arguments = NULL;
        const char *type, *program;
        int r;

        r = unit_get(bus, path, SYSTEMD_SERVICE_INTERFACE, "ExecStart", &value, &type);
        if (r >= 0)
                r = sd_bus_message_enter_container(value, 'a', "(sasbttttuii)");
        if (r >= 0)
                r = sd_bus_message_enter_container(value, 'r', "sasbttttuii");
        if (r == 0)
                return -ENOEXEC; /* a service without a command */
        if (r >= 0)
                r = sd_bus_message_read_basic(value, 's', &program);
        if (r >= 0)
                r = sd_bus_message_read_strv(value, &arguments);
        if (r < 0)
                return r;
        return append_command(call, program, arguments, argument);
}

/* SPDX-License-Identifier: MIT */
#include "ctl/unit-copy.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "util/macro.h"
#include "util/text.h"

/* Of no file: what systemd shows of it are the defaults. */
#define DEFAULT_PATH "/org/freedesktop/systemd1/unit/argus_2dagent_2dcheck_2eservice"

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
        if (omissions->count == ELEMENTSOF(omissions->names) || is_omitted(omissions, name))
                return false;

        text_sanitize_into(omissions->names[omissions->count++], sizeof omissions->names[0], name,
                        strlen(name));
        return true;
}

/* ---- values ---- */

/* The message with the property's value, at its variant. */
static int get(sd_bus *bus, const char *path, const char *name, sd_bus_message **ret) {
        return sd_bus_call_method(bus, SYSTEMD_BUS_NAME, path, "org.freedesktop.DBus.Properties", "Get",
                        NULL, ret, "ss", SYSTEMD_SERVICE_INTERFACE, name);
}

/* The value as text, to compare it. */
static int dump(sd_bus_message *value, char **ret) {
        size_t size;
        FILE *out = open_memstream(ret, &size);
        int r;

        if (!out)
                return -ENOMEM;
        r = sd_bus_message_dump(value, out, 0);
        if (fclose(out) != 0)
                return -errno;
        return r < 0 ? r : sd_bus_message_rewind(value, true);
}

/* systemd refuses some empty values, and takes others for a reset. So what is as in a unit that does not
 * exist, and shows the defaults, counts as not set; but for the limits, whose defaults such a unit does
 * not show. */
static int is_set(sd_bus *bus, const char *name, sd_bus_message *value) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *other = NULL;
        _cleanup_free_ char *text = NULL, *other_text = NULL;
        int r;

        r = get(bus, DEFAULT_PATH, name, &other);
        if (r >= 0)
                r = dump(value, &text);
        if (r >= 0)
                r = dump(other, &other_text);
        return r < 0 ? r : strncmp(name, "Limit", strlen("Limit")) == 0 || !streq(text, other_text);
}

/* Two are set in another form than they are shown: "-" in front says that a failure is ignored. */
static int copy_optional(sd_bus_message *value, sd_bus_message *call, const char *name) {
        bool is_label = streq(name, "SELinuxContext");
        char optional[PATH_MAX + 1];
        int r, may_fail = 0;
        const char *text;

        r = is_label ? sd_bus_message_read(value, "v", "(bs)", &may_fail, &text)
                     : sd_bus_message_read(value, "v", "s", &text);
        if (r < 0)
                return r;
        if (!is_label && *text == '!') {
                may_fail = true;
                text++;
        }
        if (snprintf(optional, sizeof optional, "%s%s", may_fail ? "-" : "", text) >= (int) sizeof optional)
                return -ENAMETOOLONG;
        return sd_bus_message_append(call, "(sv)", name, "s", optional);
}

static int copy_value(sd_bus_message *value, sd_bus_message *call, const char *name) {
        int r;

        if (streq(name, "SELinuxContext") || streq(name, "WorkingDirectory"))
                return copy_optional(value, call, name);

        r = sd_bus_message_open_container(call, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(call, 's', name);
        if (r >= 0)
                r = sd_bus_message_copy(call, value, true);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

static int copy_property(sd_bus *bus, const char *name, sd_bus_message *call, UnitOmissions *omissions) {
        bool is_creating = matches(name, creating, ELEMENTSOF(creating));
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *value = NULL;
        int r;

        if (is_omitted(omissions, name) || (!is_creating && !matches(name, copied, ELEMENTSOF(copied))))
                return 0;

        r = get(bus, SERVICE_PATH, name, &value);
        if (r >= 0)
                r = is_set(bus, name, value);
        if (r <= 0)
                return r;
        if (!is_creating)
                return copy_value(value, call, name);
        (void) omit(omissions, name);
        return 0;
}

/* ---- a service ---- */

int service_get(sd_bus *bus, const char *interface, const char *name, const char *type,
                sd_bus_message **ret) {
        return sd_bus_get_property(bus, SYSTEMD_BUS_NAME, SERVICE_PATH, interface, name, NULL, ret, type);
}

int service_copy(sd_bus *bus, sd_bus_message *call, UnitOmissions *omissions) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *all = NULL;
        const char *name;
        int r;

        r = sd_bus_call_method(bus, SYSTEMD_BUS_NAME, SERVICE_PATH, "org.freedesktop.DBus.Properties",
                        "GetAll", NULL, &all, "s", SYSTEMD_SERVICE_INTERFACE);
        if (r >= 0)
                r = sd_bus_message_enter_container(all, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(all, 'e', "sv")) > 0) {
                r = sd_bus_message_read_basic(all, 's', &name);
                if (r >= 0)
                        r = copy_property(bus, name, call, omissions);
                if (r >= 0)
                        r = sd_bus_message_skip(all, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(all);
        }
        return r < 0 ? r : 0;
}

/* "Cannot set property X, or unknown property." */
bool service_copy_omit(const sd_bus_error *error, UnitOmissions *omissions) {
        char name[64] = {};

        return error->message && sscanf(error->message, "Cannot set property %63[A-Za-z]", name) == 1 &&
               omit(omissions, name);
}

/* The arguments, from one array to another, and `last`. */
static int copy_arguments(sd_bus_message *value, sd_bus_message *call, const char *last) {
        const char *argument;
        int r;

        r = sd_bus_message_open_container(call, 'a', "s");
        if (r >= 0)
                r = sd_bus_message_enter_container(value, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read_basic(value, 's', &argument)) > 0)
                r = sd_bus_message_append_basic(call, 's', argument);
        if (r >= 0)
                r = sd_bus_message_append_basic(call, 's', last);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

int service_copy_command(sd_bus *bus, sd_bus_message *call, const char *argument) {
        static const char *const outer[] = { "rsv", "va(sasb)", "a(sasb)", "rsasb" };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *value = NULL;
        const char *program;
        int r;

        r = service_get(bus, SYSTEMD_SERVICE_INTERFACE, "ExecStart", "a(sasbttttuii)", &value);
        if (r >= 0)
                r = sd_bus_message_enter_container(value, 'a', "(sasbttttuii)");
        if (r >= 0)
                r = sd_bus_message_enter_container(value, 'r', "sasbttttuii");
        if (r == 0)
                return -ENOEXEC; /* a service without a command */
        if (r >= 0)
                r = sd_bus_message_read_basic(value, 's', &program);

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(outer); i++) {
                r = sd_bus_message_open_container(call, outer[i][0], outer[i] + 1);
                if (r >= 0 && i == 0)
                        r = sd_bus_message_append_basic(call, 's', "ExecStart");
        }
        if (r >= 0)
                r = sd_bus_message_append_basic(call, 's', program);
        if (r >= 0)
                r = copy_arguments(value, call, argument);
        if (r >= 0) /* whether its failure is ignored */
                r = sd_bus_message_append(call, "b", false);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(outer); i++)
                r = sd_bus_message_close_container(call);
        return r;
}

/* SPDX-License-Identifier: MIT */
#include "adopt/state-place.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "adopt/trusted-path.h"
#include "core/config.h"
#include "core/settings-file.h"
#include "util/fd-util.h"
#include "util/text.h"

#define SETTINGS_FILE "etc/argus/agent.env"
#define SETTINGS_DIRECTORY SETTINGS_FILE ".d"
#define DEFAULT_ROOT "/private/argus/agent"

enum { HOSTNAME_FILE_MAX = 4096 };

void state_place_clear(StatePlace *place) {
        free(place->root);
        free(place->hostname);
}

typedef struct Reading {
        StatePlace place;
        int error;
} Reading;

static void take_line(const SettingsLine *line, void *userdata) {
        Reading *reading = userdata;
        char **member = NULL;

        if (line->name && streq(line->name, "AGENT_STATE_ROOT"))
                member = &reading->place.root;
        else if (line->name && streq(line->name, "AGENT_HOSTNAME"))
                member = &reading->place.hostname;
        if (member && text_replace(member, line->value) < 0)
                reading->error = -ENOMEM;
}

/* A path that is missing or not a file sets nothing, as for systemd. */
static int read_file(int root_fd, const char *path, Reading *reading) {
        _cleanup_close_ int fd = trusted_open(root_fd, path);
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        if (fd < 0)
                return 0;
        r = fd_read_all(fd, SETTINGS_FILE_MAX, &text, &size);
        if (r < 0)
                return r == -EBADF ? 0 : r; /* a directory */

        r = settings_file_read(text, size, take_line, reading);
        return r < 0 ? r : reading->error;
}

/* In the order in which systemd reads the files of a pattern: by bytes, as no locale is set. */
static int read_directory(int root_fd, Reading *reading) {
        _cleanup_close_ int fd = trusted_open(root_fd, SETTINGS_DIRECTORY);
        struct dirent **entries;
        int count, r = 0;

        if (fd < 0)
                return 0;
        count = scandirat(fd, ".", &entries, NULL, alphasort);
        if (count < 0)
                return errno == ENOTDIR ? 0 : -errno;

        for (int i = 0; i < count; i++) {
                char path[sizeof SETTINGS_DIRECTORY "/" + NAME_MAX];

                (void) snprintf(path, sizeof path, SETTINGS_DIRECTORY "/%s", entries[i]->d_name);
                if (r >= 0 && fnmatch("[!.]*.env", entries[i]->d_name, 0) == 0)
                        r = read_file(root_fd, path, reading);
                free(entries[i]);
        }
        free(entries);
        return r;
}

static int running_hostname(char **ret) {
        struct utsname name;

        return uname(&name) < 0 ? -errno : text_duplicate(name.nodename, ret);
}

/* hostname(5): the first line that is not a comment. */
static int hostname_of_file(int root_fd, char **ret) {
        _cleanup_close_ int fd = trusted_open(root_fd, "etc/hostname");
        _cleanup_free_ char *text = NULL;
        char *state = NULL, *line;
        size_t size;
        int r;

        if (fd < 0)
                return fd == -ENOENT ? -ENODATA : fd;
        r = fd_read_all(fd, HOSTNAME_FILE_MAX, &text, &size);
        if (r < 0)
                return r;

        line = strtok_r(text, "\r\n", &state);
        while (line && *line == '#')
                line = strtok_r(NULL, "\r\n", &state);
        return line ? text_duplicate(line, ret) : -ENODATA;
}

int state_place_read(int root_fd, bool is_elsewhere, StatePlace *ret) {
        Reading reading = {};
        StatePlace *place = &reading.place;
        int r;

        r = read_file(root_fd, SETTINGS_FILE, &reading);
        if (r >= 0)
                r = read_directory(root_fd, &reading);
        if (r >= 0 && isempty(place->root))
                r = text_replace(&place->root, DEFAULT_ROOT);
        if (r >= 0 && !place->hostname)
                r = is_elsewhere ? hostname_of_file(root_fd, &place->hostname)
                                 : running_hostname(&place->hostname);
        if (r >= 0 && (*place->root != '/' || !config_hostname_is_valid(place->hostname)))
                r = -EINVAL;
        if (r < 0) {
                state_place_clear(place);
                return r;
        }

        *ret = *place;
        return 0;
}

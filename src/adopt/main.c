/* SPDX-License-Identifier: MIT */
/* adopt-state: what packages do as root with the state of this machine. Their scripts run it after the user
 * is created and before the service starts, and at a purge. */
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "adopt/state-owner.h"
#include "adopt/state-place.h"
#include "adopt/trusted-path.h"
#include "util/fd-util.h"
#include "util/text.h"

#define SERVICE_USER "argus-agent"
#define HEALTH_GROUP "argus-health"

DEFINE_CLEANUP(FILE *, fclose)

static const char usage[] =
                "adopt-state [--root=DIR]                            gives the state to " SERVICE_USER "\n"
                "adopt-state [--root=DIR] --path                     prints where the state is\n"
                "adopt-state [--root=DIR] --purge=PATH [DIRECTORY]…  removes state, settings, and these if empty\n";

typedef struct Arguments {
        const char *root, *purge;
        bool path;
        char **directories;
} Arguments;

static int fail(const char *what, int error) {
        const char *reason = error == -EXDEV   ? "a user other than root can change the path to it"
                             : error == -ESRCH ? "no such user or group"
                                               : strerror(-error);

        fprintf(stderr, "argus-agent: Cannot %s: %s.\n", what, reason);
        return EXIT_FAILURE;
}

/* Opens the users or groups of another root, whose ids may differ from ours. */
static FILE *open_table(int root_fd, const char *path) {
        int fd = trusted_open(root_fd, path);

        return fd < 0 ? NULL : fdopen(fd, "re");
}

static const struct passwd *find_user(int root_fd, const char *root) {
        _cleanup_(fclose_pointer) FILE *table = root ? open_table(root_fd, "etc/passwd") : NULL;
        const struct passwd *user = root ? NULL : getpwnam(SERVICE_USER);

        while (table && (user = fgetpwent(table)) && !streq(user->pw_name, SERVICE_USER))
                ;
        return user;
}

static const struct group *find_group(int root_fd, const char *root) {
        _cleanup_(fclose_pointer) FILE *table = root ? open_table(root_fd, "etc/group") : NULL;
        const struct group *group = root ? NULL : getgrnam(HEALTH_GROUP);

        while (table && (group = fgetgrent(table)) && !streq(group->gr_name, HEALTH_GROUP))
                ;
        return group;
}

static int find_owner(int root_fd, const char *root, Owner *ret) {
        const struct passwd *user = find_user(root_fd, root);
        const struct group *group = find_group(root_fd, root);

        if (!user || !group)
                return -ESRCH;

        *ret = (Owner){ user->pw_uid, group->gr_gid };
        return 0;
}

static int adopt(int root_fd, const StatePlace *place, const Owner *owner) {
        int r = state_take_over(root_fd, place->root, place->hostname, owner);

        if (r < 0) {
                fprintf(stderr, "argus-agent: %s/%s:\n", place->root, place->hostname);
                return fail("take over the state", r);
        }
        if (r > 0)
                printf("argus-agent: Took over %s/%s. Users other than root who write health files there must "
                       "be in the group " HEALTH_GROUP ", and the files readable for it.\n",
                                place->root, place->hostname);
        return EXIT_SUCCESS;
}

/* Never fails the package manager: what cannot be removed stays, with a message. */
static int purge(int root_fd, const Arguments *arguments) {
        Owner owner;
        int r = find_owner(root_fd, arguments->root, &owner);

        if (r >= 0)
                r = state_purge(root_fd, arguments->purge, &owner);
        if (r < 0)
                (void) fail("remove the state", r);

        settings_purge(root_fd);
        for (char **directory = arguments->directories; *directory; directory++)
                empty_directory_remove(root_fd, *directory);
        return EXIT_SUCCESS;
}

static int run(const Arguments *arguments) {
        _cleanup_close_ int root_fd = -1;
        _cleanup_(state_place_clear) StatePlace place = {};
        Owner owner;
        int r;

        root_fd = open(arguments->root ? arguments->root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root_fd < 0)
                return fail("open the root directory", -errno);
        if (arguments->purge)
                return purge(root_fd, arguments);

        r = state_place_read(root_fd, arguments->root, &place);
        if (r == -EINVAL)
                return fail("use AGENT_STATE_ROOT or AGENT_HOSTNAME of /etc/argus/agent.env", r);
        if (r < 0)
                return fail("find the state", r);
        if (arguments->path)
                return printf("%s/%s\n", place.root, place.hostname) < 0;

        r = find_owner(root_fd, arguments->root, &owner);
        return r < 0 ? fail("find the user " SERVICE_USER " or the group " HEALTH_GROUP, r)
                     : adopt(root_fd, &place, &owner);
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "root", required_argument, NULL, 'r' },
                { "path", no_argument, NULL, 'p' },
                { "purge", required_argument, NULL, 'd' },
                {},
        };
        Arguments arguments = {};

        for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
                if (c == 'r')
                        arguments.root = isempty(optarg) ? NULL : optarg;
                else if (c == 'p')
                        arguments.path = true;
                else if (c == 'd')
                        arguments.purge = optarg;
                else {
                        fputs(usage, stderr);
                        return 64;
                }
        }
        arguments.directories = argv + optind;
        return run(&arguments);
}

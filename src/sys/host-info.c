/* SPDX-License-Identifier: MIT */
/* What this machine is, asked of the kernel each time: nothing is remembered, as hot-plug, a changed cgroup
 * limit and a new address are all seen at the next registration. */
#include "sys/host-info.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <systemd/sd-id128.h>

#include "util/fd-util.h"
#include "util/ip-address.h"
#include "util/text.h"

/* What the machine's own id is hashed with, so that it cannot be guessed from this one. Never change it: the
 * Master would take every machine for another. */
#define APPLICATION_ID SD_ID128_MAKE(76, c7, b5, 15, 7a, 07, 45, cb, 8a, 9a, 81, a1, 44, db, 96, c5)

#define DISCARD_PORT "9" /* a port other than 0 is all that connect() asks for */
#define DISPLAY_CONTROLLER_CLASS 0x03

enum {
        VENDOR_NVIDIA = 0x10de,
        VENDOR_AMD = 0x1002,
        CGROUP_SIZE_MAX = 64 * 1024,
};

int host_info_hostname(char **ret) {
        struct utsname name;

        if (uname(&name) < 0)
                return -errno;
        if (isempty(name.nodename) || streq(name.nodename, "(none)")) /* the kernel's word for it */
                return -ENODATA;

        return text_duplicate(name.nodename, ret);
}

uint64_t host_info_cpu_number(void) {
        long count = sysconf(_SC_NPROCESSORS_ONLN);

        return count > 0 ? (uint64_t) count : 1;
}

/* ---- files of /proc and /sys ---- */

/* A file that holds one number, in base 10 or 16, and a newline. */
static int read_number(int directory_fd, const char *path, int base, uint64_t *ret) {
        _cleanup_close_ int fd = openat(directory_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        char text[64], *end;
        size_t size;

        if (fd < 0 || fd_read(fd, text, sizeof text - 1, &size) < 0)
                return -ENODATA;
        text[size] = '\0';
        if (text[0] < '0' || text[0] > '9') /* "max", or a sign, which strtoull() would take */
                return -EINVAL;

        errno = 0;
        *ret = strtoull(text, &end, base);
        return errno > 0 || (*end != '\n' && *end != '\0') ? -EINVAL : 0;
}

/* The lowest limit of a cgroup and all above it, up to what is mounted. In a container without a cgroup
 * name space the path is the host's and does not exist below the mount; the mount itself is our
 * cgroup then. */
static uint64_t read_lowest_limit(const char *root, const char *mount, char *cgroup, const char *file) {
        uint64_t lowest = UINT64_MAX;

        /* A cgroup outside of our name space is shown like this; it cannot be reached. */
        if (strstr(cgroup, "/.."))
                cgroup[0] = '\0';

        for (;;) {
                char path[PATH_MAX];
                uint64_t limit = 0;
                char *slash;
                int length;

                length = snprintf(path, sizeof path, "%s%s%s/%s", root, mount, cgroup, file);
                if (length > 0 && (size_t) length < sizeof path &&
                                read_number(AT_FDCWD, path, 10, &limit) >= 0 && limit > 0 && limit < lowest)
                        lowest = limit;

                slash = strrchr(cgroup, '/');
                if (!slash)
                        return lowest;
                *slash = '\0';
        }
}

static bool list_holds(char *list, const char *word) {
        for (char *item; (item = strsep(&list, ","));)
                if (streq(item, word))
                        return true;
        return false;
}

uint64_t host_info_memory_limit_at(const char *root) {
        _cleanup_free_ char *text = NULL;
        uint64_t lowest = UINT64_MAX;
        _cleanup_close_ int fd = -1;
        char path[PATH_MAX], *rest;
        size_t size;

        if (snprintf(path, sizeof path, "%s/proc/self/cgroup", root) >= (int) sizeof path)
                return UINT64_MAX;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fd_read_all(fd, CGROUP_SIZE_MAX, &text, &size) < 0)
                return UINT64_MAX;

        /* Lines of hierarchy:controllers:path. Version 2 has no controllers there. */
        rest = text;
        while (rest && *rest) {
                char *line = strsep(&rest, "\n");
                char *hierarchy = strsep(&line, ":"), *controllers = strsep(&line, ":");
                uint64_t limit = UINT64_MAX;

                if (!line || !controllers)
                        continue;

                if (streq(hierarchy, "0") && isempty(controllers))
                        limit = read_lowest_limit(root, "/sys/fs/cgroup", line, "memory.max");
                else if (list_holds(controllers, "memory"))
                        limit = read_lowest_limit(
                                        root, "/sys/fs/cgroup/memory", line, "memory.limit_in_bytes");

                lowest = limit < lowest ? limit : lowest;
        }

        return lowest;
}

uint64_t host_info_memory_in_bytes(void) {
        uint64_t limit = host_info_memory_limit_at(""), physical = 0;
        struct sysinfo info;

        if (sysinfo(&info) == 0)
                physical = (uint64_t) info.totalram * info.mem_unit;
        if (physical == 0)
                return limit < UINT64_MAX ? limit : 0;

        /* "No limit" is a very large number in version 1. */
        return limit < physical ? limit : physical;
}

static bool is_gpu(const char *path) {
        _cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        uint64_t class, vendor;

        if (read_number(fd, "class", 16, &class) < 0 || read_number(fd, "vendor", 16, &vendor) < 0)
                return false;
        if (class >> 16 != DISPLAY_CONTROLLER_CLASS || (vendor != VENDOR_NVIDIA && vendor != VENDOR_AMD))
                return false;

        /* With this it is a slice of another one, for virtual machines. */
        return faccessat(fd, "physfn", F_OK, 0) < 0;
}

uint64_t host_info_gpu_number_at(const char *root) {
        char pattern[PATH_MAX];
        uint64_t count = 0;
        glob_t found;

        if (snprintf(pattern, sizeof pattern, "%s/sys/bus/pci/devices/*", root) >= (int) sizeof pattern ||
                        glob(pattern, GLOB_NOSORT, NULL, &found) != 0) /* a machine without PCI */
                return 0;

        for (size_t i = 0; i < found.gl_pathc; i++)
                count += is_gpu(found.gl_pathv[i]);
        globfree(&found);
        return count;
}

uint64_t host_info_gpu_number(void) {
        return host_info_gpu_number_at("");
}

int host_info_machine_id(char ret[static HOST_MACHINE_ID_SIZE]) {
        _Static_assert((int) HOST_MACHINE_ID_SIZE == SD_ID128_STRING_MAX, "the size of an id as text");
        sd_id128_t id;
        int r;

        r = sd_id128_get_machine_app_specific(APPLICATION_ID, &id);
        if (r < 0)
                return r;

        (void) sd_id128_to_string(id, ret);
        return 0;
}

/* ---- addresses ---- */

/* Asks the routing table: to connect a UDP socket chooses the local address, and sends nothing. Returns 0;
 * -EINVAL if `destination` is no literal; or -ENETUNREACH. */
static int find_source(const char *destination, IpAddress *ret_peer, IpAddress *ret) {
        /* A number only, so that nothing is looked up; unlike inet_pton() it knows fe80::1%eth0. */
        const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                .ai_socktype = SOCK_DGRAM };
        _cleanup_close_ int fd = -1;
        struct sockaddr_storage local = {};
        socklen_t size = sizeof local;
        struct addrinfo *peer;
        bool is_connected;

        if (getaddrinfo(destination, DISCARD_PORT, &hints, &peer) != 0)
                return -EINVAL;
        *ret_peer = ip_address_of_socket(peer->ai_addr);

        fd = socket(peer->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        is_connected = fd >= 0 && connect(fd, peer->ai_addr, peer->ai_addrlen) == 0;
        freeaddrinfo(peer);
        if (!is_connected || getsockname(fd, (struct sockaddr *) &local, &size) < 0)
                return -ENETUNREACH;

        *ret = ip_address_of_socket((struct sockaddr *) &local);
        return 0;
}

/* The first global address, IPv4 before IPv6, of an interface that works: a bridge without a port in use
 * (docker0) does not. */
static int find_first_global(IpAddress *ret) {
        struct ifaddrs *list;
        int r = -ENETUNREACH;

        if (getifaddrs(&list) < 0)
                return -errno;

        for (const struct ifaddrs *p = list; p; p = p->ifa_next) {
                const unsigned mask = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
                sa_family_t family = p->ifa_addr ? p->ifa_addr->sa_family : AF_UNSPEC;
                IpAddress address;

                if ((family != AF_INET && family != AF_INET6) ||
                                (p->ifa_flags & mask) != (IFF_UP | IFF_RUNNING))
                        continue;
                address = ip_address_of_socket(p->ifa_addr);
                if (!ip_address_is_global(&address))
                        continue;
                if (r < 0 || (family == AF_INET && !IN6_IS_ADDR_V4MAPPED(ret)))
                        *ret = address;
                r = 0;
        }

        freeifaddrs(list);
        return r;
}

static int find_global(IpAddress *ret) {
        /* Documentation addresses (RFC 5737, RFC 3849): nobody has a route to them but the default one. */
        static const char *const elsewhere[] = { "192.0.2.1", "2001:db8::1" };
        IpAddress peer;

        for (size_t i = 0; i < ELEMENTSOF(elsewhere); i++)
                if (find_source(elsewhere[i], &peer, ret) >= 0 && ip_address_is_global(ret))
                        return 0;
        return find_first_global(ret);
}

int host_info_address(const char *destination, char ret[static HOST_ADDRESS_SIZE]) {
        IpAddress peer, address, global;
        bool is_usable = false;
        int r = -ENETUNREACH;

        if (destination) {
                r = find_source(destination, &peer, &address);
                if (r == -EINVAL)
                        return r;

                /* A link-local address is right on its link. Towards the world the kernel names one only
                 * while IPv6 still comes up. */
                is_usable = r >= 0 && !ip_address_is_loopback(&address) &&
                            (ip_address_is_global(&address) || !ip_address_is_global(&peer));
        }

        if (!is_usable && find_global(&global) >= 0) {
                address = global;
                r = 0;
        }
        if (r >= 0)
                ip_address_format(&address, ret);
        return r;
}

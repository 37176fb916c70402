/* What this machine is, asked of the kernel each time: nothing is remembered, as hot-plug, a changed cgroup
 * limit and a new address are all seen at the next registration. */
#include "sys/host-info.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <systemd/sd-id128.h>

#include "util/fd-util.h"
#include "util/ip-address.h"
#include "util/macro.h"
#include "util/text.h"

/* What the machine's own id is hashed with, so that it cannot be told from this one. Never change it: the
 * Master would take every machine for another. */
#define APPLICATION_ID SD_ID128_MAKE(76, c7, b5, 15, 7a, 07, 45, cb, 8a, 9a, 81, a1, 44, db, 96, c5)

#define DISPLAY_CONTROLLER_CLASS 0x03

enum {
        VENDOR_NVIDIA = 0x10de,
        VENDOR_AMD = 0x1002,
        CGROUP_SIZE_MAX = 64 * 1024,
        DISCARD_PORT = 9, /* a port other than 0 is all that connect() asks for */
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
        _cleanup_close_ int fd = -1;
        unsigned long long value;
        char text[64], *end;
        ssize_t size;

        fd = openat(directory_fd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;

        size = read(fd, text, sizeof text - 1);
        if (size < 0)
                return -errno;
        text[size] = '\0';
        if (text[0] < '0' || text[0] > '9') /* "max", or a sign, which strtoull() would take */
                return -EINVAL;

        errno = 0;
        value = strtoull(text, &end, base);
        if (errno > 0)
                return -errno;
        if (*end != '\n' && *end != '\0')
                return -EINVAL;

        *ret = value;
        return 0;
}

/* The lowest limit of a cgroup and all above it, up to what is mounted. In a container without a cgroup
 * name space the path is the host's and does not exist below the mount; the mount itself is the own
 * cgroup then. */
static uint64_t read_lowest_limit(const char *root, const char *mount, char *cgroup, const char *file) {
        uint64_t lowest = UINT64_MAX;

        /* A cgroup outside of the own name space is shown like this. There is no way to it. */
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

static bool list_holds(const char *list, const char *word) {
        size_t length = strlen(word);

        for (const char *p = list; p; p = strchr(p, ',')) {
                p += *p == ',';
                if (strncmp(p, word, length) == 0 && (p[length] == ',' || p[length] == '\0'))
                        return true;
        }

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

                if (limit < lowest)
                        lowest = limit;
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

static bool is_gpu(int devices_fd, const char *name) {
        _cleanup_close_ int fd = -1;
        uint64_t class = 0, vendor = 0;

        fd = openat(devices_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || read_number(fd, "class", 16, &class) < 0 || read_number(fd, "vendor", 16, &vendor) < 0)
                return false;

        if (class >> 16 != DISPLAY_CONTROLLER_CLASS || (vendor != VENDOR_NVIDIA && vendor != VENDOR_AMD))
                return false;

        /* With this it is a slice of another one, for virtual machines. */
        return faccessat(fd, "physfn", F_OK, 0) < 0;
}

uint64_t host_info_gpu_number_at(const char *root) {
        char path[PATH_MAX];
        uint64_t count = 0;
        DIR *directory;

        if (snprintf(path, sizeof path, "%s/sys/bus/pci/devices", root) >= (int) sizeof path)
                return 0;

        directory = opendir(path);
        if (!directory) /* a machine without PCI */
                return 0;

        for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
                if (entry->d_name[0] != '.' && is_gpu(dirfd(directory), entry->d_name))
                        count++;

        (void) closedir(directory);
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

typedef union SocketAddress {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
} SocketAddress;

/* Makes a.b.c.d of ::ffff:a.b.c.d, which is the same to the kernel. */
static void socket_address_unmap(SocketAddress *address) {
        SocketAddress plain = { .in = { .sin_family = AF_INET } };

        if (address->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr))
                return;

        memcpy(&plain.in.sin_addr, address->in6.sin6_addr.s6_addr + 12, sizeof plain.in.sin_addr);
        *address = plain;
}

static int socket_address_parse(const char *text, SocketAddress *ret) {
        /* A number only, so that nothing is looked up; unlike inet_pton() it knows fe80::1%eth0. */
        struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM }, *found;

        if (getaddrinfo(text, NULL, &hints, &found) != 0)
                return -EINVAL;

        memset(ret, 0, sizeof *ret);
        memcpy(ret, found->ai_addr, min_size(found->ai_addrlen, sizeof *ret));
        freeaddrinfo(found);

        socket_address_unmap(ret);
        if (ret->any.sa_family == AF_INET6)
                ret->in6.sin6_port = htons(DISCARD_PORT);
        else
                ret->in.sin_port = htons(DISCARD_PORT);
        return 0;
}

static bool is_loopback(const SocketAddress *address) {
        IpAddress ip = ip_address_of_socket(&address->any);

        return ip_address_is_loopback(&ip);
}

/* Of use beyond its own link. Private addresses are: nearly every machine has no other. */
static bool is_global(const SocketAddress *address) {
        if (is_loopback(address))
                return false;

        if (address->any.sa_family == AF_INET) {
                uint32_t number = ntohl(address->in.sin_addr.s_addr);

                return number >> 16 != (169 << 8 | 254) && number >> 24 != 0 && !IN_MULTICAST(number);
        }

        return !IN6_IS_ADDR_LINKLOCAL(&address->in6.sin6_addr) &&
               !IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr) &&
               !IN6_IS_ADDR_MULTICAST(&address->in6.sin6_addr);
}

/* Asks the routing table: to connect a UDP socket chooses the own address, and sends nothing. */
static int find_source(const SocketAddress *peer, SocketAddress *ret) {
        SocketAddress own = {};
        _cleanup_close_ int fd = -1;
        socklen_t size;

        fd = socket(peer->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;

        size = peer->any.sa_family == AF_INET6 ? sizeof peer->in6 : sizeof peer->in;
        if (connect(fd, &peer->any, size) < 0)
                return -errno;

        size = sizeof own;
        if (getsockname(fd, &own.any, &size) < 0)
                return -errno;

        *ret = own;
        return 0;
}

/* The first global address of an interface that works: a bridge without a port in use (docker0) does not. */
static int find_first_global(SocketAddress *ret) {
        static const sa_family_t families[] = { AF_INET, AF_INET6 };
        struct ifaddrs *list;
        int r = -ENETUNREACH;

        if (getifaddrs(&list) < 0)
                return -errno;

        for (size_t i = 0; i < ELEMENTSOF(families) && r < 0; i++)
                for (const struct ifaddrs *p = list; p; p = p->ifa_next) {
                        SocketAddress address = {};

                        if (!p->ifa_addr || p->ifa_addr->sa_family != families[i])
                                continue;
                        if (!(p->ifa_flags & IFF_UP) || !(p->ifa_flags & IFF_RUNNING) ||
                                        (p->ifa_flags & IFF_LOOPBACK))
                                continue;

                        memcpy(&address, p->ifa_addr,
                                        families[i] == AF_INET ? sizeof address.in : sizeof address.in6);
                        if (!is_global(&address))
                                continue;

                        *ret = address;
                        r = 0;
                        break;
                }

        freeifaddrs(list);
        return r;
}

static int find_global(SocketAddress *ret) {
        /* Documentation addresses (RFC 5737, RFC 3849): nobody has a route to them but the default one. */
        static const char *const elsewhere[] = { "192.0.2.1", "2001:db8::1" };
        SocketAddress peer, address = {};

        for (size_t i = 0; i < ELEMENTSOF(elsewhere); i++)
                if (socket_address_parse(elsewhere[i], &peer) >= 0 && find_source(&peer, &address) >= 0 &&
                                is_global(&address)) {
                        *ret = address;
                        return 0;
                }

        return find_first_global(ret);
}

int host_info_address(const char *destination, char ret[static HOST_ADDRESS_SIZE]) {
        SocketAddress peer, address = {}, global;
        bool is_of_use = false;
        int r = -ENETUNREACH;
        IpAddress ip;

        if (destination) {
                r = socket_address_parse(destination, &peer);
                if (r < 0)
                        return r;
                r = find_source(&peer, &address);

                /* A link-local address is right on its link. Towards the world the kernel names one only
                 * while IPv6 still comes up. */
                is_of_use = r >= 0 && !is_loopback(&address) && (is_global(&address) || !is_global(&peer));
        }

        if (!is_of_use && find_global(&global) >= 0) {
                address = global;
                r = 0;
        }
        if (r < 0)
                return r;

        ip = ip_address_of_socket(&address.any);
        ip_address_format(&ip, ret);
        return 0;
}

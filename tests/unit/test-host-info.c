/* SPDX-License-Identifier: MIT */
/* host-info: limits and GPUs of made-up machines, and addresses in network name spaces of our own. */
#include "sys/host-info.h"

#include <arpa/inet.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/sysinfo.h>

#include "util/text.h"

#include "test-files.h"
#include "test-network.h"

static void test_hostname(_unused_ void **state) {
        _cleanup_free_ char *name = NULL;
        char expected[256];

        assert_return_code(gethostname(expected, sizeof expected), errno);
        assert_int_equal(host_info_hostname(&name), 0);
        assert_string_equal(name, expected);
}

static int with_names(void) {
        char *name;

        if (unshare(CLONE_NEWUTS) < 0)
                return CHILD_SKIP;

        CHECK(sethostname("dev-alice-web01", strlen("dev-alice-web01")) == 0);
        CHECK(host_info_hostname(&name) == 0 && streq(name, "dev-alice-web01"));
        free(name);
        CHECK(sethostname("(none)", strlen("(none)")) == 0 && host_info_hostname(&name) == -ENODATA);
        CHECK(sethostname("", 0) == 0 && host_info_hostname(&name) == -ENODATA);
        return 0;
}

static void test_hostname_not_set(_unused_ void **state) {
        run_in_child(with_names);
}

static void test_this_machine(_unused_ void **state) {
        char id[HOST_MACHINE_ID_SIZE], again[HOST_MACHINE_ID_SIZE];
        struct sysinfo info;

        assert_return_code(sysinfo(&info), errno);
        assert_true(host_info_cpu_number() >= 1);
        assert_true(host_info_memory_in_bytes() > 0);
        assert_true(host_info_memory_in_bytes() <= (uint64_t) info.totalram * info.mem_unit);
        (void) host_info_gpu_number();

        if (host_info_machine_id(id) < 0)
                return; /* a container often has none */
        assert_int_equal(strlen(id), 32);
        assert_int_equal(strspn(id, "0123456789abcdef"), 32);
        assert_int_equal(host_info_machine_id(again), 0);
        assert_string_equal(id, again);
}

typedef struct File {
        const char *path, *text;
} File;

static void make_files(const char *root, const File *files, size_t count) {
        for (size_t i = 0; i < count && files[i].path; i++) {
                char directory[512];

                (void) snprintf(directory, sizeof directory, "%s/%s", root, files[i].path);
                *strrchr(directory, '/') = '\0';
                make_directories(directory);
                (void) snprintf(directory, sizeof directory, "%s/%s", root, files[i].path);
                write_text(directory, files[i].text);
        }
}

static void test_memory_limit(_unused_ void **state) {
#define CGROUP "proc/self/cgroup"
#define V2 "sys/fs/cgroup"
#define V1 "sys/fs/cgroup/memory"
        static const struct {
                const char *name;
                File files[6];
                uint64_t limit;
        } cases[] = {
                { "no /proc", {}, UINT64_MAX },
                { "v2, own limit",
                                { { CGROUP, "0::/system.slice/argus-agent.service\n" },
                                                { V2 "/system.slice/argus-agent.service/memory.max",
                                                                "536870912\n" },
                                                { V2 "/system.slice/memory.max", "max\n" } },
                                536870912 },
                { "v2, a lower one above",
                                { { CGROUP, "0::/a/b/c\n" }, { V2 "/a/b/c/memory.max", "4000\n" },
                                                { V2 "/a/b/memory.max", "max\n" },
                                                { V2 "/a/memory.max", "3000\n" } },
                                3000 },
                { "v2, none", { { CGROUP, "0::/a\n" }, { V2 "/a/memory.max", "max\n" } }, UINT64_MAX },
                { "v2, container with its own name space",
                                { { CGROUP, "0::/\n" }, { V2 "/memory.max", "1000000\n" } }, 1000000 },
                { "v2, outside of the name space",
                                { { CGROUP, "0::/../other\n" }, { V2 "/memory.max", "5000\n" },
                                                { "sys/fs/other/memory.max", "1\n" } },
                                5000 },
                { "v1",
                                { { CGROUP, "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/docker/abc\n" },
                                                { V1 "/docker/abc/memory.limit_in_bytes", "2097152\n" },
                                                { V1 "/memory.limit_in_bytes", "9223372036854771712\n" } },
                                2097152 },
                { "v1, the host's path in a container",
                                { { CGROUP, "4:hugetlb,memory:/docker/abc\n" },
                                                { V1 "/memory.limit_in_bytes", "1048576\n" } },
                                1048576 },
                { "not the memory controller",
                                { { CGROUP, "4:memoryx,xmemory,name=memory:/\n" },
                                                { V1 "/memory.limit_in_bytes", "1\n" } },
                                UINT64_MAX },
                { "nonsense",
                                { { CGROUP, "\n::\n0:\nmemory\n4:memory:/a\n0::/a" },
                                                { V1 "/a/memory.limit_in_bytes", "-5\n" },
                                                { V1 "/memory.limit_in_bytes", "12 34\n" },
                                                { V2 "/a/memory.max", "99999999999999999999999\n" },
                                                { V2 "/memory.max", "" } },
                                UINT64_MAX },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *root = in("%zu", i);
                uint64_t limit;

                make_directories(root);
                make_files(root, cases[i].files, ELEMENTSOF(cases[i].files));
                limit = host_info_memory_limit_at(root);
                if (limit != cases[i].limit)
                        print_error("%s\n", cases[i].name);
                assert_int_equal(limit, cases[i].limit);
        }
}

static void test_gpus(_unused_ void **state) {
#define PCI "sys/bus/pci/devices/"
        static const File files[] = {
                { PCI "0000:00:00.0/class", "0x060000\n" }, /* a bridge */
                { PCI "0000:00:00.0/vendor", "0x10de\n" },
                { PCI "0000:01:00.0/class", "0x030000\n" }, /* NVIDIA, VGA */
                { PCI "0000:01:00.0/vendor", "0x10de\n" },
                { PCI "0000:01:00.1/class", "0x040300\n" }, /* its audio */
                { PCI "0000:01:00.1/vendor", "0x10de\n" },
                { PCI "0000:02:00.0/class", "0x030200\n" }, /* NVIDIA, 3D */
                { PCI "0000:02:00.0/vendor", "0x10de\n" },
                { PCI "0000:02:00.4/class", "0x030200\n" }, /* its virtual function */
                { PCI "0000:02:00.4/vendor", "0x10de\n" },
                { PCI "0000:02:00.4/physfn/vendor", "0x10de\n" },
                { PCI "0000:03:00.0/class", "0x038000\n" }, /* AMD, other display controller */
                { PCI "0000:03:00.0/vendor", "0x1002\n" },
                { PCI "0000:04:00.0/class", "0x030000\n" }, /* ASPEED, of a server's BMC */
                { PCI "0000:04:00.0/vendor", "0x1a03\n" },
                { PCI "0000:05:00.0/class", "0x030000\n" }, /* Matrox */
                { PCI "0000:05:00.0/vendor", "0x102b\n" },
                { PCI "0000:06:00.0/class", "VGA\n" },
                { PCI "0000:06:00.0/vendor", "0x10de\n" },
                { PCI "0000:07:00.0/vendor", "0x10de\n" },
        };

        assert_int_equal(host_info_gpu_number_at(in("nothing")), 0);
        make_files(in("machine"), files, ELEMENTSOF(files));
        assert_int_equal(host_info_gpu_number_at(in("machine")), 3);
}

/* ---- addresses ---- */

static bool flags_set(const char *name, short flags) {
        _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq request = {};

        (void) snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
        if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
                return false;
        request.ifr_flags = (short) (request.ifr_flags | flags);
        return ioctl(fd, SIOCSIFFLAGS, &request) == 0;
}

/* A network interface that leads to nobody; it is gone when the descriptor is closed. */
static int tunnel_new(const char *name) {
        int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
        struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };

        (void) snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
        return fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0 && flags_set(name, IFF_UP) ? fd : -1;
}

static bool address_add(const char *name, const char *text) {
        _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq request = {};
        struct sockaddr_in address = { .sin_family = AF_INET }, mask = { .sin_family = AF_INET };

        (void) snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
        (void) inet_pton(AF_INET, text, &address.sin_addr);
        memcpy(&request.ifr_addr, &address, sizeof address);
        if (ioctl(fd, SIOCSIFADDR, &request) < 0)
                return false;
        (void) inet_pton(AF_INET, "255.255.255.0", &mask.sin_addr);
        memcpy(&request.ifr_netmask, &mask, sizeof mask);
        return ioctl(fd, SIOCSIFNETMASK, &request) == 0;
}

/* Valgrind takes these two for their IPv4 forms, which are longer. */
enum { ROOM = 256 };

static bool address6_add(const char *name, const char *text) {
        _cleanup_close_ int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in6 address = { .sin6_family = AF_INET6 };
        union {
                struct in6_ifreq in6;
                char all[ROOM];
        } request = { .all = {} };

        (void) inet_pton(AF_INET6, text, &address.sin6_addr);
        request.in6.ifr6_addr = address.sin6_addr;
        request.in6.ifr6_prefixlen = 64;
        request.in6.ifr6_ifindex = (int) if_nametoindex(name);
        if (ioctl(fd, SIOCSIFADDR, &request) < 0)
                return false;

        /* The kernel looks for duplicates first; until then nobody can use it. */
        for (unsigned i = 0; i < 500; i++) {
                if (bind(fd, (struct sockaddr *) &address, sizeof address) == 0)
                        return true;
                (void) usleep(10000);
        }
        return false;
}

static bool default_route_add(const char *name) {
        _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in any = { .sin_family = AF_INET };
        char device[IFNAMSIZ];
        struct rtentry route = { .rt_flags = RTF_UP, .rt_dev = device };

        (void) snprintf(device, sizeof device, "%s", name);
        memcpy(&route.rt_dst, &any, sizeof any);
        memcpy(&route.rt_genmask, &any, sizeof any);
        return ioctl(fd, SIOCADDRT, &route) == 0;
}

static bool default_route6_add(const char *name) {
        _cleanup_close_ int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        union {
                struct in6_rtmsg in6;
                char all[ROOM];
        } route = { .all = {} };

        route.in6.rtmsg_flags = RTF_UP;
        route.in6.rtmsg_metric = 1;
        route.in6.rtmsg_ifindex = (int) if_nametoindex(name);
        return ioctl(fd, SIOCADDRT, &route) == 0;
}

static bool address_is(const char *destination, const char *expected) {
        char address[HOST_ADDRESS_SIZE] = "";
        int r = host_info_address(destination, address);

        if (r < 0 || !streq(address, expected)) {
                print_error("towards %s: %d, %s instead of %s\n", destination ? destination : "all", r,
                                address, expected);
                return false;
        }
        return true;
}

static int without_network(void) {
        char address[HOST_ADDRESS_SIZE] = "unchanged";

        if (!network_enter())
                return CHILD_SKIP;

        CHECK(host_info_address(NULL, address) == -ENETUNREACH);
        CHECK(host_info_address("10.1.2.3", address) == -ENETUNREACH);
        CHECK(host_info_address("127.0.0.1", address) < 0);
        CHECK(streq(address, "unchanged"));

        /* Nothing but loopback: good for a Master on this machine only. */
        CHECK(flags_set("lo", IFF_UP));
        CHECK(address_is("127.0.0.1", "127.0.0.1"));
        CHECK(address_is("::1", "::1"));
        CHECK(address_is("::ffff:127.0.0.1", "127.0.0.1"));
        CHECK(host_info_address("10.1.2.3", address) == -ENETUNREACH);
        CHECK(host_info_address(NULL, address) == -ENETUNREACH);
        return 0;
}

static void test_without_network(_unused_ void **state) {
        run_in_child(without_network);
}

static int with_interfaces(void) {
        char address[HOST_ADDRESS_SIZE];
        int bridge, near, far, six;

        if (!network_enter() || !flags_set("lo", IFF_UP))
                return CHILD_SKIP;
        bridge = tunnel_new("bridge0");
        if (bridge < 0)
                return CHILD_SKIP;

        /* Only a link-local one: the kernel uses it on its link, but it is no address for the world. */
        CHECK(address_add("bridge0", "169.254.7.7"));
        CHECK(address_is("169.254.7.8", "169.254.7.7"));
        CHECK(address_is("127.0.0.1", "127.0.0.1"));
        CHECK(host_info_address(NULL, address) < 0);

        /* IPv6 alone. */
        six = tunnel_new("six0");
        CHECK(six >= 0 && address6_add("six0", "2001:db8:5::6"));
        CHECK(address_is("2001:db8:5::99", "2001:db8:5::6"));
        CHECK(address_is("127.0.0.1", "2001:db8:5::6"));
        CHECK(address_is(NULL, "2001:db8:5::6"));

        /* The first global one, IPv4 before IPv6, also where there is no route to the Master (yet). */
        CHECK(address_add("bridge0", "172.17.0.1"));
        CHECK(address_is("127.0.0.1", "172.17.0.1"));
        CHECK(address_is("10.9.9.9", "172.17.0.1"));

        /* Two networks: each Master sees the address of its own. */
        near = tunnel_new("near0");
        far = tunnel_new("far0");
        CHECK(near >= 0 && far >= 0 && address_add("near0", "10.0.0.5") &&
                        address_add("far0", "192.168.3.4"));
        CHECK(address_is("10.0.0.99", "10.0.0.5"));
        CHECK(address_is("192.168.3.99", "192.168.3.4"));
        CHECK(address_is("::ffff:192.168.3.99", "192.168.3.4"));

        /* On a link without a global address, the kernel would send from the link-local one. */
        CHECK(default_route6_add("bridge0"));
        CHECK(address_is("2001:4860::8888", "2001:db8:5::6"));

        /* With a default route its address is the machine's, not that of a bridge which happens to
         * be first. */
        CHECK(default_route_add("far0"));
        CHECK(address_is(NULL, "192.168.3.4"));
        CHECK(address_is("127.0.0.1", "192.168.3.4"));
        CHECK(address_is("::1", "192.168.3.4"));
        CHECK(address_is("8.8.8.8", "192.168.3.4"));

        /* An interface that lost its other end is of no use: without it, and its route, the next one. */
        (void) close(far);
        CHECK(address_is("127.0.0.1", "2001:db8:5::6"));
        (void) close(six);
        CHECK(address_is("127.0.0.1", "172.17.0.1"));
        (void) close(bridge);
        CHECK(address_is("127.0.0.1", "10.0.0.5"));
        (void) close(near);
        CHECK(address_is("127.0.0.1", "127.0.0.1"));
        return 0;
}

static void test_interfaces(_unused_ void **state) {
        run_in_child(with_interfaces);
}

static void test_literals(_unused_ void **state) {
        static const char *const wrong[] = { "", "localhost", "argus.example.org", "[::1]", "::1%",
                "10.0.0.1:3000", "fe80::1%no-such-interface" };
        char address[HOST_ADDRESS_SIZE] = "unchanged";

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                if (host_info_address(wrong[i], address) != -EINVAL)
                        fail_msg("%s is taken for a literal", wrong[i]);
        (void) host_info_address("fe80::1", address);   /* without the link's name: whatever, but no crash */
        (void) host_info_address("224.0.0.1", address); /* a multicast group */
        (void) host_info_address("0.0.0.0", address);
        (void) host_info_address("::", address);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, test_directory_make, test_directory_remove)
        const struct CMUnitTest tests[] = {
                TEST(test_hostname),
                TEST(test_hostname_not_set),
                TEST(test_this_machine),
                TEST(test_memory_limit),
                TEST(test_gpus),
                TEST(test_without_network),
                TEST(test_interfaces),
                TEST(test_literals),
        };

        return cmocka_run_group_tests_name("host-info", tests, NULL, NULL);
}

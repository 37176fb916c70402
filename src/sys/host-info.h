/* SPDX-License-Identifier: MIT */
/* What this machine is: names, processors, memory, GPUs, addresses. What the Master gets of it, and when, is
 * not known here. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum { HOST_ADDRESS_SIZE = INET6_ADDRSTRLEN, HOST_MACHINE_ID_SIZE = 33 };

/* The kernel's host name. Returns 0 and memory that the caller frees, -ENODATA if it was never set, or
 * another negative errno. */
int host_info_hostname(char **ret);

/* Processors that are online; at least 1. */
uint64_t host_info_cpu_number(void);

/* Physical memory, or the cgroup's limit where that is lower (cgroup v2 memory.max, v1
 * memory.limit_in_bytes, of our cgroup and all above it). 0 if unknown. */
uint64_t host_info_memory_in_bytes(void);

/* That limit alone, as /proc and /sys below `root` say it ("": the real ones). UINT64_MAX if there
 * is none. */
uint64_t host_info_memory_limit_at(const char *root);

/* PCI display controllers (class 0x03xx) of NVIDIA and AMD; a server's BMC graphics is none, and the virtual
 * functions of a GPU are not counted beside it. */
uint64_t host_info_gpu_number(void);
uint64_t host_info_gpu_number_at(const char *root); /* as /sys below `root` says it */

/* An id of this machine for this application only (sd_id128_get_machine_app_specific(3)): 32 hexadecimal
 * digits. -ENOENT and others where there is none. */
int host_info_machine_id(char ret[static HOST_MACHINE_ID_SIZE]);

/* The address that the kernel uses towards `destination` (an IP literal; NULL: towards the Internet at
 * large, which is the default route's), found with a connected UDP socket, without a packet. If that is
 * loopback or there is no route, a global address if there is one: the default route's, else the first of
 * an interface that is up (IPv4 before IPv6); else the loopback address. Never resolves names, never
 * blocks. Returns 0; -EINVAL if `destination` is no literal; or another negative errno if there is no
 * such address. */
int host_info_address(const char *destination, char ret[static HOST_ADDRESS_SIZE]);

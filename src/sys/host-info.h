/* What this machine is: names, processors, memory, GPUs, addresses. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum { HOST_ADDRESS_SIZE = INET6_ADDRSTRLEN, HOST_MACHINE_ID_SIZE = 33 };

/* The kernel's host name. Returns 0 and memory that the caller frees, or a negative errno. */
int host_info_hostname(char **ret);

/* Processors that are online; at least 1. */
uint64_t host_info_cpu_number(void);

/* Physical memory, or the cgroup's limit where that is lower (cgroup v2 memory.max, v1
 * memory.limit_in_bytes, of the own cgroup and all above it). 0 if unknown. */
uint64_t host_info_memory_in_bytes(void);

/* PCI display controllers (class 0x03xx) of NVIDIA and AMD; a server's BMC graphics is none. */
uint64_t host_info_gpu_number(void);

/* An id of this machine for this application only (sd_id128_get_machine_app_specific(3)): 32 hexadecimal
 * digits. -ENOENT and others where there is none. */
int host_info_machine_id(char ret[static HOST_MACHINE_ID_SIZE]);

/* The address that the kernel uses towards `destination` (an IP literal; NULL: towards the Internet at
 * large, which is the default route's), found with a connected UDP socket, without a packet. If that is
 * loopback, the first global address of an interface that is up, if there is one, else the loopback address.
 * Never resolves names, never blocks. Returns 0, or a negative errno if there is no address at all. */
int host_info_address(const char *destination, char ret[static HOST_ADDRESS_SIZE]);

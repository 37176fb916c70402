/* SPDX-License-Identifier: MIT */
/* An IP address, whatever it comes from. There is one form for both families: an IPv4 address is kept as the
 * IPv4-mapped IPv6 one (::ffff:a.b.c.d), which is the same to the kernel. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

typedef struct in6_addr IpAddress;

enum { IP_ADDRESS_SIZE = INET6_ADDRSTRLEN };

/* Returns 0, or -EINVAL: it is no address. */
int ip_address_parse(const char *text, IpAddress *ret);

/* Of an IPv4 or IPv6 socket. */
IpAddress ip_address_of_socket(const struct sockaddr *address);

/* 127.0.0.0/8, ::1: of this machine only. */
bool ip_address_is_loopback(const IpAddress *address);

/* Usable beyond its own link. Private addresses are: nearly every machine has no other. */
bool ip_address_is_global(const IpAddress *address);

/* As a.b.c.d if it is IPv4. */
void ip_address_format(const IpAddress *address, char ret[static IP_ADDRESS_SIZE]);

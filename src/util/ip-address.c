/* SPDX-License-Identifier: MIT */
#include "util/ip-address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>

enum { V4_OFFSET = sizeof(struct in6_addr) - sizeof(struct in_addr) };

static IpAddress map(struct in_addr v4) {
        IpAddress address = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

        memcpy(address.s6_addr + V4_OFFSET, &v4, sizeof v4);
        return address;
}

int ip_address_parse(const char *text, IpAddress *ret) {
        struct in_addr v4;

        if (inet_pton(AF_INET, text, &v4) == 1)
                *ret = map(v4);
        else if (inet_pton(AF_INET6, text, ret) != 1)
                return -EINVAL;
        return 0;
}

IpAddress ip_address_of_socket(const struct sockaddr *address) {
        assert(address->sa_family == AF_INET || address->sa_family == AF_INET6);

        if (address->sa_family == AF_INET)
                return map(((const struct sockaddr_in *) address)->sin_addr);
        return ((const struct sockaddr_in6 *) address)->sin6_addr;
}

bool ip_address_is_loopback(const IpAddress *address) {
        if (IN6_IS_ADDR_V4MAPPED(address))
                return address->s6_addr[V4_OFFSET] == IN_LOOPBACKNET;
        return IN6_IS_ADDR_LOOPBACK(address);
}

bool ip_address_is_global(const IpAddress *address) {
        if (ip_address_is_loopback(address))
                return false;

        if (IN6_IS_ADDR_V4MAPPED(address)) {
                const uint8_t *v4 = address->s6_addr + V4_OFFSET;

                return v4[0] != 0 && !(v4[0] == 169 && v4[1] == 254) && (v4[0] & 0xF0) != 0xE0;
        }
        return !IN6_IS_ADDR_LINKLOCAL(address) && !IN6_IS_ADDR_UNSPECIFIED(address) &&
               !IN6_IS_ADDR_MULTICAST(address);
}

void ip_address_format(const IpAddress *address, char ret[static IP_ADDRESS_SIZE]) {
        bool is_v4 = IN6_IS_ADDR_V4MAPPED(address);

        (void) inet_ntop(is_v4 ? AF_INET : AF_INET6, address->s6_addr + (is_v4 ? V4_OFFSET : 0), ret,
                        IP_ADDRESS_SIZE);
}

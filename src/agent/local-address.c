/* SPDX-License-Identifier: MIT */
#include "agent/local-address.h"

#include <string.h>

#include "util/ip-address.h"
#include "util/macro.h"
#include "util/text.h"

#define FOLLOW_INTERVAL_USEC (10 * USEC_PER_MINUTE)

static void set_address(char array[static HOST_ADDRESS_SIZE], const char *address) {
        text_sanitize_into(array, HOST_ADDRESS_SIZE, address, strlen(address));
}

void local_address_find(const LocalAddress *local, const Config *config, const Endpoint *endpoint,
                char ret[static HOST_ADDRESS_SIZE]) {
        const char *destination = endpoint->is_literal ? endpoint->host : NULL;

        if (config->address) {
                set_address(ret, config->address);
                return;
        }
        if (local->connection[0]) {
                set_address(ret, local->connection);
                return;
        }

        /* Before the first connection a name's address is not known, and finding it out would block: the
         * default route's address is the best guess then, and the connection corrects it. */
        if (local->master[0])
                destination = local->master;
        if (host_info_address(destination, ret) < 0 && host_info_address(NULL, ret) < 0)
                ret[0] = '\0';
}

/* While IPv6 comes up the kernel has nothing but a link-local one to connect with. */
static bool is_routable(const IpAddress *address) {
        return !ip_address_is_loopback(address) && !IN6_IS_ADDR_LINKLOCAL(address);
}

bool local_address_learn(LocalAddress *local, const Config *config, const char *local_address,
                const char *remote_address, usec_t now) {
        char text[IP_ADDRESS_SIZE];
        IpAddress connection;

        if (remote_address)
                set_address(local->master, remote_address);

        if (config->address || !local_address || ip_address_parse(local_address, &connection) < 0 ||
                        !is_routable(&connection))
                return false;
        ip_address_format(&connection, text);
        if (streq(text, local->registered))
                return false;
        if (local->followed_usec > 0 && now < usec_add(local->followed_usec, FOLLOW_INTERVAL_USEC))
                return false;

        local->followed_usec = now;
        set_address(local->connection, text);
        return true;
}

bool local_address_changed(LocalAddress *local, const Config *config, const Endpoint *endpoint) {
        char address[HOST_ADDRESS_SIZE];

        local->connection[0] = '\0';
        local_address_find(local, config, endpoint, address);

        /* Without any address no request arrives; the one that comes back may well be the same. */
        return address[0] && !streq(address, local->registered);
}

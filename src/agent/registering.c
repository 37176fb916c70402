/* SPDX-License-Identifier: MIT */
/* The registration and the disk: which id is sent, and where the node object goes. */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "agent/manager-private.h"
#include "core/payload.h"
#include "sys/log.h"
#include "util/text.h"

void manager_persist(Manager *manager) {
        bool is_accepted = manager->reply->outcome->class == OUTCOME_OK;
        Node *node = TAKE_PTR(manager->reply->outcome->node);

        if (node_keeper_take(&manager->keeper, node, is_accepted && manager->reply->kind == REQUEST_REGISTER,
                            now_usec(CLOCK_BOOTTIME)))
                announcer_saved(manager->announcer, manager_facts(manager));
}

/* A node object that is read late counts for the identity like one that was there at the start. */
static void choose_identity_again(Manager *manager) {
        _cleanup_free_ char *warning = NULL; /* it was logged at the start */
        Identity identity = {};

        if (identity_choose(manager->config, manager->keeper.node, &identity, &warning) < 0)
                return;

        identity_done(&manager->identity);
        manager->identity = identity;
}

/* Logs only what the Master is told: a link that flaps may have had ten addresses in between. */
static void choose_address(Manager *manager) {
        LocalAddress *own = &manager->address;
        char before[HOST_ADDRESS_SIZE];

        memcpy(before, own->registered, sizeof before);
        local_address_find(own, manager->config, master_client_endpoint(manager->master), own->registered);
        if (manager->has_chosen_address && !streq(before, own->registered))
                log_event(LOG_NOTICE, LOG_EVENT_ADDRESS_CHANGED,
                                &(LogFields){ .node_id = manager_node_id(manager) },
                                "Local address changed from %s to %s.", before[0] ? before : "none",
                                own->registered[0] ? own->registered : "none");
        manager->has_chosen_address = true;
}

static void register_as(Manager *manager, const Node *node) {
        HostFacts facts = {
                .hostname = manager->config->hostname,
                .machine_id = manager->machine_id[0] ? manager->machine_id : NULL,
                .cpu_number = host_info_cpu_number(),
                .memory_in_bytes = host_info_memory_in_bytes(),
                .gpu_number = host_info_gpu_number(),
        };
        int r;

        choose_address(manager);
        facts.address = manager->address.registered[0] ? manager->address.registered : NULL;

        buffer_clear(&manager->body);
        r = payload_build_register(node ? node->id_json : NULL, &manager->identity, &facts,
                        ARGUS_AGENT_VERSION, &manager->body);
        master_client_register(manager->master, node, r < 0 ? NULL : manager->body.data, manager->body.size);

        /* HealthFiles is true before the first report, and while there is none. */
        health_collect(manager->health, HEALTH_FOR_LISTING);
}

void manager_register(Manager *manager) {
        if (node_keeper_prepare(&manager->keeper, now_usec(CLOCK_BOOTTIME)))
                choose_identity_again(manager);

        manager->is_found_asked = manager->keeper.found;
        register_as(manager, node_keeper_candidate(&manager->keeper));
}

void manager_give_up_id(Manager *manager) {
        if (node_keeper_reject_found(&manager->keeper, now_usec(CLOCK_BOOTTIME))) {
                announcer_saved(manager->announcer, manager_facts(manager));
                manager_register(manager);
                return;
        }

        register_as(manager, NULL);
}

bool manager_has_other_id(const Manager *manager) {
        return manager->keeper.found && !manager->is_found_asked;
}

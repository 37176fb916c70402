/* SPDX-License-Identifier: MIT */
/* Node objects, as the Master sends them and as they lie on the disk: what is read out of one holds what
 * node.h promises, and a registration that is built from it is about the same node. */
#include "fuzz.h"

#include <errno.h>

#include "core/identity.h"
#include "core/payload.h"
#include "util/buffer.h"

DEFINE_CLEANUP(Node *, node_free)

static bool is_plain(const char *text, size_t max) {
        return strlen(text) > 0 && strlen(text) <= max && text_is_utf8(text, strlen(text));
}

static void check_id(const Node *node) {
        _cleanup_free_ char *decoded = NULL;
        JsonSlice id;

        assert(is_plain(node->id, NODE_ID_MAX));
        for (const char *p = node->id; *p; p++)
                assert((unsigned char) *p >= 0x20 && *p != 0x7F);

        assert(json_scan(node->id_json, strlen(node->id_json), &id, NULL) == 0);
        assert(id.size == strlen(node->id_json));
        if (node->id_is_integer) {
                assert(json_type(id) == JSON_NUMBER && strspn(node->id, "-0123456789") == strlen(node->id));
                assert(streq(node->id, node->id_json));
        } else {
                assert(json_string_decode(id, &decoded) == 0);
                assert(streq(node->id, decoded));
        }
}

static void check_registration(const Node *node) {
        static const HostFacts facts = { .hostname = "dev-alice-web01", .cpu_number = 1 };
        const Config config = { .hostname = (char *) "dev-alice-web01" };
        _cleanup_(node_free_pointer) Node *registered = NULL;
        _cleanup_(identity_done) Identity identity = {};
        _cleanup_(buffer_done) Buffer body = {};
        _cleanup_free_ char *warning = NULL;
        JsonSlice object, id;

        assert(identity_choose(&config, node, &identity, &warning) == 0);
        assert(!warning);
        assert(identity.source == (node->env ? IDENTITY_FROM_NODE_FILE : IDENTITY_FROM_HOSTNAME));

        assert(payload_build_register(node->id_json, &identity, &facts, "1.0.0", &body) == 0);
        assert(json_scan(body.data, body.size, &object, NULL) == 0);
        assert(json_object_find(object, "id", &id));
        assert(fuzz_slice_equals(id, node->id_json, strlen(node->id_json)));

        assert(node_parse(body.data, body.size, &registered, NULL) == 0);
        assert(node_same_id(node, registered));
        assert(streq(registered->name, facts.hostname));
        assert(streq(registered->env, identity.env) && streq(registered->user, identity.user) &&
                        streq(registered->instance, identity.instance));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(node_free_pointer) Node *node = NULL;
        _cleanup_free_ char *reason = NULL;

        if (node_parse((const char *) data, size, &node, &reason) < 0) {
                assert(!node);
                assert(reason && *reason && fuzz_is_safe(reason));
                return 0;
        }

        assert(!reason);
        assert(node->size == size && memcmp(node->text, data, size) == 0);
        check_id(node);
        assert(!node->name || is_plain(node->name, NODE_NAME_MAX));
        assert(!node->env == !node->user && !node->env == !node->instance);
        if (node->env) {
                assert(is_plain(node->env, IDENTITY_PART_MAX) && is_plain(node->user, IDENTITY_PART_MAX));
                assert(is_plain(node->instance, IDENTITY_PART_MAX));
        }
        assert(node_same_id(node, node) && node_same_identity(node, node));
        check_registration(node);
        return 0;
}

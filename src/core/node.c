/* SPDX-License-Identifier: MIT */
/* Reads the few members of a node object that the agent needs; all else of it is only carried along. */
#include "core/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/json-scan.h"
#include "util/macro.h"
#include "util/text.h"

DEFINE_CLEANUP(Node *, node_free)

typedef enum Member {
        MEMBER_ID,
        MEMBER_NAME,
        MEMBER_META_DATA,
        MEMBER_ENV, /* the identity, in the order of node_read_identity() */
        MEMBER_USER,
        MEMBER_INSTANCE,
        _MEMBER_MAX,
} Member;

static const char *const member_names[_MEMBER_MAX] = {
        [MEMBER_ID] = "id",
        [MEMBER_NAME] = "name",
        [MEMBER_META_DATA] = "meta_data",
        [MEMBER_ENV] = "env",
        [MEMBER_USER] = "user",
        [MEMBER_INSTANCE] = "instance",
};

/* Fills in the members that are there, in one walk: the object may be large. What is no object has none. */
static void members_read(JsonSlice object, JsonSlice members[static _MEMBER_MAX]) {
        JsonSlice name, value;
        size_t position = 0;

        while (json_object_next(object, &position, &name, &value) > 0)
                for (size_t i = 0; i < _MEMBER_MAX; i++)
                        if (json_string_equals(name, member_names[i]))
                                members[i] = value;
}

/* `text` is UTF-8. */
static bool has_any(const char *text, bool (*is_it)(uint32_t)) {
        size_t size = strlen(text);
        uint32_t code_point = 0;

        while (size > 0) {
                size_t length = text_decode_utf8(text, size, &code_point);

                if (is_it(code_point))
                        return true;
                text += length;
                size -= length;
        }
        return false;
}

/* A string of 1 to `max` bytes without control characters. Returns 1 and a copy; 0 if the member is not
 * there or is anything else; or -ENOMEM. */
static int member_read_text(JsonSlice member, size_t max, char **ret) {
        _cleanup_free_ char *text = NULL;
        int r;

        if (!member.text)
                return 0;

        r = json_string_decode(member, &text);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || isempty(text) || strlen(text) > max || has_any(text, text_is_control))
                return 0;

        *ret = TAKE_PTR(text);
        return 1;
}

/* All three or none. Returns 1, 0 or -ENOMEM. */
static int node_read_identity(Node *node, const JsonSlice members[static _MEMBER_MAX]) {
        char **const fields[] = { &node->env, &node->user, &node->instance };
        int r = 1;

        for (size_t i = 0; r > 0 && i < ELEMENTSOF(fields); i++)
                r = member_read_text(members[MEMBER_ENV + i], IDENTITY_PART_MAX, fields[i]);
        for (size_t i = 0; r <= 0 && i < ELEMENTSOF(fields); i++) {
                free(*fields[i]);
                *fields[i] = NULL;
        }
        return r;
}

static int node_read_fields(Node *node, const JsonSlice members[static _MEMBER_MAX]) {
        JsonSlice meta_data = members[MEMBER_META_DATA], inner[_MEMBER_MAX] = {};
        int r;

        r = member_read_text(members[MEMBER_NAME], NODE_NAME_MAX, &node->name);
        if (r < 0)
                return r;

        if (meta_data.text)
                members_read(meta_data, inner);
        r = node_read_identity(node, inner);
        if (r == 0)
                r = node_read_identity(node, members);
        return r < 0 ? r : 0;
}

/* As JSON writes integers; a fraction or an exponent makes a number one that need not be an integer. */
static bool is_integer(JsonSlice number) {
        for (size_t i = 0; i < number.size; i++)
                if (number.text[i] != '-' && (number.text[i] < '0' || number.text[i] > '9'))
                        return false;
        return true;
}

/* Returns NULL if the id can be used, or words why not. */
static const char *id_check(const char *id) {
        if (isempty(id))
                return "the id is empty";
        if (strlen(id) > NODE_ID_MAX)
                return "the id is longer than 255 bytes";
        if (has_any(id, text_is_control))
                return "the id contains a control character";
        /* Two ids must not look the same, and D-Bus carries no noncharacters. */
        if (has_any(id, text_is_hidden) || has_any(id, text_is_noncharacter))
                return "the id contains an invisible character or a noncharacter";
        return NULL;
}

/* Returns 0; -EBADMSG with *ret_reason set to static words; or -ENOMEM. */
static int node_read_id(Node *node, JsonSlice id, const char **ret_reason) {
        int r = -EBADMSG;

        if (!id.text) {
                *ret_reason = "no id";
                return r;
        }

        node->id_is_integer = json_type(id) == JSON_NUMBER && is_integer(id);
        node->id_json = strndup(id.text, id.size);
        if (!node->id_json)
                return -ENOMEM;
        r = node->id_is_integer ? text_duplicate(node->id_json, &node->id)
                                : json_string_decode(id, &node->id);
        if (r == -ENOMEM)
                return r;

        *ret_reason = r == -EINVAL   ? "the id is neither a string nor an integer"
                      : r == -EILSEQ ? "the id holds U+0000 or half a surrogate pair"
                                     : id_check(node->id);
        return *ret_reason ? -EBADMSG : 0;
}

/* Returns -EBADMSG, or -ENOMEM if there is not even memory to say why. */
static int node_refuse(char **ret_reason, const char *reason) {
        return ret_reason && text_duplicate(reason, ret_reason) < 0 ? -ENOMEM : -EBADMSG;
}

int node_parse(const char *text, size_t size, Node **ret, char **ret_reason) {
        _cleanup_(node_free_pointer) Node *node = NULL;
        JsonSlice object, members[_MEMBER_MAX] = {};
        const char *reason = NULL;
        char words[128];
        JsonError error;
        int r;

        assert(ret);

        r = json_scan(text, size, &object, &error);
        if (r < 0) {
                (void) snprintf(words, sizeof words, "%s at byte %zu", error.reason, error.offset);
                return node_refuse(ret_reason, words);
        }
        if (json_type(object) != JSON_OBJECT)
                return node_refuse(ret_reason, "no JSON object");

        node = calloc(1, sizeof *node);
        if (!node)
                return -ENOMEM;

        node->text = strndup(text, size); /* valid JSON holds no NUL: all of it is copied */
        if (!node->text)
                return -ENOMEM;
        node->size = size;

        members_read(object, members);
        r = node_read_id(node, members[MEMBER_ID], &reason);
        if (r == -EBADMSG)
                return node_refuse(ret_reason, reason);
        if (r >= 0)
                r = node_read_fields(node, members);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(node);
        return 0;
}

bool node_same_id(const Node *a, const Node *b) {
        return a->id_is_integer == b->id_is_integer && streq(a->id, b->id);
}

bool node_same_identity(const Node *a, const Node *b) {
        return node_same_id(a, b) && streq_or_null(a->name, b->name) && streq_or_null(a->env, b->env) &&
               streq_or_null(a->user, b->user) && streq_or_null(a->instance, b->instance);
}

Node *node_free(Node *node) {
        if (!node)
                return NULL;

        free(node->text);
        free(node->id);
        free(node->id_json);
        free(node->name);
        free(node->env);
        free(node->user);
        free(node->instance);
        free(node);
        return NULL;
}

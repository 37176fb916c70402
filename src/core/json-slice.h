/* SPDX-License-Identifier: MIT */
/* Pieces of JSON text that json_scan() accepted: what they are, the members of objects, what strings say.
 * Nothing is copied but the strings that are asked for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef enum JsonType {
        JSON_OBJECT,
        JSON_ARRAY,
        JSON_STRING,
        JSON_NUMBER,
        JSON_BOOLEAN,
        JSON_NULL,
} JsonType;

/* A piece of the scanned text, owned by whoever owns the text. A string's slice includes its quotes. */
typedef struct JsonSlice {
        const char *text;
        size_t size;
} JsonSlice;

JsonType json_type(JsonSlice value);

/* Walks the members of an object: start with *position 0. Returns 1 and the next member, or 0 at the end (at
 * once if `object` is no object). */
int json_object_next(JsonSlice object, size_t *position, JsonSlice *ret_name, JsonSlice *ret_value);

/* Finds a member by its decoded name; of several with the same name the last counts, as for most parsers.
 * Returns false if there is none or `object` is no object. */
bool json_object_find(JsonSlice object, const char *name, JsonSlice *ret_value);

/* Whether a string's slice decodes to this text. False if it is no string. */
bool json_string_equals(JsonSlice string, const char *text);

/* Decodes a string's slice into UTF-8. Returns 0 and memory that the caller frees; -EILSEQ if it
 * holds U+0000 or half of a surrogate pair, which no C string or UTF-8 can say; -EINVAL if it is no
 * string; -ENOMEM. */
int json_string_decode(JsonSlice string, char **ret);

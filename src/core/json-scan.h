/* A strict reader of JSON text (RFC 8259) that copies nothing: it says whether text is valid, and gives
 * slices of it. Foreign text passes through the agent byte for byte, so nothing here prints JSON. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { JSON_NESTING_MAX = 512 };

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

typedef struct JsonError {
        size_t offset;      /* byte where it went wrong */
        const char *reason; /* static words: "control character in a string" */
        bool is_incomplete; /* the text ended too early: it may be half-written */
} JsonError;

/* Checks that the text is exactly one JSON value, white space around it allowed: UTF-8, no byte order mark,
 * no control character in a string, numbers and escapes as the RFC writes them, nesting at most
 * JSON_NESTING_MAX, no trailing text. A lone surrogate escape (\ud800) is valid text. Gives the value
 * without the white space around. Does not recurse. Returns 0, or -EBADMSG with *ret_error set (ret_error
 * may be NULL). */
int json_scan(const char *text, size_t size, JsonSlice *ret_value, JsonError *ret_error);

/* The functions below take slices of text that json_scan() accepted. */

JsonType json_type(JsonSlice value);

/* Walks the members of an object: start with *position 0. Returns 1 and the next member, or 0 at the end. */
int json_object_next(JsonSlice object, size_t *position, JsonSlice *ret_name, JsonSlice *ret_value);

/* Finds a member by its decoded name; of several with the same name the last counts, as for most parsers.
 * Returns false if there is none or `object` is no object. */
bool json_object_find(JsonSlice object, const char *name, JsonSlice *ret_value);

/* Decodes a string's slice into UTF-8. Returns 0 and memory that the caller frees; -EILSEQ if it holds
 * U+0000 or half of a surrogate pair, which no C string or UTF-8 can say; -EINVAL if it is no string;
 * -ENOMEM. */
int json_string_decode(JsonSlice string, char **ret);

/* SPDX-License-Identifier: MIT */
#include "independent-parser.h"

#include <jansson.h>
#include <string.h>

Opinion independent_parse(const char *text, size_t size) {
        static const char unicode[] =
                        "invalid Unicode"; /* half of a surrogate pair; broken UTF-8 has other words */
        json_error_t error;
        json_t *root;

        root = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        if (root) {
                json_decref(root);
                return OPINION_JSON;
        }

        switch (json_error_code(&error)) {
        case json_error_numeric_overflow:
        case json_error_null_byte_in_key:
                return OPINION_NOT_HERE;
        case json_error_invalid_syntax:
                return strncmp(error.text, unicode, strlen(unicode)) == 0 ? OPINION_NOT_HERE
                                                                          : OPINION_NO_JSON;
        default:
                return OPINION_NO_JSON;
        }
}

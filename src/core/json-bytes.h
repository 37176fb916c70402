/* SPDX-License-Identifier: MIT */
/* How the JSON reader passes over bytes quickly; shared by the check and the reading of checked text. */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool byte_is_space(unsigned char byte) {
        return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static inline const unsigned char *skip_space(const unsigned char *p, const unsigned char *end) {
        /* Most often there is none, and then one comparison has to do. */
        while (p < end && *p <= ' ' && byte_is_space(*p))
                p++;
        return p;
}

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The first byte in a string that is not plain ASCII: a quote, a backslash, a control character, or one of
 * a longer UTF-8 sequence; or the end.
 *
 * In each of the four terms below the top bit of a byte is set if the byte is of that kind. A subtraction
 * may borrow from the bytes above one that is, and so mark these too: only the lowest mark counts. */
static inline const unsigned char *skip_plain(const unsigned char *p, const unsigned char *end) {
        while (end - p >= (ptrdiff_t) sizeof(uint64_t)) {
                uint64_t word, special;

                memcpy(&word, p, sizeof word);
                word = le64toh(word);

                special = word | (word - EACH_BYTE(0x20)) | ((word ^ EACH_BYTE('"')) - EACH_BYTE(1)) |
                          ((word ^ EACH_BYTE('\\')) - EACH_BYTE(1));
                special &= EACH_BYTE(0x80);
                if (special != 0)
                        return p + __builtin_ctzll(special) / 8;

                p += sizeof word;
        }

        while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
                p++;
        return p;
}

/* Passes over well-formed UTF-8 sequences of three bytes: nearly all of what is written in Chinese. May stop
 * early. The bits that are looked at last are those which tell overlong forms and surrogates. */
static inline const unsigned char *skip_triples(const unsigned char *p, const unsigned char *end) {
        while (end - p >= (ptrdiff_t) sizeof(uint32_t)) {
                uint32_t word;

                memcpy(&word, p, sizeof word);
                word = le32toh(word);

                if ((word & 0xC0C0F0) != 0x8080E0 || (word & 0x200F) == 0 || (word & 0x200F) == 0x200D)
                        break;
                p += 3;
        }
        return p;
}

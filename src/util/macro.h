/* SPDX-License-Identifier: MIT */
/* Small language helpers that every other file may use: scope clean-up, hand-over of ownership, sizes. */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _unused_ __attribute__((unused))

#define ELEMENTSOF(array) (sizeof(array) / sizeof((array)[0]))

/* Hands a pointer over: the variable is NULL afterwards, so that its clean-up does nothing. */
#define TAKE_PTR(pointer)                                                                                   \
        ({                                                                                                  \
                typeof(pointer) *_address = &(pointer);                                                     \
                typeof(pointer) _taken = *_address;                                                         \
                *_address = NULL;                                                                           \
                _taken;                                                                                     \
        })

/* The same for a file descriptor; -1 means none. */
#define TAKE_FD(fd)                                                                                         \
        ({                                                                                                  \
                int *_address = &(fd);                                                                      \
                int _taken = *_address;                                                                     \
                *_address = -1;                                                                             \
                _taken;                                                                                     \
        })

/* Defines name_free_pointer(), the form that _cleanup_() needs, from a function that frees one object. */
#define DEFINE_CLEANUP(type, free_function)                                                                 \
        static inline void free_function##_pointer(type *pointer) {                                         \
                if (*pointer)                                                                               \
                        (void) free_function(*pointer);                                                     \
        }

/* Defines prefix_to_string() for an enum whose names are given as [VALUE] = "name". */
#define DEFINE_TO_STRING(prefix, type, ...)                                                                 \
        const char *prefix##_to_string(type value) {                                                        \
                static const char *const names[] = { __VA_ARGS__ };                                         \
                assert((size_t) value < ELEMENTSOF(names) && names[value]);                                 \
                return names[value];                                                                        \
        }

static inline void free_pointer(void *pointer) {
        free(*(void **) pointer);
}

#define _cleanup_free_ _cleanup_(free_pointer)

static inline size_t min_size(size_t a, size_t b) {
        return a < b ? a : b;
}

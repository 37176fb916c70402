/* SPDX-License-Identifier: MIT */
/* A state directory to try the store on. */
#pragma once

#include "sys/state-store.h"

#include <dirent.h>

#include "test-files.h"

DEFINE_CLEANUP(StateStore *, state_store_free)
#define _cleanup_store_ _cleanup_(state_store_free_pointer)

_unused_ static StateStore *store_at(const char *root) {
        StateStore *store;

        assert_int_equal(state_store_new(root, "dev-alice-web01", &store), 0);
        return store;
}

_unused_ static StateStore *locked_store(void) {
        StateStore *store = store_at(in("root"));

        assert_int_equal(state_store_lock(store), 0);
        return store;
}

/* What a start does: what is there is read, and is ours. */
_unused_ static int load_text(StateStore *store, char **ret_text) {
        size_t size;
        int r = state_store_load(store, ret_text, &size);

        if (r == 0)
                state_store_know(store);
        return r;
}

/* Of the file that was set aside last. */
_unused_ static char aside[STATE_ASIDE_SIZE];

#define HOST "root/dev-alice-web01"
#define NODE HOST "/node.json"

_unused_ static int save_text(StateStore *store, const char *text) {
        return state_store_save(store, text, strlen(text));
}

/* How many names in the host's directory begin so. */
_unused_ static unsigned count_names(const char *prefix) {
        DIR *directory = opendir(in(HOST));
        unsigned count = 0;

        assert_non_null(directory);
        for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
                if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
                        count++;
        (void) closedir(directory);
        return count;
}

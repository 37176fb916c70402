/* SPDX-License-Identifier: MIT */
/* Whoever writes into the health directory is not trusted: nothing may block (a FIFO, a lease), lead
 * elsewhere (a link), or cost more than a bounded amount of memory and time, whatever lies there.
 *
 * A scan lists the directory, chooses files if there are too many, and reads what changed; most did not, and
 * cost a stat. */
#include "health/health-scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/health-entry.h"
#include "core/health-set.h"
#include "util/fd-util.h"
#include "util/macro.h"

/* Time stamps are coarse: a file that was written twice within one tick may look unchanged. */
#define TRUSTED_AGE_USEC (2 * USEC_PER_SEC)

enum {
        /* Entries looked at in one scan, of whatever name: more is not a health directory, and to walk
         * through it all would stop the event loop. */
        DIRECTORY_ENTRIES_MAX = 64 * 1024,
        DIRECTORY_BUFFER_SIZE = 8 * 1024,
        /* Bytes read in one scan. Files that did not change since the last one are not read at all. */
        READ_TOTAL_MAX = 4 * HEALTH_TOTAL_MAX,
        REASON_SIZE = 128,
};

typedef struct Scan {
        HealthSet *set;
        int fd;
        usec_t now_usec, max_age_usec;
        size_t budget; /* bytes that may still be read */
        bool is_torn;
        int error;
} Scan;

static usec_t timespec_usec(const struct timespec *time) {
        return time->tv_sec < 0 ? 0 : (usec_t) time->tv_sec * USEC_PER_SEC + (usec_t) time->tv_nsec / 1000;
}

static HealthStamp stamp_of(const struct stat *st) {
        return (HealthStamp){
                .device = st->st_dev,
                .inode = st->st_ino,
                .size = (uint64_t) st->st_size,
                .modified_usec = timespec_usec(&st->st_mtim),
                .changed_usec = timespec_usec(&st->st_ctim),
                .owner = st->st_uid,
        };
}

/* A time in the future (a clock that was set back) is never old enough. */
static bool is_old(const Scan *scan, const HealthStamp *stamp) {
        return usec_add(stamp->modified_usec, TRUSTED_AGE_USEC) <= scan->now_usec &&
               usec_add(stamp->changed_usec, TRUSTED_AGE_USEC) <= scan->now_usec;
}

static void refuse_error(Scan *scan, HealthEntry *entry, int error) {
        const char *reason;
        char text[REASON_SIZE];

        switch (error) {
        case -ENOENT: /* removed meanwhile */
                health_set_miss(scan->set, entry);
                return;
        case -EACCES:
        case -EPERM:
                reason = "permission denied: give it mode 0640 and group argus-health, or use the drop-in for "
                         "old modules";
                break;
        case -EAGAIN:
                reason = "a lease is held on it";
                break;
        case -ELOOP:
                reason = "a symbolic link";
                break;
        default:
                errno = -error;
                (void) snprintf(text, sizeof text, "%m"); /* strerror() is not for programs with threads */
                reason = text;
        }

        health_set_refuse(scan->set, entry, HEALTH_UNREADABLE, reason);
}

/* Refuses what stat alone shows to be useless. Returns whether nothing is against the file. */
static bool check_stat(Scan *scan, HealthEntry *entry) {
        char reason[REASON_SIZE], timestamp[TIMESTAMP_SIZE];
        usec_t written = entry->seen.modified_usec;
        mode_t mode = entry->mode;

        if (!S_ISREG(mode)) {
                health_set_refuse(scan->set, entry, HEALTH_UNREADABLE,
                                S_ISLNK(mode)    ? "a symbolic link"
                                : S_ISDIR(mode)  ? "a directory"
                                : S_ISFIFO(mode) ? "a FIFO"
                                : S_ISSOCK(mode) ? "a socket"
                                                 : "a device");
                return false;
        }

        /* The time of the last write, not the age: that would be another reason every minute. */
        if (scan->max_age_usec > 0 && usec_add(written, scan->max_age_usec) < scan->now_usec) {
                (void) snprintf(reason, sizeof reason, "not written since %s",
                                format_timestamp(timestamp, written));
                health_set_refuse(scan->set, entry, HEALTH_STALE, reason);
                return false;
        }

        if (entry->seen.size > HEALTH_FILE_SIZE_MAX) {
                health_set_refuse(scan->set, entry, HEALTH_TOO_LARGE, "larger than 1 MiB");
                return false;
        }
        return true;
}

/* Decides what can be decided by name and stat. Returns whether the file is to be read. */
static bool examine(Scan *scan, HealthEntry *entry) {
        if (entry->bad_name)
                health_set_refuse(scan->set, entry, HEALTH_INVALID, entry->bad_name);
        else if (entry->error == -EACCES)
                health_set_refuse(scan->set, entry, HEALTH_UNREADABLE,
                                "permission denied: the agent may list the directory, but not enter it (x)");
        else if (entry->error < 0)
                refuse_error(scan, entry, entry->error);
        else if (check_stat(scan, entry))
                return !entry->is_trusted || !health_stamp_equal(&entry->stamp, &entry->seen);
        return false;
}

/* ---- listing ---- */

static void entry_set_stat(HealthEntry *entry, const struct stat *st) {
        entry->seen = stamp_of(st);
        entry->mode = st->st_mode;
        entry->error = 0;
}

static void note_entry(Scan *scan, const char *name) {
        HealthEntry *entry;
        struct stat st;
        int r;

        r = health_set_meet(scan->set, name, &entry);
        if (r < 0)
                scan->error = r; /* the others are looked at all the same */
        if (r <= 0)
                return;

        if (fstatat(scan->fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) >= 0)
                entry_set_stat(entry, &st);
        else if (errno == ENOENT) /* removed meanwhile */
                health_set_miss(scan->set, entry);
        else
                entry->error = -errno;
}

static int list_directory(Scan *scan) {
        _Alignas(struct dirent64) char buffer[DIRECTORY_BUFFER_SIZE];
        size_t n_entries = 0;
        ssize_t size = 0;

        while (n_entries < DIRECTORY_ENTRIES_MAX && (size = getdents64(scan->fd, buffer, sizeof buffer)) > 0)
                for (char *p = buffer; p < buffer + size; n_entries++) {
                        const struct dirent64 *entry = (const struct dirent64 *) (const void *) p;

                        note_entry(scan, entry->d_name);
                        p += entry->d_reclen;
                }
        return size < 0 ? -errno : 0;
}

/* ---- reading ---- */

static void read_file(Scan *scan, HealthEntry *entry) {
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -1;
        HealthStamp after;
        size_t expected, size;
        struct stat st;
        HealthAge age;
        int r;

        fd = openat(scan->fd, entry->file.file_name,
                        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0 || fstat(fd, &st) < 0) {
                refuse_error(scan, entry, -errno);
                return;
        }

        /* Once more, on what is open now: the name may lead to another file than a moment ago. */
        entry_set_stat(entry, &st);
        if (!check_stat(scan, entry))
                return;

        expected = (size_t) st.st_size;
        if (expected > scan->budget) {
                health_set_refuse(scan->set, entry, HEALTH_TOO_LARGE,
                                "more than 32 MiB in the files before it");
                return;
        }
        scan->budget -= expected;

        text = malloc(expected + 1);
        if (!text) {
                scan->error = -ENOMEM;
                if (!entry->is_listed) /* else it stays as it is */
                        health_set_miss(scan->set, entry);
                return;
        }
        r = fd_read(fd, text, expected, &size);
        if (r < 0 || fstat(fd, &st) < 0) {
                refuse_error(scan, entry, r < 0 ? r : -errno);
                return;
        }

        /* Somebody may write meanwhile: even if the text is valid, it may be a mixture then. */
        after = stamp_of(&st);
        age = size != expected || !health_stamp_equal(&entry->seen, &after) ? HEALTH_WRITTEN
              : is_old(scan, &after)                                        ? HEALTH_OLD
                                                                            : HEALTH_YOUNG;
        scan->is_torn |= health_set_content(scan->set, entry, age, TAKE_PTR(text), size);
}

/* In fair order if it is too much for one scan. */
static void read_files(Scan *scan) {
        FairDemand *to_read[HEALTH_LISTED_MAX];
        size_t n_to_read = 0;
        uint64_t size = 0;
        HealthEntry *entry;

        for (size_t i = 0; (entry = health_set_next(scan->set, &i));)
                if (examine(scan, entry)) {
                        to_read[n_to_read] = health_entry_demand(entry);
                        to_read[n_to_read++]->size = entry->seen.size;
                        size += entry->seen.size;
                }

        if (size > READ_TOTAL_MAX)
                fair_order(to_read, n_to_read);
        for (size_t i = 0; i < n_to_read; i++)
                read_file(scan, (HealthEntry *) to_read[i]);
}

/* Given up for a limit, and now it has room: what is reported should not depend on the order in which files
 * went and came. */
static void read_wanted(Scan *scan) {
        HealthEntry *entry;

        scan->budget = READ_TOTAL_MAX; /* texts that were read and had no room must not cost others theirs */
        for (size_t i = 0; (entry = health_set_next(scan->set, &i));)
                if (entry->is_wanted)
                        read_file(scan, entry);
        (void) health_set_end(scan->set);
}

int health_scan(HealthSet *set, int fd, usec_t now, usec_t max_age_usec, bool is_second) {
        Scan scan = {
                .set = set,
                .fd = fd,
                .now_usec = now,
                .max_age_usec = max_age_usec,
                .budget = READ_TOTAL_MAX,
        };
        int r = fd;

        if (fd == -ENOMEM)
                return fd;

        health_set_begin(set, is_second);
        if (fd >= 0)
                r = list_directory(&scan);
        if (r < 0) /* nothing was met */
                health_set_begin(set, is_second);
        health_set_choose(set);
        read_files(&scan);
        if (health_set_end(set) > 0)
                read_wanted(&scan);

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        return scan.error < 0 ? scan.error : scan.is_torn;
}

/* Scans the health directory. Whoever writes there is not trusted: nothing may block (a FIFO, a lease), lead
 * elsewhere (a link), or cost more than a bounded amount of memory and time, whatever lies there. The
 * directory is opened anew for each scan and held until its end, so that one that was replaced is noticed,
 * and a second read looks into the same one. */
#include "health/health-dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "health/health-candidates.h"
#include "util/fd-util.h"

#define REREAD_DELAY_USEC (50 * USEC_PER_MSEC)
/* Time stamps are coarse: a file that was written twice within one tick may look unchanged. */
#define TRUSTED_AGE_USEC (2 * USEC_PER_SEC)

enum {
        /* Entries looked at in one scan, of whatever name: more is not a health directory, and to walk
         * through it all would stop the event loop. */
        DIRECTORY_ENTRIES_MAX = 64 * 1024,
        /* Bytes read in one pass. Files that did not change since the last scan are not read at all. */
        READ_TOTAL_MAX = 4 * HEALTH_TOTAL_MAX,
        REASON_SIZE = 128,
};

static const char too_large[] = "larger than 1 MiB";

struct HealthDir {
        sd_event *event;
        const StateStore *store;
        usec_t max_age_usec;
        HealthSet *set;

        /* Of the collection that is under way; `callback` is set exactly then. */
        HealthDirCallback callback;
        void *userdata;
        int fd;
        usec_t now_usec;               /* when the scan began, so that no file seems older than it is */
        CandidateList found, misnamed; /* while the directory is listed; `found` only of a crowd */
        size_t n_found;
        bool is_crowd;
        CandidateList to_read; /* also those that were read, with the stamp they had then */
        sd_event_source *reread_timer;
        bool is_repeated;

        bool is_changed;
        /* Files that stayed half-written in a second read: what does not change is not waited for again. */
        CandidateList judged, judged_before;
};

DEFINE_CLEANUP(HealthDir *, health_dir_free)

static void forget_listed(HealthDir *dir) {
        candidate_list_clear(&dir->found);
        candidate_list_clear(&dir->misnamed);
        candidate_list_clear(&dir->to_read);
}

/* Closes what only a collection needs. */
static void abandon(HealthDir *dir) {
        dir->callback = NULL;
        dir->fd = close_fd(dir->fd);
        dir->reread_timer = sd_event_source_disable_unref(dir->reread_timer);
        forget_listed(dir);
        candidate_list_clear(&dir->judged_before);
}

int health_dir_new(sd_event *event, const StateStore *store, usec_t max_age_usec, HealthSet *set,
                HealthDir **ret) {
        _cleanup_(health_dir_free_pointer) HealthDir *dir = NULL;

        dir = calloc(1, sizeof *dir);
        if (!dir)
                return -ENOMEM;
        dir->fd = -1;

        dir->event = sd_event_ref(event);
        dir->store = store;
        dir->max_age_usec = max_age_usec;
        dir->set = set;

        *ret = TAKE_PTR(dir);
        return 0;
}

HealthDir *health_dir_free(HealthDir *dir) {
        if (!dir)
                return NULL;

        abandon(dir);
        candidate_list_clear(&dir->judged);
        sd_event_unref(dir->event);
        free(dir);
        return NULL;
}

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
static bool stamp_is_trusted(const HealthDir *dir, const HealthStamp *stamp) {
        return usec_add(stamp->modified_usec, TRUSTED_AGE_USEC) <= dir->now_usec &&
               usec_add(stamp->changed_usec, TRUSTED_AGE_USEC) <= dir->now_usec;
}

static int refuse_error(HealthDir *dir, const char *name, int error) {
        const char *reason;
        char text[REASON_SIZE];

        switch (error) {
        case -ENOENT: /* removed meanwhile */
                return 0;
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

        return health_set_refuse(dir->set, name, HEALTH_UNREADABLE, reason);
}

/* Refuses what stat alone tells to be of no use. Returns 1 if nothing is against the file, 0 if it is
 * refused, or -ENOMEM. */
static int check_stat(HealthDir *dir, const char *name, mode_t mode, const HealthStamp *stamp) {
        char reason[REASON_SIZE], timestamp[TIMESTAMP_SIZE];

        if (!S_ISREG(mode))
                return health_set_refuse(dir->set, name, HEALTH_UNREADABLE,
                                S_ISLNK(mode)    ? "a symbolic link"
                                : S_ISDIR(mode)  ? "a directory"
                                : S_ISFIFO(mode) ? "a FIFO"
                                : S_ISSOCK(mode) ? "a socket"
                                                 : "a device");

        /* Said by the time of the last write, not by the age: that would be another text every minute. */
        if (dir->max_age_usec > 0 && usec_add(stamp->modified_usec, dir->max_age_usec) < dir->now_usec) {
                (void) snprintf(reason, sizeof reason, "not written since %s",
                                format_timestamp(timestamp, stamp->modified_usec));
                return health_set_refuse(dir->set, name, HEALTH_STALE, reason);
        }

        if (stamp->size > HEALTH_FILE_SIZE_MAX)
                return health_set_refuse(dir->set, name, HEALTH_TOO_LARGE, too_large);

        return 1;
}

static int prune(HealthDir *dir, CandidateList *list, size_t max) {
        int n_gone = candidate_list_prune(list, max);

        if (n_gone > 0 && list == &dir->found)
                health_set_pass_over(dir->set, (size_t) n_gone);
        return n_gone;
}

/* Decides what can be decided by name and stat; the rest is to be read. */
static int examine(HealthDir *dir, const Candidate *candidate) {
        const char *name = candidate->name;
        int r;

        if (candidate->bad_name)
                return health_set_refuse(dir->set, name, HEALTH_INVALID, candidate->bad_name);
        if (candidate->error == -EACCES)
                return health_set_refuse(dir->set, name, HEALTH_UNREADABLE,
                                "permission denied: the agent may list the directory, but not enter it (x)");
        if (candidate->error < 0)
                return refuse_error(dir, name, candidate->error);

        r = check_stat(dir, name, candidate->mode, &candidate->stamp);
        if (r <= 0)
                return r;
        if (health_set_keep(dir->set, name, &candidate->stamp))
                return 0;
        return candidate_list_add(&dir->to_read, candidate);
}

/* Remembers a bounded number; those without room are only counted. */
static int remember(HealthDir *dir, CandidateList *list, size_t max, const Candidate *candidate) {
        int r = candidate_list_add(list, candidate);

        if (r >= 0 && list->count >= 2 * max)
                r = prune(dir, list, max);
        return r < 0 ? r : 0;
}

/* Returns 1 if there are now more health files than a scan examines, 0 otherwise, or -ENOMEM. */
static int note_entry(HealthDir *dir, char *name) {
        Candidate candidate = { .name = name };
        HealthName kind = health_name_check(name, &candidate.bad_name);
        struct stat st;

        if (kind == HEALTH_NAME_OTHER)
                return 0;

        if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) >= 0) {
                candidate.stamp = stamp_of(&st);
                candidate.mode = st.st_mode;
        } else if (errno == ENOENT) /* removed meanwhile */
                return 0;
        else
                candidate.error = -errno;

        if (kind == HEALTH_NAME_MISNAMED)
                return remember(dir, &dir->misnamed, HEALTH_MISNAMED_MAX, &candidate);
        if (dir->is_crowd)
                return remember(dir, &dir->found, HEALTH_ENTRIES_MAX, &candidate);
        if (++dir->n_found > HEALTH_ENTRIES_MAX)
                return 1;
        return examine(dir, &candidate);
}

static int examine_all(HealthDir *dir, CandidateList *list, size_t max) {
        int r = prune(dir, list, max);

        for (size_t i = 0; i < list->count && r >= 0; i++)
                r = examine(dir, &list->items[i]);
        candidate_list_clear(list);
        return r;
}

/* Reads one file and hands it to the set. Returns 1 if it looks half-written, 0 if not, or -ENOMEM. */
static int read_file(HealthDir *dir, Candidate *candidate, size_t *budget) {
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -1;
        struct stat st, after;
        HealthStamp stamp_after;
        size_t expected, size;
        bool is_torn;
        int r;

        fd = openat(dir->fd, candidate->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return refuse_error(dir, candidate->name, -errno);
        if (fstat(fd, &st) < 0)
                return refuse_error(dir, candidate->name, -errno);

        /* Once more, on what is open now: the name may lead to another file than a moment ago. */
        candidate->stamp = stamp_of(&st);
        r = check_stat(dir, candidate->name, st.st_mode, &candidate->stamp);
        if (r <= 0)
                return r;

        expected = (size_t) st.st_size;
        if (expected > *budget)
                return health_set_refuse(dir->set, candidate->name, HEALTH_TOO_LARGE,
                                "more than 32 MiB in the files before it");
        *budget -= expected;

        text = malloc(expected + 1);
        if (!text)
                return -ENOMEM;
        r = fd_read(fd, text, expected, &size);
        if (r < 0 || fstat(fd, &after) < 0)
                return refuse_error(dir, candidate->name, r < 0 ? r : -errno);

        /* Somebody wrote while we read: even if the text is valid, it may be a mixture. */
        stamp_after = stamp_of(&after);
        is_torn = size != expected || !health_stamp_equal(&candidate->stamp, &stamp_after);

        r = health_set_content(dir->set, candidate->name, &candidate->stamp,
                        !is_torn && stamp_is_trusted(dir, &candidate->stamp), TAKE_PTR(text), size);
        return r < 0 ? r : r > 0 || is_torn;
}

/* Reads the files of the list, in fair order if they are too much for one pass. A file that looks
 * half-written stays in the list in the first pass, but not in the second. Returns 0 or -ENOMEM. */
static int read_candidates(HealthDir *dir, bool is_second) {
        CandidateList files = dir->to_read;
        size_t budget = READ_TOTAL_MAX;
        int r = 0;

        dir->to_read = (CandidateList){};
        if (candidate_list_size(&files) > READ_TOTAL_MAX)
                r = candidate_list_order_by_size(&files);

        for (size_t i = 0; i < files.count && r >= 0; i++) {
                Candidate *file = &files.items[i];
                bool is_known;

                r = read_file(dir, file, &budget);
                if (r <= 0)
                        continue;

                is_known = candidate_list_holds(&dir->judged_before, file->name, &file->stamp);
                r = candidate_list_add(is_second || is_known ? &dir->judged : &dir->to_read, file);
        }

        candidate_list_clear(&files);
        return r < 0 ? r : 0;
}

static int walk(HealthDir *dir, DIR *stream) {
        int r = 0;

        dir->n_found = 0;
        for (unsigned i = 0; i < DIRECTORY_ENTRIES_MAX && r == 0; i++) {
                struct dirent *entry;

                errno = 0;
                entry = readdir(stream);
                if (!entry)
                        return -errno;
                r = note_entry(dir, entry->d_name);
        }
        return r;
}

/* Examines each file as it is found, unless there are too many: then first chooses which. */
static int list_directory(HealthDir *dir) {
        int r, fd;
        DIR *stream;

        fd = fcntl(dir->fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
                return -errno;
        stream = fdopendir(fd); /* takes the descriptor */
        if (!stream) {
                r = -errno;
                (void) close(fd);
                return r;
        }

        dir->is_crowd = false;
        r = walk(dir, stream);
        if (r > 0) {
                dir->is_crowd = true;
                forget_listed(dir);
                health_set_begin(dir->set);
                rewinddir(stream);
                r = walk(dir, stream);
        }

        (void) closedir(stream);
        if (r >= 0)
                r = examine_all(dir, &dir->found, HEALTH_ENTRIES_MAX);
        if (r >= 0)
                r = examine_all(dir, &dir->misnamed, HEALTH_MISNAMED_MAX);
        return r < 0 ? r : 0;
}

static int on_reread_timer(sd_event_source *source, uint64_t usec, void *userdata);

/* Returns 1 if half-written files are read again later, 0 if the scan is through, or a negative errno. */
static int scan(HealthDir *dir) {
        int r;

        forget_listed(dir);
        candidate_list_clear(&dir->judged_before);
        dir->judged_before = dir->judged;
        dir->judged = (CandidateList){};

        dir->now_usec = now_usec(CLOCK_REALTIME);
        health_set_begin(dir->set);

        close_fd(dir->fd);
        dir->fd = state_store_open_health(dir->store);
        if (dir->fd < 0)
                return dir->fd == -ENOENT ? 0 : dir->fd;

        r = list_directory(dir);
        if (r < 0)
                return r;

        r = read_candidates(dir, false);
        if (r < 0 || dir->to_read.count == 0)
                return r;

        r = sd_event_add_time_relative(dir->event, &dir->reread_timer, CLOCK_MONOTONIC, REREAD_DELAY_USEC,
                        USEC_PER_MSEC, on_reread_timer, dir);
        if (r < 0) /* no second read then: what the first found counts */
                return r == -ENOMEM ? r : 0;

        return 1;
}

/* The scan is through. Returns as scan() does, of a second scan where room was made for a file that had been
 * left out: what is reported should not depend on the order in which files went and came. */
static int settle(HealthDir *dir) {
        int r;

        dir->is_changed = health_set_end(dir->set) || dir->is_changed;
        if (dir->is_repeated || !health_set_wants_scan(dir->set))
                return 0;

        dir->is_repeated = true;
        r = scan(dir);
        return r != 0 ? r : settle(dir);
}

/* Hands the result over; the last that touches `dir`, as the callback may free it or begin anew. */
static void complete(HealthDir *dir, int error) {
        HealthDirCallback callback = dir->callback;

        if (error < 0 && error != -ENOMEM) {
                health_set_begin(dir->set);
                dir->is_changed = health_set_end(dir->set) || dir->is_changed;
        }

        abandon(dir);
        callback(error, dir->userdata);
}

static int on_reread_timer(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        HealthDir *dir = userdata;
        int r;

        dir->reread_timer = sd_event_source_disable_unref(dir->reread_timer);

        r = read_candidates(dir, true);
        if (r >= 0)
                r = settle(dir);
        if (r <= 0)
                complete(dir, r);
        return 0;
}

int health_dir_collect(HealthDir *dir, HealthDirCallback callback, void *userdata) {
        int r;

        if (dir->callback)
                return -EBUSY;

        dir->callback = callback;
        dir->userdata = userdata;
        dir->is_changed = dir->is_repeated = false;

        r = scan(dir);
        if (r == 0)
                r = settle(dir);
        if (r == -ENOMEM) {
                abandon(dir);
                return r;
        }
        if (r <= 0)
                complete(dir, r);
        return 0;
}

bool health_dir_has_changed(const HealthDir *dir) {
        return dir->is_changed;
}

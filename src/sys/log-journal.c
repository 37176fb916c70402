/* The log's way to journald: its native protocol, https://systemd.io/JOURNAL_NATIVE_PROTOCOL. Not by
 * sd_journal_send(), whose send waits for as long as journald does not read. */
#include "sys/log-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/fd-util.h"

static const char *journal_path = "/run/systemd/journal/socket";
static int journal_fd = -1;

void log_journal_set_path(const char *path) {
        journal_path = path;
}

static int journal_address(struct sockaddr_un *ret) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        if (strlen(journal_path) >= sizeof address.sun_path)
                return -ENAMETOOLONG;

        memcpy(address.sun_path, journal_path, strlen(journal_path) + 1);
        *ret = address;
        return 0;
}

int log_journal_open(void) {
        const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
        _cleanup_close_ int fd = -1;
        struct sockaddr_un address;
        int r;

        r = journal_address(&address);
        if (r < 0)
                return r;

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;

        /* Connected for a moment, to learn whether somebody is there. Each entry is addressed by itself: a
         * journald that goes away and comes back needs no reconnection. */
        if (connect(fd, (const struct sockaddr *) &address, sizeof address) < 0)
                return -errno;
        if (connect(fd, &nowhere, sizeof nowhere) < 0)
                return -errno;

        log_journal_close();
        journal_fd = TAKE_FD(fd);
        return 0;
}

void log_journal_close(void) {
        journal_fd = close_fd(journal_fd);
}

/* One datagram: the text, or else a descriptor of a file that holds it. */
static int journal_send(const LogText *text, int fd) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control = {};
        struct sockaddr_un address;
        struct iovec iovec = {};
        struct msghdr message = {
                .msg_name = &address,
                .msg_namelen = sizeof address,
        };
        int r;

        r = journal_address(&address);
        if (r < 0)
                return r;

        if (text) {
                iovec.iov_base = text->data;
                iovec.iov_len = text->size;
                message.msg_iov = &iovec;
                message.msg_iovlen = 1;
        } else {
                message.msg_control = &control;
                message.msg_controllen = sizeof control;
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(sizeof fd);
                memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
        }

        if (sendmsg(journal_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                return -errno;

        return 0;
}

/* For what is larger than a datagram may be; journald reads a file that nobody can change any more. */
static int journal_send_memfd(const LogText *text) {
        _cleanup_close_ int fd = -1;
        int r;

        fd = memfd_create(LOG_IDENTIFIER "-log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return -errno;

        r = fd_write_all(fd, text->data, text->size);
        if (r < 0)
                return r;

        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
                return -errno;

        return journal_send(NULL, fd);
}

int log_journal_write(const LogEntry *entry) {
        char buffer[LOG_ENTRY_MAX];
        LogText text = { .data = buffer, .max = sizeof buffer };
        int r;

        if (journal_fd < 0)
                return -ENOTCONN;

        /* There is no line break in a text, so that the form for binary fields is never needed. */
        log_text_append_string(&text, "MESSAGE=");
        log_text_append_string(&text, entry->message);
        log_text_printf(&text, "\nPRIORITY=%i\nSYSLOG_IDENTIFIER=" LOG_IDENTIFIER "\n", entry->level);
        for (size_t i = 0; i < entry->n_fields; i++) {
                const LogField *field = &entry->fields[i];

                log_text_append_string(&text, field->name);
                log_text_append_string(&text, "=");
                if (field->text)
                        log_text_append_string(&text, field->text);
                else
                        log_text_printf(&text, "%" PRIu64, field->number);
                log_text_append_string(&text, "\n");
        }

        r = journal_send(&text, -1);
        if (r == -EMSGSIZE || r == -ENOBUFS)
                r = journal_send_memfd(&text);
        return r;
}

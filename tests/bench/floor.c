/* SPDX-License-Identifier: MIT */
/* The floor: the least that a program on the agent's libraries has to do for the same reports. It is linked
 * as the agent is, and is what "light" is measured against:
 *
 *      floor put|splice [--register] ENDPOINT DIRECTORY [REPORTS [PAUSE_MSEC]]
 *
 * put: one body, made at the start, is sent again and again: the price of libcurl.
 * splice: each time all files of DIRECTORY are read, checked strictly, and spliced into a body.
 *
 * --register asks the Master for an id first, as the agent has to; else the id is "floor". After the REPORTS
 * (default 1) it waits for a signal, so that its memory can be looked at. It has no state, no retry, no log,
 * no bus. */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "core/json-scan.h"
#include "util/buffer.h"
#include "util/fd-util.h"

static const char nodes[] = "/api/v1/master/nodes";

static void die(const char *what) {
        perror(what);
        exit(EXIT_FAILURE);
}

static size_t on_body(char *data, size_t size, size_t count, void *userdata) {
        return buffer_append(userdata, data, size * count) < 0 ? 0 : size * count;
}

static void request(CURL *easy, const char *method, const char *url, const Buffer *body, Buffer *answer) {
        CURLcode code;

        buffer_clear(answer);
        (void) curl_easy_setopt(easy, CURLOPT_URL, url);
        (void) curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
        (void) curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->data);
        (void) curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) body->size);
        (void) curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        (void) curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
        (void) curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);

        code = curl_easy_perform(easy);
        if (code != CURLE_OK) {
                fprintf(stderr, "%s %s: %s\n", method, url, curl_easy_strerror(code));
                exit(EXIT_FAILURE);
        }
}

static char *node_register(CURL *easy, const char *endpoint) {
        Buffer body = {}, answer = {};
        char url[1024], *id;
        cJSON *node;

        (void) snprintf(url, sizeof url, "%s%s", endpoint, nodes);
        if (buffer_append_string(&body, "{\"name\":\"floor\",\"type\":\"agent\"}") < 0)
                die("register");
        request(easy, "POST", url, &body, &answer);

        node = cJSON_Parse(answer.data);
        id = strdup(cJSON_GetStringValue(cJSON_GetObjectItem(node, "id")));
        cJSON_Delete(node);
        buffer_done(&body);
        buffer_done(&answer);
        return id;
}

typedef struct File {
        char *name, *text;
        JsonSlice value;
} File;

static void file_read(int directory, const char *name, File *ret) {
        _cleanup_close_ int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                die(name);

        ret->name = strdup(name);
        ret->text = malloc((size_t) st.st_size + 1);
        if (!ret->name || !ret->text || read(fd, ret->text, (size_t) st.st_size) != st.st_size)
                die(name);
        if (json_scan(ret->text, (size_t) st.st_size, &ret->value, NULL) < 0)
                die(name);
}

/* All files are good before the first is spliced: their sizes are known then, and a bad one
 * spoils nothing. */
static void body_build(const char *path, Buffer *body) {
        static const char head[] = "{\"timestamp\":\"2026-11-24T12:13:00.123Z\",\"health\":{";
        size_t size = strlen(head), n_files = 0;
        DIR *directory = opendir(path);
        struct dirent *entry;
        File files[1024];

        if (!directory)
                die(path);
        while ((entry = readdir(directory)) && n_files < ELEMENTSOF(files)) {
                if (entry->d_name[0] == '.')
                        continue;
                file_read(dirfd(directory), entry->d_name, files + n_files);
                size += strlen(entry->d_name) + files[n_files++].value.size;
        }
        (void) closedir(directory);

        buffer_clear(body);
        if (buffer_reserve(body, size) < 0)
                die("body");
        (void) buffer_append_string(body, head);
        for (File *file = files; file < files + n_files; file++) {
                (void) buffer_append_string(body, file == files ? "\"" : ",\"");
                (void) buffer_append(body, file->name, strlen(file->name) - strlen(".json"));
                (void) buffer_append_string(body, "\":");
                (void) buffer_append(body, file->value.text, file->value.size);
                free(file->name);
                free(file->text);
        }
        (void) buffer_append_string(body, "}}");
}

int main(int argc, char *argv[]) {
        bool is_splice, is_registering;
        long reports, pause_msec;
        const char *endpoint, *directory;
        struct curl_slist *headers = NULL;
        Buffer body = {}, answer = {};
        char url[1024];
        char *id = NULL;
        CURL *easy;

        if (argc < 4)
                return EXIT_FAILURE;
        is_splice = strcmp(argv[1], "splice") == 0;
        is_registering = strcmp(argv[2], "--register") == 0;
        argv += 2 + is_registering;
        endpoint = argv[0];
        directory = argv[1];
        reports = argv[2] ? atol(argv[2]) : 1;
        pause_msec = argv[2] && argv[3] ? atol(argv[3]) : 0;

        (void) curl_global_init(CURL_GLOBAL_DEFAULT);
        easy = curl_easy_init();
        if (!easy)
                die("libcurl");
        headers = curl_slist_append(headers, "Content-Type: application/json");
        headers = curl_slist_append(headers, "Expect:");
        (void) curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);

        (void) sd_notify(0, "READY=1");
        id = is_registering ? node_register(easy, endpoint) : strdup("floor");
        (void) snprintf(url, sizeof url, "%s%s/%s/status", endpoint, nodes, id);

        for (long i = 0; i < reports; i++) {
                if (i == 0 || is_splice)
                        body_build(directory, &body);
                request(easy, "PUT", url, &body, &answer);
                if (pause_msec > 0)
                        (void) usleep((useconds_t) pause_msec * 1000);
        }

        (void) pause();
}

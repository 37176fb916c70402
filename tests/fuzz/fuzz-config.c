/* SPDX-License-Identifier: MIT */
/* A whole environment: every error is said once and shows no secret, and a configuration that is accepted
 * keeps all that config.h and the contract promise. An input is as /proc/PID/environ: entries with a NUL
 * behind each. */
#include "fuzz.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "core/config-table.h"
#include "core/config.h"
#include "master/master.h"

enum { ENTRIES_MAX = 64 };

#define SECRET "S3CR3T" /* also in the dictionary */

static const char *value_of(char *const *environment, const char *name) {
        size_t size = strlen(name);

        for (; *environment; environment++)
                if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=')
                        return *environment + size + 1;
        return NULL;
}

/* Where the variable stands in the table, which is the order of the messages' errors. */
static size_t index_of(const char *variable) {
        size_t i = 0;

        while (i < config_table_size && !streq(config_table[i].name, variable))
                i++;
        assert(i < config_table_size);
        return i;
}

/* A secret that somebody wrote into the name of a variable. */
static bool is_in_a_name(char *const *environment) {
        for (; *environment; environment++)
                if (memmem(*environment, strcspn(*environment, "="), SECRET, strlen(SECRET)))
                        return true;
        return false;
}

/* A message may show the value of its variable, if that can hold no secret. A warning may show the name of
 * an unknown variable as well. */
static bool may_be_shown(char *const *environment, const ConfigMessage *message) {
        const char *value = value_of(environment, message->variable);

        if (!message->is_error && is_in_a_name(environment))
                return true;
        if (!value || config_table[index_of(message->variable)].is_secret)
                return false;
        return streq(message->variable, "MASTER_ENDPOINT") ? !strpbrk(value, "@%") : true;
}

static void check_messages(char *const *environment, const ConfigMessages *messages) {
        size_t n_errors = 0, last = 0;

        for (size_t i = 0; i < messages->count; i++) {
                const ConfigMessage *message = &messages->items[i];
                size_t index = index_of(message->variable);

                assert(fuzz_is_safe(message->text));
                assert(strlen(message->text) < 512);
                if (strstr(message->text, SECRET))
                        assert(may_be_shown(environment, message));
                if (!message->is_error)
                        continue;

                assert(strstr(message->text, message->variable));
                assert(n_errors == 0 || index > last); /* each variable once, in order */
                last = index;
                n_errors++;
        }
        assert(n_errors == messages->n_errors);
}

static void assert_curl_part(CURLU *url, CURLUPart part, const char *expected) {
        char *text = NULL;

        assert(curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK);
        assert(streq(text, expected));
        curl_free(text);
}

/* libcurl, which connects to it, reads the same out of it. */
static void check_as_curl(const Endpoint *endpoint) {
        bool is_bracketed = strchr(endpoint->host, ':');
        const char *zone = strchr(endpoint->host, '%');
        CURLU *url = curl_url();
        char expected[300];

        assert(url);
        assert(curl_url_set(url, CURLUPART_URL, endpoint->url, CURLU_DISALLOW_USER) == CURLUE_OK);
        assert_curl_part(url, CURLUPART_SCHEME, endpoint->is_tls ? "https" : "http");
        (void) snprintf(expected, sizeof expected, is_bracketed ? "[%.*s]" : "%.*s",
                        (int) strcspn(endpoint->host, "%"), endpoint->host);
        assert_curl_part(url, CURLUPART_HOST, expected);
        if (zone)
                assert_curl_part(url, CURLUPART_ZONEID, zone + 1);
        (void) snprintf(expected, sizeof expected, "%u", (unsigned) endpoint->port);
        assert_curl_part(url, CURLUPART_PORT, expected);
        curl_url_cleanup(url);
}

static void check_endpoint(const Endpoint *endpoint) {
        const char *reason;
        Endpoint again;

        assert(endpoint->port > 0);
        assert(strlen(endpoint->url) <= ENDPOINT_SIZE_MAX &&
                        endpoint->url[strlen(endpoint->url) - 1] != '/');
        assert(!strpbrk(endpoint->url, "@?# \t\n\\") && fuzz_is_safe(endpoint->url));

        /* The normal form is one. */
        assert(endpoint_parse(endpoint->url, &again, &reason) == 0);
        assert(streq(again.url, endpoint->url) && streq(again.host, endpoint->host));
        assert(again.port == endpoint->port && again.is_tls == endpoint->is_tls);
        assert(again.is_loopback == endpoint->is_loopback && again.is_literal == endpoint->is_literal);
        endpoint_done(&again);

        check_as_curl(endpoint);
}

static void check_path(const char *path) {
        assert(!path || (path[0] == '/' && strlen(path) < PATH_MAX && fuzz_is_safe(path)));
}

static void check_config(const Config *config) {
        bool has_secret = config->token_file || config->client_cert_file;
        struct in6_addr address;

        assert(config->n_endpoints >= 1 && config->n_endpoints <= ENDPOINTS_MAX);
        for (size_t i = 0; i < config->n_endpoints; i++) {
                check_endpoint(&config->endpoints[i]);
                assert(!has_secret || config->endpoints[i].is_tls || config->endpoints[i].is_loopback);
        }

        assert(config->report_interval_usec >= USEC_PER_SEC);
        assert(config->report_interval_usec <= UINT32_MAX * USEC_PER_SEC);
        assert(config->master_timeout_usec >= USEC_PER_SEC &&
                        config->master_timeout_usec <= 20 * USEC_PER_SEC);
        assert(config->master_timeout_usec <= config->report_interval_usec);
        assert(config->health_max_age_usec <= UINT32_MAX * USEC_PER_SEC);

        assert(config_hostname_is_valid(config->hostname));
        assert(!strchr(config->hostname, '/') && !streq(config->hostname, ".."));
        assert(!config->address || inet_pton(AF_INET, config->address, &address) == 1 ||
                        inet_pton(AF_INET6, config->address, &address) == 1);
        check_path(config->state_root);
        assert(config->state_root && !strstr(config->state_root, "/../"));
        check_path(config->ca_file);
        check_path(config->token_file);
        check_path(config->client_cert_file);
        check_path(config->client_key_file);
        assert(!config->client_cert_file == !config->client_key_file);

        assert(config->n_watch_units <= WATCH_UNITS_MAX);
        assert(!config->watch_units == (config->n_watch_units == 0));
        assert(!config->watch_units || !config->watch_units[config->n_watch_units]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        FuzzInput input = { data, size };
        uint8_t has = fuzz_byte(&input);
        const ConfigDefaults defaults = {
                .hostname = has & 1   ? "dev-alice-web01"
                            : has & 2 ? "no\nname"
                                      : NULL,
                .token_file = has & 4 ? "/credentials/" SECRET : NULL,
                .client_cert_file = has & 8 ? "/credentials/client.crt" : NULL,
                .client_key_file = has & 16 ? "/credentials/client.key" : NULL,
        };
        char *environment[ENTRIES_MAX + 1] = {};
        ConfigMessages messages = {};
        Config config = {};
        int r;

        for (size_t i = 0; i < ENTRIES_MAX && input.size > 0; i++)
                environment[i] = fuzz_string(&input);

        r = config_parse(environment, endpoint_parse, &defaults, &config, &messages);
        check_messages(environment, &messages);
        if (r == 0) {
                assert(messages.n_errors == 0);
                check_config(&config);
        } else
                assert(r == -EINVAL && messages.n_errors > 0);

        config_done(&config);
        config_messages_done(&messages);
        for (size_t i = 0; environment[i]; i++)
                free(environment[i]);
        return 0;
}

#include "master/ca-store.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "util/macro.h"

/* What the distributions' own libcurl have built in. */
static const char *const stores[] = {
        "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Arch */
        "/etc/pki/tls/certs/ca-bundle.crt",                  /* RHEL, Fedora */
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora from 43 on */
        "/etc/ssl/ca-bundle.pem",                            /* SUSE */
        "/etc/ssl/cert.pem",                                 /* Alpine */
};

/* One that was built for any distribution has none built in. */
static bool libcurl_has_store(void) {
#if LIBCURL_VERSION_NUM >= 0x075400
        const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

        return info->age < CURLVERSION_TENTH || info->cainfo || info->capath;
#else
        return true;
#endif
}

const char *ca_store_find(void) {
        static int has_store = -1; /* curl_version_info() composes texts at each call */

        if (has_store < 0)
                has_store = libcurl_has_store();
        if (has_store)
                return NULL;

        for (size_t i = 0; i < ELEMENTSOF(stores); i++)
                if (access(stores[i], R_OK) == 0)
                        return stores[i];
        return NULL;
}

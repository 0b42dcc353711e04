/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where qubesdb keys live in xenstore: /local/domain/<domid>/qubesdb/<key>. xenstore allows fewer characters
 * in names than qubesdb: '.', ':' and '@' are written as "@2e", "@3a", "@40". Used by the manager and by the
 * qubesdb-* tools in guests. */
#ifndef DM_GUEST_STORE_H
#define DM_GUEST_STORE_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define GUEST_STORE_KEY_MAX  63
#define GUEST_STORE_PATH_MAX 512

/* A key: starts with '/', at most 63 characters of A-Za-z0-9_-/.:@, no empty parts ("/" alone is the top). A
 * trailing '/' names a subtree. */
static inline bool guest_store_key_valid(const char *untrusted_key)
{
    static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-/.:@";
    size_t n = strlen(untrusted_key);
    return n > 0 && n <= GUEST_STORE_KEY_MAX && untrusted_key[0] == '/' &&
           strspn(untrusted_key, chars) == n && !strstr(untrusted_key, "//");
}

/* Append the xenstore form of a valid key (without its trailing '/') to `to`, which has room for
 * GUEST_STORE_PATH_MAX bytes in all. */
static inline void guest_store_path(char to[GUEST_STORE_PATH_MAX], const char *key)
{
    size_t at = strlen(to);
    for (const char *p = key; *p && at + 4 < GUEST_STORE_PATH_MAX; p++) {
        if (*p == '/' && !p[1])
            break;
        if (*p == '.' || *p == ':' || *p == '@')
            at += (size_t)snprintf(to + at, GUEST_STORE_PATH_MAX - at, "@%02x", (unsigned)*p);
        else
            to[at++] = *p;
    }
    to[at] = 0;
}

/* Back: decode one xenstore name in place. */
static inline void guest_store_decode(char *name)
{
    char *to = name;
    for (const char *p = name; *p; p++) {
        unsigned c;
        if (p[0] == '@' && p[1] && p[2] && sscanf(p + 1, "%2x", &c) == 1 &&
            (c == '.' || c == ':' || c == '@')) {
            *to++ = (char)c;
            p += 2;
        } else {
            *to++ = *p;
        }
    }
    *to = 0;
}

#endif

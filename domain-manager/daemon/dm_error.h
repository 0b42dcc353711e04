/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors of the domain manager: one GError domain; each code has the exception name that the Admin API
 * answers with. */
#ifndef DM_ERROR_H
#define DM_ERROR_H

#include <glib.h>

#define DM_ERROR (dm_error_quark())

enum dm_error {
    DM_ERROR_FAILED,      /* anything without a better name */
    DM_ERROR_NO_DOMAIN,   /* no such domain */
    DM_ERROR_EXISTS,      /* a domain of that name exists */
    DM_ERROR_NOT_HALTED,  /* must be halted for this */
    DM_ERROR_NOT_RUNNING, /* must be running for this */
    DM_ERROR_NOT_PAUSED,  /* must be paused for this */
    DM_ERROR_IN_USE,      /* another domain or operation depends on it */
    DM_ERROR_VALUE,       /* value outside the rules */
    DM_ERROR_NO_PROPERTY, /* no such property for this class */
    DM_ERROR_READ_ONLY,   /* property may not be set */
    DM_ERROR_NO_FEATURE,  /* feature not set */
    DM_ERROR_NO_TAG,      /* tag not set */
    DM_ERROR_NO_LABEL,    /* no such label */
    DM_ERROR_NO_VOLUME,   /* no such volume */
    DM_ERROR_STORAGE,     /* a file operation failed (disk full, missing image) */
    DM_ERROR_PROTOCOL,    /* malformed request */
    DM_ERROR_NO_METHOD,   /* unknown method */
    DM_ERROR_TIMEOUT,     /* the domain did not answer in time */
    DM_ERROR_COUNT,
};

GQuark dm_error_quark(void);

/* Name of the Admin API exception for an error (any domain): a static string. */
const char *dm_error_exception(const GError *error);

/* Set *error from errno: "what: strerror". Always returns FALSE. */
gboolean dm_error_errno(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* g_set_error with our domain, always returns FALSE. */
gboolean dm_fail(GError **error, enum dm_error code, const char *format, ...) G_GNUC_PRINTF(3, 4);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dm_error.h"

#include <errno.h>

static const char *const exceptions[DM_ERROR_COUNT] = {
    [DM_ERROR_FAILED] = "QubesException",
    [DM_ERROR_NO_DOMAIN] = "QubesVMNotFoundError",
    [DM_ERROR_EXISTS] = "QubesValueError",
    [DM_ERROR_NOT_HALTED] = "QubesVMNotHaltedError",
    [DM_ERROR_NOT_RUNNING] = "QubesVMNotRunningError",
    [DM_ERROR_NOT_PAUSED] = "QubesVMNotPausedError",
    [DM_ERROR_IN_USE] = "QubesVMInUseError",
    [DM_ERROR_VALUE] = "QubesPropertyValueError",
    [DM_ERROR_NO_PROPERTY] = "QubesNoSuchPropertyError",
    [DM_ERROR_READ_ONLY] = "QubesPropertyAccessError",
    [DM_ERROR_NO_FEATURE] = "QubesFeatureNotFoundError",
    [DM_ERROR_NO_TAG] = "QubesTagNotFoundError",
    [DM_ERROR_NO_LABEL] = "QubesLabelNotFoundError",
    [DM_ERROR_NO_VOLUME] = "QubesVolumeNotFoundError",
    [DM_ERROR_STORAGE] = "StoragePoolException",
    [DM_ERROR_PROTOCOL] = "ProtocolError",
    [DM_ERROR_NO_METHOD] = "QubesNoSuchMethodError",
    [DM_ERROR_TIMEOUT] = "QubesVMShutdownTimeoutError",
};

GQuark dm_error_quark(void)
{
    return g_quark_from_static_string("bulkhead-domain-manager-error");
}

const char *dm_error_exception(const GError *error)
{
    if (error->domain == DM_ERROR && error->code >= 0 && error->code < DM_ERROR_COUNT)
        return exceptions[error->code];
    return exceptions[DM_ERROR_FAILED];
}

gboolean dm_error_errno(GError **error, const char *format, ...)
{
    int saved = errno;
    va_list ap;
    va_start(ap, format);
    g_autofree char *what = g_strdup_vprintf(format, ap);
    va_end(ap);
    const char *hint = saved == ENOSPC ? "; free some disk space and try again" : "";
    g_set_error(error, DM_ERROR, DM_ERROR_STORAGE, "%s: %s%s", what, g_strerror(saved), hint);
    return FALSE;
}

gboolean dm_fail(GError **error, enum dm_error code, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_autofree char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error_literal(error, DM_ERROR, (int)code, text);
    return FALSE;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session-bus.h"

#include <glib.h>

bool session_bus_exists(void)
{
    const char *runtime = g_getenv("XDG_RUNTIME_DIR");
    g_autofree char *path = runtime ? g_build_filename(runtime, "bus", NULL) : NULL;

    return g_getenv("DBUS_SESSION_BUS_ADDRESS") || (path && g_file_test(path, G_FILE_TEST_EXISTS));
}

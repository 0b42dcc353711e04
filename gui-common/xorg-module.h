/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the X server wants of a module that is one extension: the domain's (gui-agent/xorg), dom0's
 * (gui-daemon/xorg). */
#ifndef XORG_MODULE_H
#define XORG_MODULE_H

#include <stdbool.h>
#include <xorg-server.h>
#include <extension.h>
#include <extnsionst.h>
#include <xf86.h>
#include <xf86Module.h>

/* To be called by the module's setup function, which returns what this returns: NULL when it is there
 * already. */
static inline void *xorg_module_load(void *module, int *major_error, const ExtensionModule *extension)
{
    static bool loaded;

    if (loaded) { /* both "Load" and "SubSection" in the configuration, say */
        if (major_error)
            *major_error = LDR_ONCEONLY;
        return NULL;
    }
    loaded = true;
    LoadExtensionList(extension, 1, FALSE);
    return module;
}

/* Defines what the server looks for in lib<name>.so. */
#define XORG_MODULE(name, setup)                                                                             \
    static XF86ModuleVersionInfo name##_version = {                                                          \
        .modname = #name,                                                                                    \
        .vendor = "Bulkhead",                                                                                \
        ._modinfo1_ = MODINFOSTRING1,                                                                        \
        ._modinfo2_ = MODINFOSTRING2,                                                                        \
        .xf86version = XORG_VERSION_CURRENT,                                                                 \
        .majorversion = 1,                                                                                   \
        .abiclass = ABI_CLASS_EXTENSION,                                                                     \
        .abiversion = ABI_EXTENSION_VERSION,                                                                 \
        .moduleclass = MOD_CLASS_EXTENSION,                                                                  \
    };                                                                                                       \
    extern _X_EXPORT XF86ModuleData name##ModuleData;                                                        \
    _X_EXPORT XF86ModuleData name##ModuleData = {&name##_version, setup, NULL}

#endif

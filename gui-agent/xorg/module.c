/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libqubesgrant.so: a module of the domain's X server. It keeps the pixels of redirected windows in granted
 * pages (granted-pixmap.c) and tells the agent their references (grants-protocol.h). In xorg.conf:
 *
 *     Section "Module"
 *         SubSection "qubesgrant"
 *             Option "GuiDomain" "0"
 *         EndSubSection
 *     EndSection
 */
#include <stdbool.h>
#include <stdint.h>
#include <xorg-server.h>
#include <dixstruct.h>
#include <extension.h>
#include <extnsionst.h>
#include <pixmapstr.h>
#include <resource.h>
#include <xf86.h>
#include <xf86Module.h>
#include <xf86Opt.h>

#include "granted-pixmap.h"
#include "grants-protocol.h"

static int gui_domain;

static int get_refs(ClientPtr client)
{
    const struct grants_get_refs_request *request = client->requestBuffer;
    struct grants_get_refs_reply reply = {.response_type = X_Reply, .sequence = (uint16_t)client->sequence};
    const struct shmbuf *buffer;
    PixmapPtr pixmap;
    int rc;

    if (client->req_len != sizeof(*request) / 4)
        return BadLength;
    rc = dixLookupResourceByType((void **)&pixmap, request->pixmap, RT_PIXMAP, client, DixReadAccess);
    if (rc != Success)
        return rc;
    buffer = granted_pixmap_buffer(pixmap);
    if (!buffer)
        return BadMatch;
    reply.length = (uint32_t)buffer->pages;
    reply.width = pixmap->drawable.width;
    reply.height = pixmap->drawable.height;
    reply.stride = (uint32_t)pixmap->devKind;
    WriteToClient(client, sizeof(reply), &reply);
    WriteToClient(client, (int)(buffer->pages * sizeof(buffer->refs[0])), buffer->refs);
    return Success;
}

static int dispatch(ClientPtr client)
{
    const xReq *request = client->requestBuffer;

    return request->data == GRANTS_GET_REFS ? get_refs(client) : BadRequest;
}

/* Only clients on the same machine make sense. */
static int dispatch_swapped(ClientPtr client)
{
    (void)client;
    return BadImplementation;
}

static void init_extension(void)
{
    if (granted_pixmap_init(gui_domain) &&
        AddExtension(GRANTS_EXTENSION, 0, 0, dispatch, dispatch_swapped, NULL, StandardMinorOpcode))
        LogMessage(X_INFO, "qubesgrant: windows are in pages granted to domain %d\n", gui_domain);
}

static void *setup(void *module, void *options, int *major_error, int *minor_error)
{
    static const ExtensionModule extension = {init_extension, GRANTS_EXTENSION, NULL};

    static bool loaded;

    (void)minor_error;
    if (loaded) { /* both "Load" and "SubSection" in the configuration, say */
        if (major_error)
            *major_error = LDR_ONCEONLY;
        return NULL;
    }
    loaded = true;
    gui_domain = xf86CheckIntOption(options, "GuiDomain", 0);
    LoadExtensionList(&extension, 1, FALSE);
    return module;
}

static XF86ModuleVersionInfo version = {
    .modname = "qubesgrant",
    .vendor = "Bulkhead",
    ._modinfo1_ = MODINFOSTRING1,
    ._modinfo2_ = MODINFOSTRING2,
    .xf86version = XORG_VERSION_CURRENT,
    .majorversion = 1,
    .abiclass = ABI_CLASS_EXTENSION,
    .abiversion = ABI_EXTENSION_VERSION,
    .moduleclass = MOD_CLASS_EXTENSION,
};

extern _X_EXPORT XF86ModuleData qubesgrantModuleData;
_X_EXPORT XF86ModuleData qubesgrantModuleData = {&version, setup, NULL};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libqubesgrant.so: a module of the domain's X server. It keeps the pixels of redirected windows in granted
 * pages (granted-pixmap.c), tells the agent their references, and what is drawn (damage-report.c), by an
 * extension of its own (grants-protocol.h). In xorg.conf:
 *
 *     Section "Module"
 *         SubSection "qubesgrant"
 *             Option "GuiDomain" "0"
 *         EndSubSection
 *     EndSection
 */
#include <stdint.h>
#include <xorg-server.h>
#include <dixstruct.h>
#include <pixmapstr.h>
#include <resource.h>
#include <xf86Opt.h>

#include "damage-report.h"
#include "granted-pixmap.h"
#include "grants-protocol.h"
#include "xorg-module.h"

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
    static int (*const requests[])(ClientPtr client) = {
        [GRANTS_GET_REFS] = get_refs, [GRANTS_WATCH] = damage_report_watch, [GRANTS_ARM] = damage_report_arm};
    const xReq *request = client->requestBuffer;

    return request->data < sizeof(requests) / sizeof(requests[0]) ? requests[request->data](client)
                                                                  : BadRequest;
}

/* Only clients on the same machine make sense. */
static int dispatch_swapped(ClientPtr client)
{
    (void)client;
    return BadImplementation;
}

static void init_extension(void)
{
    ExtensionEntry *entry;

    if (!granted_pixmap_init(gui_domain))
        return;
    entry = AddExtension(GRANTS_EXTENSION, 1, 0, dispatch, dispatch_swapped, NULL, StandardMinorOpcode);
    if (entry && damage_report_init(entry->eventBase))
        LogMessage(X_INFO, "qubesgrant: windows are in pages granted to domain %d\n", gui_domain);
}

static void *setup(void *module, void *options, int *major_error, int *minor_error)
{
    static const ExtensionModule extension = {init_extension, GRANTS_EXTENSION, NULL};

    (void)minor_error;
    module = xorg_module_load(module, major_error, &extension);
    if (module)
        gui_domain = xf86CheckIntOption(options, "GuiDomain", 0);
    return module;
}

XORG_MODULE(qubesgrant, setup);

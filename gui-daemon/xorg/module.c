/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libqubespixels.so: a module of dom0's X server (pixels-protocol.h). A GUI daemon shows it the buffers of
 * its domain's windows; the server copies from them to the screen, so that the daemon copies nothing.
 *
 * It gives nobody a right: the daemon, which may open gntdev, has named the grants to the kernel, and passes
 * its open gntdev; another client's descriptor or offset leads nowhere. What is mapped is read-only, never a
 * drawable that somebody could draw to, charged to the client, and unmapped when the client is gone.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <xorg-server.h>
#include <dixstruct.h>
#include <gcstruct.h>
#include <opaque.h>
#include <os.h>
#include <pixmapstr.h>
#include <privates.h>
#include <resource.h>
#include <scrnintstr.h>
#include <windowstr.h>

#include "gui-protocol.h"
#include "guest-buffer.h"
#include "xorg-module.h"

#define BITS_PER_PIXEL 32

static RESTYPE buffer_type;
static DevPrivateKeyRec account_key;
static int major_opcode;

/* ---- requests ---- */

static size_t request_bytes(ClientPtr client)
{
    return (size_t)client->req_len * 4;
}

/* How many things of `size` bytes follow the first `fixed` bytes of the request? False: that does not fit. */
static bool list_length(ClientPtr client, size_t fixed, size_t size, size_t max, size_t *count)
{
    size_t bytes = request_bytes(client);

    if (bytes < fixed || (bytes - fixed) % size || (bytes - fixed) / size > max)
        return false;
    *count = (bytes - fixed) / size;
    return true;
}

/* X's name for what went wrong. */
static int x_error(int err)
{
    switch (err) {
    case 0:
        return Success;
    case -EACCES:
        return BadAccess;
    case -ENOMEM:
        return BadAlloc;
    default:
        return BadMatch;
    }
}

static struct guest_account *account_of(ClientPtr client)
{
    return dixLookupPrivate(&client->devPrivates, &account_key);
}

/* X names are global, buffers are not: only the client that attached one may use it. */
static int lookup(ClientPtr client, XID id, Mask access, struct guest_buffer **out)
{
    int rc = dixLookupResourceByType((void **)out, id, buffer_type, client, access);

    return rc == Success && (*out)->account != account_of(client) ? BadAccess : rc;
}

static int attach_buffer(ClientPtr client, int fd, const struct pixels_attach *untrusted, size_t count)
{
    struct shmbuf_piece untrusted_pieces[SHMBUF_MAX_PIECES];
    struct guest_buffer *buffer;
    int err;

    memcpy(untrusted_pieces, untrusted + 1, count * sizeof(untrusted_pieces[0]));
    err = guest_buffer_new(fd, untrusted, untrusted_pieces, count, account_of(client), &buffer);
    if (err)
        return x_error(err);
    /* A failure frees the buffer, too. */
    return AddResource(untrusted->request.buffer, buffer_type, buffer) ? Success : BadAlloc;
}

static int attach(ClientPtr client)
{
    const struct pixels_attach *untrusted = client->requestBuffer;
    struct pixels_attach_reply reply = {.response_type = X_Reply, .sequence = (uint16_t)client->sequence};
    size_t count;
    int fd, rc;

    SetReqFds(client, 1);
    if (!list_length(client, sizeof(*untrusted), sizeof(struct shmbuf_piece), SHMBUF_MAX_PIECES, &count))
        return BadLength;
    LEGAL_NEW_RESOURCE(untrusted->request.buffer, client);
    fd = ReadFdFromClient(client);
    if (fd < 0)
        return BadAccess;
    rc = attach_buffer(client, fd, untrusted, count);
    close(fd);
    if (rc == Success)
        WriteToClient(client, sizeof(reply), &reply);
    return rc;
}

static int detach(ClientPtr client)
{
    const struct pixels_request *untrusted = client->requestBuffer;
    struct guest_buffer *buffer;
    int rc;

    if (request_bytes(client) != sizeof(*untrusted))
        return BadLength;
    rc = lookup(client, untrusted->buffer, DixDestroyAccess, &buffer);
    if (rc == Success)
        FreeResource(untrusted->buffer, RT_NONE);
    return rc;
}

/* What MIT-SHM does with its segments: a pixmap header over the pixels for as long as the copy takes. */
static int copy_rects(DrawablePtr window, const struct guest_buffer *buffer, const struct pixels_rect *rects,
                      size_t count)
{
    GCPtr gc = GetScratchGC(window->depth, window->pScreen);
    PixmapPtr pixmap =
        GetScratchPixmapHeader(window->pScreen, buffer->width, buffer->height, window->depth, BITS_PER_PIXEL,
                               buffer->width * BITS_PER_PIXEL / 8, (void *)buffer->map.data);
    int rc = gc && pixmap ? Success : BadAlloc;

    if (rc == Success) {
        ValidateGC(window, gc);
        for (size_t i = 0; i < count; i++) {
            const struct pixels_rect *r = &rects[i];
            /* No exposures: the scratch GC does not ask for them. */
            gc->ops->CopyArea(&pixmap->drawable, window, gc, r->x, r->y, r->width, r->height, r->x, r->y);
        }
    }
    if (pixmap)
        FreeScratchPixmapHeader(pixmap);
    if (gc)
        FreeScratchGC(gc);
    return rc;
}

static void tell_done(ClientPtr client, uint32_t window)
{
    xEvent event = {.u.noExposure = {.drawable = window, .minorEvent = PIXELS_PUT}};

    event.u.noExposure.majorEvent = (CARD8)major_opcode;
    event.u.u.type = NoExpose;
    WriteEventsToClient(client, 1, &event);
}

/* Each inside of the buffer, and no more in all than the buffer has: work is bounded by what is mapped. */
static bool rects_valid(const struct guest_buffer *buffer, const struct pixels_rect *untrusted_rects,
                        size_t count)
{
    size_t left = (size_t)buffer->width * (size_t)buffer->height;

    for (size_t i = 0; i < count; i++) {
        const struct pixels_rect *r = &untrusted_rects[i];

        if (!guest_buffer_contains(buffer, r) || (size_t)r->width * r->height > left)
            return false;
        left -= (size_t)r->width * r->height;
    }
    return true;
}

static int put(ClientPtr client)
{
    const struct pixels_put *untrusted = client->requestBuffer;
    const struct pixels_rect *untrusted_rects = (const struct pixels_rect *)(untrusted + 1);
    struct guest_buffer *buffer;
    DrawablePtr window;
    size_t count;
    int rc;

    if (!list_length(client, sizeof(*untrusted), sizeof(*untrusted_rects), PIXELS_MAX_RECTS, &count))
        return BadLength;
    rc = lookup(client, untrusted->request.buffer, DixReadAccess, &buffer);
    if (rc != Success)
        return rc;
    rc = dixLookupDrawable(&window, untrusted->window, client, M_DRAWABLE_WINDOW, DixWriteAccess);
    if (rc != Success)
        return rc;
    if (window->depth != GUI_DUMP_BPP || window->bitsPerPixel != BITS_PER_PIXEL)
        return BadMatch;
    if (!rects_valid(buffer, untrusted_rects, count))
        return BadValue;
    rc = copy_rects(window, buffer, untrusted_rects, count);
    if (rc == Success)
        tell_done(client, untrusted->window);
    return rc;
}

static int dispatch(ClientPtr client)
{
    static int (*const requests[])(ClientPtr) = {
        [PIXELS_ATTACH] = attach, [PIXELS_DETACH] = detach, [PIXELS_PUT] = put};
    const struct pixels_request *untrusted = client->requestBuffer;

    if (untrusted->minor_opcode >= sizeof(requests) / sizeof(requests[0]))
        return BadRequest;
    return request_bytes(client) < sizeof(*untrusted) ? BadLength : requests[untrusted->minor_opcode](client);
}

static int dispatch_swapped(ClientPtr client)
{
    (void)client;
    return BadImplementation;
}

/* ---- the module ---- */

static int free_resource(void *value, XID id)
{
    (void)id;
    guest_buffer_free(value);
    return Success;
}

/* Once a generation of the server. */
static void init_extension(void)
{
    ExtensionEntry *entry;

    buffer_type = CreateNewResourceType(free_resource, "GuestBuffer");
    if (!buffer_type || !dixRegisterPrivateKey(&account_key, PRIVATE_CLIENT, sizeof(struct guest_account)))
        return;
    buffer_type |= RC_NEVERRETAIN; /* no client's end, of whatever kind, leaves pages mapped */
    entry = AddExtension(PIXELS_EXTENSION, 0, 0, dispatch, dispatch_swapped, NULL, StandardMinorOpcode);
    if (!entry)
        return;
    major_opcode = entry->base;
    LogMessage(X_INFO, "qubespixels: windows of domains are drawn from their own pages\n");
}

static void *setup(void *module, void *options, int *major_error, int *minor_error)
{
    static const ExtensionModule extension = {init_extension, PIXELS_EXTENSION, NULL};

    (void)options;
    (void)minor_error;
    return xorg_module_load(module, major_error, &extension);
}

XORG_MODULE(qubespixels, setup);

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_dix.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xorg-server.h>
#include <dixstruct.h>
#include <extension.h>
#include <extnsionst.h>
#include <gcstruct.h>
#include <os.h>
#include <pixmapstr.h>
#include <privates.h>
#include <resource.h>
#include <scrnintstr.h>
#include <xf86Module.h>

#include "../../../gui-daemon/xorg/guest-buffer.h"

#define MAX_RESOURCES 16
#define ID_BITS       8
#define MAJOR_OPCODE  140

#define REQUIRE(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            abort();                                                                                         \
    } while (0)

extern XF86ModuleData qubespixelsModuleData;

static struct guest_account accounts[FAKE_CLIENTS];
static ClientRec fake_clients[FAKE_CLIENTS];
static struct {
    XID id; /* 0: free */
    void *value;
} resources[MAX_RESOURCES];
static RESTYPE resource_type;
static DeleteType delete_resource;
static int (*dispatch)(ClientPtr client);
static int passed_fd = -1;
static struct fake_dix_counts counts;
static ScreenRec screen;
static PixmapRec pixmap;
static GC gc;
static bool gc_taken, pixmap_taken;

/* ---- what the module calls ---- */

void LoadExtensionList(const ExtensionModule list[], int size, Bool builtin)
{
    (void)builtin;
    for (int i = 0; i < size; i++)
        list[i].initFunc();
}

Bool dixRegisterPrivateKey(DevPrivateKey key, DevPrivateType type, unsigned size)
{
    REQUIRE(type == PRIVATE_CLIENT && size == sizeof(accounts[0]));
    key->size = (int)size;
    key->initialized = TRUE;
    return TRUE;
}

RESTYPE CreateNewResourceType(DeleteType delete_function, const char *name)
{
    (void)name;
    delete_resource = delete_function;
    return 1;
}

unsigned short StandardMinorOpcode(ClientPtr client)
{
    (void)client;
    return 0;
}

ExtensionEntry *AddExtension(const char *name, int events, int errors, int (*main_proc)(ClientPtr),
                             int (*swapped)(ClientPtr), void (*close_down)(ExtensionEntry *),
                             unsigned short (*minor)(ClientPtr))
{
    static ExtensionEntry entry = {.base = MAJOR_OPCODE};

    (void)name;
    (void)swapped;
    (void)minor;
    REQUIRE(!events && !errors && !close_down);
    dispatch = main_proc;
    return &entry;
}

void LogMessage(MessageType type, const char *format, ...)
{
    (void)type;
    (void)format;
}

Bool LegalNewID(XID id, ClientPtr client)
{
    for (int i = 0; i < MAX_RESOURCES; i++) {
        if (resources[i].id == id)
            return FALSE;
    }
    return id && id >> ID_BITS == (XID)client->index + 1;
}

Bool AddResource(XID id, RESTYPE type, void *value)
{
    resource_type = type;
    for (int i = 0; i < MAX_RESOURCES; i++) {
        if (!resources[i].id) {
            resources[i].id = id;
            resources[i].value = value;
            counts.resources++;
            return TRUE;
        }
    }
    delete_resource(value, id);
    return FALSE;
}

static void free_slot(int i)
{
    XID id = resources[i].id;

    resources[i].id = 0;
    counts.resources--;
    delete_resource(resources[i].value, id);
}

void FreeResource(XID id, RESTYPE skip)
{
    REQUIRE(skip == RT_NONE);
    for (int i = 0; i < MAX_RESOURCES; i++) {
        if (resources[i].id == id)
            free_slot(i);
    }
}

int dixLookupResourceByType(void **result, XID id, RESTYPE type, ClientPtr client, Mask access)
{
    (void)client;
    REQUIRE(access == DixReadAccess || access == DixDestroyAccess);
    for (int i = 0; i < MAX_RESOURCES; i++) {
        if (id && resources[i].id == id && type == resource_type) {
            *result = resources[i].value;
            return Success;
        }
    }
    return BadValue;
}

int ReadFdFromClient(ClientPtr client)
{
    int fd = client->req_fds ? passed_fd : -1;

    passed_fd = -1;
    return fd;
}

int WriteToClient(ClientPtr client, int count, const void *data)
{
    const struct pixels_attach_reply *reply = data;

    REQUIRE(count == sizeof(*reply) && reply->response_type == X_Reply && !reply->length);
    (void)client;
    counts.replies++;
    return count;
}

void WriteEventsToClient(ClientPtr client, int count, xEventPtr events)
{
    (void)client;
    REQUIRE(count == 1 && events->u.u.type == NoExpose && events->u.noExposure.majorEvent == MAJOR_OPCODE);
    counts.events++;
}

int dixLookupDrawable(DrawablePtr *result, XID id, ClientPtr client, Mask type, Mask access)
{
    static DrawableRec window = {.depth = 24, .bitsPerPixel = 32, .pScreen = &screen};
    static DrawableRec window_32 = {.depth = 32, .bitsPerPixel = 32, .pScreen = &screen};

    (void)client;
    REQUIRE(type == M_DRAWABLE_WINDOW && access == DixWriteAccess);
    *result = id == FAKE_WINDOW ? &window : &window_32;
    return id == FAKE_WINDOW || id == FAKE_WINDOW_32 ? Success : BadWindow;
}

/* Reads what it is told to, as the real one would if the window is large enough. */
static RegionPtr copy_area(DrawablePtr from, DrawablePtr to, GCPtr with, int x, int y, int w, int h, int to_x,
                           int to_y)
{
    volatile uint32_t seen = 0;

    REQUIRE(from == &pixmap.drawable && with == &gc && to->depth == 24 && x == to_x && y == to_y);
    REQUIRE(x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= from->width && y + h <= from->height);
    for (int row = y; row < y + h; row++) {
        const char *line = (const char *)pixmap.devPrivate.ptr + (size_t)row * (size_t)pixmap.devKind;

        for (int column = x; column < x + w; column++)
            seen ^= ((const uint32_t *)(const void *)line)[column];
    }
    (void)seen;
    counts.pixels += (unsigned long)w * (unsigned long)h;
    return NULL;
}

GCPtr GetScratchGC(unsigned depth, ScreenPtr of)
{
    static const GCOps ops = {.CopyArea = copy_area};

    REQUIRE(depth == 24 && of == &screen && !gc_taken);
    gc.ops = &ops;
    gc_taken = true;
    return &gc;
}

void FreeScratchGC(GCPtr which)
{
    REQUIRE(which == &gc && gc_taken);
    gc_taken = false;
}

void ValidateGC(DrawablePtr drawable, GCPtr which)
{
    REQUIRE(drawable->pScreen == &screen && which == &gc);
}

PixmapPtr GetScratchPixmapHeader(ScreenPtr of, int w, int h, int depth, int bits, int stride, void *data)
{
    REQUIRE(of == &screen && depth == 24 && bits == 32 && !pixmap_taken);
    pixmap.drawable.width = (unsigned short)w;
    pixmap.drawable.height = (unsigned short)h;
    pixmap.devKind = stride;
    pixmap.devPrivate.ptr = data;
    pixmap_taken = true;
    return &pixmap;
}

void FreeScratchPixmapHeader(PixmapPtr which)
{
    REQUIRE(which == &pixmap && pixmap_taken);
    pixmap_taken = false;
}

/* ---- what tests call ---- */

bool fake_dix_start(void)
{
    static bool started;
    int error = 0;

    if (!started)
        qubespixelsModuleData.setup(&qubespixelsModuleData, NULL, &error, NULL);
    started = true;
    for (unsigned i = 0; i < FAKE_CLIENTS; i++) {
        fake_clients[i].index = (int)i;
        fake_clients[i].devPrivates = (PrivatePtr)(void *)&accounts[i];
    }
    return dispatch && !error;
}

int fake_dix_request(unsigned index, void *request, size_t bytes, int fd)
{
    ClientPtr client = &fake_clients[index];
    int rc;

    passed_fd = fd;
    client->requestBuffer = request;
    client->req_len = (unsigned)(bytes / 4);
    client->req_fds = 0;
    rc = dispatch(client);
    if (passed_fd >= 0)
        close(passed_fd);
    REQUIRE(!gc_taken && !pixmap_taken);
    return rc;
}

uint32_t fake_dix_id(unsigned index, unsigned number)
{
    return (index + 1) << ID_BITS | (number & ((1u << ID_BITS) - 1));
}

void fake_dix_client_gone(unsigned index)
{
    for (int i = 0; i < MAX_RESOURCES; i++) {
        if (resources[i].id >> ID_BITS == index + 1)
            free_slot(i);
    }
    REQUIRE(!accounts[index].buffers && !accounts[index].pages);
}

struct fake_dix_counts fake_dix_counts(void)
{
    struct fake_dix_counts now = counts;

    for (unsigned i = 0; i < FAKE_CLIENTS; i++)
        now.mapped_pages += accounts[i].pages;
    return now;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "granted-pixmap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <os.h>
#include <privates.h>
#include <servermd.h>

#include "gui-protocol.h"

struct granted_screen {
    CreatePixmapProcPtr create_pixmap;
    DestroyPixmapProcPtr destroy_pixmap;
    CloseScreenProcPtr close_screen;
};

static DevPrivateKeyRec screen_key, pixmap_key;
static struct shmbuf_exporter *exporter;

static PixmapPtr granted_pixmap_create(ScreenPtr screen, int width, int height, int depth, unsigned usage);
static Bool granted_pixmap_destroy(PixmapPtr pixmap);

static struct granted_screen *screen_of(ScreenPtr screen)
{
    return dixLookupPrivate(&screen->devPrivates, &screen_key);
}

static struct shmbuf *buffer_of(PixmapPtr pixmap)
{
    return dixLookupPrivate(&pixmap->devPrivates, &pixmap_key);
}

const struct shmbuf *granted_pixmap_buffer(PixmapPtr pixmap)
{
    return buffer_of(pixmap);
}

static PixmapPtr create_ordinary(ScreenPtr screen, int width, int height, int depth, unsigned usage)
{
    struct granted_screen *own = screen_of(screen);
    PixmapPtr pixmap;

    screen->CreatePixmap = own->create_pixmap;
    pixmap = screen->CreatePixmap(screen, width, height, depth, usage);
    own->create_pixmap = screen->CreatePixmap;
    screen->CreatePixmap = granted_pixmap_create;
    return pixmap;
}

static Bool destroy_ordinary(PixmapPtr pixmap)
{
    ScreenPtr screen = pixmap->drawable.pScreen;
    struct granted_screen *own = screen_of(screen);
    Bool result;

    screen->DestroyPixmap = own->destroy_pixmap;
    result = screen->DestroyPixmap(pixmap);
    own->destroy_pixmap = screen->DestroyPixmap;
    screen->DestroyPixmap = granted_pixmap_destroy;
    return result;
}

static struct shmbuf *allocate(int width, int height)
{
    size_t bytes = (size_t)width * (size_t)height * 4;
    struct shmbuf *buffer = calloc(1, sizeof(*buffer));

    if (!buffer)
        return NULL;
    if (shmbuf_alloc(exporter, (bytes + SHMBUF_PAGE_SIZE - 1) / SHMBUF_PAGE_SIZE, buffer)) {
        free(buffer);
        return NULL;
    }
    return buffer;
}

/* An empty pixmap whose header points at the pages. NULL: it has to be an ordinary one. */
static PixmapPtr create_granted(ScreenPtr screen, int width, int height, int depth)
{
    struct shmbuf *buffer = allocate(width, height);
    PixmapPtr pixmap = buffer ? create_ordinary(screen, 0, 0, depth, 0) : NULL;

    if (pixmap && screen->ModifyPixmapHeader(pixmap, width, height, depth, 32, width * 4, buffer->data)) {
        dixSetPrivate(&pixmap->devPrivates, &pixmap_key, buffer);
        return pixmap;
    }
    if (pixmap)
        destroy_ordinary(pixmap);
    if (buffer)
        shmbuf_free(exporter, buffer);
    free(buffer);
    return NULL;
}

static PixmapPtr granted_pixmap_create(ScreenPtr screen, int width, int height, int depth, unsigned usage)
{
    PixmapPtr pixmap = NULL;

    if (usage == CREATE_PIXMAP_USAGE_BACKING_PIXMAP && (depth == 24 || depth == 32) && width > 0 &&
        height > 0 && width <= GUI_MAX_WIDTH && height <= GUI_MAX_HEIGHT)
        pixmap = create_granted(screen, width, height, depth);
    return pixmap ? pixmap : create_ordinary(screen, width, height, depth, usage);
}

static Bool granted_pixmap_destroy(PixmapPtr pixmap)
{
    struct shmbuf *buffer = buffer_of(pixmap);

    /* The last reference: neither the window nor a name that the agent gave it needs it. */
    if (buffer && pixmap->refcnt == 1) {
        dixSetPrivate(&pixmap->devPrivates, &pixmap_key, NULL);
        shmbuf_free(exporter, buffer);
        free(buffer);
    }
    return destroy_ordinary(pixmap);
}

static Bool close_screen(ScreenPtr screen)
{
    struct granted_screen *own = screen_of(screen);

    screen->CreatePixmap = own->create_pixmap;
    screen->DestroyPixmap = own->destroy_pixmap;
    screen->CloseScreen = own->close_screen;
    free(own);
    return screen->CloseScreen(screen);
}

static Bool wrap_screen(ScreenPtr screen)
{
    struct granted_screen *own = calloc(1, sizeof(*own));

    if (!own)
        return FALSE;
    own->create_pixmap = screen->CreatePixmap;
    own->destroy_pixmap = screen->DestroyPixmap;
    own->close_screen = screen->CloseScreen;
    dixSetPrivate(&screen->devPrivates, &screen_key, own);
    screen->CreatePixmap = granted_pixmap_create;
    screen->DestroyPixmap = granted_pixmap_destroy;
    screen->CloseScreen = close_screen;
    return TRUE;
}

Bool granted_pixmap_init(int peer)
{
    int rc;

    if (!dixRegisterPrivateKey(&screen_key, PRIVATE_SCREEN, 0) ||
        !dixRegisterPrivateKey(&pixmap_key, PRIVATE_PIXMAP, 0))
        return FALSE;
    rc = exporter ? 0 : shmbuf_exporter_open((uint16_t)peer, &exporter);
    if (rc) {
        LogMessage(X_WARNING, "qubesgrant: no shared memory to grant: %s; the agent will copy\n",
                   strerror(-rc));
        return FALSE;
    }
    for (int i = 0; i < screenInfo.numScreens; i++) {
        if (!wrap_screen(screenInfo.screens[i]))
            return FALSE;
    }
    return TRUE;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "damage-report.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <damage.h>
#include <list.h>
#include <os.h>
#include <regionstr.h>
#include <resource.h>
#include <windowstr.h>

#include "grants-protocol.h"

/* Of more rectangles the box around them is reported. */
#define MAX_RECTS 12

struct watch {
    struct xorg_list link;
    XID id; /* 0: the resource is being freed */
    ClientPtr client;
    XID window;
    DamagePtr damage; /* NULL: being freed */
    bool armed;
};

static RESTYPE watch_type;
static int event_type;
static struct xorg_list watches;
static bool work; /* some watch may have something to report */

/* ---- life: the resource and the damage take each other along ---- */

static void free_damage(DamagePtr damage, void *closure)
{
    struct watch *watch = closure;

    (void)damage;
    watch->damage = NULL;
    if (watch->id)
        FreeResource(watch->id, RT_NONE);
}

static int free_watch(void *value, XID id)
{
    struct watch *watch = value;

    (void)id;
    watch->id = 0;
    if (watch->damage)
        DamageDestroy(watch->damage);
    xorg_list_del(&watch->link);
    free(watch);
    return Success;
}

static void first_damage(DamagePtr damage, RegionPtr region, void *closure)
{
    (void)damage;
    (void)region;
    (void)closure;
    work = true;
}

static struct watch *new_watch(ClientPtr client, XID id, WindowPtr window)
{
    struct watch *watch = calloc(1, sizeof(*watch));

    if (!watch)
        return NULL;
    watch->damage =
        DamageCreate(first_damage, free_damage, DamageReportNonEmpty, FALSE, window->drawable.pScreen, watch);
    if (!watch->damage) {
        free(watch);
        return NULL;
    }
    watch->id = id;
    watch->client = client;
    watch->window = window->drawable.id;
    xorg_list_add(&watch->link, &watches);
    DamageSetReportAfterOp(watch->damage, TRUE);
    return watch;
}

/* ---- requests ---- */

int damage_report_watch(ClientPtr client)
{
    const struct grants_watch_request *request = client->requestBuffer;
    struct watch *watch;
    WindowPtr window;
    int rc;

    if (client->req_len != sizeof(*request) / 4)
        return BadLength;
    LEGAL_NEW_RESOURCE(request->watch, client);
    rc = dixLookupWindow(&window, request->window, client, DixReadAccess);
    if (rc != Success)
        return rc;
    watch = new_watch(client, request->watch, window);
    /* A failure to add it frees it. */
    if (!watch || !AddResource(request->watch, watch_type, watch))
        return BadAlloc;
    DamageRegister(&window->drawable, watch->damage);
    return Success;
}

int damage_report_arm(ClientPtr client)
{
    const struct grants_arm_request *request = client->requestBuffer;
    struct watch *watch;
    int rc;

    if (client->req_len != sizeof(*request) / 4)
        return BadLength;
    rc = dixLookupResourceByType((void **)&watch, request->watch, watch_type, client, DixWriteAccess);
    if (rc != Success)
        return rc;
    if (request->forget)
        DamageEmpty(watch->damage);
    watch->armed = work = true;
    return Success;
}

/* ---- reports ---- */

static void send_event(const struct watch *watch, const BoxRec *boxes, int count, bool more)
{
    struct grants_damage_event event = {.response_type = (uint8_t)event_type, .window = watch->window};

    event.count = (uint8_t)(count | (more ? GRANTS_EVENT_MORE : 0));
    for (int i = 0; i < count; i++) {
        event.rects[i].x = boxes[i].x1;
        event.rects[i].y = boxes[i].y1;
        event.rects[i].width = (uint16_t)(boxes[i].x2 - boxes[i].x1);
        event.rects[i].height = (uint16_t)(boxes[i].y2 - boxes[i].y1);
    }
    WriteEventsToClient(watch->client, 1, (xEvent *)&event);
}

static void report(struct watch *watch)
{
    RegionPtr region = DamageRegion(watch->damage);
    int count = RegionNumRects(region);
    const BoxRec *boxes = RegionRects(region);

    if (!watch->armed || !count)
        return;
    if (count > MAX_RECTS) {
        boxes = RegionExtents(region);
        count = 1;
    }
    for (int i = 0; i < count; i += GRANTS_EVENT_RECTS) {
        int left = count - i;

        send_event(watch, boxes + i, left < GRANTS_EVENT_RECTS ? left : GRANTS_EVENT_RECTS,
                   left > GRANTS_EVENT_RECTS);
    }
    watch->armed = false;
    DamageEmpty(watch->damage);
}

/* The server has done what it was asked for; what is written now goes out before it sleeps. */
static void before_sleep(void *data, void *timeout)
{
    struct watch *watch;

    (void)data;
    (void)timeout;
    if (!work)
        return;
    work = false;
    xorg_list_for_each_entry(watch, &watches, link) report(watch);
}

static void after_sleep(void *data, int result)
{
    (void)data;
    (void)result;
}

Bool damage_report_init(int event)
{
    event_type = event;
    xorg_list_init(&watches);
    watch_type = CreateNewResourceType(free_watch, "DamageWatch");
    return watch_type && RegisterBlockAndWakeupHandlers(before_sleep, after_sleep, NULL);
}

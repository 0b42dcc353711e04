/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xcb/shm.h>

#define ALL_PLANES   0xffffffff
#define SEGMENT_STEP (1 << 20)

void capture_close(struct agent *agent)
{
    struct capture *capture = &agent->capture;

    if (capture->data)
        munmap(capture->data, capture->size);
    if (capture->segment && agent->x.conn)
        xcb_shm_detach(agent->x.conn, capture->segment);
    memset(capture, 0, sizeof(*capture));
}

/* Make the segment at least `size` bytes large. */
static bool ensure_segment(struct agent *agent, size_t size)
{
    struct capture *capture = &agent->capture;
    void *data;
    int fd;

    if (size <= capture->size)
        return true;
    capture_close(agent);
    size = (size + SEGMENT_STEP - 1) / SEGMENT_STEP * SEGMENT_STEP;
    fd = memfd_create("qubes-gui-capture", MFD_CLOEXEC);
    if (fd < 0)
        return false;
    data =
        ftruncate(fd, (off_t)size) ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED) {
        close(fd);
        return false;
    }
    capture->data = data;
    capture->size = size;
    capture->segment = xcb_generate_id(agent->x.conn);
    xcb_shm_attach_fd(agent->x.conn, capture->segment, fd, 0); /* takes the descriptor */
    return true;
}

static void copy_rect(const uint8_t *from, struct window_buffer *to, struct rect r)
{
    size_t stride = (size_t)to->width * 4, row = (size_t)r.width * 4;
    uint8_t *at = (uint8_t *)to->shm.data + (size_t)r.y * stride + (size_t)r.x * 4;

    if (row == stride) {
        memcpy(at, from, row * r.height);
        return;
    }
    for (uint32_t y = 0; y < r.height; y++, from += row, at += stride)
        memcpy(at, from, row);
}

static size_t rect_bytes(struct rect r)
{
    return (size_t)r.width * r.height * 4;
}

/* Wait for one image; true if it came as expected. */
static bool collect(struct agent *agent, xcb_shm_get_image_cookie_t cookie, struct rect r)
{
    xcb_shm_get_image_reply_t *reply = xcb_shm_get_image_reply(agent->x.conn, cookie, NULL);
    bool good = reply && (reply->depth == 24 || reply->depth == 32) && reply->size == rect_bytes(r);

    free(reply);
    return good;
}

bool capture_rects(struct agent *agent, const struct window *win, const struct rect *rects, unsigned count,
                   struct window_buffer *to)
{
    xcb_shm_get_image_cookie_t cookies[RECT_LIST_MAX];
    size_t offset = 0;
    bool good = true;

    for (unsigned i = 0; i < count; i++)
        offset += rect_bytes(rects[i]);
    if (count > RECT_LIST_MAX || !win->pixmap || !ensure_segment(agent, offset))
        return false;
    offset = 0;
    for (unsigned i = 0; i < count; i++) {
        cookies[i] = xcb_shm_get_image(
            agent->x.conn, win->pixmap, (int16_t)(rects[i].x + (int32_t)win->border),
            (int16_t)(rects[i].y + (int32_t)win->border), (uint16_t)rects[i].width, (uint16_t)rects[i].height,
            ALL_PLANES, XCB_IMAGE_FORMAT_Z_PIXMAP, agent->capture.segment, (uint32_t)offset);
        offset += rect_bytes(rects[i]);
    }
    offset = 0;
    for (unsigned i = 0; i < count; i++) {
        if (collect(agent, cookies[i], rects[i])) {
            copy_rect(agent->capture.data + offset, to, rects[i]);
            agent->stats.bytes_copied += rect_bytes(rects[i]);
        } else {
            good = false;
        }
        offset += rect_bytes(rects[i]);
    }
    return good;
}

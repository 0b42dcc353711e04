/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that two clients can ask of the module in dom0's X server. Input: records of one byte (what to
 * do), one byte (length of the request in words), the request. All buffers are unmapped at the end.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../../gui-daemon/xorg/guest-buffer.h"
#include "../../unit/gui-daemon-xorg/fake_dix.h"

#define PAGES 8

enum { CLIENT = 1, GOOD_FD = 2, BAD_FD = 4, GONE = 8, OWN_ID = 16, WINDOW = 32 };

static int descriptor(uint8_t what)
{
    static int pages = -1;

    if (what & BAD_FD)
        return open("/dev/null", O_RDWR | O_CLOEXEC);
    if (!(what & GOOD_FD))
        return -1;
    if (pages < 0) {
        pages = memfd_create("pages", MFD_CLOEXEC);
        if (pages < 0 || ftruncate(pages, PAGES * SHMBUF_PAGE_SIZE))
            abort();
    }
    return fcntl(pages, F_DUPFD_CLOEXEC, 0);
}

/* Names that exist are hard to guess. */
static void name_things(uint8_t what, uint32_t *words, size_t count)
{
    if (what & OWN_ID && count > 1)
        words[1] = fake_dix_id(what & CLIENT, words[1] & 3);
    if (what & WINDOW && count > 2 && (words[0] >> 8 & 0xff) == PIXELS_PUT)
        words[2] = FAKE_WINDOW + (words[2] & 1);
}

static size_t record(const uint8_t *data, size_t size)
{
    uint8_t what = data[0];
    size_t count = size > 1 ? data[1] : 0, bytes = count * 4;
    uint32_t *words;

    if (what & GONE)
        fake_dix_client_gone(what & CLIENT);
    if (!count || bytes > size - 2)
        return size;
    /* An exact copy lets ASan see each byte read past the request. */
    words = malloc(bytes);
    if (!words)
        abort();
    memcpy(words, data + 2, bytes);
    name_things(what, words, count);
    fake_dix_request(what & CLIENT, words, bytes, descriptor(what));
    free(words);
    return bytes + 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!fake_dix_start())
        abort();
    while (size) {
        size_t used = record(data, size);

        data += used;
        size -= used;
    }
    for (unsigned i = 0; i < FAKE_CLIENTS; i++)
        fake_dix_client_gone(i);
    if (fake_dix_counts().resources || fake_dix_counts().mapped_pages)
        abort();
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xsettings.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "gui-protocol.h"

#define DOTS_AN_INCH 96
#define DPI_UNIT     1024 /* XSETTINGS has it in 1/1024 */
#define DPI_LINE     "Xft.dpi:"

static const char setting[] = "Xft/DPI"; /* its length with the NUL is a multiple of four, as it must be */

static uint8_t *put32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

size_t xsettings_build(uint32_t serial, uint32_t scale, uint8_t out[XSETTINGS_MAX])
{
    const uint16_t name_length = sizeof(setting) - 1;
    uint8_t *at = out;

    memset(out, 0, XSETTINGS_MAX);
    at += 4; /* byte order: 0 is little endian */
    at = put32(at, serial);
    at = put32(at, 1); /* settings */
    at += 2;           /* type 0: integer */
    memcpy(at, &name_length, sizeof(name_length));
    at += sizeof(name_length);
    memcpy(at, setting, name_length);
    at += sizeof(setting);
    at = put32(at, serial);
    at = put32(at, DOTS_AN_INCH * DPI_UNIT * scale / GUI_SCALE_ONE);
    return (size_t)(at - out);
}

size_t xsettings_resources(const char *old, size_t length, uint32_t scale, char *out, size_t size)
{
    size_t used = 0;
    int n;

    while (length) {
        const char *end = memchr(old, '\n', length);
        size_t line = end ? (size_t)(end - old) + 1 : length;
        bool ours = line >= strlen(DPI_LINE) && !memcmp(old, DPI_LINE, strlen(DPI_LINE));

        if (!ours && used + line + 1 > size)
            return 0;
        if (!ours) {
            memcpy(out + used, old, line);
            used += line;
        }
        old += line;
        length -= line;
    }
    if (used && out[used - 1] != '\n')
        out[used++] = '\n';
    n = snprintf(out + used, size - used, DPI_LINE "\t%u\n", DOTS_AN_INCH * scale / GUI_SCALE_ONE);
    return n > 0 && (size_t)n < size - used ? used + (size_t)n : 0;
}

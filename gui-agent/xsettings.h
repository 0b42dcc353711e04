/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of settings that toolkits read: XSETTINGS (freedesktop) and the X resource Xft.dpi. Pure. */
#ifndef XSETTINGS_H
#define XSETTINGS_H

#include <stddef.h>
#include <stdint.h>

#define XSETTINGS_MAX 128

/* An _XSETTINGS_SETTINGS property that says Xft/DPI for `scale` (1/120). Returns its length. */
size_t xsettings_build(uint32_t serial, uint32_t scale, uint8_t out[XSETTINGS_MAX]);

/*
 * The RESOURCE_MANAGER text `old` with its Xft.dpi line replaced (or one added). Returns the length, or 0 if
 * `size` is too small: length + 32 is enough.
 */
size_t xsettings_resources(const char *old, size_t length, uint32_t scale, char *out, size_t size);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of received file names. */
#include "names.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Ranges of code points that look like what they are: no controls, no invisible or combining characters, no
 * right-to- left text, no look-alikes of a space.
 */
static const struct {
    uint32_t first, last;
} displayable[] = {
    {0x20, 0x7e},       {0xa1, 0xac},       {0xae, 0x2af}, /* Latin, IPA */
    {0x370, 0x377},     {0x37a, 0x37f},     {0x384, 0x38a},     {0x38c, 0x38c},   {0x38e, 0x3a1},
    {0x3a3, 0x482},     {0x48a, 0x52f},                                           /* Greek, Cyrillic */
    {0x531, 0x556},     {0x559, 0x58a},     {0x10a0, 0x10c5},   {0x10d0, 0x10ff}, /* Armenian, Georgian */
    {0x1e00, 0x1f15},   {0x2010, 0x2027},   {0x2030, 0x205e},   {0x2070, 0x2071}, {0x2074, 0x208e},
    {0x20a0, 0x20c0},   {0x2100, 0x218b},   {0x2190, 0x2426},   {0x2460, 0x27ff}, /* signs, arrows, shapes */
    {0x2800, 0x28ff},   {0x2900, 0x2aff},   {0x2e80, 0x2e99},   {0x2f00, 0x2fd5}, /* Braille, radicals */
    {0x3001, 0x3029},   {0x3030, 0x303d},   {0x3041, 0x3096},   {0x309b, 0x30ff}, /* Kana */
    {0x3105, 0x312f},   {0x3131, 0x3163},   {0x3165, 0x318e},   {0x31a0, 0x31bf}, {0x31f0, 0x321e},
    {0x3220, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa48c},   {0xac00, 0xd7a3}, /* Han, Yi, Hangul */
    {0xf900, 0xfa6d},   {0xff01, 0xff9f},   {0xffa1, 0xffbe},   {0xffe0, 0xffe6}, /* full and half width */
    {0x20000, 0x2a6df}, {0x2a700, 0x2ebe0}, {0x30000, 0x3134a},
};

static bool code_point_displayable(uint32_t c)
{
    for (size_t i = 0; i < sizeof(displayable) / sizeof(displayable[0]); i++)
        if (c >= displayable[i].first && c <= displayable[i].last)
            return true;
    return false;
}

/* Decode one character of strict UTF-8. Returns its length, 0 if malformed. */
static size_t decode(const unsigned char *p, uint32_t *c)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;

    if (!len)
        return 0;
    *c = len == 1 ? *p : *p & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) /* the final NUL stops it, too */
            return 0;
        *c = *c << 6 | (p[i] & 0x3f);
    }
    return *c < least[len] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff) ? 0 : len;
}

bool name_displayable(const char *untrusted_name)
{
    const unsigned char *p = (const unsigned char *)untrusted_name;
    uint32_t c;
    size_t len;

    for (; *p; p += len) {
        len = decode(p, &c);
        if (!len || !code_point_displayable(c))
            return false;
    }
    return true;
}

static bool part_is(const char *part, size_t len, const char *text)
{
    return strlen(text) == len && memcmp(part, text, len) == 0;
}

/* Take the next part; false when it is empty or ".". */
static bool next_part(const char **p, const char **part, size_t *len)
{
    *part = *p;
    *len = strcspn(*p, "/");
    *p += *len;
    return *len && !part_is(*part, *len, ".");
}

bool name_is_path(const char *untrusted_name)
{
    const char *p = untrusted_name, *part;
    size_t len;

    for (;;) {
        if (!next_part(&p, &part, &len) || part_is(part, len, ".."))
            return false;
        if (!*p++)
            return true;
    }
}

static size_t count_parts(const char *name)
{
    size_t n = 1;

    for (; *name; name++)
        n += *name == '/';
    return n;
}

bool name_symlink_safe(const char *name, const char *untrusted_target)
{
    size_t parts = count_parts(name), ups = 0, len;
    const char *p = untrusted_target, *part;
    bool down = false;

    if (parts < 2)
        return false;
    for (;;) {
        if (!next_part(&p, &part, &len))
            return false;
        if (!part_is(part, len, ".."))
            down = true;
        else if (down || ++ups > parts - 2)
            return false;
        if (!*p++)
            return true;
    }
}

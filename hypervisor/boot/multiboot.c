/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multiboot 1 (specification 0.6.96, §3.3) and Multiboot 2 (2.0, §3.6) information → struct boot_info.
 * Every address and length of the loader is checked by the mapping callback or against the size that it
 * mapped.
 */
#include "bh/boot.h"
#include "bh/bytes.h"
#include "bh/lib.h"

#define MB1_MAGIC      0x2badb002u
#define MB2_MAGIC      0x36d76289u
#define MB2_MAX_SIZE   (1024u * 1024)
#define MMAP_MAX_BYTES (32u * 1024) /* 1,300 entries: far more than any firmware has */

typedef const void *(*phys_fn)(paddr_t pa, size_t len);

/* A memory map as the loader left it; entries may overlap and come in any order. */
struct mmap_source {
    const uint8_t *bytes;
    size_t len;
    size_t entry_size; /* 0: Multiboot 1, each entry brings its own */
};

/* 0: at the end, or the rest is malformed. Entries without bytes are passed over, the 2^64 wrap is cut off.
 */
static bool mmap_next(const struct mmap_source *map, size_t *offset, struct e820_entry *entry)
{
    for (;;) {
        const uint8_t *p = map->bytes + *offset;
        size_t left = map->len - *offset, step = map->entry_size;

        if (!step) {
            if (left < 4)
                return false;
            step = (size_t)read_le32(p) + 4;
            p += 4;
            if (step < 24)
                return false;
        }
        if (step > left)
            return false;
        *offset += step;
        entry->addr = read_le64(p);
        entry->size = MIN(read_le64(p + 8), UINT64_MAX - entry->addr);
        entry->type = read_le32(p + 16);
        if (entry->type < E820_RAM || entry->type > E820_UNUSABLE)
            entry->type = E820_RESERVED;
        if (entry->size)
            return true;
    }
}

/* What the whole source says about `pos`: the strongest type there (0: nothing), and where that may change
 * next. */
static uint32_t mmap_type_at(const struct mmap_source *map, uint64_t pos, uint64_t *next)
{
    struct e820_entry e;
    size_t offset = 0;
    uint32_t type = 0;

    *next = UINT64_MAX;
    while (mmap_next(map, &offset, &e)) {
        uint64_t end = e.addr + e.size;

        if (pos < e.addr) {
            *next = MIN(*next, e.addr);
        } else if (pos < end) {
            *next = MIN(*next, end);
            type = MAX(type, e.type);
        }
    }
    return type;
}

bool e820_append(struct e820_entry *map, unsigned *nr, unsigned max, uint64_t start, uint64_t end,
                 uint32_t type)
{
    struct e820_entry *last = *nr ? &map[*nr - 1] : NULL;

    if (start >= end)
        return true;
    if (last && last->type == type && last->addr + last->size == start) {
        last->size += end - start;
        return true;
    }
    if (*nr == max)
        return false;
    map[(*nr)++] = (struct e820_entry){.addr = start, .size = end - start, .type = type};
    return true;
}

/* Walk up the address space from one change of type to the next. What finds no room is left out: not RAM. */
static void e820_build(struct boot_info *out, const struct mmap_source *map)
{
    uint64_t pos = 0, next;

    out->nr_e820 = 0;
    while (pos != UINT64_MAX) {
        uint32_t type = mmap_type_at(map, pos, &next);

        if (type && !e820_append(out->e820, &out->nr_e820, BOOT_MAX_E820, pos, next, type))
            return;
        pos = next;
    }
}

/* Copy a string of unknown length: never map over a page's end before the bytes in front were seen. */
static void copy_phys_string(phys_fn phys, paddr_t pa, char *dst, size_t size)
{
    size_t n = 0;

    while (n < size - 1) {
        size_t chunk = MIN(PAGE_SIZE - (pa & (PAGE_SIZE - 1)), size - 1 - n);
        const char *src = phys(pa, chunk);
        size_t len = src ? strnlen(src, chunk) : 0;

        if (len)
            memcpy(dst + n, src, len);
        n += len;
        pa += len;
        if (len < chunk)
            break;
    }
    dst[n] = '\0';
}

static void copy_tag_string(const uint8_t *src, size_t len, char *dst, size_t size)
{
    size_t n = strnlen((const char *)src, MIN(len, size - 1));

    memcpy(dst, src, n);
    dst[n] = '\0';
}

/* GRUB 2 passes only what follows the file's name. GRUB 0.9x and QEMU put the name in front. */
static bool loader_omits_name(const char *loader)
{
    return !strncmp(loader, "GRUB ", 5) && strncmp(loader + 5, "0.", 2);
}

/* grub-mkconfig's Xen script writes the word "placeholder" where older loaders had the name. */
static void drop_image_name(char *text, bool has_name)
{
    static const char placeholder[] = "placeholder";
    size_t len = sizeof(placeholder) - 1;
    const char *p = text;

    if (!has_name && (strncmp(text, placeholder, len) || (text[len] != ' ' && text[len])))
        return;
    while (*p == ' ')
        p++;
    while (*p && *p != ' ')
        p++;
    while (*p == ' ')
        p++;
    memmove(text, p, strlen(p) + 1);
}

/* p: addresses of its start and its end. */
static int module_add(struct boot_info *out, const uint8_t *p, struct boot_module **module, const char **why)
{
    *module = &out->module[out->nr_modules];
    if (read_le32(p) > read_le32(p + 4))
        return refuse(why, "a boot module ends before it starts");
    if (out->nr_modules == BOOT_MAX_MODULES)
        return refuse(why, "too many boot modules");
    (*module)->start = read_le32(p);
    (*module)->end = read_le32(p + 4);
    out->nr_modules++;
    return 0;
}

/* `p`: address, pitch, width, height, bits a pixel, type. */
static void parse_framebuffer(struct boot_framebuffer *fb, const uint8_t *p, const uint8_t *colour)
{
    fb->addr = read_le64(p);
    fb->pitch = read_le32(p + 8);
    fb->width = read_le32(p + 12);
    fb->height = read_le32(p + 16);
    fb->bpp = p[20];
    fb->type = p[21];
    if (fb->type == FB_RGB)
        memcpy(fb->colour, colour, sizeof(fb->colour));
}

/* Multiboot 1: a struct at fixed offsets, with a flag bit for each part that is valid. */
enum { MB1_CMDLINE = BIT(2), MB1_MODULES = BIT(3), MB1_MMAP = BIT(6), MB1_LOADER = BIT(9), MB1_FB = BIT(12) };

static int mb1_modules(phys_fn phys, const uint8_t *mbi, struct boot_info *out, const char **why)
{
    uint32_t count = read_le32(mbi + 20), addr = read_le32(mbi + 24);

    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *p = phys((paddr_t)addr + 16ull * i, 16);
        struct boot_module *module;

        if (!p)
            return refuse(why, "the loader's list of boot modules cannot be read");
        if (module_add(out, p, &module, why))
            return -XEN_EINVAL;
        if (read_le32(p + 8))
            copy_phys_string(phys, read_le32(p + 8), module->cmdline, sizeof(module->cmdline));
    }
    return 0;
}

static int mb1_parse(phys_fn phys, paddr_t info, struct boot_info *out, const char **why)
{
    const uint8_t *mbi = phys(info, 88);
    struct mmap_source map = {0};
    uint32_t flags;

    if (!mbi)
        return refuse(why, "the Multiboot information cannot be read");
    flags = read_le32(mbi);
    if (flags & MB1_LOADER)
        copy_phys_string(phys, read_le32(mbi + 64), out->loader, sizeof(out->loader));
    if (flags & MB1_CMDLINE)
        copy_phys_string(phys, read_le32(mbi + 16), out->cmdline, sizeof(out->cmdline));
    if (flags & MB1_MMAP) {
        map.len = MIN(read_le32(mbi + 44), MMAP_MAX_BYTES);
        map.bytes = phys(read_le32(mbi + 48), map.len);
        if (map.bytes)
            e820_build(out, &map);
    }
    if (flags & MB1_MODULES && mb1_modules(phys, mbi, out, why))
        return -XEN_EINVAL;
    if (flags & MB1_FB) {
        mbi = phys(info, 116);
        if (mbi)
            parse_framebuffer(&out->fb, mbi + 88, mbi + 110);
    }
    return 0;
}

/* Multiboot 2: a list of tags. `body` is what follows a tag's type and size. */
struct mb2_tag {
    const uint8_t *body;
    size_t len;
};

static int mb2_cmdline(const struct mb2_tag *tag, struct boot_info *out, const char **why)
{
    copy_tag_string(tag->body, tag->len, out->cmdline, sizeof(out->cmdline));
    return 0;
}

static int mb2_loader(const struct mb2_tag *tag, struct boot_info *out, const char **why)
{
    copy_tag_string(tag->body, tag->len, out->loader, sizeof(out->loader));
    return 0;
}

static int mb2_module(const struct mb2_tag *tag, struct boot_info *out, const char **why)
{
    struct boot_module *module;

    if (module_add(out, tag->body, &module, why))
        return -XEN_EINVAL;
    copy_tag_string(tag->body + 8, tag->len - 8, module->cmdline, sizeof(module->cmdline));
    return 0;
}

static int mb2_mmap(const struct mb2_tag *tag, struct boot_info *out, const char **why)
{
    struct mmap_source map = {.bytes = tag->body + 8, .entry_size = read_le32(tag->body)};

    map.len = MIN(tag->len - 8, MMAP_MAX_BYTES);
    if (map.entry_size < 20 || map.entry_size > MMAP_MAX_BYTES)
        return refuse(why, "the memory map's entries have a wrong size");
    e820_build(out, &map);
    return 0;
}

static int mb2_framebuffer(const struct mb2_tag *tag, struct boot_info *out, const char **why)
{
    static const uint8_t no_colours[sizeof(out->fb.colour)];

    parse_framebuffer(&out->fb, tag->body, tag->len >= 30 ? tag->body + 24 : no_colours);
    return 0;
}

static int mb2_efi(const struct mb2_tag *tag, struct boot_info *out, const char **why)
{
    out->efi = true;
    return 0;
}

/* There may be an old one and a new one. */
static int mb2_rsdp(const struct mb2_tag *tag, struct boot_info *out, const char **why)
{
    unsigned len = (unsigned)MIN(tag->len, sizeof(out->rsdp_copy));

    if (len > out->rsdp_copy_len) {
        memcpy(out->rsdp_copy, tag->body, len);
        out->rsdp_copy_len = len;
    }
    return 0;
}

static const struct {
    uint32_t type;
    uint32_t min_len; /* of the body; shorter tags are malformed */
    int (*parse)(const struct mb2_tag *tag, struct boot_info *out, const char **why);
} mb2_tags[] = {
    {1, 0, mb2_cmdline}, {2, 0, mb2_loader}, {3, 8, mb2_module}, {6, 8, mb2_mmap},   {8, 24, mb2_framebuffer},
    {11, 4, mb2_efi},    {12, 8, mb2_efi},   {14, 20, mb2_rsdp}, {15, 36, mb2_rsdp},
};

static int mb2_tag(uint32_t type, const struct mb2_tag *tag, struct boot_info *out, const char **why)
{
    for (unsigned i = 0; i < ARRAY_SIZE(mb2_tags); i++) {
        if (mb2_tags[i].type != type)
            continue;
        if (tag->len < mb2_tags[i].min_len)
            return refuse(why, "a Multiboot 2 tag is too short");
        return mb2_tags[i].parse(tag, out, why);
    }
    return 0;
}

static int mb2_parse(phys_fn phys, paddr_t info, struct boot_info *out, const char **why)
{
    const uint8_t *mbi = phys(info, 8);
    size_t total = mbi ? read_le32(mbi) : 0;

    mbi = total >= 8 && total <= MB2_MAX_SIZE ? phys(info, total) : NULL;
    if (!mbi)
        return refuse(why, "the Multiboot 2 information cannot be read");
    for (size_t offset = 8; total - offset >= 8;) {
        uint32_t type = read_le32(mbi + offset), size = read_le32(mbi + offset + 4);
        struct mb2_tag tag = {.body = mbi + offset + 8, .len = (size_t)size - 8};
        int rc;

        if (type == 0)
            return 0;
        if (size < 8 || size > total - offset)
            return refuse(why, "a Multiboot 2 tag reaches beyond the information block");
        rc = mb2_tag(type, &tag, out, why);
        if (rc)
            return rc;
        offset = MIN(offset + ROUND_UP(size, 8), total);
    }
    return 0;
}

int multiboot_parse(uint32_t magic, paddr_t info, const void *(*phys)(paddr_t pa, size_t len),
                    struct boot_info *out, const char **why)
{
    bool has_name;
    int rc;

    memset(out, 0, sizeof(*out));
    out->fb.type = FB_NONE;
    *why = "";
    if (magic == MB1_MAGIC)
        rc = mb1_parse(phys, info, out, why);
    else if (magic == MB2_MAGIC)
        rc = mb2_parse(phys, info, out, why);
    else
        rc = refuse(why, "not started by a Multiboot loader");
    if (rc)
        return rc;
    if (!out->nr_e820)
        return refuse(why, "the boot loader gave no memory map");
    has_name = !loader_omits_name(out->loader);
    drop_image_name(out->cmdline, has_name);
    for (unsigned i = 0; i < out->nr_modules; i++)
        drop_image_name(out->module[i].cmdline, has_name);
    return 0;
}

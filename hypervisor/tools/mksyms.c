/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nm -n IMAGE | mksyms > table.c : the function names of the image in the form that bh/symbols.h describes.
 * Without input the table is empty, for the first link.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 95 /* SYMBOL_NAME_MAX with its end */

struct symbol {
    uint64_t address;
    char name[NAME_MAX_BYTES + 1];
};

/* Parts of the image: code between two linker symbols. What moves when the table grows needs its own base. */
static struct part {
    const char *base_name, *end_name;
    uint64_t base, end;
} parts[] = {
    {.base_name = "__image_start", .end_name = "__text_end"},
    {.base_name = "__init_start", .end_name = "__load_end"},
};
#define NR_PARTS (sizeof(parts) / sizeof(parts[0]))

static struct symbol *symbols;
static size_t nr_symbols, capacity;

static bool add_symbol(uint64_t address, const char *name)
{
    struct symbol *s;

    if (nr_symbols == capacity) {
        capacity = capacity ? capacity * 2 : 1024;
        s = realloc(symbols, capacity * sizeof(*symbols));
        if (!s)
            return false;
        symbols = s;
    }
    s = &symbols[nr_symbols++];
    s->address = address;
    snprintf(s->name, sizeof(s->name), "%.*s", NAME_MAX_BYTES, name);
    return true;
}

/* Notes a part's border; true if the name is one. */
static bool is_border(uint64_t address, const char *name)
{
    for (size_t i = 0; i < NR_PARTS; i++) {
        uint64_t *field = !strcmp(name, parts[i].base_name)  ? &parts[i].base
                          : !strcmp(name, parts[i].end_name) ? &parts[i].end
                                                             : NULL;

        if (field) {
            *field = address;
            return true;
        }
    }
    return false;
}

/* Functions only, without the compiler's suffixes (.part.0, .constprop.1, .cold); one name an address. */
static bool read_line(const char *line)
{
    unsigned long long address;
    char type, name[256], *dot;

    if (sscanf(line, "%llx %c %255s", &address, &type, name) != 3 || is_border(address, name))
        return true;
    if (!strchr("tTwW", type))
        return true;
    dot = strchr(name, '.');
    if (dot)
        *dot = '\0';
    if (!name[0] || (nr_symbols && symbols[nr_symbols - 1].address == address))
        return true;
    return add_symbol(address, name);
}

static size_t put_byte(unsigned byte)
{
    printf("%u,", byte);
    return 1;
}

static size_t put_uleb128(uint64_t v)
{
    size_t n = 1;

    for (; v >= 0x80; v >>= 7, n++)
        put_byte((v & 0x7f) | 0x80);
    put_byte((unsigned)v);
    return n;
}

static size_t shared_prefix(const char *a, const char *b)
{
    size_t n = 0;

    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

static void put_part(size_t number)
{
    const struct part *part = &parts[number];
    uint64_t previous = part->base;
    const char *previous_name = "";
    size_t size = 0;

    printf("static const uint8_t table_%zu[] = {", number);
    for (size_t i = 0; i < nr_symbols; i++) {
        const struct symbol *s = &symbols[i];
        size_t shared = shared_prefix(previous_name, s->name);

        if (s->address < part->base || s->address >= part->end)
            continue;
        size += put_uleb128(s->address - previous);
        size += put_byte((unsigned)shared);
        for (const char *c = s->name + shared; *c; c++)
            size += put_byte((unsigned char)*c);
        size += put_byte(0);
        printf("\n");
        previous = s->address;
        previous_name = s->name;
    }
    printf("0};\nextern const char %s[];\n#define SIZE_%zu %zu\n", part->base_name, number, size);
}

static void put_ranges(void)
{
    printf("const struct symbol_range symbol_ranges[] = {\n");
    for (size_t i = 0; i < NR_PARTS; i++)
        printf("{.base = %s, .span = %llu, .table_size = SIZE_%zu, .table = table_%zu},\n",
               parts[i].base_name, (unsigned long long)(parts[i].end - parts[i].base), i, i);
    printf("};\nconst unsigned nr_symbol_ranges = %zu;\n", NR_PARTS);
}

int main(void)
{
    char line[1024];

    while (fgets(line, sizeof(line), stdin)) {
        if (!read_line(line)) {
            fprintf(stderr, "mksyms: out of memory\n");
            return 1;
        }
    }
    printf("/* Made by mksyms. */\n#include \"bh/symbols.h\"\n");
    for (size_t i = 0; i < NR_PARTS; i++)
        put_part(i);
    put_ranges();
    free(symbols);
    return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Formatted output for printk: flags 0 and -, width, precision (of strings), lengths hh h l ll z j t,
 * conversions d i u x X p s c %. No floating point, no %n. Anything else is printed as it stands.
 */
#include "bh/lib.h"

struct output {
    char *buf;
    size_t size, len; /* len counts what would have been written */
};

struct spec {
    bool zero, left;
    unsigned width, precision;
    unsigned bytes; /* size of an integer argument */
};

static void put(struct output *out, char c)
{
    if (out->len + 1 < out->size)
        out->buf[out->len] = c;
    out->len++;
}

static void put_padding(struct output *out, char c, size_t have, unsigned width)
{
    for (; have < width; have++)
        put(out, c);
}

static void put_text(struct output *out, const struct spec *spec, const char *text, size_t len)
{
    if (!spec->left)
        put_padding(out, ' ', len, spec->width);
    for (size_t i = 0; i < len; i++)
        put(out, text[i]);
    if (spec->left)
        put_padding(out, ' ', len, spec->width);
}

static void put_number(struct output *out, const struct spec *spec, uint64_t value, unsigned base,
                       bool negative, const char *digits)
{
    char text[72];
    size_t pos = sizeof(text), fill = 0;

    if (spec->zero && !spec->left)
        fill = MIN(spec->width, sizeof(text) - 1) - (negative && spec->width ? 1 : 0);
    do {
        text[--pos] = digits[value % base];
        value /= base;
    } while (value);
    while (sizeof(text) - pos < fill)
        text[--pos] = '0';
    if (negative)
        text[--pos] = '-';
    put_text(out, spec, text + pos, sizeof(text) - pos);
}

static unsigned parse_number(const char **fmt, va_list *ap)
{
    unsigned n = 0;

    if (**fmt == '*') {
        int arg = va_arg(*ap, int);

        (*fmt)++;
        return arg > 0 ? (unsigned)arg : 0;
    }
    for (; **fmt >= '0' && **fmt <= '9'; (*fmt)++)
        n = n * 10 + (unsigned)(**fmt - '0');
    return MIN(n, 4096u);
}

static void parse_spec(const char **fmt, va_list *ap, struct spec *spec)
{
    *spec = (struct spec){.precision = ~0u, .bytes = sizeof(int)};
    for (;; (*fmt)++) {
        if (**fmt == '0')
            spec->zero = true;
        else if (**fmt == '-')
            spec->left = true;
        else
            break;
    }
    spec->width = parse_number(fmt, ap);
    if (**fmt == '.') {
        (*fmt)++;
        spec->precision = parse_number(fmt, ap);
    }
    for (;; (*fmt)++) {
        if (**fmt == 'l' || **fmt == 'z' || **fmt == 'j' || **fmt == 't')
            spec->bytes = sizeof(long);
        else if (**fmt == 'h')
            spec->bytes /= 2;
        else
            break;
    }
}

/* hh and h arguments arrive as int: cut to the size asked for, and for %d widen again with the sign. */
static uint64_t fetch_integer(const struct spec *spec, bool is_signed, va_list *ap)
{
    uint64_t value = spec->bytes == sizeof(long) ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned int);
    unsigned shift = 64 - 8 * MAX(spec->bytes, 1u);

    value <<= shift;
    return is_signed ? (uint64_t)((int64_t)value >> shift) : value >> shift;
}

static void put_string(struct output *out, const struct spec *spec, const char *s)
{
    if (!s)
        s = "(null)";
    put_text(out, spec, s, strnlen(s, spec->precision));
}

static void convert(struct output *out, const struct spec *spec, char conversion, va_list *ap)
{
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    uint64_t value;
    char c;

    switch (conversion) {
    case 'd':
    case 'i':
        value = fetch_integer(spec, true, ap);
        put_number(out, spec, (int64_t)value < 0 ? -value : value, 10, (int64_t)value < 0, lower);
        break;
    case 'u':
        put_number(out, spec, fetch_integer(spec, false, ap), 10, false, lower);
        break;
    case 'x':
    case 'X':
        put_number(out, spec, fetch_integer(spec, false, ap), 16, false, conversion == 'x' ? lower : upper);
        break;
    case 'p':
        put_number(out, &(struct spec){.zero = true, .width = 16}, (uintptr_t)va_arg(*ap, void *), 16, false,
                   lower);
        break;
    case 's':
        put_string(out, spec, va_arg(*ap, const char *));
        break;
    case 'c':
        c = (char)va_arg(*ap, int);
        put_text(out, spec, &c, 1);
        break;
    case '%':
        put(out, '%');
        break;
    default:
        put(out, '%');
        put(out, conversion);
    }
}

int bh_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct output out = {.buf = buf, .size = size};
    struct spec spec;
    va_list args;

    va_copy(args, ap);
    while (*fmt) {
        if (*fmt != '%') {
            put(&out, *fmt++);
            continue;
        }
        fmt++;
        parse_spec(&fmt, &args, &spec);
        if (!*fmt)
            break;
        convert(&out, &spec, *fmt++, &args);
    }
    va_end(args);
    if (size > 0)
        buf[MIN(out.len, size - 1)] = '\0';
    return (int)MIN(out.len, (size_t)INT32_MAX);
}

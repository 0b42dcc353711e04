/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formatted output for printk, as far as bh/lib.h says. Anything else is printed as it stands. */
#include "bh/lib.h"

struct output {
    char *buf;
    size_t size, len; /* len counts what would have been written */
};

static void put(struct output *out, char c)
{
    if (out->len + 1 < out->size)
        out->buf[out->len] = c;
    out->len++;
}

static void put_number(struct output *out, uint64_t value, unsigned base, unsigned min_digits)
{
    char text[64];
    size_t pos = sizeof(text);

    do {
        text[--pos] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (pos && sizeof(text) - pos < min_digits)
        text[--pos] = '0';
    while (pos < sizeof(text))
        put(out, text[pos++]);
}

/* *fmt stands behind the % and is moved behind the conversion. */
static void convert(struct output *out, const char **fmt, va_list *ap)
{
    unsigned min_digits = 0;
    bool wide = false;
    const char *s;
    int64_t value;
    char c;

    for (; **fmt >= '0' && **fmt <= '9'; (*fmt)++)
        min_digits = min_digits * 10 + (unsigned)(**fmt - '0');
    for (; **fmt == 'l' || **fmt == 'z'; (*fmt)++)
        wide = true;
    c = **fmt;
    if (c)
        (*fmt)++;
    switch (c) {
    case 'd':
        value = wide ? va_arg(*ap, long) : va_arg(*ap, int);
        if (value < 0)
            put(out, '-');
        put_number(out, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, min_digits);
        break;
    case 'u':
    case 'x':
        put_number(out, wide ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned int), c == 'u' ? 10 : 16,
                   min_digits);
        break;
    case 's':
        for (s = va_arg(*ap, const char *); *s; s++)
            put(out, *s);
        break;
    case 'c':
        put(out, (char)va_arg(*ap, int));
        break;
    default:
        put(out, '%');
        if (c && c != '%')
            put(out, c);
    }
}

int bh_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct output out = {.buf = buf, .size = size};
    va_list args;

    va_copy(args, ap);
    while (*fmt) {
        char c = *fmt++;

        if (c == '%')
            convert(&out, &fmt, &args);
        else
            put(&out, c);
    }
    va_end(args);
    if (size > 0)
        buf[MIN(out.len, size - 1)] = '\0';
    return (int)MIN(out.len, (size_t)INT32_MAX);
}

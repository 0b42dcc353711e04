/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages: formatted once, into the ring that `xl dmesg` reads and out to the serial line and screen.
 * console_lock is the innermost lock.
 */
#include "bh/cmdline.h"
#include "bh/console.h"
#include "bh/ioapic.h"
#include "bh/irq.h"
#include "bh/lib.h"
#include "bh/spinlock.h"
#include "bh/event.h"

static spinlock_t console_lock;
static char ring[CONSOLE_RING_SIZE];
static uint32_t ring_prod; /* bytes ever written */
static bool to_serial = true, screen_wanted = true, to_screen, forced, line_start = true;
static int max_level = LOG_INFO;
static char input[256];
static unsigned in_prod, in_cons;

static void emit(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        ring[ring_prod++ % CONSOLE_RING_SIZE] = s[i];
        if (to_serial) {
            if (s[i] == '\n')
                serial_putc('\r');
            serial_putc(s[i]);
        }
        if (to_screen)
            screen_putc(s[i]);
    }
}

/* Everything goes through here. */
static void output(const char *prefix, const char *s, size_t len)
{
    if (!forced)
        spin_lock(&console_lock);
    if (line_start)
        emit(prefix, strlen(prefix));
    emit(s, len);
    if (len)
        line_start = s[len - 1] == '\n';
    if (!forced)
        spin_unlock(&console_lock);
}

void console_write(const char *s, size_t len)
{
    output("", s, len);
    event_global_virq(VIRQ_CON_RING);
}

void vprintk(int level, const char *fmt, va_list ap)
{
    char buf[256];
    int n;

    if (level > max_level)
        return;
    n = bh_vsnprintf(buf, sizeof(buf), fmt, ap);
    output("(bh) ", buf, MIN((size_t)n, sizeof(buf) - 1));
}

void printk(int level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintk(level, fmt, ap);
    va_end(ap);
}

void console_force(void)
{
    forced = true;
    to_serial = true;
    to_screen = screen_wanted;
}

void console_screen_release(void)
{
    if (to_screen)
        pr_info("the screen is dom0's from here on\n");
    to_screen = false;
}

size_t console_ring_piece(uint32_t *index, const char **piece)
{
    uint32_t prod = ring_prod, offset;

    if (prod - *index > CONSOLE_RING_SIZE)
        *index = prod < CONSOLE_RING_SIZE ? prod : prod - CONSOLE_RING_SIZE;
    offset = *index % CONSOLE_RING_SIZE;
    *piece = ring + offset;
    return MIN(prod - *index, CONSOLE_RING_SIZE - offset);
}

void console_ring_clear(void)
{
    ring_prod = 0;
}

static void input_interrupt(uint8_t vector, void *arg)
{
    bool any = false;
    int c;

    while ((c = serial_getc()) >= 0) {
        if (in_prod - in_cons < sizeof(input))
            input[in_prod++ % sizeof(input)] = (char)c;
        any = true;
    }
    if (any)
        event_global_virq(VIRQ_CONSOLE);
}

/* COM1 is ISA interrupt 4: edge, active high, on the first IO-APIC. */
void console_input_init(void)
{
    struct ioapic *io = &ioapics[0];
    int vector, index = -1;

    if (!console_uart_port() || !nr_ioapics || io->gsi_base > 4)
        return;
    vector = irq_vector_alloc(input_interrupt, NULL);
    if (vector < 0)
        return;
    if (!ioapic_bind(io, 4 - io->gsi_base, (uint8_t)vector, 0, &index))
        serial_input_enable();
}

size_t console_read(char *buf, size_t size)
{
    size_t n = 0;

    while (n < size && in_cons != in_prod)
        buf[n++] = input[in_cons++ % sizeof(input)];
    return n;
}

static int level_of(const char *s)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (!strncmp(s, names[i], strlen(names[i])))
            return (int)i;
    return !strncmp(s, "all", 3) ? LOG_DEBUG : !strncmp(s, "none", 4) ? LOG_ERR : LOG_INFO;
}

void console_init(const struct boot_info *bi)
{
    char val[64];

    serial_init(0x3f8, (uint32_t)cmdline_number(bi->cmdline, "com1", 115200));
    if (cmdline_get(bi->cmdline, "console", val, sizeof(val))) {
        to_serial = cmdline_list_has(val, "com1");
        screen_wanted = cmdline_list_has(val, "vga") || cmdline_list_has(val, "screen");
    }
    screen_init(bi, screen_wanted);
    to_screen = screen_wanted;
    if (cmdline_get(bi->cmdline, "loglvl", val, sizeof(val)))
        max_level = level_of(val);
}

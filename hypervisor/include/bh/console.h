/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hypervisor's console: message ring (xl dmesg), serial line, screen; dom0's console_io. */
#pragma once

#include "bh/boot.h"
#include "bh/types.h"
#include "bh/xen.h"

#define CONSOLE_RING_SIZE 32768u

void console_init(const struct boot_info *bi); /* console=, com1=, loglvl= */
/* Raw output to serial line, screen and ring, without prefix. */
void console_write(const char *s, size_t len);
/* What stands in the ring at *index (count of bytes ever written; corrected if that is gone, or was never
 * reached), in one piece: its length, 0 at the end. */
size_t console_ring_piece(uint32_t *index, const char **piece);
void console_ring_clear(void);
/* Serial input collected for dom0. Returns bytes copied. */
size_t console_read(char *buf, size_t size);
/* Switch the UART's receive interrupt on (after the IO-APICs are there). */
void console_input_init(void);
/* I/O port of the UART that the hypervisor uses, 0: none. */
uint16_t console_uart_port(void);
/* dom0 takes the screen: nothing is written there any more, but by a panic. */
void console_screen_release(void);
/* After a panic: no locks, everything out. */
void console_force(void);

void serial_init(uint16_t port, uint32_t baud);
void serial_putc(char c);
int serial_getc(void); /* -1: nothing */
void serial_input_enable(void);

/* drivers/screen.c: VGA text or the loader's framebuffer, by the boot's page tables until screen_map().
 * `use`: messages go there; else it is only known, for dom0. */
void screen_init(const struct boot_info *bi, bool use);
void screen_map(void);
void screen_putc(char c);
/* How the screen is set up, for dom0. False: there is none. */
bool screen_describe(struct dom0_vga_console_info *out);

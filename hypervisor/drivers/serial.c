/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 16550 UART, polled output (PC16550D data sheet). */
#include "bh/console.h"
#include "bh/pio.h"

enum { UART_DATA = 0, UART_IER = 1, UART_FCR = 2, UART_LCR = 3, UART_MCR = 4, UART_LSR = 5 };

static uint16_t uart;

void serial_init(uint16_t port, uint32_t baud)
{
    unsigned divisor = 115200u / (baud && baud < 115200u ? baud : 115200u);

    outb((uint16_t)(port + UART_LCR), 0x83);
    outb((uint16_t)(port + UART_DATA), (uint8_t)divisor);
    outb((uint16_t)(port + UART_IER), (uint8_t)(divisor >> 8));
    outb((uint16_t)(port + UART_LCR), 0x03);
    outb((uint16_t)(port + UART_FCR), 0x07);
    outb((uint16_t)(port + UART_MCR), 0x0b);
    outb((uint16_t)(port + UART_IER), 0);
    uart = inb((uint16_t)(port + UART_LSR)) == 0xff ? 0 : port;
}

uint16_t console_uart_port(void)
{
    return uart;
}

void serial_putc(char c)
{
    if (!uart)
        return;
    for (unsigned i = 0; i < 100000 && !(inb((uint16_t)(uart + UART_LSR)) & 0x20); i++)
        ;
    outb(uart, (uint8_t)c);
}

void serial_input_enable(void)
{
    if (uart)
        outb((uint16_t)(uart + UART_IER), 1);
}

int serial_getc(void)
{
    if (!uart || !(inb((uint16_t)(uart + UART_LSR)) & 1))
        return -1;
    return inb(uart);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Port and memory-mapped register access. */
#pragma once

#include "bh/types.h"

static inline uint8_t inb(uint16_t p)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(p));
    return v;
}
static inline uint16_t inw(uint16_t p)
{
    uint16_t v;
    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(p));
    return v;
}
static inline uint32_t inl(uint16_t p)
{
    uint32_t v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(p));
    return v;
}
static inline void outb(uint16_t p, uint8_t v)
{
    __asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(p));
}
static inline void outw(uint16_t p, uint16_t v)
{
    __asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(p));
}
static inline void outl(uint16_t p, uint32_t v)
{
    __asm__ volatile("outl %0, %1" ::"a"(v), "Nd"(p));
}
/* size: 1, 2 or 4 bytes */
static inline uint32_t in_size(uint16_t p, unsigned size)
{
    return size == 1 ? inb(p) : size == 2 ? inw(p) : inl(p);
}
static inline void out_size(uint16_t p, unsigned size, uint32_t v)
{
    if (size == 1)
        outb(p, (uint8_t)v);
    else if (size == 2)
        outw(p, (uint16_t)v);
    else
        outl(p, v);
}

static inline uint32_t mmio_read32(const volatile void *a)
{
    return *(const volatile uint32_t *)a;
}
static inline void mmio_write32(volatile void *a, uint32_t v)
{
    *(volatile uint32_t *)a = v;
}
static inline uint64_t mmio_read64(const volatile void *a)
{
    return *(const volatile uint64_t *)a;
}
static inline void mmio_write64(volatile void *a, uint64_t v)
{
    *(volatile uint64_t *)a = v;
}

/* The bits of an access of 1, 2, 4 or 8 bytes. */
static inline uint64_t size_mask(unsigned size)
{
    return size >= 8 ? ~0ull : (1ull << size * 8) - 1;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom0's view of PCI functions; private to pvh/vpci*.c and pvh/vmsi*.c. Everything here is called with the
 * vPCI lock held; unmapping sets vpci_flush_needed, and the p2m is flushed after the lock is dropped.
 */
#pragma once

#include "bh/msi.h"
#include "bh/pci.h"
#include "bh/spinlock.h"
#include "bh/types.h"

enum vpci_bar_kind { BAR_NONE, BAR_IO, BAR_MEM, BAR_MEM64, BAR_MEM64_HIGH, BAR_ROM };

#define VPCI_MAX_BARS 7 /* the ROM's is the last */

struct vpci_bar {
    uint8_t kind, reg;
    bool mapped;
    bool sizing;   /* dom0 wrote all-ones while decoding was on: reads tell the size */
    uint64_t addr; /* where it is mapped */
    uint64_t size;
};

struct vmsi;
struct vmsix;

struct vpci_function {
    struct vpci_function *next;
    struct pci_sbdf dev;
    struct domain *domain;
    uint8_t header;     /* type 0, 1, 2 */
    uint8_t secondary;  /* bridges: bus number last seen */
    bool read_only;     /* the hypervisor drives it */
    bool decode;        /* memory decoding as dom0 wants it */
    uint16_t hidden[3]; /* extended capabilities whose use would change BARs or make functions */
    struct vpci_bar bar[VPCI_MAX_BARS];
    struct vmsi *msi; /* NULL: no such capability */
    struct vmsix *msix;
};

/* A register access: whole dword, with the bytes that are written. */
struct vpci_write {
    unsigned reg;  /* dword aligned */
    uint32_t val;  /* bytes in place */
    uint32_t mask; /* 0xff for each byte written */
};

/* vpci_bar.c */
struct boot_info;
void vpci_bars_probe(struct vpci_function *f);
/* Map or unmap all memory BARs (and the enabled ROM). */
void vpci_bars_decode(struct vpci_function *f, bool on);
bool vpci_bar_read(struct vpci_function *f, unsigned reg, uint32_t *val);
bool vpci_bar_write(struct vpci_function *f, const struct vpci_write *w);
/* Call fn for each function known. */
void vpci_for_each(void (*fn)(struct vpci_function *f, void *arg), void *arg);
extern bool vpci_flush_needed;

/* vmsi.c, vmsix.c. Reads and writes answer false when the dword is not theirs. */
int vmsi_probe(struct vpci_function *f);
bool vmsi_read(struct vpci_function *f, unsigned reg, uint32_t *val);
bool vmsi_write(struct vpci_function *f, const struct vpci_write *w);
void vmsi_release(struct vpci_function *f);
int vmsix_probe(struct vpci_function *f);
bool vmsix_write(struct vpci_function *f, const struct vpci_write *w);
void vmsix_release(struct vpci_function *f);
/* The BAR and byte range of the table, page aligned: these pages trap. False: none in this BAR. */
bool vmsix_table_range(const struct vpci_function *f, unsigned bar, uint64_t *offset, uint64_t *size);
/* A BAR, perhaps the one with the table, appeared or went away. */
void vmsix_bar_mapped(struct vpci_function *f, unsigned bar);
void vmsix_bar_unmapped(struct vpci_function *f, unsigned bar);
extern spinlock_t vpci_lock;

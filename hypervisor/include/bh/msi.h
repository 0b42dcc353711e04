/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Message-signalled interrupts (PCI Local Bus 3.0 §6.8): the hypervisor's side of one vector of a device,
 * and delivery of dom0's message. Callers hold the vPCI lock.
 */
#pragma once

#include "bh/iommu.h"
#include "bh/irq.h"
#include "bh/types.h"

struct msi_irq {
    int vector; /* -1: not bound */
    int index;  /* IOMMU handle, -1: none */
};
#define MSI_IRQ_NONE ((struct msi_irq){.vector = -1, .index = -1})

struct msi_message {
    uint64_t address;
    uint32_t data;
};

/* Give irq a vector and make the message that the device must send. 0 or -XEN_E… (then nothing is bound).
 * irq->index may hold a handle reserved before. */
int msi_bind(struct pci_sbdf dev, irq_handler_t handler, void *arg, struct msi_irq *irq,
             struct msi_message *msg);
void msi_unbind(struct pci_sbdf dev, struct msi_irq *irq);
/* Deliver a message as dom0 wrote it. */
void msi_deliver(struct domain *d, uint64_t address, uint32_t data);
/* Write the message into the device's MSI capability at `pos`. */
void msi_program(struct pci_sbdf dev, unsigned pos, const struct msi_message *msg);
/* Program the MSI capability of a device that the hypervisor drives itself (an IOMMU), for one vector in
 * compatibility form. 0 or -XEN_E… */
int msi_setup_own(struct pci_sbdf dev, irq_handler_t handler, void *arg);
/* The compatibility form of a message. */
struct msi_message msi_compat_message(uint32_t apic_id, uint8_t vector);

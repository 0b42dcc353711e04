/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input: memory from 0xe0000 on, with the RSDP anywhere. So that mutations get past the checksums, each table
 * that is mapped whole has its checksum put right first.
 */
#include "fuzz.h"
#include "bh/acpi.h"
#include "bh/acpi_build.h"
#include "bh/bytes.h"
#include "bh/xen.h"

#define BASE     0xe0000u
#define MEM_SIZE 0x20000u
#define VCPUS    3

static uint8_t memory[MEM_SIZE];

static void fix_checksum(uint8_t *p, size_t len)
{
    uint8_t sum = 0;

    p[9] = 0;
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + p[i]);
    p[9] = (uint8_t)(0 - sum);
}

static const void *map(paddr_t pa, size_t len)
{
    uint8_t *p;

    if (pa < BASE || pa - BASE > MEM_SIZE || len > MEM_SIZE - (pa - BASE))
        return NULL;
    p = memory + (pa - BASE);
    if (len > 36 && len < 0x1000 && read_le32(p + 4) == len)
        fix_checksum(p, len);
    return p;
}

static void check_build(const struct acpi_info *info)
{
    static struct acpi_info dom0;
    const char *why;
    int64_t used;

    memset(memory, 0, sizeof(memory));
    used = acpi_build(info, VCPUS, BASE, memory, sizeof(memory));
    CHECK(used > 0 && (size_t)used <= acpi_build_max_size(VCPUS));
    CHECK(acpi_parse(map, BASE, NULL, 0, &dom0, &why) == 0);
    CHECK(dom0.nr_cpus == VCPUS && dom0.nr_ioapics == info->nr_ioapics && dom0.nr_isos == info->nr_isos);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct acpi_info info;
    const char *why = NULL;
    paddr_t rsdp;
    int rc;

    memset(memory, 0, sizeof(memory));
    memcpy(memory, data, size < MEM_SIZE ? size : MEM_SIZE);
    if (size >= 36 && !memcmp(data, "RSD PTR ", 8)) /* its checksum lies elsewhere: at 8, over 20 bytes */
        for (unsigned i = 0; i < 19; i++)
            memory[19] = (uint8_t)((i ? memory[19] : 0) - memory[i]);
    rsdp = acpi_find_rsdp(map);
    rc = acpi_parse(map, rsdp, NULL, 0, &info, &why);
    CHECK(rc == 0 || (rc == -XEN_EINVAL && why && *why));
    CHECK(info.nr_tables <= ACPI_MAX_TABLES && info.nr_cpus <= ACPI_MAX_CPUS &&
          info.nr_mcfg <= ACPI_MAX_MCFG && info.nr_nodes <= ACPI_MAX_NODES &&
          info.nr_memory <= ACPI_MAX_MEMORY);
    for (unsigned i = 0; i < info.nr_memory; i++)
        CHECK(info.memory[i].start < info.memory[i].end && info.memory[i].node < info.nr_nodes);
    for (unsigned i = 0; i < info.nr_cpus; i++)
        CHECK(!info.cpu_node[i] || info.cpu_node[i] < info.nr_nodes);
    if (!rc)
        check_build(&info);
    return 0;
}

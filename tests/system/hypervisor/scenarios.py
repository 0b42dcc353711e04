# SPDX-License-Identifier: GPL-2.0-or-later
"""What is booted: a name, dom0's scripts, the machine. `group` is the make target that runs it."""

class Scenario:
    def __init__(self, name, group, tests, cpus=1, iommu="amd", firmware=None, kernel="vmlinux-dom0", dom0_mem=640,
                 limit=90, machine="q35", extra=()):
        self.name, self.group, self.tests = name, group, tests
        self.cpus, self.iommu, self.firmware, self.kernel = cpus, iommu, firmware, kernel
        self.dom0_mem, self.limit, self.machine, self.extra = dom0_mem, limit, machine, list(extra)

NVME = ["-drive", "file={dir}/disk.img,if=none,id=n0,format=raw,snapshot=on", "-device", "nvme,drive=n0,serial=1"]

ALL = [
    Scenario("1 CPU, AMD-Vi", "system", "boot,tools", extra=NVME),
    Scenario("2 CPUs, VT-d", "system", "boot", cpus=2, iommu="intel"),
    Scenario("4 CPUs, AMD-Vi, bzImage", "system", "boot", cpus=4, kernel="vmlinuz-dom0"),
    Scenario("no IOMMU, reboot", "system", "boot,reboot", iommu=None),
    Scenario("PIIX machine", "system", "boot", iommu=None, machine="pc"),
    Scenario("GRUB, SeaBIOS", "system", "boot", firmware="bios"),
    Scenario("GRUB, UEFI", "system", "boot", firmware="uefi"),
    Scenario("life", "domu", "life"),
    Scenario("devices", "domu", "devices"),
    Scenario("vchan and hostile domUs", "domu", "vchan,crash", limit=120),
    Scenario("2 CPUs: smp, vchan, devices", "domu", "smp,vchan,devices", cpus=2, limit=120),
    Scenario("4 CPUs: many", "domu", "many,save", cpus=4, dom0_mem=512, limit=150),
    Scenario("soak, 2 CPUs", "soak", "boot,load", cpus=2, limit=120),
    Scenario("soak, 4 CPUs", "soak", "boot,load", cpus=4, limit=160),
]

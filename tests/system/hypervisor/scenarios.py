# SPDX-License-Identifier: GPL-2.0-or-later
"""What is booted: a name, dom0's scripts, the machine. `group` is the make target that runs it."""

class Scenario:
    def __init__(self, name, group, tests, cpus=1, iommu="amd", firmware=None, kernel="vmlinux-dom0", dom0_mem=640,
                 limit=90, machine="q35", memory=2048, words="", extra=(), cpu=""):
        self.name, self.group, self.tests = name, group, tests
        self.cpus, self.iommu, self.firmware, self.kernel = cpus, iommu, firmware, kernel
        self.dom0_mem, self.limit, self.machine, self.extra = dom0_mem, limit, machine, list(extra)
        self.memory, self.words, self.cpu = memory, words, cpu

def drive(name, device):
    """A disk with the known contents, as that device."""
    return ["-drive", "file={dir}/disk.img,if=none,id=%s,format=raw,snapshot=on" % name, "-device", device + ",drive=" + name]

NVME = drive("nvme0", "nvme,serial=1")
XHCI = ["-device", "qemu-xhci"] + drive("usb0", "usb-storage")
DEVICES = "has=nvme,usb,virtio"  # beside the ATA disk and the e1000 of every machine
# what a virtio device needs to be seen through an IOMMU
VIRTIO_IOMMU = "disable-legacy=on,iommu_platform=on"
def virtio(options):
    return (drive("virtio0", "virtio-blk-pci," + options) +
            ["-netdev", "user,id=n1,restrict=on,net=10.0.3.0/24", "-device", "virtio-net-pci,netdev=n1,romfile=," + options])

ALL = [
    Scenario("1 CPU, AMD-Vi, all devices", "system", "boot,tools", words=DEVICES, extra=NVME + XHCI + virtio(VIRTIO_IOMMU)),
    Scenario("2 CPUs, VT-d, all devices", "system", "boot", cpus=2, iommu="intel", words=DEVICES,
             extra=NVME + XHCI + virtio(VIRTIO_IOMMU)),
    Scenario("PIIX machine, all devices", "system", "boot", iommu=None, machine="pc", words=DEVICES,
             extra=NVME + XHCI + virtio("disable-legacy=on")),
    Scenario("4 CPUs, AMD-Vi, bzImage", "system", "boot", cpus=4, kernel="vmlinuz-dom0"),
    Scenario("8 CPUs, AMD-Vi", "system", "boot", cpus=8, limit=150),
    Scenario("no IOMMU, bzImage, reboot", "system", "boot,reboot", iommu=None, kernel="vmlinuz-dom0"),
    Scenario("GRUB, SeaBIOS", "system", "boot", firmware="bios"),
    Scenario("GRUB, UEFI", "system", "boot", firmware="uefi"),
    Scenario("new CPU, no IOMMU", "system", "registers", cpu="new", iommu=None, memory=3072, dom0_mem=2300,
             limit=150),
    Scenario("old CPU, AMD-Vi", "system", "registers", cpu="old", memory=3072, dom0_mem=2300, limit=150),
    Scenario("life", "domu", "life"),
    Scenario("devices", "domu", "devices"),
    Scenario("vchan and hostile domUs", "domu", "vchan,crash,trigger", limit=150),
    Scenario("domUs that serve domUs", "domu", "peers,backends", limit=150),
    Scenario("2 CPUs: smp, vchan, devices", "domu", "smp,vchan,devices", cpus=2, limit=120),
    Scenario("2 CPUs: migrate", "domu", "migrate", cpus=2, limit=360),
    Scenario("4 CPUs: many", "domu", "many", cpus=4, dom0_mem=512, limit=150),
    Scenario("64 domUs at once", "many", "many", cpus=2, memory=8192, words="domains=64 cycles=0", limit=1200),
    Scenario("200 times create and destroy", "many", "many", cpus=1, words="domains=1 cycles=200", limit=1200),
    Scenario("out of memory", "faults", "oom", limit=600),
    Scenario("2 CPUs", "soak", "boot,load", cpus=2, limit=120),
    Scenario("4 CPUs", "soak", "boot,load", cpus=4, limit=160),
]

# SPDX-License-Identifier: GPL-2.0-or-later
# System tests of the hypervisor: Debian's kernel and Xen tools on it in QEMU. HYPERVISOR=xen: on Debian's Xen instead.
HVSYS := $(B)/hv-system
HVSYS_RUN := tests/system/hypervisor/run
HVSYS_IMAGE = $(if $(filter xen,$(HYPERVISOR)),$(HVSYS)/xen.elf,$(HV)/bulkhead)

.PHONY: hv-system-images check-hypervisor-system check-domu check-hypervisor
hv-system-images: $(GUESTS)/fuzz.elf
	@tests/harness/stage hypervisor-images --timeout 600 -- tests/system/hypervisor/build-images $(HVSYS) $(CC) $(abspath $(GUESTS))
check-hypervisor-system: hypervisor hv-system-images
	@tests/harness/stage hypervisor-system --timeout 600 -- $(HVSYS_RUN) --group system $(HVSYS) $(HVSYS_IMAGE)
check-domu: hypervisor hv-system-images
	@tests/harness/stage domu --timeout 600 -- $(HVSYS_RUN) --group domu $(HVSYS) $(HVSYS_IMAGE)
# everything about the hypervisor and dom0: host unit tests, fuzzers, micro-kernels, Debian's dom0
check-hypervisor: hv-unit hv-fuzz check-guests check-hypervisor-system
CHECK_SYSTEM += check-hypervisor-system check-domu
HELP += check-hypervisor|unit~tests,~micro-kernels,~Debian's~dom0~on~the~hypervisor
HELP += check-domu|domUs~by~xl:~life,~devices,~vchan,~hostile~guests~(HYPERVISOR=xen)

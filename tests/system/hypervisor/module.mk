# SPDX-License-Identifier: GPL-2.0-or-later
# System tests of the hypervisor: Debian's kernel and Xen tools on it in QEMU. HYPERVISOR=xen: on Debian's Xen instead.
HVSYS := $(B)/hv-system
HVSYS_RUN := tests/system/hypervisor/run
HVSYS_IMAGE = $(if $(filter xen,$(HYPERVISOR)),$(HVSYS)/xen.elf,$(HV)/bulkhead)
HVSYS_SUFFIX = $(if $(filter xen,$(HYPERVISOR)),-xen)
# CPUS=4: every scenario with as many CPUs
HVSYS_CPUS = $(if $(CPUS),--cpus $(CPUS))
# HVSYS_STAGE NAME SECONDS GROUP: one stage that boots the scenarios of a group
HVSYS_STAGE = @tests/harness/stage $(1)$(HVSYS_SUFFIX)$(CPUS:%=-%) --timeout $(if $(HVSYS_SUFFIX)$(CPUS),3600,$(2)) -- \
  $(HVSYS_RUN) --group $(3) $(HVSYS_CPUS) $(HVSYS)
# the debug build whose allocations can be made to fail
HVSYS_FAULT := $(B)/hv-fault

.PHONY: hv-system-images check-hypervisor-system check-domu check-domu-many check-domu-faults compare-domu check-hypervisor
hv-system-images: $(GUESTS)/fuzz.elf $(GUESTS)/bench.elf
	@tests/harness/stage hypervisor-images --timeout 600 -- tests/system/hypervisor/build-images $(HVSYS) $(CC) $(abspath $(GUESTS))
check-hypervisor-system: hypervisor hv-system-images
	$(call HVSYS_STAGE,hypervisor-system,600,system) $(HVSYS_IMAGE)
check-domu: hypervisor hv-system-images
	$(call HVSYS_STAGE,domu,1200,domu) $(HVSYS_IMAGE)
# 64 domUs at once on 8 GiB; 200 times create and destroy
check-domu-many: hypervisor hv-system-images
	$(call HVSYS_STAGE,domu-many,3600,many) $(HVSYS_IMAGE)
check-domu-faults: hv-system-images
	@$(MAKE) HV=$(HVSYS_FAULT) HV_DEFS=-DBH_FAULT_INJECTION hypervisor
	$(call HVSYS_STAGE,domu-faults,900,faults) $(HVSYS_FAULT)/bulkhead
# after check-domu and check-domu HYPERVISOR=xen: what differs
compare-domu:
	@tests/system/hypervisor/compare $(B)/check/domu$(CPUS:%=-%).log $(B)/check/domu-xen$(CPUS:%=-%).log
# everything about the hypervisor and dom0: host unit tests, fuzzers, micro-kernels, Debian's dom0
check-hypervisor: hv-unit hv-fuzz check-guests check-hypervisor-system
CHECK_SYSTEM += check-hypervisor-system check-domu check-domu-faults
HELP += check-hypervisor|unit~tests,~micro-kernels,~Debian's~dom0~on~the~hypervisor
HELP += check-domu|domUs~by~xl:~life,~devices,~vchan,~migration,~hostile~guests~(HYPERVISOR=xen)
HELP += check-domu-many|64~domUs~at~once~on~8~GiB;~200~times~create~and~destroy
HELP += check-domu-faults|each~allocation~of~the~hypervisor~fails~once~while~domUs~live
HELP += compare-domu|check-domu's~results~on~ours~and~on~Xen~beside~each~other

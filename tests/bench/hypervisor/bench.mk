# SPDX-License-Identifier: GPL-2.0-or-later
.PHONY: bench-hypervisor bench-hypervisor-bochs soak-hypervisor
# KSTACK=1: with Linux's default randomize_kstack_offset
bench-hypervisor: hypervisor $(GUESTS)/bench.elf hv-system-images
	@tests/bench/hypervisor/bench.py $(if $(KSTACK),--kstack) $(HV)/bulkhead $(GUESTS)/bench.elf $(HVSYS) | \
	  tee $(B)/check/bench-hypervisor$(if $(KSTACK),-kstack).txt
bench-hypervisor-bochs: hypervisor $(GUESTS)/bench.elf hv-system-images
	@tests/bench/hypervisor/bochs $(HV)/bulkhead $(GUESTS)/bench.elf $(HVSYS) $(B)/bochs
# 50 boots each with 2 and with 4 vCPUs under load; SOAK_BOOTS=n
SOAK_BOOTS ?= 50
soak-hypervisor: hypervisor hv-system-images
	@tests/soak/boots $(SOAK_BOOTS) $(HV)/bulkhead $(HVSYS)
HELP += bench-hypervisor|figures~of~the~hypervisor~beside~Debian's~Xen
HELP += bench-hypervisor-bochs|the~micro-benchmark~in~Bochs~beside~Debian's~Xen~(CPU~with~NRIP~save)
HELP += soak-hypervisor|SOAK_BOOTS~boots~with~2~and~4~CPUs~under~load

# SPDX-License-Identifier: GPL-2.0-or-later
# Host unit tests of the hypervisor's pure modules, under ASan and UBSan. To add one: write test_NAME.c, and a line
# HVUNIT_SRC_NAME with the sources of hypervisor/ that it needs (string.c is never one: the host's libc stands in);
# HVUNIT_OBJ_NAME, rarely, names objects with rules of their own.
HVUNIT := $(B)/hv-unit
HVUNIT_SRC_string :=
HVUNIT_SRC_vsnprintf :=
HVUNIT_SRC_cmdline := boot/cmdline.c
HVUNIT_SRC_multiboot := boot/multiboot.c
HVUNIT_UNPACK := boot/decompress.c boot/unlzma2.c boot/unxz.c boot/unzstd.c boot/unzstd_entropy.c
HVUNIT_SRC_decompress := $(HVUNIT_UNPACK)
HVUNIT_SRC_kernel_image := boot/elf.c boot/bzimage.c $(HVUNIT_UNPACK)
HVUNIT_SRC_screen := drivers/screen.c
HVUNIT_SRC_symbols := core/symbols.c
HVUNIT_OBJ_symbols := $(HVUNIT)/test/symbols_table.o
HVUNIT_SRC_acpi := drivers/acpi.c pvh/acpi_build.c
HVUNIT_SRC_ivrs := iommu/ivrs.c
HVUNIT_SRC_dmar := iommu/dmar.c
HVUNIT_SRC_vioapic := pvh/vioapic.c
HVUNIT_SRC_vpci := pvh/vpci.c pvh/vpci_bar.c pvh/vmsi.c pvh/vmsix.c drivers/msi.c
HVUNIT_SRC_insn := arch/x86/insn.c
HVUNIT_SRC_cpu := arch/x86/cpu.c
HVUNIT_SRC_hvm_context := core/hvm_context.c
HVUNIT_SRC_logdirty := mm/logdirty.c mm/p2m.c
# tests with machine memory, domains and vCPUs: the real core over what host_hypervisor.c has of hardware
HVUNIT_CORE := core/event_channel.c core/event_2l.c core/event_fifo.c core/grant_table.c core/sched.c core/timer.c \
	mm/logdirty.c mm/p2m.c pvh/cpuid.c pvh/vlapic.c
HVUNIT_CORE_NAMES := cpuid domain event_channel event_reset grant_frames grant_table guest_access heap p2m page_alloc sched timer vlapic
$(foreach t,$(HVUNIT_CORE_NAMES),$(eval HVUNIT_SRC_$(t) := $(HVUNIT_CORE)))
$(foreach t,$(HVUNIT_CORE_NAMES),$(eval HVUNIT_OBJ_$(t) := $(HVUNIT)/test/host_hypervisor.o))

HVUNIT_NAMES := $(patsubst HVUNIT_SRC_%,%,$(filter HVUNIT_SRC_%,$(.VARIABLES)))
HVUNIT_PROGRAMS := $(sort $(HVUNIT_NAMES:%=$(HVUNIT)/test_%))
# linked into every test: printk, panic and what libc lacks
HVUNIT_COMMON := $(HVUNIT)/test/host_lib.o $(HVUNIT)/hv/lib/vsnprintf.o
HVUNIT_CFLAGS := $(CFLAGS_SAN) -std=gnu11 -Wno-unused-parameter -DHOST_TEST -DBH_FAULT_INJECTION -Ihypervisor/include -Itests/unit/hypervisor \
	-include tests/unit/hypervisor/host_lib.h

define HVUNIT_PROGRAM
$(HVUNIT)/test_$(1): $(HVUNIT)/test/test_$(1).o $(HVUNIT_SRC_$(1):%.c=$(HVUNIT)/hv/%.o) $(HVUNIT_OBJ_$(1)) $(HVUNIT_COMMON)
	$$(CC) $$(HVUNIT_CFLAGS) $$^ -lcmocka -o $$@
endef
$(foreach t,$(HVUNIT_NAMES),$(eval $(call HVUNIT_PROGRAM,$(t))))

$(HVUNIT)/test/%.o: tests/unit/hypervisor/%.c
	@mkdir -p $(@D)
	$(CC) $(HVUNIT_CFLAGS) -c $< -o $@
$(HVUNIT)/hv/%.o: hypervisor/%.c
	@mkdir -p $(@D)
	$(CC) $(HVUNIT_CFLAGS) -Wconversion -c $< -o $@

# the symbol table's test reads what the real tool makes
$(HVUNIT)/symbols_table.c: tests/unit/hypervisor/symbols.nm hypervisor/tools/mksyms.awk
	@mkdir -p $(@D)
	awk -f hypervisor/tools/mksyms.awk < $< > $@
$(HVUNIT)/test/symbols_table.o: $(HVUNIT)/symbols_table.c
	@mkdir -p $(@D)
	$(CC) $(HVUNIT_CFLAGS) -c $< -o $@

.PHONY: hv-unit
hv-unit: $(HVUNIT_PROGRAMS)
	@tests/harness/stage hv-unit --timeout 300 -- tests/unit/hypervisor/run $(HVUNIT_PROGRAMS)
CHECK_QUICK += hv-unit
HELP += hv-unit|unit~tests~of~the~hypervisor~pure~modules

-include $(wildcard $(HVUNIT)/*/*.d $(HVUNIT)/hv/*/*.d $(HVUNIT)/hv/arch/*/*.d $(HVUNIT)/hv/arch/*/*/*.d)

# SPDX-License-Identifier: GPL-2.0-or-later
# libFuzzer targets of the hypervisor's parsers. To add one: write fuzz_NAME.c, a line HVFUZZ_SRC_NAME with the sources
# of hypervisor/ that it needs, and seeds in seeds/NAME/. A long run, whose finds go to the first folder:
# build/hv-fuzz/fuzz_NAME /tmp/corpus tests/fuzz/hypervisor/seeds/NAME
HVFUZZ := $(B)/hv-fuzz
HVFUZZ_SRC_multiboot := boot/multiboot.c
HVFUZZ_SRC_cmdline := boot/cmdline.c
HVFUZZ_SRC_kernel := boot/elf.c boot/bzimage.c
HVFUZZ_SRC_decompress := boot/decompress.c $(patsubst hypervisor/%,%,$(wildcard hypervisor/boot/un*.c))
HVFUZZ_SRC_acpi := drivers/acpi.c pvh/acpi_build.c
HVFUZZ_SRC_ivrs := iommu/ivrs.c
HVFUZZ_SRC_dmar := iommu/dmar.c
HVFUZZ_SRC_insn := arch/x86/insn.c
# executions where the usual number would take more than a few seconds
HVFUZZ_RUNS_decompress = $(shell expr $(FUZZ_RUNS) / 4)
HVFUZZ_RUNS_insn = $(shell expr $(FUZZ_RUNS) \* 10)

HVFUZZ_NAMES := $(sort $(patsubst HVFUZZ_SRC_%,%,$(filter HVFUZZ_SRC_%,$(.VARIABLES))))
HVFUZZ_PROGRAMS := $(HVFUZZ_NAMES:%=$(HVFUZZ)/fuzz_%)
HVFUZZ_COMMON := $(HVFUZZ)/test/host_lib.o $(HVFUZZ)/hv/lib/vsnprintf.o
HVFUZZ_CFLAGS := $(CFLAGS_FUZZ) -std=gnu11 -MMD -MP $(WARN) -Wno-unused-parameter -DHOST_TEST -Ihypervisor/include -Itests/unit/hypervisor \
	-include tests/unit/hypervisor/host_lib.h

define HVFUZZ_PROGRAM
$(HVFUZZ)/fuzz_$(1): $(HVFUZZ)/obj/fuzz_$(1).o $(HVFUZZ_SRC_$(1):%.c=$(HVFUZZ)/hv/%.o) $(HVFUZZ_COMMON)
	$$(CLANG) $$(HVFUZZ_CFLAGS) $$^ -o $$@
endef
$(foreach t,$(HVFUZZ_NAMES),$(eval $(call HVFUZZ_PROGRAM,$(t))))

$(HVFUZZ)/obj/%.o: tests/fuzz/hypervisor/%.c
	@mkdir -p $(@D)
	$(CLANG) $(HVFUZZ_CFLAGS) -c $< -o $@
$(HVFUZZ)/test/%.o: tests/unit/hypervisor/%.c
	@mkdir -p $(@D)
	$(CLANG) $(HVFUZZ_CFLAGS) -c $< -o $@
$(HVFUZZ)/hv/%.o: hypervisor/%.c
	@mkdir -p $(@D)
	$(CLANG) $(HVFUZZ_CFLAGS) -c $< -o $@
.SECONDARY: $(HVFUZZ_PROGRAMS)

.PHONY: hv-fuzz
hv-fuzz: $(HVFUZZ_PROGRAMS)
	@tests/harness/stage hv-fuzz --timeout 300 -- tests/fuzz/hypervisor/run $(HVFUZZ) \
	  $(foreach t,$(HVFUZZ_NAMES),$(t)=$(or $(HVFUZZ_RUNS_$(t)),$(FUZZ_RUNS)))
CHECK_QUICK += hv-fuzz
HELP += hv-fuzz|short~fuzzing~of~the~parsers~of~the~hypervisor~(FUZZ_RUNS=n)

-include $(wildcard $(HVFUZZ)/*/*.d $(HVFUZZ)/hv/*/*.d $(HVFUZZ)/hv/arch/*/*.d $(HVFUZZ)/hv/arch/*/*/*.d)

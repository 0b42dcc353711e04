# SPDX-License-Identifier: GPL-2.0-or-later
# The hypervisor image. `make hypervisor`: build/hypervisor/{bulkhead,bulkhead.debug,bulkhead.gz}
HV := $(B)/hypervisor
HV_CC ?= $(CC)
# the screen console's font: glyphs ' ' to '~' of a PSF1 font, behind its header of 4 bytes, 16 bytes each
HV_FONT := /usr/share/consolefonts/Lat15-Fixed16.psf.gz
HV_SRC := $(sort $(wildcard hypervisor/boot/*.c hypervisor/core/*.c hypervisor/mm/*.c hypervisor/lib/*.c \
	hypervisor/drivers/*.c hypervisor/iommu/*.c hypervisor/pvh/*.c hypervisor/arch/x86/*.c \
	hypervisor/arch/x86/svm/*.c hypervisor/arch/x86/vmx/*.c))
HV_ASM := $(sort $(wildcard hypervisor/boot/*.S hypervisor/arch/x86/*.S hypervisor/arch/x86/svm/*.S hypervisor/drivers/*.S hypervisor/arch/x86/vmx/*.S))
HV_OBJ := $(HV_SRC:hypervisor/%.c=$(HV)/obj/%.o) $(HV_ASM:hypervisor/%.S=$(HV)/obj/%.S.o)
HV_FLAGS := -ffreestanding -nostdlib -mno-red-zone -mgeneral-regs-only -mcmodel=kernel -fno-pic -fno-pie \
	-fno-strict-aliasing -fno-asynchronous-unwind-tables -fno-common -ffunction-sections -fdata-sections \
	-mstack-protector-guard=global -fcf-protection=none -Ihypervisor/include/libc -Ihypervisor/include -MMD -MP -g
# extra switches: HV_DEFS=-DBH_FAULT_INJECTION makes the debug build that walks allocation failures
HV_DEFS ?=
# no indirect branch that a guest could train (Spectre v2)
HV_RETPOLINE := $(if $(shell $(HV_CC) --version | grep -i clang),-mretpoline,-mindirect-branch=thunk-inline -mindirect-branch-register) \
	-fno-jump-tables
# handlers in tables have parameters that not each of them needs
HV_CFLAGS := $(HV_RETPOLINE) -std=gnu11 -O2 -fno-omit-frame-pointer -fstack-protector-strong -Wconversion $(WARN) -Wno-unused-parameter $(HV_FLAGS) $(HV_DEFS)
HV_LDFLAGS := -nostdlib -static -no-pie -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--gc-sections -Wl,--build-id=sha1 \
	-Wl,--no-warn-rwx-segments -Wl,-T,hypervisor/bulkhead.lds

.PHONY: hypervisor
hypervisor: $(HV)/bulkhead $(HV)/bulkhead.gz
ALL += hypervisor
HELP += hypervisor|build~the~hypervisor~image

$(HV)/obj/%.o: hypervisor/%.c
	@mkdir -p $(@D)
	@echo "  CC $<"; $(HV_CC) $(HV_CFLAGS) -c $< -o $@
$(HV)/obj/%.S.o: hypervisor/%.S
	@mkdir -p $(@D)
	@$(HV_CC) $(HV_FLAGS) -D__ASSEMBLY__ -Wa,-I$(HV) -c $< -o $@
$(HV)/font.bin: $(HV_FONT)
	@mkdir -p $(@D)
	@zcat $< | tail -c +$$((4 + 32 * 16 + 1)) | head -c $$((95 * 16)) > $@
$(HV)/obj/drivers/font.S.o: $(HV)/font.bin

# Two link passes: the second one carries the symbol table made from the first, for backtraces.
HV_MKSYMS := hypervisor/tools/mksyms.awk
$(HV)/syms.%.c: $(HV)/bulkhead.% $(HV_MKSYMS)
	@nm -n $< | awk -f $(HV_MKSYMS) > $@
$(HV)/syms.0.c: $(HV_MKSYMS)
	@mkdir -p $(@D)
	@awk -f $< < /dev/null > $@
$(HV)/syms.%.o: $(HV)/syms.%.c
	@$(HV_CC) $(HV_CFLAGS) -c $< -o $@
$(HV)/bulkhead.1: $(HV_OBJ) $(HV)/syms.0.o hypervisor/bulkhead.lds
	@$(HV_CC) $(HV_LDFLAGS) $(HV_OBJ) $(HV)/syms.0.o -o $@
$(HV)/bulkhead.debug: $(HV_OBJ) $(HV)/syms.1.o hypervisor/bulkhead.lds
	@echo "  LD $@"; $(HV_CC) $(HV_LDFLAGS) $(HV_OBJ) $(HV)/syms.1.o -o $@
$(HV)/bulkhead: $(HV)/bulkhead.debug
	@strip -o $@ $<
$(HV)/bulkhead.gz: $(HV)/bulkhead
	@gzip -9nc $< > $@
.SECONDARY: $(HV)/syms.1.c $(HV)/syms.0.c

-include $(HV_OBJ:.o=.d)

# SPDX-License-Identifier: GPL-2.0-or-later
# Micro-kernels that boot as dom0 (and, the fuzzer, as domU) and test the hypervisor from inside.
# HYPERVISOR=xen runs the same programs on Debian's Xen: every difference is a bug to explain.
GUESTS := $(B)/guests
GUEST_NAMES := hypercalls events grants timers exceptions memory fuzz
GUEST_CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-pie -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
	-fno-strict-aliasing -fno-tree-loop-distribute-patterns -fno-asynchronous-unwind-tables -fcf-protection=none -MMD -MP $(WARN)
GUEST_ELFS := $(GUEST_NAMES:%=$(GUESTS)/%.elf)
GUEST_NAMES += bench
GUEST_HYPERVISOR = $(if $(filter xen,$(HYPERVISOR)),/boot/xen-4.17-amd64.gz,$(HV)/bulkhead)

$(GUESTS)/%.o: tests/guests/%.c
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -c $< -o $@
$(GUESTS)/start.o: tests/guests/start.S
	@mkdir -p $(@D)
	$(CC) -c $< -o $@
$(GUESTS)/%.elf: $(GUESTS)/%.o $(GUESTS)/guest.o $(GUESTS)/start.o tests/guests/guest.lds
	$(CC) -nostdlib -static -no-pie -Wl,-T,tests/guests/guest.lds -Wl,-z,max-page-size=4096 -Wl,--build-id=none \
	  -Wl,--no-warn-rwx-segments $(filter %.o,$^) -o $@
.SECONDARY: $(GUEST_NAMES:%=$(GUESTS)/%.o)

# FUZZ_SEED=n repeats a run of the hypercall fuzzer
FUZZ_SEED ?= $(shell date +%s)
FUZZ_CALLS ?= 100000
.PHONY: check-guests check-machine check-screen guests
guests: $(GUEST_ELFS) $(GUESTS)/bench.elf
check-guests: $(GUEST_ELFS) hypervisor
	@tests/harness/stage guests --timeout 300 -- tests/guests/run $(GUEST_HYPERVISOR) \
	  $(filter-out %/fuzz.elf,$(GUEST_ELFS)) "$(GUESTS)/fuzz.elf:seed=$(FUZZ_SEED) calls=$(FUZZ_CALLS)"
	@tests/harness/stage guests-new-cpu --timeout 300 -- tests/guests/run --cpu new $(GUEST_HYPERVISOR) \
	  $(GUESTS)/exceptions.elf:cr4=1 $(GUESTS)/memory.elf $(GUESTS)/events.elf
	@tests/harness/stage guests-old-cpu --timeout 300 -- tests/guests/run --cpu old $(GUEST_HYPERVISOR) \
	  $(GUESTS)/exceptions.elf $(GUESTS)/memory.elf $(GUESTS)/events.elf
# machines of several shapes, words of the command line
check-machine: $(GUESTS)/hypercalls.elf hypervisor
	@tests/harness/stage machine --timeout 300 -- tests/guests/machine $(HV)/bulkhead $(GUESTS)/hypercalls.elf
# the console on pixel screens, read back from pictures
check-screen: $(GUESTS)/hypercalls.elf hypervisor
	@tests/harness/stage screen --timeout 300 -- tests/guests/screen $(HV)/bulkhead $(GUESTS)/hypercalls.elf
CHECK_SYSTEM := check-guests check-machine check-screen $(CHECK_SYSTEM)
HELP += check-machine|the~hypervisor~on~machines~with~nodes,~threads,~odd~command~lines
HELP += check-screen|the~hypervisor's~messages~on~the~boot~loader's~framebuffer
HELP += check-guests|micro-kernels~that~test~the~hypervisor~as~dom0~(HYPERVISOR=xen)

-include $(wildcard $(GUESTS)/*.d)

# SPDX-License-Identifier: GPL-2.0-or-later
# dom0's root image, the ISO, and the program that shows it in QEMU. The images need root and Debian's mirror, so they
# are no part of `all`.
INST := $(B)/installer
ISO := $(INST)/bulkhead.iso
# templates on the ISO
TEMPLATES ?= $(TEMPLATE)
XEN_IMAGE ?= /boot/xen-4.17-amd64.gz

$(INST)/obj/%.o: installer/initramfs/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -Os -MMD -MP $(WARN) -c -o $@ $<
$(INST)/init: $(INST)/obj/init.o $(B)/templates/obj/early.o
	$(CC) -static -s -o $@ $^
$(INST)/obj/dom0/%.o: installer/dom0/src/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -c -o $@ $<
$(INST)/bulkhead-xserver: $(INST)/obj/dom0/bulkhead-xserver.o
	$(CC) $(LDFLAGS_USER) -o $@ $^
$(INST)/bulkhead-backdrop: $(INST)/obj/dom0/bulkhead-backdrop.o
	$(CC) $(LDFLAGS_USER) -o $@ $^ -lxcb
$(INST)/obj/%.o: installer/demo/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -c -o $@ $<
$(INST)/bulkhead-demo: $(INST)/obj/bulkhead-demo.o
	$(CC) $(LDFLAGS_USER) -o $@ $^ -lxcb
$(INST)/obj/run/%.o: installer/run/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_USER) -c -o $@ $<
$(INST)/bulkhead-run: $(patsubst %,$(INST)/obj/run/%.o,main machine phases qmp)
	$(CC) $(LDFLAGS_USER) -o $@ $^
-include $(wildcard $(INST)/obj/run/*.d $(INST)/obj/*.d $(INST)/obj/dom0/*.d)

# what of this folder goes into dom0
INST_DOM0 := $(INST)/bulkhead-xserver $(INST)/bulkhead-backdrop $(INST)/bulkhead-demo
ALL += $(INST)/init $(INST_DOM0) $(INST)/bulkhead-run
HELP += iso|build~the~bootable~image~$(ISO) \
  run|build~and~show~the~distribution~in~QEMU;~HYPERVISOR=xen|bulkhead~MEM=~CPUS=~UEFI=1~IOMMU=amd|intel|none~TEMPLATE=

.PHONY: dom0-programs install-dom0-installer
dom0-programs: $(INST_DOM0)
install-dom0-installer: $(INST_DOM0)
	install -D -m 755 -t $(DESTDIR)/usr/lib/bulkhead $^
INSTALL_DOM0 += install-dom0-installer

.PHONY: dom0-stage dom0-image iso
dom0-stage:
	@rm -rf $(INST)/stage && mkdir -p $(INST)/stage
	@$(MAKE) --silent install-dom0 DESTDIR=$(CURDIR)/$(INST)/stage
	@cat /dev/null $(wildcard */runtime-deps-dom0) | sed 's/#.*//' | sort -u > $(INST)/runtime-deps
dom0-image: dom0-stage rpms $(INST)/init
	@installer/build-dom0 $(INST) $(INST)/stage $(INST)/runtime-deps $(INST)/init $(B)/rpms
iso: dom0-image template $(B)/hypervisor/bulkhead.gz
	@installer/build-iso $(ISO) $(INST) $(B)/kernels $(B)/templates $(XEN_IMAGE) $(B)/hypervisor/bulkhead.gz -- $(TEMPLATES)

.PHONY: run
run: deps
	@$(MAKE) iso $(INST)/bulkhead-run
	@mkdir -p $(B)/run
	@HYPERVISOR="$(HYPERVISOR)" MEM="$(MEM)" CPUS="$(CPUS)" UEFI="$(UEFI)" IOMMU="$(IOMMU)" WORDS="$(WORDS)" \
	  TIME_LIMIT="$(TIME_LIMIT)" $(INST)/bulkhead-run $(ISO) $(B)/run

include tests/system/iso/module.mk

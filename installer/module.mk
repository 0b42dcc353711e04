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
-include $(wildcard $(INST)/obj/*.d $(INST)/obj/dom0/*.d)

ALL += $(INST)/init $(INST)/bulkhead-xserver
HELP += iso|build~the~bootable~image~$(ISO)

.PHONY: dom0-stage dom0-image iso
dom0-stage:
	@rm -rf $(INST)/stage && mkdir -p $(INST)/stage
	@$(MAKE) --silent install-dom0 DESTDIR=$(CURDIR)/$(INST)/stage
	@cat /dev/null $(wildcard */runtime-deps-dom0) | sed 's/#.*//' | sort -u > $(INST)/runtime-deps
dom0-image: dom0-stage $(INST)/init $(INST)/bulkhead-xserver
	@TEMPLATES="$(TEMPLATES)" installer/build-dom0 $(INST) $(INST)/stage $(INST)/runtime-deps $(INST)/bulkhead-xserver $(INST)/init
iso: dom0-image template
	@installer/build-iso $(ISO) $(INST) $(B)/kernels $(B)/templates $(XEN_IMAGE) $(wildcard $(B)/hypervisor/bulkhead.gz) -- $(TEMPLATES)

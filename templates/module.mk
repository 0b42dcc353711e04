# SPDX-License-Identifier: GPL-2.0-or-later
# Template root images and the app domains' kernel. Building them needs root and Debian's mirror, so they are no part of `all`.
TEMPLATE ?= debian-12
TPL := $(B)/templates

$(TPL)/obj/%.o: templates/initramfs/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE -Os -MMD -MP $(WARN) -c -o $@ $<
$(TPL)/init: $(addprefix $(TPL)/obj/,init.o bind_dirs.o early.o)
	$(CC) -static -s -o $@ $^
-include $(wildcard $(TPL)/obj/*.d)

ALL += $(TPL)/init

$(TPL)/test/test_bind_dirs: tests/unit/manager-templates/test_bind_dirs.c templates/initramfs/bind_dirs.c templates/initramfs/early.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_SAN) -Itemplates/initramfs -MF $@.d -o $@ $(filter %.c,$^) -lcmocka
.PHONY: check-templates-unit
check-templates-unit: $(TPL)/test/test_bind_dirs
	@tests/harness/stage templates-unit --timeout 60 -- $<
CHECK_QUICK += check-templates-unit
HELP += template|build~the~template~TEMPLATE=$(TEMPLATE)~and~the~guest~kernel templates|build~all~templates

# what the agents install into a template, and the Debian packages they need
.PHONY: template-stage template template-kernel templates template-package
template-stage:
	@rm -rf $(TPL)/stage && mkdir -p $(TPL)/stage
	@$(MAKE) --silent install-vm DESTDIR=$(CURDIR)/$(TPL)/stage
	@templates/build-debs $(TPL)/debs $(INSTALL_VM)
	@cat /dev/null $(wildcard */runtime-deps-vm) | sed 's/#.*//' | sort -u > $(TPL)/runtime-deps
template-kernel: $(TPL)/init
	@templates/build-kernel $(B)/kernels $<
template: template-kernel template-stage
	@templates/build-template $(TEMPLATE) $(TPL) $(TPL)/stage $(TPL)/runtime-deps $(TPL)/debs
templates: template-kernel template-stage
	@for t in $$(awk '!/^#/ && NF {print $$1}' templates/recipes); do \
	  templates/build-template $$t $(TPL) $(TPL)/stage $(TPL)/runtime-deps $(TPL)/debs || exit 1; done
template-package: template rpms
	@templates/package-template $(TEMPLATE) $(TPL) $(B)/rpms
HELP += template-package|the~template~TEMPLATE=$(TEMPLATE)~as~a~signed~package~for~qvm-template

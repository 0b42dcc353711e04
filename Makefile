# SPDX-License-Identifier: GPL-2.0-or-later
# Bulkhead: one non-recursive makefile. Each component's folder brings a module.mk that adds to the
# lists below; nothing of a component is named here.  `make help` lists the targets.

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := all
SHELL := /bin/bash
TOP := $(CURDIR)
B := build

include mk/flags.mk

# Filled in by module.mk files:
ALL :=                 # targets that `make` builds
CHECK_QUICK :=         # stage targets of `make check-quick`: no QEMU, no root, seconds each
CHECK_SYSTEM :=        # stage targets that `make check` adds, cheapest first: QEMU, Xvfb
INSTALL_DOM0 :=        # targets that install a component's dom0 part into $(DESTDIR)
INSTALL_VM :=          # targets that install a component's template part into $(DESTDIR)
HELP :=                # lines for `make help`: "target|what it does"

# libraries first: prerequisites that name them are expanded when they are read
LIBRARIES := libvchan/module.mk gui-common/module.mk
MODULES := $(LIBRARIES) $(filter-out $(LIBRARIES),$(sort $(wildcard */module.mk tests/*/module.mk)))
include $(MODULES)

.PHONY: all deps check check-quick format format-check help clean install-dom0 install-vm
all: $(ALL)

deps: ## install the Debian packages that building and testing need
	@mk/install-deps

# Every stage runs even after a failure; the last line is the sum over all stages.
check-quick:
	@rm -rf $(B)/check/results && mkdir -p $(B)/check
	+@st=0; for t in format-check $(CHECK_QUICK); do $(MAKE) $$t || st=1; done; tests/harness/summary $(B)/check/results && exit $$st

check: deps
	@rm -rf $(B)/check/results && mkdir -p $(B)/check
	+@st=0; for t in format-check $(CHECK_QUICK) $(CHECK_SYSTEM); do STAGE_RETRY=1 $(MAKE) $$t || st=1; done; \
	tests/harness/summary $(B)/check/results && exit $$st

FORMAT_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
format:
	@clang-format -i $(FORMAT_FILES)
format-check:
	@tests/harness/stage format -- tests/harness/format-check $(FORMAT_FILES)

install-dom0: $(INSTALL_DOM0)
install-vm: $(INSTALL_VM)

clean:
	rm -rf $(B)

HELP_BASE := all|build~everything deps|install~needed~Debian~packages check-quick|fast~tests,~no~QEMU~(3~min) check|all~tests \
	format|apply~.clang-format clean|remove~build/
help:
	$(foreach h,$(HELP_BASE) $(sort $(HELP)),$(info $(subst ~, ,  make $(subst |,  ,$(h)))))
	@:

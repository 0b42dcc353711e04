# SPDX-License-Identifier: GPL-2.0-or-later
# Static analysis of the whole tree: shellcheck, lines of code, clang's warnings (gcc's are errors in the build itself), cppcheck.
SHIPPED := hypervisor libvchan qrexec gui-common gui-daemon gui-agent domain-manager installer templates
# the hypervisor's budget: C, headers and assembly. With the Makefile and the tool beside them it is 17,000.
HYPERVISOR_LINES ?= 16900
STATIC := $(B)/static

.PHONY: check-shell check-lines check-clang check-cppcheck
check-shell:
	@tests/harness/stage static-shell --timeout 120 -- tests/harness/check-shell $(shell git ls-files -co --exclude-standard)
check-lines:
	@tests/harness/stage static-lines --timeout 60 -- tests/harness/check-lines hypervisor $(HYPERVISOR_LINES)
# what make would do says which flags each file gets
check-clang:
	@mkdir -p $(STATIC)
	@$(MAKE) --always-make --dry-run all $(filter-out check-clang,$(CHECK_QUICK)) > $(STATIC)/commands 2>/dev/null
	@tests/harness/stage static-clang --timeout 300 -- tests/harness/check-clang $(STATIC)/commands $(shell git ls-files '*.c')
check-cppcheck:
	@tests/harness/stage static-cppcheck --timeout 300 -- tests/harness/check-cppcheck $(STATIC)/cppcheck $(SHIPPED)
CHECK_QUICK += check-shell check-lines check-clang check-cppcheck
HELP += check-clang|clang's~warnings~of~all~C~files check-cppcheck|cppcheck~of~what~ships check-shell|shellcheck~of~all~scripts \
  check-lines|the~hypervisor's~size~against~its~budget~HYPERVISOR_LINES=

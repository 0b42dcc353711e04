# SPDX-License-Identifier: GPL-2.0-or-later
# System test of the ISO: the demonstration on our hypervisor (or HYPERVISOR=xen), and the desktop under UEFI.
ISO_TEST := tests/system/iso/test-demonstration
ISO_CHECK := $(B)/check/iso

.PHONY: check-iso-build check-iso check-iso-uefi
check-iso-build:
	@tests/harness/stage iso-build --timeout 1200 -- $(MAKE) iso $(INST)/bulkhead-run
check-iso: check-iso-build
	@TIME_LIMIT=500 tests/harness/stage iso-demonstration --timeout 700 -- $(ISO_TEST) $(ISO) $(ISO_CHECK) $(INST)/bulkhead-run
check-iso-uefi: check-iso-build
	@UEFI=1 DESKTOP_ONLY=1 WORDS=bulkhead.demo=desktop TIME_LIMIT=200 tests/harness/stage iso-uefi --timeout 300 -- \
	  $(ISO_TEST) $(ISO) $(ISO_CHECK)-uefi $(INST)/bulkhead-run
CHECK_SYSTEM += check-iso check-iso-uefi check-calls
HELP += check-iso|boot~the~ISO~and~check~the~demonstration;~HYPERVISOR=xen~for~the~reference

# Calls between two real domains, a disposable, shutdown, typed at dom0's console.
.PHONY: check-calls
check-calls: check-iso-build
	@TIME_LIMIT=400 tests/harness/stage calls --timeout 900 -- tests/system/iso/test-calls $(ISO) $(ISO_CHECK)-calls
HELP += check-calls|policy-decided~calls~between~two~real~domains,~a~disposable;~HYPERVISOR=xen

$(INST)/unit/phases-test: tests/unit/installer/phases-test.c installer/run/phases.c installer/run/qmp.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_SAN) -MF $@.d -o $@ $(filter %.c,$^) -lcmocka
.PHONY: check-iso-scripts check-iso-unit
check-iso-scripts:
	@tests/harness/stage iso-scripts --timeout 120 -- tests/system/iso/check-scripts
check-iso-unit: $(INST)/unit/phases-test
	@tests/harness/stage iso-unit --timeout 60 -- $<
CHECK_QUICK += check-iso-scripts check-iso-unit

.PHONY: check-rpms
check-rpms: rpms
	@tests/harness/stage rpms --timeout 120 -- tests/system/iso/check-rpms $(B)/rpms
CHECK_SYSTEM := check-rpms $(CHECK_SYSTEM)
HELP += check-rpms|signatures~and~contents~of~the~RPMs

# SPDX-License-Identifier: GPL-2.0-or-later
# System tests of the ISO: a session with keyboard and mouse, and `make run` without a terminal under UEFI. HYPERVISOR=xen runs
# both on Debian's.
ISO_TEST := tests/system/iso/test-demonstration
ISO_CHECK := $(B)/check/iso

.PHONY: check-iso-build check-session check-iso check-iso-uefi
check-iso-build:
	@tests/harness/stage iso-build --timeout 1200 -- $(MAKE) iso $(INST)/bulkhead-run
check-session: check-iso-build
	@tests/harness/stage session --timeout 1500 -- tests/system/iso/test-session $(ISO) $(ISO_CHECK)-session
check-iso: check-iso-build
	@TIME_LIMIT=500 tests/harness/stage iso-demonstration --timeout 700 -- $(ISO_TEST) $(ISO) $(ISO_CHECK) $(INST)/bulkhead-run
check-iso-uefi: check-iso-build
	@UEFI=1 DESKTOP_ONLY=1 WORDS=bulkhead.demo=desktop TIME_LIMIT=200 tests/harness/stage iso-uefi --timeout 300 -- \
	  $(ISO_TEST) $(ISO) $(ISO_CHECK)-uefi $(INST)/bulkhead-run
CHECK_SYSTEM += check-session check-iso-uefi
HELP += check-session|use~the~ISO~by~screen,~keyboard~and~mouse:~domains,~copies,~a~disposable;~HYPERVISOR=xen~for~the~reference \
  check-iso|make~run~without~a~terminal;~HYPERVISOR=xen~UEFI=1

# outside CI
.PHONY: check-menu check-reproducible
check-menu: check-iso-build
	@tests/harness/stage menu --timeout 1200 -- tests/system/iso/test-menu $(ISO) $(ISO_CHECK)-menu
check-reproducible: check-iso-build
	@tests/harness/stage reproducible --timeout 1800 -- tests/system/iso/check-reproducible $(B)
HELP += check-menu|the~other~entries~of~the~ISO's~menu,~outside~check \
  check-reproducible|everything~on~the~ISO~made~twice,~outside~check;~FULL=1~compiles~and~unpacks~again,~too

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

# SPDX-License-Identifier: GPL-2.0-or-later
# Figures. `make bench` prints all of them; each alone: bench-system, bench-hypervisor, bench-gui, bench-manager, bench-policy,
# bench-qrexec.
BENCH_SESSION := tests/system/iso/test-session $(ISO)
BENCH_SYSTEM := $(B)/bench/system
.PHONY: bench bench-system
# the same session on our hypervisor and on Debian's Xen
bench-system: check-iso-build
	@mkdir -p $(BENCH_SYSTEM)
	@st=0; HYPERVISOR=bulkhead $(BENCH_SESSION) $(BENCH_SYSTEM)/bulkhead > $(BENCH_SYSTEM)/bulkhead.log || st=1; \
	HYPERVISOR=xen TIME_LIMIT=600 $(BENCH_SESSION) $(BENCH_SYSTEM)/xen > $(BENCH_SYSTEM)/xen.log || st=1; \
	tests/bench/system/compare-sessions $(BENCH_SYSTEM)/bulkhead $(BENCH_SYSTEM)/xen && exit $$st
bench:
	+@st=0; for t in bench-policy bench-qrexec bench-manager bench-gui bench-hypervisor bench-system; do \
	  echo "== $$t"; $(MAKE) $$t || st=1; done; exit $$st
HELP += bench|all~figures,~ours~beside~the~reference bench-system|a~whole~session~on~our~hypervisor~and~on~Debian's~Xen

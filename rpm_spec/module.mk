# SPDX-License-Identifier: GPL-2.0-or-later
# Our components as signed RPMs, and as source RPMs for mock.
RPMS := $(B)/rpms
HELP += rpms|build,~sign~and~verify~RPMs~of~all~components srpms|source~RPMs,~for~mock~(rpm_spec/mock)
.PHONY: rpms srpms install-dom0-hypervisor
rpms:
	@rpm_spec/build-rpms $(RPMS) $(INSTALL_DOM0)
srpms:
	@rpm_spec/build-srpms $(RPMS)/source

# for an installed system: the live one boots the hypervisor from the medium
install-dom0-hypervisor: $(B)/hypervisor/bulkhead.gz
	install -D -m 644 -t $(DESTDIR)/boot $<
INSTALL_DOM0 += install-dom0-hypervisor

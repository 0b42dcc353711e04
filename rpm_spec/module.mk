# SPDX-License-Identifier: GPL-2.0-or-later
# Our components as signed RPMs.
RPMS := $(B)/rpms
HELP += rpms|build,~sign~and~verify~RPMs~of~all~components
.PHONY: rpms
rpms:
	@rpm_spec/build-rpms $(RPMS) $(INSTALL_DOM0)

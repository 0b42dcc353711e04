# SPDX-License-Identifier: GPL-2.0-or-later
.PHONY: qrexec qrexec-socket
-include qrexec/policy/policy.mk

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# For login shells and for programs that qrexec starts outside of the session.
export DISPLAY="${DISPLAY:-:0}"

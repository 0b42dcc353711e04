# SPDX-License-Identifier: GPL-2.0-or-later
# What logind would set. A test of the owner instead of `id`: no process.
if [ -O /run/user/1000 ] && [ -z "$XDG_RUNTIME_DIR" ]; then
    export XDG_RUNTIME_DIR=/run/user/1000 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus
fi

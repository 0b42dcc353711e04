#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A panel of 40 pixels at the top of the screen, for tests."""
import gi
gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
gi.require_version("GdkX11", "3.0")
from gi.repository import Gdk, GdkX11, Gtk
import subprocess

window = Gtk.Window()
window.set_type_hint(Gdk.WindowTypeHint.DOCK)
window.set_default_size(1280, 40)
window.override_background_color(0, Gdk.RGBA(0x10 / 255, 0x20 / 255, 0x30 / 255, 1))
window.move(0, 0)
window.realize()
subprocess.run(["xprop", "-id", str(window.get_window().get_xid()), "-f", "_NET_WM_STRUT_PARTIAL", "32c", "-set",
                "_NET_WM_STRUT_PARTIAL", "0,0,40,0,0,0,0,0,0,1279,0,0"], check=True)
window.show()
Gtk.main()

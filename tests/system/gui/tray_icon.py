#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A program with an icon in the system tray, as GTK makes one: white on grey, and says when it is clicked."""
import gi
gi.require_version("GdkPixbuf", "2.0")
gi.require_version("Gtk", "3.0")
from gi.repository import GdkPixbuf, Gtk

pixbuf = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, False, 8, 24, 24)
pixbuf.fill(0x808080ff)
pixbuf.new_subpixbuf(6, 6, 12, 12).fill(0xffffffff)
icon = Gtk.StatusIcon.new_from_pixbuf(pixbuf)
icon.set_title("Mail")
icon.connect("activate", lambda _: print("activate", flush=True))
icon.connect("popup-menu", lambda *_: print("popup-menu", flush=True))
icon.connect("scroll-event", lambda *_: print("scroll", flush=True))
Gtk.main()

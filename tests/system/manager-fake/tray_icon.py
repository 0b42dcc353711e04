#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An orange icon for the system tray, by hand over Xlib (no toolkit), as a domain's GUI daemon docks one. Arguments: domain,
title; each line of standard input is a new title, its end is the icon's."""
import ctypes, ctypes.util, sys

X = ctypes.CDLL(ctypes.util.find_library("X11"))
for f in ("XOpenDisplay", "XDefaultRootWindow", "XCreateSimpleWindow", "XInternAtom", "XGetSelectionOwner"):
    getattr(X, f).restype = ctypes.c_void_p if f == "XOpenDisplay" else ctypes.c_ulong


class ClientMessage(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int),
                ("display", ctypes.c_void_p), ("window", ctypes.c_ulong), ("message_type", ctypes.c_ulong),
                ("format", ctypes.c_int), ("l", ctypes.c_long * 5), ("pad", ctypes.c_long * 16)]


d = ctypes.c_void_p(X.XOpenDisplay(None))
root = ctypes.c_ulong(X.XDefaultRootWindow(d))
win = X.XCreateSimpleWindow(d, root, 0, 0, 22, 22, 0, ctypes.c_ulong(0), ctypes.c_ulong(0xf57900))


def text(name, kind, value):
    value = value.encode()
    X.XChangeProperty(d, ctypes.c_ulong(win), *(ctypes.c_ulong(X.XInternAtom(d, n, 0)) for n in (name, kind)), 8, 0, value, len(value))
    X.XFlush(d)


text(b"_QUBES_VMNAME", b"STRING", sys.argv[1])
text(b"_NET_WM_NAME", b"UTF8_STRING", sys.argv[2])
tray = X.XGetSelectionOwner(d, ctypes.c_ulong(X.XInternAtom(d, b"_NET_SYSTEM_TRAY_S0", 0)))
if not tray:
    sys.exit("there is no tray")
m = ClientMessage(type=33, window=tray, message_type=X.XInternAtom(d, b"_NET_SYSTEM_TRAY_OPCODE", 0), format=32)
m.l[1], m.l[2] = 0, win
X.XSendEvent(d, ctypes.c_ulong(tray), 0, ctypes.c_long(0), ctypes.byref(m))
X.XSync(d, 0)
for line in sys.stdin:
    text(b"_NET_WM_NAME", b"UTF8_STRING", line.rstrip())

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A system tray for one icon of 24 pixels at (10, 10), for tests."""
from Xlib import X, display
from Xlib.protocol import event

d = display.Display()
root = d.screen().root
bar = root.create_window(0, 0, 200, 44, 0, X.CopyFromParent, background_pixel=0x303030, override_redirect=1,
                         event_mask=X.StructureNotifyMask | X.SubstructureNotifyMask)
bar.map()
selection = d.intern_atom("_NET_SYSTEM_TRAY_S0")
bar.set_selection_owner(selection, X.CurrentTime)
root.send_event(event.ClientMessage(window=root, client_type=d.intern_atom("MANAGER"),
                                    data=(32, (X.CurrentTime, selection, bar.id, 0, 0))),
                event_mask=X.StructureNotifyMask)
d.flush()
opcode, xembed = d.intern_atom("_NET_SYSTEM_TRAY_OPCODE"), d.intern_atom("_XEMBED")
while True:
    e = d.next_event()
    if e.type == X.ClientMessage and e.client_type == opcode and e.data[1][1] == 0:
        icon = d.create_resource_object("window", e.data[1][2])
        icon.reparent(bar, 10, 10)
        icon.configure(width=24, height=24)
        icon.map()
        icon.send_event(event.ClientMessage(window=icon, client_type=xembed, data=(32, (X.CurrentTime, 0, 0, bar.id, 0))))
        d.flush()

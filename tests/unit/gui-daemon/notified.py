#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""notified.py FILE: a notification service on the session bus that writes what it is told to FILE, for tests."""
import sys
from gi.repository import Gio, GLib

XML = """<node><interface name="org.freedesktop.Notifications"><method name="Notify">
<arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="as" direction="in"/><arg type="a{sv}" direction="in"/><arg type="i" direction="in"/>
<arg type="u" direction="out"/></method></interface></node>"""


def call(_connection, _sender, _path, _interface, _method, parameters, invocation):
    with open(sys.argv[1], "a") as f:
        f.write("%s|%s\n" % (parameters[3], parameters[4]))
    invocation.return_value(GLib.Variant("(u)", (1,)))


def acquired(connection, _name):
    connection.register_object("/org/freedesktop/Notifications", Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0], call,
                               None, None)


def named(_connection, _name):
    open(sys.argv[1], "w").close()


Gio.bus_own_name(Gio.BusType.SESSION, "org.freedesktop.Notifications", 0, acquired, named, None)
GLib.MainLoop().run()

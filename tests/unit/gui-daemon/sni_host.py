#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""sni_host.py FILE: a StatusNotifier watcher and host in one, for tests. Writes what happens to FILE, one line each:
"+ ID WIDTH HEIGHT PIXEL" when an item comes or has a new icon (the pixel in its middle), "- " when one goes. A line
on standard input, "METHOD ARGUMENTS", is called on the newest item."""
import sys
from gi.repository import Gio, GLib

XML = """<node><interface name="org.kde.StatusNotifierWatcher">
<method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
<property name="IsStatusNotifierHostRegistered" type="b" access="read"/>
<signal name="StatusNotifierHostRegistered"/></interface></node>"""
ITEM, PATH = "org.kde.StatusNotifierItem", "/StatusNotifierItem"
items = []


def say(text):
    with open(sys.argv[1], "a") as f:
        f.write(text + "\n")


def get(bus, item, name):
    return bus.call_sync(item, PATH, "org.freedesktop.DBus.Properties", "Get", GLib.Variant("(ss)", (ITEM, name)), None, 0, -1,
                         None).unpack()[0]


def look(bus, item):
    w, h, pixels = get(bus, item, "IconPixmap")[0]
    middle = (h // 2 * w + w // 2) * 4
    say("+ %s %d %d %s %s" % (get(bus, item, "Id"), w, h, bytes(pixels[middle:middle + 4]).hex(), get(bus, item, "ToolTip")[2]))


def gone(bus, name):
    if name in items:
        items.remove(name)
        say("- ")


def call(bus, _sender, _path, _interface, _method, parameters, invocation):
    item = parameters.unpack()[0]
    items.append(item)
    invocation.return_value(None)
    bus.signal_subscribe(item, ITEM, "NewIcon", PATH, None, 0, lambda *_: look(bus, item))
    Gio.bus_watch_name_on_connection(bus, item, 0, None, gone)
    look(bus, item)


def command(channel, _condition, bus):
    line = channel.readline().split()
    if line:
        arguments = GLib.Variant("(is)", (int(line[1]), line[2])) if line[0] == "Scroll" else \
            GLib.Variant("(ii)", (int(line[1]), int(line[2])))
        bus.call_sync(items[-1], PATH, ITEM, line[0], arguments, None, 0, -1, None)
    return bool(line)


def acquired(bus, _name):
    bus.register_object("/StatusNotifierWatcher", Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0], call,
                        lambda *_: GLib.Variant("b", True), None)
    GLib.io_add_watch(GLib.IOChannel.unix_new(0), 0, GLib.IOCondition.IN | GLib.IOCondition.HUP,
                      lambda _channel, condition: command(sys.stdin, condition, bus))
    say("ready")


Gio.bus_own_name(Gio.BusType.SESSION, "org.kde.StatusNotifierWatcher", 0, acquired, None, None)
GLib.MainLoop().run()

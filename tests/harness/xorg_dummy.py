# SPDX-License-Identifier: GPL-2.0-or-later
"""Configuration of an Xorg without hardware, as it comes from Debian, and how it is started."""
XORG = "/usr/lib/xorg/Xorg"
MODULES = "/usr/lib/xorg/modules"

CONF = """
Section "ServerFlags"
    Option "AutoAddDevices" "false"
EndSection
Section "Module"
    %(load)s
    Disable "glx"
    Disable "glamoregl"
EndSection
Section "Device"
    Identifier "device"
    Driver "dummy"
    VideoRam 64000
EndSection
Section "Monitor"
    Identifier "monitor"
    HorizSync 1-10000
    VertRefresh 1-10000
    Modeline "mode" 200 %(horizontal)s %(vertical)s
EndSection
Section "Screen"
    Identifier "screen"
    Device "device"
    Monitor "monitor"
    DefaultDepth 24
    SubSection "Display"
        Depth 24
        Modes "mode"
    EndSubSection
EndSection
"""


def configuration(width, height, module=None):
    """A screen of that size; `module` of ours is loaded."""
    timings = lambda size: " ".join(str(size + n) for n in range(4))
    return CONF % {"load": 'Load "%s"' % module if module else "", "horizontal": timings(width), "vertical": timings(height)}


def command(number, conf, log, modules=None):
    """Xorg on display `number`; `modules`: a folder that is looked into before Debian's own."""
    return [XORG, ":%d" % number, "-config", conf, "-modulepath", ",".join(filter(None, (modules, MODULES))), "-nolisten", "tcp",
            "-noreset", "-novtswitch", "-sharevts", "-logfile", log, "vt7"]

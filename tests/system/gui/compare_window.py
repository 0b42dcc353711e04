#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""compare_window.py SCREENSHOT COLOUR NAME SEED WIDTH HEIGHT: is the window of test-pattern in the domain NAME there on
dom0's screen, pixel by pixel: what the domain drew, the border in the label's colour (0xRRGGBB) along its whole length,
the header as dom0 must draw it. TAP; exit status 1 if not. As a module: compare(), compare_frame() for any window."""
import itertools
import os
import subprocess
import sys
import tempfile

from PIL import Image, ImageChops

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
EXPECTED_FRAME = os.environ.get("EXPECTED_FRAME") or os.path.join(TOP, "build/gui-daemon/expected-frame")
HEADER_TOLERANCE = 8  # of a channel: text is blended
HINT_STYLES = "3241"   # cairo_hint_style_t: medium, slight, full, none


def pattern(width, height, seed):
    """What test-pattern draws."""
    data = bytes(c for y in range(height) for x in range(width)
                 for c in ((3 * x + 40 * seed) & 255, 5 * y & 255, ((x ^ y) + 70 * seed) & 255))
    return Image.frombytes("RGB", (width, height), data)


def find_pattern(screen, expected):
    """Where the picture's first row stands on the screen, without any guess of what is around it: (x, y) or None."""
    width = screen.size[0]
    row, data = expected.crop((0, 0, expected.size[0], 1)).tobytes(), screen.tobytes()
    at = data.find(row)
    while at >= 0 and at % 3:
        at = data.find(row, at + 1)
    return ((at // 3) % width, at // 3 // width) if at >= 0 else None


def difference(a, b, tolerance=0):
    """The box of the pixels that differ by more than the tolerance in one channel, or None."""
    return ImageChops.difference(a, b).point(lambda v: 255 if v > tolerance else 0).getbbox()


def frame_sizes():
    """Widths of border and header."""
    words = subprocess.run([EXPECTED_FRAME], capture_output=True, text=True, check=True).stdout.split()
    return tuple(int(word) for word in words)


class Window:
    """A framed window on a screenshot whose content is at (x, y)."""

    def __init__(self, screen, x, y, width, height):
        self.screen, self.x, self.y, self.width, self.height = screen, x, y, width, height
        self.border, self.top = frame_sizes()

    @classmethod
    def of_frame(cls, screen, box):
        """The window whose frame is in the box (left, top, right, bottom)."""
        border, top = frame_sizes()
        return cls(screen, box[0] + border, box[1] + top, box[2] - box[0] - 2 * border, box[3] - box[1] - top - border)

    def content(self):
        return self.screen.crop((self.x, self.y, self.x + self.width, self.y + self.height))

    def outer(self):
        return (self.x - self.border, self.y - self.top, self.x + self.width + self.border, self.y + self.height + self.border)

    def wrong_border_pixels(self, rgb):
        """How many pixels of the border's four sides have another colour (all of them when it is not on the screen)."""
        left, top, right, bottom = self.outer()
        b, wrong = self.border, 0
        for box in ((left, top, right, top + b), (left, bottom - b, right, bottom), (left, top, left + b, bottom),
                    (right - b, top, right, bottom)):
            side = self.screen.crop(box)
            wrong += side.size[0] * side.size[1] - dict((c, n) for n, c in side.getcolors(1 << 24)).get(tuple(rgb), 0)
        return wrong

    def wrong_header(self, rgb, name, title):
        """The box in which the header differs from a rendering, focused or not, in each style of letters that a desktop may
        ask for; None: it does not."""
        left, top, right, bottom = self.outer()
        header = self.screen.crop((left, top, right, top + self.top))
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            for focused, hinting in itertools.product("10", HINT_STYLES):
                subprocess.run([EXPECTED_FRAME, str(right - left), str(bottom - top), "0x%02x%02x%02x" % tuple(rgb), focused,
                                hinting, name, title, file.name], check=True)
                wrong = difference(header, Image.open(file.name).convert("RGB").crop((0, 0) + header.size), HEADER_TOLERANCE)
                if wrong is None:
                    break
        return wrong


def compare_frame(window, rgb, name, title, report):
    """Border and header of a Window; report(good, text, detail) for each thing compared."""
    wrong = window.wrong_border_pixels(rgb)
    report(wrong == 0, "%s: the border has the label's colour along all its length" % name, "%d pixels have not" % wrong)
    wrong = window.wrong_header(rgb, name, title)
    report(wrong is None, "%s: the header is as dom0 draws it" % name, "differs in %s" % (wrong,))


def compare(screen, rgb, name, seed, width, height, report):
    """A window of test-pattern, wherever it is."""
    expected = pattern(width, height, seed)
    place = find_pattern(screen, expected)
    if not report(place is not None, "%s: its window is on the screen" % name, "no row of the pattern"):
        return
    window = Window(screen, *place, width, height)
    wrong = difference(window.content(), expected)
    report(wrong is None, "%s: all %d pixels are what the domain drew" % (name, width * height), "differs in %s" % (wrong,))
    compare_frame(window, rgb, name, "pattern %d" % seed, report)


def main():
    failed = 0

    def report(good, text, detail):
        nonlocal failed
        failed += not good
        print("%s - %s%s" % ("ok" if good else "not ok", text, "" if good else ": " + detail))
        return good

    colour = int(sys.argv[2], 16)
    compare(Image.open(sys.argv[1]).convert("RGB"), (colour >> 16, colour >> 8 & 255, colour & 255), sys.argv[3],
            *(int(word) for word in sys.argv[4:7]), report)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the PNG files that QEMU's screendump writes (8 bits a channel, RGB or RGBA, not interlaced)."""
import struct
import zlib


def _unfilter(kind, line, above, step):
    """PNG specification, section 9: each line was filtered against its left and upper neighbours."""
    if kind == 0:
        return line
    for i in range(len(line)):
        left = line[i - step] if i >= step else 0
        up = above[i]
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        else:
            corner = above[i - step] if i >= step else 0
            p = left + up - corner
            pa, pb, pc = abs(p - left), abs(p - up), abs(p - corner)
            guess = left if pa <= pb and pa <= pc else up if pb <= pc else corner
        line[i] = (line[i] + guess) & 255
    return line


class Picture:
    """width, height and lines of RGB(A) bytes."""

    def __init__(self, path):
        data = open(path, "rb").read()
        assert data[:8] == b"\x89PNG\r\n\x1a\n", path
        at, packed = 8, b""
        while at < len(data):
            length, kind = struct.unpack(">I4s", data[at:at + 8])
            body = data[at + 8:at + 8 + length]
            if kind == b"IHDR":
                self.width, self.height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
                assert depth == 8 and colour in (2, 6) and interlace == 0
                self.step = 3 if colour == 2 else 4
            elif kind == b"IDAT":
                packed += body
            at += 12 + length
        raw = zlib.decompress(packed)
        size = self.width * self.step
        above, self.lines = bytearray(size), []
        for y in range(self.height):
            start = y * (size + 1)
            above = _unfilter(raw[start], bytearray(raw[start + 1:start + 1 + size]), above, self.step)
            self.lines.append(above)

    def count(self, rgb, tolerance=6):
        """How many pixels have this colour, each channel within the tolerance."""
        wanted = tuple(rgb)
        exact = {}
        total = 0
        for line in self.lines:
            for x in range(0, len(line), self.step):
                pixel = bytes(line[x:x + 3])
                match = exact.get(pixel)
                if match is None:
                    match = exact[pixel] = all(abs(pixel[c] - wanted[c]) <= tolerance for c in range(3))
                total += match
        return total

    def colours(self):
        """How many different colours the picture has (an empty desktop has few)."""
        return len({bytes(line[x:x + 3]) for line in self.lines for x in range(0, len(line), self.step)})

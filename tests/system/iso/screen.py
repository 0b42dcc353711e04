# SPDX-License-Identifier: GPL-2.0-or-later
"""What a person sees on a screenshot: areas in a colour, and words (read by tesseract)."""
import os
import subprocess
import tempfile

from PIL import Image, ImageChops

TOLERANCE = 6    # a channel
ENLARGE = 3      # tesseract wants letters some 30 pixels high


class Screen:
    def __init__(self, path):
        self.image = Image.open(path).convert("RGB")
        self.size = self.image.size
        self._words = None

    def _mask(self, rgb):
        """White where the picture has the colour."""
        difference = ImageChops.difference(self.image, Image.new("RGB", self.size, tuple(rgb)))
        channels = [band.point(lambda v: 255 if v <= TOLERANCE else 0) for band in difference.split()]
        return ImageChops.multiply(ImageChops.multiply(channels[0], channels[1]), channels[2])

    def count(self, rgb):
        """How many pixels have this colour."""
        return self._mask(rgb).histogram()[255]

    def colours(self):
        """How many different colours the picture has (an empty desktop has few)."""
        return len(self.image.getcolors(self.size[0] * self.size[1]))

    def frames(self, rgb, least):
        """Boxes (left, top, right, bottom) of windows framed in the colour: the left and right border of each are columns of
        it at least `least` pixels high, with the same top and bottom."""
        mask, sides = self._mask(rgb).load(), []
        for x in range(self.size[0]):
            run = 0
            for y in range(self.size[1] + 1):
                if y < self.size[1] and mask[x, y]:
                    run += 1
                    continue
                if run >= least:
                    sides.append((x, y - run, y))
                run = 0
        boxes = []
        for x, top, bottom in sides:
            for box in boxes:
                if abs(box[1] - top) <= 2 and abs(box[3] - bottom) <= 2:
                    box[2] = x + 1
                    break
            else:
                boxes.append([x, top, x + 1, bottom])
        return [tuple(box) for box in boxes if box[2] - box[0] >= least]

    def words(self, box=None):
        """The words in the box (default: everywhere), each with the position of its middle, in reading order."""
        if self._words is None:
            self._words = self._read()
        return [(word, (x, y)) for word, (x, y) in self._words
                if not box or box[0] <= x < box[2] and box[1] <= y < box[3]]

    def _read(self):
        image = self.image.convert("L").resize((self.size[0] * ENLARGE, self.size[1] * ENLARGE), Image.LANCZOS)
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            image.save(file.name, compress_level=1)
            table = subprocess.run(["tesseract", file.name, "-", "--psm", "11", "--dpi", "250", "tsv"], check=True, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   env=dict(os.environ, OMP_THREAD_LIMIT="1")).stdout
        found = []
        for row in (line.split("\t") for line in table.splitlines()[1:]):
            if row[-1].strip():
                x, y, width, height = (int(value) for value in row[6:10])
                found.append((row[-1].strip(), ((x + width // 2) // ENLARGE, (y + height // 2) // ENLARGE)))
        return found

    def text(self, box=None):
        return " ".join(word for word, _ in self.words(box))

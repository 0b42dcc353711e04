# SPDX-License-Identifier: GPL-2.0-or-later
"""What a person sees on a screenshot: areas in a colour, and words (read by tesseract)."""
import os
import subprocess
import tempfile

from PIL import Image, ImageChops, ImageOps

TOLERANCE = 6    # a channel
ENLARGE = 3      # tesseract wants letters some 30 pixels high
SPARSE_TEXT, ONE_LINE = "11", "7"    # tesseract's page segmentation modes
# the box with the domain's name in a frame's header, from the frame's upper left corner
NAME_LEFT, NAME_TOP, NAME_BOTTOM = 6, 5, 23


def _tesseract(image, mode, *output):
    image = image.convert("L").resize((image.width * ENLARGE, image.height * ENLARGE), Image.LANCZOS)
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        image.save(file.name, compress_level=1)
        return subprocess.run(["tesseract", file.name, "-", "--psm", mode, "--dpi", "250", *output], check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(os.environ, OMP_THREAD_LIMIT="1")).stdout


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

    def frames(self, rgb, least):
        """Boxes (left, top, right, bottom) of windows framed in the colour whose lower right corner is not covered. The sides
        of a frame are at least `least` pixels long."""
        mask = self._mask(rgb)
        pixels, (width, height) = mask.load(), self.size

        def run(x, y, dx, dy):
            """How far the colour goes from here."""
            length = 0
            while 0 <= x < width and 0 <= y < height and pixels[x, y]:
                x, y, length = x + dx, y + dy, length + 1
            return length

        boxes = []
        for y in range(height):
            for x in range(least, width) if mask.crop((0, y, width, y + 1)).getbbox() else ():
                is_corner = pixels[x, y] and not (x + 1 < width and pixels[x + 1, y]) and not (y + 1 < height and pixels[x, y + 1])
                if not is_corner or run(x, y, -1, 0) < least or run(x, y, 0, -1) < least:
                    continue
                top = y + 1 - run(x, y, 0, -1)
                left = next((i for i in range(x - least, -1, -1) if run(i, top, 0, 1) >= least), None)
                if left is not None:
                    boxes.append((left, top, x + 1, y + 1))
        return boxes

    def words(self, box=None):
        """The words in the box (default: everywhere), each with the position of its middle, in reading order."""
        if self._words is None:
            self._words = self._read()
        return [(word, (x, y)) for word, (x, y) in self._words
                if not box or box[0] <= x < box[2] and box[1] <= y < box[3]]

    def _read(self):
        found = []
        for row in (line.split("\t") for line in _tesseract(self.image, SPARSE_TEXT, "tsv").splitlines()[1:]):
            if row[-1].strip():
                x, y, width, height = (int(value) for value in row[6:10])
                found.append((row[-1].strip(), ((x + width // 2) // ENLARGE, (y + height // 2) // ENLARGE)))
        return found

    def name(self, box):
        """The domain's name in the header of a frame: letters on a box of their own, black on white or white on black."""
        row, start = box[1] + NAME_TOP, box[0] + NAME_LEFT
        ground, right = self.image.getpixel((start, row)), start
        while right < box[2] and self.image.getpixel((right, row)) == ground:
            right += 1
        letters = self.image.crop((start, row, right - 1, box[1] + NAME_BOTTOM)).convert("L")
        if max(ground) < 128:
            letters = ImageOps.invert(letters)
        return _tesseract(ImageOps.expand(letters, NAME_TOP, 255), ONE_LINE).strip()

    def text(self, box=None):
        return " ".join(word for word, _ in self.words(box))

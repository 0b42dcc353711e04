# SPDX-License-Identifier: GPL-2.0-or-later
"""A GUI agent for tests: it speaks the protocol of gui-common/gui-protocol.h over the socket backend of libvchan, with
buffers in files, and says exactly what a test wants it to say, good or bad."""
import mmap, os, select, socket, struct, time

KEYPRESS, BUTTON, MOTION, CROSSING, FOCUS = 124, 125, 126, 127, 128
CREATE, DESTROY, MAP, UNMAP, CONFIGURE, SHMIMAGE, CLOSE = 130, 131, 132, 133, 134, 136, 137
CLIPBOARD_REQ, CLIPBOARD_DATA, WMNAME, KEYMAP, DOCK, HINTS, FLAGS, WMCLASS = 139, 140, 141, 142, 143, 144, 145, 146
DUMP, CURSOR, DUMP_ACK, FRAME_REQUEST, FRAME_DONE, SCALE, ICON = 147, 148, 149, 150, 151, 152, 153
VERSION_QUBES, VERSION_OURS = 1 << 16 | 8, 1 << 16 | 64


class Closed(Exception):
    pass


class Agent:
    def __init__(self, directory, domid, version=VERSION_OURS):
        self.directory, self.domid, self.version = directory, domid, version
        self.path = "%s/vchan.%d.0.6000.sock" % (directory, domid)
        self.buffers = {}
        self.number = 0
        self.pending = []
        self.data = b""
        self.listener = socket.socket(socket.AF_UNIX)
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.listener.bind(self.path)
        self.listener.listen(1)

    def accept(self, timeout=20):
        self.listener.settimeout(timeout)
        self.sock, _ = self.listener.accept()
        self.sock.setblocking(True)
        self.raw(struct.pack("<I", self.version))
        self.minor = struct.unpack("<I", self.exactly(4))[0] & 0xffff
        self.width, self.height, self.depth, self.mem = struct.unpack("<4I", self.exactly(16))

    def close(self):
        self.sock.close()
        self.listener.close()

    def raw(self, data):
        self.sock.sendall(data)

    def exactly(self, size, timeout=20):
        end = time.monotonic() + timeout
        while len(self.data) < size:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                raise TimeoutError
            part = self.sock.recv(65536)
            if not part:
                raise Closed
            self.data += part
        out, self.data = self.data[:size], self.data[size:]
        return out

    # ---- sending ----
    def send(self, kind, window, body=b""):
        self.raw(struct.pack("<3I", kind, window, len(body)) + body)

    def create(self, window, x, y, w, h, parent=0, override=0):
        self.send(CREATE, window, struct.pack("<iiIIII", x, y, w, h, parent, override))

    def map(self, window, transient=0, override=0):
        self.send(MAP, window, struct.pack("<II", transient, override))

    def configure(self, window, x, y, w, h):
        self.send(CONFIGURE, window, struct.pack("<iiIII", x, y, w, h, 0))

    def title(self, window, text):
        self.send(WMNAME, window, text[:127].ljust(128, b"\0"))

    def wmclass(self, window, klass, name):
        self.send(WMCLASS, window, klass.ljust(64, b"\0") + name.ljust(64, b"\0"))

    def hints(self, window, flags, minimum=(0, 0), maximum=(0, 0), inc=(0, 0), base=(0, 0)):
        self.send(HINTS, window, struct.pack("<9I", flags, *minimum, *maximum, *inc, *base))

    def flags(self, window, on, off=0):
        self.send(FLAGS, window, struct.pack("<II", on, off))

    def damage(self, window, x, y, w, h):
        self.send(SHMIMAGE, window, struct.pack("<iiII", x, y, w, h))

    # ---- buffers ----
    def allocate(self, w, h):
        pages = (w * h * 4 + 4095) // 4096
        number, self.number = self.number, self.number + 1
        path = "%s/shm.%d.%d" % (self.directory, self.domid, number)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.ftruncate(fd, pages * 4096)
        memory = mmap.mmap(fd, pages * 4096)
        os.close(fd)
        return memory, [number << 17 | i for i in range(pages)]

    def dump(self, window, w, h, pixels=None):
        """A new buffer of w x h; `pixels`: bytes of all of them, or one 0xRRGGBB."""
        memory, refs = self.allocate(w, h)
        self.buffers[window] = (memory, w, h)
        if pixels is not None:
            self.fill(window, pixels)
        self.send(DUMP, window, struct.pack("<4I", 0, w, h, 24) + struct.pack("<%dI" % len(refs), *refs))

    def fill(self, window, pixels, rect=None):
        memory, w, h = self.buffers[window]
        if isinstance(pixels, bytes):
            memory[0:len(pixels)] = pixels
            return
        x, y, rw, rh = rect or (0, 0, w, h)
        row = struct.pack("<I", pixels) * rw
        for line in range(y, y + rh):
            at = (line * w + x) * 4
            memory[at:at + rw * 4] = row

    def window(self, window, x, y, w, h, color, title=b"", override=0, transient=0, position=True, scale=0):
        """The usual first steps of a window."""
        self.create(window, x, y, w, h, 0, override)
        if scale:
            self.send(SCALE, window, struct.pack("<I", scale))
        if title:
            self.title(window, title)
        self.wmclass(window, b"Test", b"test")
        if position:
            self.hints(window, 4)
        self.dump(window, w, h, color)
        self.map(window, transient, override)
        self.damage(window, 0, 0, w, h)

    # ---- receiving ----
    def receive(self, timeout=10):
        """The next message: (type, window, body)."""
        if self.pending:
            return self.pending.pop(0)
        kind, window, length = struct.unpack("<3I", self.exactly(12, timeout))
        return kind, window, self.exactly(length)

    def expect(self, kind, window=None, timeout=10, accept=None):
        """Wait for a message of this type; all others that came before it stay for later."""
        kept = []
        end = time.monotonic() + timeout
        try:
            while True:
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError("no message %d" % kind)
                try:
                    message = self.receive(left)
                except TimeoutError:
                    raise TimeoutError("no message %d; got %r" % (kind, [(k, hex(w)) for k, w, _ in kept]))
                if message[0] == kind and window in (None, message[1]) and (not accept or accept(message[2])):
                    return message[2]
                kept.append(message)
        finally:
            self.pending = kept + self.pending

    def drain(self, seconds=0.3):
        """All messages that are there, or come within that time; acknowledges CONFIGUREs as agents do."""
        out = []
        end = time.monotonic() + seconds
        while True:
            try:
                message = self.receive(max(end - time.monotonic(), 0.001))
            except TimeoutError:
                return out
            if message[0] == CONFIGURE:
                x, y, w, h, _ = struct.unpack("<iiIII", message[2])
                self.configure(message[1], x, y, w, h)
            out.append(message)

# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon's end of the GUI protocol, for tests of the agent: keeps every window's state and can read its pixels from
the file backend of the shared buffers."""
import os, select, socket, struct, time

KEYPRESS, BUTTON, MOTION, CROSSING, FOCUS = 124, 125, 126, 127, 128
CREATE, DESTROY, MAP, UNMAP, CONFIGURE = 130, 131, 132, 133, 134
SHMIMAGE, CLOSE, CLIP_REQ, CLIP_DATA, WMNAME, KEYMAP, DOCK, HINTS, FLAGS, WMCLASS = 136, 137, 139, 140, 141, 142, 143, 144, 145, 146
DUMP, CURSOR, DUMP_ACK, FRAME_REQ, FRAME_DONE, SCALE, ICON = 147, 148, 149, 150, 151, 152, 153
PAGE = 4096


class Window:
    def __init__(self, wid, body):
        self.id = wid
        self.x, self.y, self.w, self.h, self.parent, self.override = struct.unpack("<iiIIII", body)
        self.mapped = self.docked = False
        self.title = self.cls = self.name = ""
        self.hints = None
        self.flags = []
        self.refs, self.bw, self.bh = [], 0, 0
        self.dumps = self.images = self.frames = 0
        self.transient = 0
        self.cursor = self.scale = 0
        self.shadow = None  # see Peer.watch()
        self.icon = None
        self.configures = []


class Peer:
    """One connection to the agent of domain `domain`. auto: answer dumps, frames and destroys at once."""

    def __init__(self, vchan_dir, shm_dir, domain, version=1 << 16 | 64, xconf=(1280, 800), auto=True, timeout=15):
        self.path = "%s/vchan.%d.0.6000.sock" % (vchan_dir, domain)
        self.shm_dir, self.domain, self.auto = shm_dir, domain, auto
        self.windows, self.destroyed, self.clipboard, self.log = {}, [], None, []
        self.errors = []
        end = time.monotonic() + timeout
        while True:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self.sock.connect(self.path)
                break
            except OSError:
                self.sock.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)
        self.buf = b""
        self.agent_version = struct.unpack("<I", self._exactly(4))[0]
        self.minor = min(version & 0xffff, self.agent_version & 0xffff)
        w, h = xconf
        self.sock.sendall(struct.pack("<I", version) + struct.pack("<IIII", w, h, 24, w * h * 4 // 1024 + 1))

    def _exactly(self, n):
        while len(self.buf) < n:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError
            self.buf += more
        out, self.buf = self.buf[:n], self.buf[n:]
        return out

    def close(self):
        self.sock.close()

    def send(self, mtype, window, body=b""):
        self.sock.sendall(struct.pack("<III", mtype, window, len(body)) + body)

    def pump(self, timeout=0.0):
        """Handle what comes within `timeout`; true if anything came."""
        any_ = False
        while True:
            while len(self.buf) >= 12:
                mtype, wid, length = struct.unpack_from("<III", self.buf)
                if len(self.buf) < 12 + length:
                    break
                body = self.buf[12:12 + length]
                self.buf = self.buf[12 + length:]
                self.handle(mtype, wid, body)
                any_ = True
            ready, _, _ = select.select([self.sock], [], [], 0 if any_ else timeout)
            if not ready:
                return any_
            more = self.sock.recv(1 << 20)
            if not more:
                raise EOFError
            self.buf += more

    def wait(self, condition, timeout=10):
        """Pump until condition() is true; its value, or None when time is over."""
        end = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.pump(min(left, 0.2))

    def idle(self, quiet=0.3, limit=10):
        """Pump until nothing came for `quiet` seconds."""
        end = time.monotonic() + limit
        while time.monotonic() < end and self.pump(quiet):
            pass

    def by_title(self, text):
        for w in self.windows.values():
            if text in w.title and w.mapped:
                return w
        return None

    def mapped(self):
        return [w for w in self.windows.values() if w.mapped]

    def handle(self, mtype, wid, body):
        self.log.append((mtype, wid, len(body)))
        if mtype == CREATE:
            if wid in self.windows or wid in self.unreleased():
                self.errors.append("CREATE of known id %#x" % wid)
            self.windows[wid] = Window(wid, body)
            return
        if mtype == CLIP_DATA:
            self.clipboard = body
            return
        w = self.windows.get(wid)
        if w is None:
            self.errors.append("message %d for unknown window %#x" % (mtype, wid))
            return
        if mtype == DESTROY:
            del self.windows[wid]
            self.destroyed.append(wid)
            if self.auto:
                self.release(wid)
        elif mtype == MAP:
            w.mapped = True
            w.transient, w.override = struct.unpack("<II", body)
            if not w.dumps:
                self.errors.append("MAP before any dump")
        elif mtype == UNMAP:
            w.mapped = False
        elif mtype == CONFIGURE:
            w.x, w.y, w.w, w.h, _ = struct.unpack("<iiIII", body)
            w.configures.append((w.x, w.y, w.w, w.h))
        elif mtype == WMNAME:
            w.title = body.split(b"\0")[0].decode("utf-8", "replace")
        elif mtype == WMCLASS:
            w.cls, w.name = (s.split(b"\0")[0].decode() for s in (body[:64], body[64:]))
        elif mtype == HINTS:
            w.hints = struct.unpack("<9I", body)
        elif mtype == FLAGS:
            w.flags.append(struct.unpack("<II", body))
        elif mtype == SCALE:
            w.scale = struct.unpack("<I", body)[0]
            if w.dumps:
                self.errors.append("scale after the dump")
        elif mtype == DOCK:
            w.docked = True
        elif mtype == CURSOR:
            w.cursor = struct.unpack("<I", body)[0]
        elif mtype == ICON:
            w.icon = struct.unpack_from("<II", body) + (body[8:],)
            if len(body) != 8 + 4 * w.icon[0] * w.icon[1]:
                self.errors.append("bad icon")
        elif mtype == DUMP:
            dtype, w.bw, w.bh, bpp = struct.unpack_from("<IIII", body)
            w.refs = struct.unpack("<%dI" % ((len(body) - 16) // 4), body[16:])
            w.dumps += 1
            if dtype != 0 or bpp != 24 or len(w.refs) * PAGE < w.bw * w.bh * 4:
                self.errors.append("bad dump")
            if self.auto and self.minor >= 7:
                self.send(DUMP_ACK, wid)
        elif mtype == SHMIMAGE:
            x, y, ww, hh = struct.unpack("<iiII", body)
            w.images += 1
            if x < 0 or y < 0 or x + ww > w.bw or y + hh > w.bh or not ww or not hh:
                self.errors.append("damage outside the buffer")
            elif w.shadow:
                now = self.pixels(w)
                for row in range(y, y + hh):
                    at = (row * w.bw + x) * 4
                    w.shadow[at:at + 4 * ww] = now[at:at + 4 * ww]
        elif mtype == FRAME_REQ:
            w.frames += 1
            if self.auto:
                self.send(FRAME_DONE, wid, body + struct.pack("<II", 0, 16667))
        else:
            self.errors.append("unexpected message %d" % mtype)

    def unreleased(self):
        return []

    def release(self, wid):
        if self.minor >= 5:
            self.send(DESTROY, wid)

    def pixels(self, w):
        """The buffer of `w`: bytes, BGRX."""
        out, files = bytearray(), {}
        for ref in w.refs:
            number, page = ref >> 17, ref & 0x1ffff
            if number not in files:
                files[number] = open("%s/shm.%d.%d" % (self.shm_dir, self.domain, number), "rb")
            files[number].seek(page * PAGE)
            out += files[number].read(PAGE)
        for f in files.values():
            f.close()
        return bytes(out[:w.bw * w.bh * 4])

    def watch(self, w):
        """From now on keep a copy that only follows the damage, as the daemon's screen does."""
        w.shadow = bytearray(self.pixels(w))

    def shadow_image(self, w):
        from PIL import Image
        return Image.frombuffer("RGB", (w.bw, w.bh), bytes(w.shadow), "raw", "BGRX", 0, 1)

    def image(self, w):
        from PIL import Image
        return Image.frombuffer("RGB", (w.bw, w.bh), self.pixels(w), "raw", "BGRX", 0, 1)

    # what dom0's user does
    def focus(self, w, gain=True):
        self.send(FOCUS, w.id, struct.pack("<III", 9 if gain else 10, 0, 3))

    def enter(self, w, x, y):
        self.send(CROSSING, w.id, struct.pack("<IiiIIII", 7, x, y, 0, 0, 3, 0))

    def leave(self, w):
        self.send(CROSSING, w.id, struct.pack("<IiiIIII", 8, 0, 0, 0, 0, 3, 0))

    def motion(self, w, x, y):
        self.send(MOTION, w.id, struct.pack("<iiII", x, y, 0, 0))

    def button(self, w, x, y, button, press):
        self.send(BUTTON, w.id, struct.pack("<IiiII", 4 if press else 5, x, y, 0, button))

    def click(self, w, x, y, button=1):
        self.enter(w, x, y)
        self.motion(w, x, y)
        self.button(w, x, y, button, True)
        self.button(w, x, y, button, False)

    def key(self, w, code, press=None, state=0):
        for down in ([True, False] if press is None else [press]):
            self.send(KEYPRESS, w.id, struct.pack("<IiiII", 2 if down else 3, 0, 0, state, code))

    def configure(self, w, x, y, width, height):
        self.send(CONFIGURE, w.id, struct.pack("<iiIII", x, y, width, height, 0))

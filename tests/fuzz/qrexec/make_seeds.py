#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""make_seeds.py DIR: write the fuzzers' seeds below DIR."""
import os, struct, sys

S_IFREG, S_IFDIR, S_IFLNK = 0o100000, 0o040000, 0o120000


def message(kind, body):
    return struct.pack("<II", kind, len(body)) + body


def trigger4(service, target=b"bank", ident=b"SOCKET1", source=b""):
    return message(0x213, struct.pack("<64s64s32s", source, target, ident) + service)


def entry(name, mode, content, ns=0):
    return struct.pack("<IIQIIII", len(name), mode, len(content), 0, ns, 0, ns) + name + content


END = b"\0" * 32
SEEDS = {
    "agent_messages": [
        b"\2\xff" + trigger4(b"test.Echo+x\0"),
        b"\2\x03" + trigger4(b"a\0") + trigger4(b"b\0", ident=b"\1\2") + message(0x211, struct.pack("<II", 3, 513)),
        b"\1\xff" + message(0x212, struct.pack("<64s32s", b"bank", b"SOCKET2") + b"svc+arg\0"),
        b"\0\xff" + message(0x210, struct.pack("<64s32s32s", b"svc", b"bank", b"SOCKET3")),
        b"\2\xff" + message(0x211, struct.pack("<II", 9, 514)) + message(0x300, struct.pack("<I", 4)),
        b"\2\x40" + trigger4(b"x" * 300 + b"\0", source=b"far"),
    ],
    "data": [
        b"\0\xff" + message(0x191, b"hello") + message(0x192, b"err") + message(0x191, b"") + message(0x192, b"")
        + message(0x193, struct.pack("<i", 7)),
        b"\1\xff" + message(0x190, b"input") + message(0x190, b"") + message(0x191, b"bad"),
        b"\5\x02" + message(0x190, b"") + message(0x190, b"more"),
        b"\x22\xff" + message(0x191, b"a\0b\xff\x1b[") + message(0x193, b"ab"),
        b"\x10\xff" + message(0x191, b"x" * 4097),
    ],
    "answer": [
        b"result=deny\n",
        b"result=allow\nuser=DEFAULT\ntarget=bank\ntarget_uuid=uuid:1\nautostart=True\nrequested_target=@default\n",
        b"result=allow\nuser=a\ntarget=@dispvm:x\nautostart=False\nrequested_target=b\nservice=q+w\npolicy_source=far\n",
    ],
    "service": [
        b"\0wait-for-session = 1 # x\nforce-user = 'user'\n", b"\0skip-service-descriptor = true\n\n# c\nx = 12\n",
        b"\1nogui:QUBESRPC a.B+c work keyword adminvm", b"\1QUBESRPC a.B work", b"\2" + b"127.0.0.1+80",
        b"\2++1+443", b"\3ls+--l+a-2Db", b"\4[Desktop Entry]\nExec=env A=1 \"x y\" %f %%\nTerminal=true\nPath=/\n",
    ],
    "vchan": [
        # a page as a server makes it: indices, orders, live, notify, grants; then some operations
        b"\0" + struct.pack("<IIIIHHBBBBI", 0, 0, 0, 0, 12, 12, 2, 1, 1, 0, 1) + b"\x06\4\0\x02\4\0\3",
        b"\1" + b"\x06\x10\0" + b"\1\x10\0" + b"\x02\x10\0" + b"\3" + b"\x0e\0\x10" + b"\x0a\1\0",
        b"\2" + b"\0\xff\xff\xff\xff" + b"\x02\4\0" + b"\x0c\1\0\0\0" + b"\x06\4\0",
    ],
    "filecopy": [
        b"\0" + entry(b"a", S_IFREG | 0o600, b"hello") + END,
        b"\0" + entry(b"d", S_IFDIR | 0o700, b"") + entry(b"d/s", S_IFDIR | 0o700, b"")
        + entry(b"d/s/l", S_IFLNK | 0o777, b"../f") + entry(b"d/f", S_IFREG | 0o644, b"x" * 100, 5)
        + entry(b"d/s", S_IFDIR | 0o500, b"") + entry(b"d", S_IFDIR | 0o700, b"") + END,
        b"\1" + entry("ü\n".encode(), S_IFREG | 0o600, b"") + END,
        b"\0" + entry(b"../x", S_IFREG | 0o600, b"") + END,
    ],
}

for target, seeds in SEEDS.items():
    folder = os.path.join(sys.argv[1], target)
    os.makedirs(folder, exist_ok=True)
    for n, seed in enumerate(seeds):
        with open(os.path.join(folder, "%02d" % n), "wb") as f:
            f.write(seed)

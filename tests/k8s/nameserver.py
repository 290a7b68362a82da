"""The names of a Kubernetes cluster over UDP: A records of services and pods, with the time to live
that CoreDNS gives them. What is not in the table is NXDOMAIN."""

import ipaddress
import socket
import struct
import threading

TTL_SECONDS = 5
TYPE_A = 1
TYPE_ANY = 255
NO_ERROR, FORMAT_ERROR, NO_SUCH_NAME = 0, 1, 3


def question(packet):
    """(name, type, the bytes of the question) of a query with one question."""
    if len(packet) < 12 or struct.unpack(">H", packet[4:6])[0] != 1 or packet[2] & 0x80:
        raise ValueError("not a query with one question")
    labels, at = [], 12
    while packet[at] != 0:
        size = packet[at]
        if size > 63:
            raise ValueError("a compressed name in a question")
        labels.append(packet[at + 1:at + 1 + size].decode("ascii"))
        at += 1 + size
    kind, = struct.unpack(">H", packet[at + 1:at + 3])
    return ".".join(labels).lower(), kind, packet[12:at + 5]


def answer(packet, table):
    """The response to a query, of a table name -> addresses; b"" to what is no query."""
    try:
        name, kind, asked = question(packet)
    except (ValueError, IndexError, UnicodeDecodeError, struct.error):
        return b""
    addresses = table.get(name)
    code = NO_SUCH_NAME if addresses is None else NO_ERROR
    records = addresses if addresses and kind in (TYPE_A, TYPE_ANY) else []
    # Response, authoritative; recursion as it was desired.
    flags = 0x8400 | (packet[2] & 0x01) << 8 | code
    header = packet[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0)
    body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", TYPE_A, 1, TTL_SECONDS, 4) +
                    ipaddress.IPv4Address(address).packed for address in records)
    return header + asked + body


class NameServer:
    """Answers from a thread of its own until it is closed; the table is replaced as a whole."""

    def __init__(self, address, port=53):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((address, port))
        self.port = self._socket.getsockname()[1]
        self.table = {}
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                packet, sender = self._socket.recvfrom(1500)
            except OSError:
                return
            response = answer(packet, self.table)
            if response:
                self._socket.sendto(response, sender)

    def close(self):
        self._socket.close()

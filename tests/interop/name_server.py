"""A name server of one name, for tests."""

import socket
import struct
import threading


class NameServer(threading.Thread):
    """Answers each question for an A record with `addresses`, others with nothing (RFC 1035)."""

    def __init__(self, addresses):
        super().__init__(daemon=True)
        self.addresses = addresses
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]

    def run(self):
        while True:
            question, sender = self.socket.recvfrom(4096)
            if not question:
                return  # __exit__
            end = 12
            while question[end]:
                end += question[end] + 1
            (kind,) = struct.unpack_from(">H", question, end + 1)
            answers = self.addresses if kind == 1 else []
            reply = question[:2] + struct.pack(">5H", 0x8180, 1, len(answers), 0, 0)
            reply += question[12:end + 5]
            for address in answers:
                reply += struct.pack(">HHHIH", 0xC00C, 1, 1, 1, 4) + socket.inet_aton(address)
            self.socket.sendto(reply, sender)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.socket.sendto(b"", self.socket.getsockname())
        self.join()
        self.socket.close()

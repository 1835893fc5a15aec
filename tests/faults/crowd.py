"""Many connections at a time that say little, and come again when they are closed."""

import selectors
import threading
import time

import dial


class Crowd:
    """`count` connections to a port; `opening(i)` is what the i-th says. With `drip` each says one
    byte of its opening at a time, ten a second. Whoever is closed comes again, until the end.
    """

    def __init__(self, port, count, opening, drip=False):
        self.port, self.count, self.opening, self.drip = port, count, opening, drip
        self.made = 0
        self.selector = selectors.DefaultSelector()
        self.rest = {}  # socket: what it has still to say
        self.stop = threading.Event()
        self.up = threading.Event()  # all were open once
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        self.up.wait(60)
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        for connection in self.rest:
            connection.close()
        self.selector.close()

    def open_one(self):
        self.made += 1
        connection = dial.new_socket(self.port)
        connection.settimeout(5)
        try:
            connection.connect(dial.address(self.port))
        except OSError:
            connection.close()
            return
        connection.setblocking(False)
        self.rest[connection] = self.opening(self.made)
        self.say(connection, None if not self.drip else 1)
        self.selector.register(connection, selectors.EVENT_READ)

    def say(self, connection, size):
        said, self.rest[connection] = self.rest[connection][:size], self.rest[connection][size or len(
            self.rest[connection]):]
        try:
            if said:
                connection.send(said)
        except OSError:
            pass  # it is seen as closed when it is read

    def run(self):
        next_drip = time.monotonic()
        while not self.stop.is_set():
            # A round at a time: at a full port each that comes closes another.
            for _ in range(self.count - len(self.rest)):
                if not self.stop.is_set():
                    self.open_one()
            self.up.set()
            for key, _ in self.selector.select(0.05):
                try:
                    alive = bool(key.fileobj.recv(65536))
                except BlockingIOError:
                    continue
                except OSError:
                    alive = False
                if not alive:
                    self.selector.unregister(key.fileobj)
                    del self.rest[key.fileobj]
                    key.fileobj.close()
            if self.drip and time.monotonic() > next_drip:
                next_drip = time.monotonic() + 0.1
                for connection in list(self.rest):
                    self.say(connection, 1)

"""Thrift's compact protocol read by hand, from its specification: what a capture holds, told by
none of the code that is tested. A struct is a dict of its fields' values by number; bytes stay
bytes."""


class Reader:
    def __init__(self, content):
        self.content, self.at = content, 0

    def byte(self):
        self.at += 1
        return self.content[self.at - 1]

    def varint(self):
        out = shift = 0
        while True:
            byte = self.byte()
            out |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return out

    def zigzag(self):
        number = self.varint()
        return number >> 1 ^ -(number & 1)

    def bytes(self):
        size = self.varint()
        self.at += size
        return self.content[self.at - size:self.at]

    def value(self, kind):
        if kind in (1, 2):
            return kind == 1  # of a field: its type says it
        if kind == 3:
            return self.byte()
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 8:
            return self.bytes()
        if kind in (9, 10):
            head = self.byte()
            size = head >> 4 if head >> 4 != 15 else self.varint()
            return [self.value(head & 15) for _ in range(size)]
        assert kind == 12, kind
        return self.struct()

    def struct(self):
        out, number = {}, 0
        while head := self.byte():
            number = number + (head >> 4) if head >> 4 else self.zigzag()
            out[number] = self.value(head & 15)
        return out


def message(content):
    """Its name and its arguments."""
    reader = Reader(content)
    assert reader.byte() == 0x82
    reader.byte()
    reader.varint()
    return reader.bytes().decode(), reader.struct()

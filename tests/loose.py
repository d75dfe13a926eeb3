#!/usr/bin/env python3
"""Counts the bytes of an SQLite file that belong to no row, and those of them that are not zero.

    tests/loose.py STORE...

Reads the file by itself (https://www.sqlite.org/fileformat2.html), with nothing but the standard library, and knows
nothing of pchat. A log or journal beside it must be empty. Ends with 1 when a byte is not zero, with 2 when the file
makes no sense.
"""

import os
import sys


class Nonsense(Exception):
    pass


class File:
    def __init__(self, path):
        # SQLite keeps its log beside the file itself, wherever links lead from.
        self.path = os.path.realpath(path)
        with open(self.path, "rb") as file:
            self.bytes = file.read()
        head = self.bytes[:100]
        if head[:16] != b"SQLite format 3\0":
            raise Nonsense("not an SQLite file")
        self.size = int.from_bytes(head[16:18], "big")
        if self.size == 1:
            self.size = 65536
        self.usable = self.size - head[20]
        self.count = int.from_bytes(head[28:32], "big")
        if self.count * self.size != len(self.bytes):
            raise Nonsense(f"{self.count} pages of {self.size} bytes are not {len(self.bytes)} bytes")
        if int.from_bytes(head[52:56], "big"):
            raise Nonsense("auto_vacuum is on")
        self.owner = {}
        self.loose = 0
        self.wrong = []
        self.rows = []

    def page(self, number):
        return self.bytes[(number - 1) * self.size : number * self.size]

    def own(self, number, owner):
        if not 1 <= number <= self.count:
            raise Nonsense(f"page {number} of {owner} is not there")
        if number in self.owner:
            raise Nonsense(f"page {number} belongs to {self.owner[number]} and to {owner}")
        self.owner[number] = owner

    def count_loose(self, number, page, begin, end):
        self.loose += end - begin
        for at in range(begin, end) if any(page[begin:end]) else ():
            if page[at]:
                self.wrong.append((number, at))

    def varint(self, page, at):
        value = 0
        for n in range(9):
            byte = page[at + n]
            if n == 8:
                return (value << 8) | byte, at + 9
            value = (value << 7) | (byte & 0x7F)
            if byte < 0x80:
                return value, at + n + 1

    def overflow(self, first, left, owner):
        """The bytes of a payload that did not fit, and the tail of its last page."""
        parts = []
        number = first
        while left > 0:
            self.own(number, f"overflow of {owner}")
            page = self.page(number)
            used = min(left, self.usable - 4)
            parts.append(page[4 : 4 + used])
            left -= used
            self.count_loose(number, page, 4 + used, self.size)
            number = int.from_bytes(page[:4], "big")
        if number:
            raise Nonsense(f"the overflow of {owner} goes on after its end")
        return b"".join(parts)

    def cell(self, page, kind, at, owner):
        """Where a cell ends; its payload, of a leaf of a table; the page below it."""
        begin, child, payload = at, None, b""
        if kind in (2, 5):
            child = int.from_bytes(page[at : at + 4], "big")
            at += 4
        length, at = self.varint(page, at)
        if kind == 5:
            return at, payload, child
        if kind == 13:
            _, at = self.varint(page, at)
        usable = self.usable
        most = usable - 35 if kind == 13 else (usable - 12) * 64 // 255 - 23
        least = (usable - 12) * 32 // 255 - 23
        local = length
        if length > most:
            local = least + (length - least) % (usable - 4)
            if local > most:
                local = least
        payload = page[at : at + local]
        at += local
        if length > local:
            first = int.from_bytes(page[at : at + 4], "big")
            at += 4
            payload += self.overflow(first, length - local, owner)
        if at > usable:
            raise Nonsense(f"a cell of {owner} at {begin} leaves its page")
        return at, payload, child

    def tree(self, root, owner, kinds=None, keep=False):
        waiting = [root]
        while waiting:
            number = waiting.pop()
            self.own(number, owner)
            page = self.page(number)
            start = 100 if number == 1 else 0
            kind = page[start]
            if kind not in (2, 5, 10, 13):
                raise Nonsense(f"page {number} of {owner} is of no kind")
            if kinds is None:
                kinds = (2, 10) if kind in (2, 10) else (5, 13)
            if kind not in kinds:
                raise Nonsense(f"page {number} of {owner} is of another kind than its tree")
            used = bytearray(self.size)

            def take(begin, end):
                if any(used[begin:end]):
                    raise Nonsense(f"page {number} of {owner} overlaps at {begin}")
                used[begin:end] = b"\1" * (end - begin)

            cells = int.from_bytes(page[start + 3 : start + 5], "big")
            pointers = start + (12 if kind in (2, 5) else 8)
            take(start, pointers + 2 * cells)
            if number == 1:
                take(0, 72)
                take(92, 100)
            for n in range(cells):
                at = int.from_bytes(page[pointers + 2 * n : pointers + 2 * n + 2], "big")
                end, payload, child = self.cell(page, kind, at, f"{owner}, page {number}")
                take(at, end)
                if child is not None:
                    waiting.append(child)
                if keep and kind == 13:
                    self.rows.append(payload)
            if kind in (2, 5):
                waiting.append(int.from_bytes(page[start + 8 : start + 12], "big"))
            block = int.from_bytes(page[start + 1 : start + 3], "big")
            while block:
                # Of a free block the pointer to the next and its size belong to the structure.
                take(block, block + 4)
                following = int.from_bytes(page[block : block + 2], "big")
                if following and following <= block:
                    raise Nonsense(f"free blocks of page {number} go round in a circle")
                block = following
            begin = 0
            while (begin := used.find(0, begin)) >= 0:
                end = used.find(1, begin)
                end = self.size if end < 0 else end
                self.count_loose(number, page, begin, end)
                begin = end

    def schema(self):
        """The roots of all tables and indexes, from the rows of page 1."""
        self.tree(1, "sqlite_schema", keep=True)
        for row in self.rows:
            header, at = self.varint(row, 0)
            values, value = [], header
            while at < header:
                kind, at = self.varint(row, at)
                width = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8, 8: 0, 9: 0}.get(kind)
                if width is None:
                    width = (kind - 12) // 2
                content = row[value : value + width]
                value += width
                values.append(kind - 8 if kind in (8, 9) else content)
            root = values[3] if isinstance(values[3], int) else int.from_bytes(values[3], "big")
            if root:
                yield values[1].decode(), root

    def free(self):
        head = self.page(1)
        trunk, total = int.from_bytes(head[32:36], "big"), int.from_bytes(head[36:40], "big")
        before = len(self.owner)
        while trunk:
            self.own(trunk, "list of free pages")
            page = self.page(trunk)
            leaves = int.from_bytes(page[4:8], "big")
            for leaf in range(leaves):
                number = int.from_bytes(page[8 + 4 * leaf : 12 + 4 * leaf], "big")
                self.own(number, "free")
                self.count_loose(number, self.page(number), 0, self.size)
            self.count_loose(trunk, page, 8 + 4 * leaves, self.size)
            trunk = int.from_bytes(page[:4], "big")
        if len(self.owner) - before != total:
            raise Nonsense(f"{total} free pages are counted, {len(self.owner) - before} are listed")

    def scan(self):
        lock = (1 << 30) // self.size + 1
        if lock <= self.count:
            self.own(lock, "lock")
            self.count_loose(lock, self.page(lock), 0, self.size)
        self.free()
        for name, root in list(self.schema()):
            self.tree(root, name)
        if len(self.owner) != self.count:
            stray = next(number for number in range(1, self.count + 1) if number not in self.owner)
            raise Nonsense(f"page {stray} belongs to nothing")
        for end in ("-wal", "-journal"):
            beside = self.path + end
            if os.path.exists(beside) and os.path.getsize(beside):
                raise Nonsense(f"{beside} is not empty")


def main():
    code = 0
    for path in sys.argv[1:]:
        try:
            file = File(path)
            file.scan()
        except Nonsense as why:
            print(f"{path}: {why}")
            return 2
        print(f"{path}: {file.loose} loose bytes, {len(file.wrong)} not zero")
        for number, at in file.wrong[:10]:
            print(f"  page {number} ({file.owner[number]}), byte {at}")
        code = code or int(bool(file.wrong))
    return code


if __name__ == "__main__":
    sys.exit(main())

"""An independent reader of the spool format, written from docs/spool-format.md alone.

python3 read_spool.py FOLDER    prints all that the segments and cursors of a data_dir say, as JSON, and ends with 1 at damage.

Needs the `zstd` command (Python 3.11 has no zstd of its own).
"""

import hashlib
import json
import os
import subprocess
import sys
import zlib

REASONS = ["start_at_end", "hole", "truncated", "vanished", "deleted_limit", "filtered",
           "refused", "retention", "damaged", "forgotten", "upstream"]
MIB = 1024 * 1024


class Damage(Exception):
    pass


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def left(self):
        return len(self.data) - self.at

    def raw(self, length):
        if length > self.left():
            raise Damage("cut short")
        self.at += length
        return self.data[self.at - length:self.at]

    def uint(self, length):
        value = int.from_bytes(self.raw(length), "little")
        if value >= 2 ** 53:
            raise Damage("too large")
        return value

    def varint(self):
        value = 0
        for index in range(8):
            byte = self.raw(1)[0]
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if value >= 2 ** 53:
                    raise Damage("too large")
                return value
        raise Damage("varint too long")

    def zigzag(self):
        value = self.varint()
        return value // 2 if value % 2 == 0 else -(value + 1) // 2

    def blob(self, most):
        length = self.varint()
        if length > most:
            raise Damage("blob too long")
        return self.raw(length)

    def text(self, most):
        return self.blob(most).decode("utf-8")

    def id(self):
        return self.raw(16).hex()

    def list(self, most, entry):
        count = self.varint()
        if count > most:
            raise Damage("too many entries")
        return [entry() for _ in range(count)]

    def end(self):
        if self.left() > 0:
            raise Damage("bytes left over")


def expand(frame):
    return subprocess.run(["zstd", "-dcq"], input=frame, stdout=subprocess.PIPE, check=True).stdout


def reason(reader):
    number = reader.uint(1)
    if number >= len(REASONS):
        raise Damage("unknown reason")
    return REASONS[number]


def read_runs(data, time):
    reader = Reader(data)
    source, mark_length = 0, 0

    def run():
        nonlocal source, mark_length, time
        flags = reader.varint()
        if flags >= 4096 or flags & 6 == 6 or flags & 24 == 24:
            raise Damage("wrong flags")
        source += 1 if flags & 1 else reader.zigzag()
        start = reader.varint()
        length = reader.varint()
        records = reader.varint() if flags & 4 else 1 if flags & 2 else 0
        if flags & 512:
            size = reader.varint()
        else:
            size = length + (1 if flags & 256 else 0) if records > 0 else 0
        if not flags & 32:
            time += reader.zigzag()
        mark = b""
        if flags & 16:
            mark = reader.blob(255)
        elif flags & 8:
            mark = reader.raw(mark_length)
        if mark:
            mark_length = len(mark)
        found = {"source": source, "from": start, "to": start + length, "records": records, "bytes": size, "time": time,
                 "mark": mark.hex(), "format": "json" if flags & 64 else "text",
                 "continues": bool(flags & 128), "unterminated": bool(flags & 256)}
        if flags & 1024:
            found["state"] = reader.blob(65536).hex()
        if flags & 2048:
            found["dropped"] = {"reason": reason(reader), "records": reader.varint() - 1, "bytes": reader.varint()}
        return found

    runs = reader.list(65536, run)
    reader.end()
    return runs


def description(text):
    whole = json.loads(text)
    return {key: whole[key] for key in ("collector", "type", "resource", "attributes")}


def read_descriptions(data):
    reader = Reader(data)
    found = reader.list(len(data), lambda: {"number": reader.varint(), "description": description(reader.text(65536))})
    reader.end()
    return found


def read_alike(data):
    reader = Reader(data)
    number = 0
    before = b""

    def entry():
        nonlocal number, before
        number += reader.zigzag()
        start, end = reader.varint(), reader.varint()
        if start + end > len(before):
            raise Damage("shares more than there is")
        before = before[:start] + reader.blob(65536) + before[len(before) - end:]
        return {"number": number, "description": description(before.decode("utf-8"))}

    found = reader.list(len(data), entry)
    reader.end()
    return found


def tally(reader):
    return {"records": reader.varint(), "bytes": reader.varint()}


def drops_by_reason(reader):
    return dict(reader.list(len(REASONS), lambda: (reason(reader), tally(reader))))


def read_cursor(reader):
    return {"receiver": reader.id(), "epoch": reader.id(), "forked": reader.uint(1) == 1,
            "position": reader.uint(8), "hash": reader.id()}


def read_table(data):
    reader = Reader(expand(data))
    number = 0

    def source():
        nonlocal number
        number += reader.varint()
        return {"number": number, "offset": reader.varint(), "mark": reader.blob(255).hex(), "state": reader.blob(65536).hex(),
                "description": description(reader.text(65536))}

    def collector():
        return reader.text(1024), {"spooled": tally(reader), "dropped": drops_by_reason(reader)}

    def shipper():
        found = {"name": reader.text(1024)}
        if reader.uint(1) == 1:
            found["cursor"] = read_cursor(reader)
        found["dropped"] = dict(reader.list(65536, lambda: (reader.text(1024), drops_by_reason(reader))))
        found["droppedUpto"] = reader.varint()
        found["floor"] = reader.varint()
        return found

    table = {"nextSource": reader.varint(), "spooledBytes": reader.varint(), "sources": reader.list(262144, source),
             "collectors": dict(reader.list(65536, collector)), "shippers": reader.list(65536, shipper)}
    reader.end()
    return table


def read_drops(data):
    reader = Reader(data)
    found = reader.list(65536, lambda: {"shipper": reader.text(1024), "collector": reader.text(1024), "reason": reason(reader),
                                        "upto": reader.varint(), **tally(reader)})
    reader.end()
    return found


def read_epoch(data):
    reader = Reader(data)
    found = {"start": reader.varint()}
    if reader.uint(1) == 1:
        found["parent"] = {"id": reader.id(), "end": reader.varint(), "hash": reader.id()}
    reader.end()
    return found


def read_header(data):
    """The header at the start of data, and its length."""
    start = Reader(data)
    if start.uint(4) != 0x184D2A5B:
        raise Damage("no skippable frame")
    length = start.uint(4) + 8
    if start.uint(4) != 0x42505354:
        raise Damage("no block")
    version = start.uint(2)
    flags = start.uint(2)
    crc = start.uint(4)
    if length > 16 * MIB or length > len(data) or length < 20:
        raise Damage("wrong length")
    data = data[:length]
    if zlib.crc32(data[:16] + data[20:]) != crc:
        raise Damage("header CRC")
    if version != 1:
        raise SystemExit("a newer version: %d" % version)
    reader = Reader(data)
    reader.raw(20)
    header = {"frameBytes": reader.uint(4), "frameCrc": reader.uint(4), "rawBytes": reader.uint(4),
              "position": reader.uint(8), "spool": reader.id(), "epoch": reader.id(), "previous": reader.id(),
              "previousEnd": reader.uint(8), "vouched": reader.uint(8), "time": reader.uint(8),
              "recordsBefore": reader.uint(8), "sourceBytesBefore": reader.uint(8), "records": reader.uint(4),
              "hash": hashlib.sha256(data).hexdigest()[:32]}
    sections = {}
    while reader.left() > 0:
        kind = reader.uint(1)
        sections[kind] = reader.blob(16 * MIB)
    header["runs"] = read_runs(sections[1], header["time"]) if 1 in sections else []
    header["descriptions"] = read_descriptions(sections[2]) if 2 in sections else []
    if 8 in sections:
        header["descriptions"] += read_alike(sections[8])
    header["drops"] = read_drops(sections[4]) if 4 in sections else []
    if 3 in sections:
        header["table"] = read_table(sections[3])
    if (3 in sections) != (flags & 1 == 1):
        raise Damage("the table flag")
    if 5 in sections:
        header["origin"] = read_header(sections[5])[0]
    if 6 in sections:
        header["originDescriptions"] = read_descriptions(sections[6])
    if 7 in sections:
        header["opening"] = read_epoch(sections[7])
    if sum(run["bytes"] for run in header["runs"]) != header["rawBytes"]:
        raise Damage("runs do not add up")
    if sum(run["records"] for run in header["runs"]) != header["records"]:
        raise Damage("records do not add up")
    return header, length


def sources_of(header, raw, into):
    """Puts every source's bytes back together."""
    while "origin" in header:
        header = header["origin"]
    at = 0
    for run in header["runs"]:
        piece = raw[at:at + run["bytes"]]
        at += run["bytes"]
        key = "%s/%d" % (header["spool"], run["source"])
        into[key] = into.get(key, b"") + (piece[:-1] if run["unterminated"] else piece)


def read_spool(folder):
    blocks, sources = [], {}
    chain, end = "0" * 32, 0
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            data = file.read()
        start = int(name[:20])
        at = 0
        while at < len(data):
            header, length = read_header(data[at:])
            if header["position"] != start + at:
                raise Damage("wrong position")
            if header["previous"] != chain or header["previousEnd"] != end:
                raise Damage("broken chain")
            frame = data[at + length:at + length + header["frameBytes"]]
            if zlib.crc32(frame) != header["frameCrc"]:
                raise Damage("frame CRC")
            raw = expand(frame) if frame else b""
            if len(raw) != header["rawBytes"]:
                raise Damage("frame length")
            sources_of(header, raw, sources)
            blocks.append({**header, "text": raw.hex()})
            at += length + len(frame)
            chain, end = header["hash"], start + at
    return {"blocks": blocks, "sources": {key: value.hex() for key, value in sources.items()}}


def read_cursor_file(path):
    with open(path, "rb") as file:
        data = file.read()
    found = []
    for at in (0, 4096):
        slot = data[at:at + 256]
        reader = Reader(slot)
        if reader.uint(4) != 0x43505354 or reader.uint(2) != 1:
            continue
        length = reader.uint(2)
        crc = reader.uint(4)
        content = reader.raw(length)
        if zlib.crc32(slot[:8] + content) != crc:
            continue
        fields = Reader(content)
        found.append({"sequence": fields.uint(8), "spool": fields.id(), "cursor": read_cursor(fields),
                      "records": fields.uint(8), "bytes": fields.uint(8)})
    return max(found, key=lambda slot: slot["sequence"])


def main(folder):
    result = read_spool(os.path.join(folder, "spool"))
    cursors = os.path.join(folder, "cursors")
    if os.path.isdir(cursors):
        result["cursors"] = {name: read_cursor_file(os.path.join(cursors, name)) for name in sorted(os.listdir(cursors))}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Damage as damage:
        sys.exit("damaged: %s" % damage)

"""survey.c in Python."""
import os
import random
import select
import sys
import time


def show(content):
    total = 0
    for byte in content:
        total = (total * 31 + byte) % 2**32
    return f"{len(content)} bytes, sum {total}"


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def first_line(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.readline().rstrip("\n")
    except FileNotFoundError:
        return "absent"


def try_clocks():
    first, second = time.monotonic(), time.monotonic()
    return "ok" if second >= first and time.time() > 1704067200 else "wrong"


def try_poll():
    if select.select([0], [], [], 1)[0] != [0]:
        return "standard input is not ready"
    # Whole nanoseconds: the difference of two seconds in floating point may be a hair less than it was.
    before = time.monotonic_ns()
    time.sleep(0.003)
    return "ok" if time.monotonic_ns() - before >= 3_000_000 else "woke too early"


print("arguments:" + "".join(f" [{argument}]" for argument in sys.argv[1:]))
print(f"environment: [{os.environ['A']}] [{os.environ['B']}]")
given = sys.stdin.buffer.read()
print("stdin:", show(given))
print("text:", first_line("/data/greeting.txt"))
print("bytes:", show(contents("/data/deep/down/bytes.bin")))
print("list:", *sorted(name for name in os.listdir("/data") if not name.startswith(".")))
print("missing:", first_line("/data/none"))
print("before:", first_line("/scratch/note.txt"))
os.mkdir("/scratch")
with open("/scratch/note.txt", "w", encoding="utf-8") as note:
    note.write("noted\n")
print("after:", first_line("/scratch/note.txt"))
with open("/data/deep/down/bytes.bin", "ab") as grown:
    grown.write(b"more")
print("appended:", show(contents("/data/deep/down/bytes.bin")))
print("clocks:", try_clocks())
print("poll:", try_poll())
print("random: ok")
print("nonce:", random.SystemRandom().randbytes(16).hex())
print("surveyed", file=sys.stderr)
sys.exit(int(given.split(b"\n")[0]))

"""A hundred cycles of fit, apply and close: memory is flat after the third."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CYCLES = """
import ctypes, gc, ultrare
trim = ctypes.CDLL(None).malloc_trim
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6
rows = ultrare.sample(1)
for cycle in range(100):
    with ultrare.fit(rows, shards=5, progress=lambda progress: None) as recommender:
        receipt = recommender.apply(recommender.plan(forget_users=[f"u{cycle + 1:03}"]).accept())
        recommender.recommend_all(top=10)
        recommender.save()
        if cycle % 10 == 0:
            receipt.verify(rows)
    del recommender, receipt
    gc.collect()
    kept = resident()
    # What the allocator holds for later is no leak: it is asked to give it back, and what is left is looked at.
    trim(0)
    print(kept, resident(), flush=True)
"""
#: Megabytes that may be held more after the hundredth cycle than after the third: a recommender of the sample is as large.
MORE = 2


@pytest.mark.long
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc and asks glibc's allocator")
def test_a_hundred_cycles_and_memory_is_flat():
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}
    done = subprocess.run([sys.executable, "-c", CYCLES], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    kept, held = zip(*(map(float, line.split()) for line in done.stdout.splitlines()))
    assert len(held) == 100
    print(f"MB held after cycles 3, 50, 100: {held[2]:.1f}, {held[49]:.1f}, {held[99]:.1f}; at most {max(held):.1f}; before trimming at most {max(kept):.1f}")
    assert max(held[3:]) - held[2] < MORE, held

"""A hundred cycles of fit, apply and close: memory is flat after the third."""

from __future__ import annotations

import subprocess
import sys

import pytest

CYCLES = """
import gc, sys, ultrare
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6
rows = ultrare.sample(1)
for cycle in range(100):
    with ultrare.fit(rows, shards=5, progress=lambda progress: None) as recommender:
        recommender.apply(recommender.plan(forget_users=[f"u{cycle + 1:03}"]).accept()).verify(rows)
        recommender.recommend_all(top=10)
        recommender.save()
    del recommender
    gc.collect()
    print(f"{resident():.1f}", flush=True)
"""
#: Megabytes by which what the allocator keeps may swing.
SWING = 12


@pytest.mark.long
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_hundred_cycles_and_memory_is_flat():
    done = subprocess.run([sys.executable, "-c", CYCLES], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    resident = [float(line) for line in done.stdout.split()]
    assert len(resident) == 100
    third, last = max(resident[:4]), sorted(resident[-20:])[10]
    print(f"MB after cycles 1, 2, 3: {resident[:3]}; median of the last twenty {last}; most {max(resident)}")
    assert last - third < SWING, resident

#!/usr/bin/python3
"""The benchmark's own way to enumerate and hash nb101, in Python with hashlib: every STEP-th of the 1,293,208 labelled
graphs it visits is hashed, and the time scaled up. Stands beside the C program's in bench_space.c."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from nb101_reference import module_hash, visited  # noqa: E402

STEP = 500
start = time.process_time()
graphs = [graph for vertices in range(2, 8) for graph in visited(vertices)]
listed = time.process_time() - start
start = time.process_time()
for edges, labels in graphs[::STEP]:
    module_hash(edges, labels)
hashed = (time.process_time() - start) * STEP
print(f"nb101 in Python: {len(graphs):,} graphs listed in {listed:.1f} s, hashed in {hashed:.0f} s "
      f"(from every {STEP}th)")

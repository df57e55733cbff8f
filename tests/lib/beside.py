"""What benchmarks beside PyTorch share: one thread, PyTorch or an end that says why, children's CPU seconds."""
import os
import resource
import sys

os.environ["OMP_NUM_THREADS"] = "1"
try:
    import torch
except ImportError as e:
    print(f"  left out: {e}")
    sys.exit(0)
torch.set_num_threads(1)

NASWEEP = os.path.join(os.environ.get("BUILD", "build"), "nasweep")


def of_children():
    """CPU seconds of the processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

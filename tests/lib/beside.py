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
# nb101's cell with most kinds of convolution, as the cell of Inception has them.
INCEPTION = ("0111010|0000001|0000001|0000100|0000001|0000001|0000000",
             "input,conv1x1,conv3x3,conv3x3,conv3x3,maxpool3x3,output")


def of_children():
    """CPU seconds of the processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

"""PyTorch as tests use it. PyTorch 2.6 on Debian 13, which has oneDNN 3.7.2, gives NaN now and then by itself: its
convolutions of 5, 8, 10, 11 or 21 channels read memory that nobody set, with AVX2 and with AVX-512 (PyTorch's network of
nb101's 2000 with 16 channels: 290 of 300 runs, where freed memory holds NaN). So tests do without oneDNN there, and
processes that they start take its kernels for SSE 4.1, which do not."""
import os

import torch

if int(torch.__version__.split(".")[0]) >= 2:
    torch.backends.mkldnn.enabled = False
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "SSE41")

"""The program's random numbers made again: Philox 4x32-10 by its published rounds, and normal numbers by SciPy's inverse
of the normal distribution function. A stream is (seed, purpose, which), as in src/base/random.h."""
import numpy as np
from scipy import special

LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def blocks(seed, purpose, which, count):
    """Blocks 0..count-1 of four words each, as uint32 [count][4]."""
    mixed = (seed + purpose * 0x9E3779B97F4A7C15) % 2 ** 64
    at = np.arange(count, dtype=np.uint64)
    c = [at & LOW, at >> HALF, np.full(count, which % 2 ** 32, np.uint64), np.full(count, which >> 32, np.uint64)]
    k = [np.uint64(mixed % 2 ** 32), np.uint64(mixed >> 32)]
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [(b >> HALF) ^ c[1] ^ k[0], b & LOW, (a >> HALF) ^ c[3] ^ k[1], a & LOW]
        k = [(k[0] + np.uint64(0x9E3779B9)) & LOW, (k[1] + np.uint64(0xBB67AE85)) & LOW]
    return np.stack(c, 1).astype(np.uint32)


def normal(seed, purpose, which, n):
    """n standard normal numbers, float64."""
    words = blocks(seed, purpose, which, (n + 3) // 4).ravel()[:n].astype(np.float64)
    return special.ndtri((words + 0.5) * 2.0 ** -32)


def signs(seed, purpose, which, n):
    """n times +1 or -1, from the words' bits, the lowest first."""
    words = blocks(seed, purpose, which, (n + 127) // 128).ravel()
    return (np.unpackbits(words.view(np.uint8), bitorder="little")[:n] * 2.0) - 1

"""Spack recipe of nasweep."""

from spack.package import *


class Nasweep(MakefilePackage):
    """Scores every architecture of NAS-Bench-101 and NAS-Bench-201 with training-free proxies under MPI and says how
    well each score predicts trained accuracy."""

    # Point this at the repository you build from.
    git = "file:///path/to/nasweep"

    version("main", branch="main")
    version("0.2.0", tag="v0.2.0")

    depends_on("c", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("gmake", type="build")
    depends_on("openmpi@4.1:")
    depends_on("hdf5@1.10:")
    depends_on("openblas@0.3.21: threads=none,pthreads,openmp")
    depends_on("jansson")
    depends_on("inih")
    depends_on("bzip2")
    depends_on("xz")
    depends_on("zlib-api")
    depends_on("random123", type="build")

    def build(self, spec, prefix):
        make("programs", f"MPICC={spec['mpi'].mpicc}")

    def install(self, spec, prefix):
        make("install", f"PREFIX={prefix}", f"MPICC={spec['mpi'].mpicc}")

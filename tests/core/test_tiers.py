"""The AVX-512 tier where no processor has it, and the extension at the edge of a page."""

from __future__ import annotations

import ctypes
import importlib.util
import mmap
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from netopt.core import packing

HERE = Path(__file__).parent
CORE = HERE.parents[1] / "netopt" / "core"
FLAGS = ["-O1", "-w", "-ffp-contract=off"]
NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0"}  # it needs ptrace, which containers forbid
PROT_READ_WRITE = 3


def build(command: list[str], sources: list[Path], folder: Path) -> list[Path]:
    """Compile sources side by side; return the objects."""
    objects = [folder / f"{source.stem}.o" for source in sources]
    running = [
        subprocess.Popen([*command, "-c", str(source), "-o", str(target)])
        for source, target in zip(sources, objects, strict=True)
    ]
    assert [process.wait() for process in running] == [0] * len(sources)
    return objects


def emulated(folder: Path) -> Path:
    """Build the comparison of tiers with AVX-512 computed by SIMDe, or skip with the reason."""
    compiler = shutil.which("gcc") or shutil.which("clang")
    found = importlib.util.find_spec("simde_py")
    if compiler is None or found is None or found.origin is None:
        pytest.skip("needs a C compiler and the package simde-py")
    trial = folder / "trial.c"
    trial.write_text("int main(void) { return 0; }\n", encoding="utf-8")
    link = [compiler, "-fsanitize=address", "-o", str(folder / "program")]
    if subprocess.run([*link, str(trial)], capture_output=True, check=False).returncode:
        pytest.skip("the compiler has no address sanitizer")
    simde = Path(found.origin).parent / "simde"
    fast = sorted(CORE.glob("avx512_*.c"))
    plain = [
        *(CORE / name for name in ("bitpack.c", "philox.c")),
        *sorted(CORE.glob("portable_*.c")),
        *sorted(CORE.glob("avx2_*.c")),
        *sorted(HERE.glob("tiers*.c")),
    ]
    # GNU C, which SIMDe's headers ask for; no target attribute, or the compiler would emit the
    # instructions that are to be emulated.
    emulate = ["-std=gnu99", "-Wno-psabi", "-DAVX512=", f"-I{HERE / 'emulated'}", f"-I{simde}"]
    objects = build([compiler, *FLAGS, *emulate], fast, folder)
    objects += build([compiler, *FLAGS, "-std=c99", f"-I{CORE}"], plain, folder)
    subprocess.run([*link, *map(str, objects), "-lm"], check=True)
    return folder / "program"


@pytest.mark.skipif(sys.platform != "linux", reason="the tier is for x86-64 and a Unix linker")
def test_avx512_has_the_same_bits_by_emulation(tmp_path: Path) -> None:
    program = emulated(tmp_path)
    done = subprocess.run(
        [program, "avx512"], env=NO_LEAK_CHECK, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "avx512: same bits\n"), done.stderr


class Fenced:
    """A few bytes of memory between two pages that must not be touched."""

    def __init__(self) -> None:
        page = mmap.PAGESIZE
        self.memory = mmap.mmap(-1, 4 * page)
        whole = np.frombuffer(self.memory, np.uint8)
        self.inside = whole[page : 3 * page]
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        for at in (0, 3 * page):
            if protect(whole.ctypes.data + at, page, 0) != 0:
                pytest.skip(f"mprotect fails: {os.strerror(ctypes.get_errno())}")

    def room(self, size: int, *, at_end: bool) -> np.ndarray:
        """Return ``size`` bytes that begin, or end, where a forbidden page does."""
        return self.inside[self.inside.size - size :] if at_end else self.inside[:size]


@pytest.mark.skipif(packing.implementation != "c", reason="the extension is not built")
@pytest.mark.skipif(sys.platform != "linux", reason="mprotect is looked up in Linux's C library")
@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_the_extension_stays_within_its_pages(dtype: type, at_end: bool) -> None:
    plain, packed, back = Fenced(), Fenced(), Fenced()
    random = np.random.default_rng(0)
    size = np.dtype(dtype).itemsize
    for bits in range(1, 8 * size + 1):
        for n in (0, 1, 7, 8, 31, 63, 64, 65, 200, 1000, 2 * mmap.PAGESIZE // size):
            nbytes = packing.packed_bytes(n, bits)
            values = plain.room(n * size, at_end=at_end).view(dtype)
            values[:] = random.integers(0, 2**bits, n, dtype=np.uint64).astype(dtype)
            stream = packed.room(nbytes, at_end=at_end)
            result = back.room(n * size, at_end=at_end).view(dtype)
            packing.pack_into(values, bits, stream)
            packing.unpack_into(stream, bits, result)
            np.testing.assert_array_equal(result, values)

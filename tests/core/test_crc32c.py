"""CRC-32C, against known answers and an independent implementation."""

from __future__ import annotations

import ctypes
import itertools
import shutil
import subprocess
from pathlib import Path

import google_crc32c
import numpy as np
import pytest

import netopt.core
from netopt.core import reference

CORE = Path(netopt.core.__file__).parent
COMPILER = shutil.which("gcc") or shutil.which("clang")
CHOICES = {"tables": 0, "instruction": 1, "folding": 2}
CHUNK = 6328
"""Bytes that the folding implementation works on at a time."""

KNOWN = {
    b"": 0,
    b"123456789": 0xE3069283,
    bytes(32): 0x8A9136AA,
    b"\xff" * 32: 0x62A8AB43,
    bytes(range(32)): 0x46DD794E,
}


@pytest.mark.parametrize("data", KNOWN, ids=lambda data: data.hex()[:16] or "empty")
def test_known_answers(core, data):
    assert core.crc32c(data) == KNOWN[data]


def test_every_short_length_and_alignment(core):
    data = np.random.default_rng(0).bytes(1040)
    for n in range(1031):
        start = n % 9
        assert core.crc32c(memoryview(data)[start : start + n]) == google_crc32c.value(
            data[start : start + n]
        )


@pytest.mark.parametrize("excess", [-1, 0, 1, 12345])
def test_several_blocks(core, excess):
    data = np.random.default_rng(1).bytes(reference.BLOCK + excess)
    assert core.crc32c(data) == google_crc32c.value(data)


def test_parts_chain_to_the_whole(core):
    data = np.random.default_rng(2).bytes(64)
    for cut in range(65):
        assert core.crc32c(data[cut:], core.crc32c(data[:cut])) == google_crc32c.value(data)


def test_many_parts_chain_to_the_whole(core):
    generator = np.random.default_rng(4)
    data = generator.bytes(30_000)
    for parts in (3, 10, 100):
        cuts = np.concatenate([[0], np.sort(generator.integers(0, 30_001, parts)), [30_000]])
        value = 0
        for start, end in itertools.pairwise(cuts):
            value = core.crc32c(data[start:end], value)
        assert value == google_crc32c.value(data)


def test_one_flipped_bit_is_seen(core):
    data = bytearray(np.random.default_rng(3).bytes(100))
    sums = {core.crc32c(data)}
    for bit in range(800):
        data[bit // 8] ^= 1 << bit % 8
        sums.add(core.crc32c(data))
        data[bit // 8] ^= 1 << bit % 8
    assert len(sums) == 801


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Return crc32c.c as a library of its own, or skip without a compiler."""
    if COMPILER is None:
        pytest.skip("there is no C compiler")
    path = tmp_path_factory.mktemp("crc32c") / "crc32c.so"
    command = [COMPILER, "-std=c99", "-O2", "-shared", "-fPIC", "-o", path, CORE / "crc32c.c"]
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(path))
    library.crc32c.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32]
    library.crc32c.restype = ctypes.c_uint32
    library.crc32c_init()
    return library


@pytest.fixture(params=CHOICES)
def implementation(request, library):
    """Return one implementation as a function of an array of bytes, or skip what does not run."""
    if library.crc32c_select(CHOICES[request.param]) != 0:
        pytest.skip(f"this processor has no {request.param} implementation")

    def crc32c(data, value=0):
        return library.crc32c(data.ctypes.data, data.size, value)

    return crc32c


def test_each_implementation_at_every_length_and_alignment(implementation):
    data = np.frombuffer(np.random.default_rng(5).bytes(1200), np.uint8)
    for n in range(1031):
        for start in (0, 1, 3, 4, 8, 13, 16, 31, 33, 63):
            part = data[start : start + n]
            assert implementation(part) == google_crc32c.value(part.tobytes()), (n, start)


@pytest.mark.parametrize("chunks", [1, 2, 7])
def test_each_implementation_around_whole_chunks(implementation, chunks):
    data = np.frombuffer(np.random.default_rng(6).bytes(8 * CHUNK), np.uint8)
    for excess in [*range(-130, 130), 1000, 3 * 1024, CHUNK - 1]:
        part = data[excess % 5 :][: chunks * CHUNK + excess]
        assert implementation(part) == google_crc32c.value(part.tobytes()), excess


def test_each_implementation_continues_from_any_value(implementation):
    generator = np.random.default_rng(7)
    data = np.frombuffer(generator.bytes(3 * CHUNK), np.uint8)
    for value in [0, 1, 0xFFFFFFFF, *generator.integers(0, 1 << 32, 50).tolist()]:
        for n in (1, 27, 128, 500, 5000, 3 * CHUNK):
            expected = google_crc32c.extend(value, data[:n].tobytes())
            assert implementation(data[:n], value) == expected, (value, n)


def test_choices(library):
    fastest = library.crc32c_use_hardware(1)
    assert fastest == max(c for c in CHOICES.values() if library.crc32c_select(c) == 0)
    assert library.crc32c_use_hardware(0) == CHOICES["tables"]
    assert library.crc32c_select(3) == library.crc32c_select(-1) == -1


EXACT = """
#include <stdio.h>
#include <stdlib.h>
#include "crc32c.h"

int main(void) {
    crc32c_init();
    for (size_t n = 0; n < 20000; n += n < 1030 ? 1 : 97)
        for (size_t skew = 0; skew < 4; skew += 3)
            for (int choice = 0; choice < CRC32C_CHOICES; choice++) {
                uint8_t *memory = calloc(n + skew + 1, 1), *data = memory + 1 + skew;
                uint32_t found;
                if (memory == NULL)
                    return 2;
                for (size_t i = 0; i < n; i++)
                    data[i] = (uint8_t)(i * i >> 3);
                crc32c_select(CRC32C_TABLES);
                found = crc32c(data, n, 7);
                if (crc32c_select(choice) == 0 && crc32c(data, n, 7) != found)
                    return 1;
                free(memory);
            }
    puts("every buffer was enough");
    return 0;
}
"""


def test_no_implementation_reads_beyond_its_buffer(tmp_path):
    """Heap buffers of exactly the right size, with the address sanitizer watching."""
    if COMPILER is None:
        pytest.skip("there is no C compiler")
    source, program = tmp_path / "exact.c", tmp_path / "exact"
    source.write_text(EXACT, encoding="utf-8")
    flags = ["-std=c99", "-O1", "-g", f"-I{CORE}", "-o", program]
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command = [COMPILER, *flags, *sanitize, source, CORE / "crc32c.c"]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("the compiler has no address and undefined-behaviour sanitizers")
    environment = {"ASAN_OPTIONS": "detect_leaks=0"}  # it needs ptrace, which containers forbid
    done = subprocess.run([program], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "every buffer was enough\n"), done.stderr


def test_every_format_counts_as_bytes(core):
    values = np.linspace(0, 1, 12).reshape(3, 4)
    assert core.crc32c(values) == google_crc32c.value(values.tobytes())
    assert core.crc32c(values.astype(">f4")) == google_crc32c.value(values.astype(">f4").tobytes())


ERRORS = [
    (("text",), TypeError, "^data must be a buffer, got str$"),
    ((np.zeros(8)[::2],), ValueError, "^data must be C-contiguous$"),
    ((b"", -1), ValueError, "^value must be 0..4294967295, got -1$"),
    ((b"", 1 << 32), ValueError, "^value must be 0..4294967295, got 4294967296$"),
    ((b"", 10**30), ValueError, f"^value must be 0..4294967295, got {10**30}$"),
    ((b"", 1.5), TypeError, "^'float' object cannot be interpreted as an integer$"),
    ((), TypeError, r"^crc32c\(\) (takes|missing) .*"),
    ((b"", 0, 0), TypeError, r"^crc32c\(\) takes .*"),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), ERRORS)
def test_errors(core, arguments, kind, message):
    with pytest.raises(kind, match=message):
        core.crc32c(*arguments)

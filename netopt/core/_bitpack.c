/* The Python face of bitpack.c and crc32c.c: checks arguments, releases the GIL, raises errors.
 *
 * Written against the C API by hand because frames may hold a few coordinates only: a call then
 * costs little more than its two buffers. Nothing here allocates but the returned int.
 */
#include "_glue.h"

#include <stdlib.h>
#include <string.h>

#include "bitpack.h"
#include "crc32c.h"

typedef int packer(const void *values, unsigned itemsize, size_t n, unsigned bits, uint8_t *out);
typedef void unpacker(const uint8_t *payload, size_t n, unsigned bits, void *out,
                      unsigned itemsize);

/* One call: plain values on one side, packed bytes on the other. */
typedef struct {
    Py_buffer plain, packed;
    uint8_t *stream; /* packed, from the offset on */
    size_t n, bytes; /* values, and the packed bytes that they take */
    unsigned itemsize, bits;
} job;

/* ---- arguments ---- */

int glue_acquire(PyObject *object, const char *name, Py_buffer *view) {
    if (!PyObject_CheckBuffer(object)) {
        PyErr_Format(PyExc_TypeError, "%s must be a buffer, got %s", name,
                     Py_TYPE(object)->tp_name);
        return -1;
    }
    if (PyObject_GetBuffer(object, view, PyBUF_RECORDS_RO) < 0)
        return -1;
    if (!PyBuffer_IsContiguous(view, 'C')) {
        PyErr_Format(PyExc_ValueError, "%s must be C-contiguous", name);
        return -1;
    }
    return 0;
}

/* Whether the items are native unsigned integers of 1, 2 or 4 bytes. */
static int is_plain(const Py_buffer *view) {
    const char *format = view->format == NULL ? "B" : view->format;

    if (*format == '@' || *format == '=' || *format == (PY_LITTLE_ENDIAN ? '<' : '>'))
        format++;
    return *format != '\0' && strchr("BHIL", *format) != NULL && format[1] == '\0' &&
           (view->itemsize == 1 || view->itemsize == 2 || view->itemsize == 4);
}

/* Checks both buffers' kinds; returns 0, or -1 with an error set. */
static int check_buffers(const job *work, const char *plain, const char *packed,
                         const Py_buffer *out) {
    if (!is_plain(&work->plain)) {
        PyErr_Format(PyExc_TypeError,
                     "%s must hold unsigned integers of 1, 2 or 4 bytes in native byte order, "
                     "got format '%s'", plain, work->plain.format);
        return -1;
    }
    if (work->packed.itemsize != 1) {
        PyErr_Format(PyExc_TypeError, "%s must hold bytes, got items of %zd bytes", packed,
                     work->packed.itemsize);
        return -1;
    }
    if (out->readonly) {
        PyErr_SetString(PyExc_ValueError, "out must be writable, got a read-only buffer");
        return -1;
    }
    return 0;
}

/* Reads bits and offset and derives the job's other numbers; returns 0, or -1 with an error set. */
static int check_numbers(job *work, const char *packed, PyObject *bits, PyObject *offset) {
    const Py_ssize_t widest = 8 * work->plain.itemsize, room = work->packed.len;
    const Py_ssize_t width = PyNumber_AsSsize_t(bits, NULL);
    Py_ssize_t start = 0;

    if (width == -1 && PyErr_Occurred())
        return -1;
    if (offset != NULL && (start = PyNumber_AsSsize_t(offset, NULL)) == -1 && PyErr_Occurred())
        return -1;
    if (width < 1 || width > widest) {
        PyErr_Format(PyExc_ValueError, "bits must be 1..%zd for items of %zd bytes, got %S",
                     widest, work->plain.itemsize, bits);
        return -1;
    }
    if (start < 0 || start > room) {
        PyErr_Format(PyExc_ValueError, "offset must be 0..%zd, got %S", room, offset);
        return -1;
    }
    work->bits = (unsigned)width;
    work->itemsize = (unsigned)work->plain.itemsize;
    work->n = (size_t)(work->plain.len / work->plain.itemsize);
    work->bytes = bp_bytes(work->n, work->bits);
    work->stream = (uint8_t *)work->packed.buf + start;
    if (work->bytes > (size_t)(room - start)) {
        PyErr_Format(PyExc_ValueError, "%s needs %zu bytes after offset %zd, got %zd", packed,
                     work->bytes, start, room - start);
        return -1;
    }
    return 0;
}

int glue_overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes) {
    const uint8_t *first = a, *second = b;

    return a_bytes > 0 && b_bytes > 0 && first < second + b_bytes && second < first + a_bytes;
}

/* Refuses input and output that share bytes: whole words are written ahead of what was read. */
static int check_overlap(const job *work, const char *input) {
    if (glue_overlap(work->plain.buf, (size_t)work->plain.len, work->stream, work->bytes)) {
        PyErr_Format(PyExc_ValueError, "%s and out must not overlap in memory", input);
        return -1;
    }
    return 0;
}

/* Checks the argument count of (first, bits, out, offset=0); returns 0, or -1 with an error set. */
static int check_count(const char *name, Py_ssize_t got) {
    if (got == 3 || got == 4)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s() takes 3 or 4 arguments, got %zd", name, got);
    return -1;
}

static void release(job *work) {
    PyBuffer_Release(&work->plain);
    PyBuffer_Release(&work->packed);
}

/* ---- pack ---- */

static void raise_too_large(const job *work) {
    const size_t i = bp_first_too_large(work->plain.buf, work->itemsize, work->n, work->bits);

    if (i == work->n)
        PyErr_SetString(PyExc_RuntimeError, "values were changed while they were packed");
    else
        PyErr_Format(PyExc_ValueError, "values must be below 2**%u, got %lu at index %zu",
                     work->bits, (unsigned long)bp_value(work->plain.buf, work->itemsize, i), i);
}

/* Packs a checked job; returns 0, or -1 with an error set. */
static int run_pack(const job *work, packer *pack) {
    PyThreadState *saved = work->plain.len > GIL_BYTES ? PyEval_SaveThread() : NULL;
    const int bad = pack(work->plain.buf, work->itemsize, work->n, work->bits, work->stream);

    if (saved != NULL)
        PyEval_RestoreThread(saved);
    if (bad)
        raise_too_large(work);
    return bad ? -1 : 0;
}

static PyObject *call_pack(PyObject *const *args, Py_ssize_t count, packer *pack) {
    job work = {0};
    PyObject *written = NULL;

    if (check_count("pack_into", count) == 0 &&
        glue_acquire(args[0], "values", &work.plain) == 0 &&
        glue_acquire(args[2], "out", &work.packed) == 0 &&
        check_buffers(&work, "values", "out", &work.packed) == 0 &&
        check_numbers(&work, "out", args[1], count == 4 ? args[3] : NULL) == 0 &&
        check_overlap(&work, "values") == 0 && run_pack(&work, pack) == 0)
        written = PyLong_FromSize_t(work.bytes);
    release(&work);
    return written;
}

static PyObject *pack_into(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    return call_pack(args, count, bp_pack);
}

static PyObject *pack_naive(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    return call_pack(args, count, bp_pack_naive);
}

PyDoc_STRVAR(pack_into_doc,
"pack_into(values, bits, out, offset=0, /)\n--\n\n"
"Pack unsigned integers into a little-endian bit stream; return the number of bytes written.\n\n"
"values: C-contiguous buffer of native uint8, uint16 or uint32, each below 2**bits.\n"
"bits: 1 up to the items' width.\n"
"out: writable buffer of bytes; ceil(len(values) * bits / 8) are written from offset on.\n\n"
"Raises TypeError for buffers of another kind, ValueError for numbers out of range, an out that\n"
"is read-only, too small or overlaps values. After a value out of range those bytes of out, and\n"
"only those, are unspecified.");

/* ---- unpack ---- */

/* Unpacks a checked job; returns 0, or -1 with an error set and the output untouched. */
static int run_unpack(const job *work, unpacker *unpack) {
    const unsigned pad = bp_pad_bits(work->stream, work->n, work->bits);
    PyThreadState *saved;

    if (pad != 0) {
        PyErr_Format(PyExc_ValueError, "the %zu pad bits after %zu values must be zero, got %u",
                     8 - work->n % 8 * work->bits % 8, work->n, pad);
        return -1;
    }
    saved = work->plain.len > GIL_BYTES ? PyEval_SaveThread() : NULL;
    unpack(work->stream, work->n, work->bits, work->plain.buf, work->itemsize);
    if (saved != NULL)
        PyEval_RestoreThread(saved);
    return 0;
}

static PyObject *call_unpack(PyObject *const *args, Py_ssize_t count, unpacker *unpack) {
    job work = {0};
    PyObject *consumed = NULL;

    if (check_count("unpack_into", count) == 0 &&
        glue_acquire(args[0], "payload", &work.packed) == 0 &&
        glue_acquire(args[2], "out", &work.plain) == 0 &&
        check_buffers(&work, "out", "payload", &work.plain) == 0 &&
        check_numbers(&work, "payload", args[1], count == 4 ? args[3] : NULL) == 0 &&
        check_overlap(&work, "payload") == 0 && run_unpack(&work, unpack) == 0)
        consumed = PyLong_FromSize_t(work.bytes);
    release(&work);
    return consumed;
}

static PyObject *unpack_into(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    return call_unpack(args, count, bp_unpack);
}

static PyObject *unpack_naive(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    return call_unpack(args, count, bp_unpack_naive);
}

PyDoc_STRVAR(unpack_into_doc,
"unpack_into(payload, bits, out, offset=0, /)\n--\n\n"
"Unpack as many unsigned integers as out holds; return the number of bytes read.\n\n"
"payload: C-contiguous buffer of bytes; ceil(len(out) * bits / 8) are read from offset on.\n"
"bits: 1 up to the items' width.\n"
"out: writable C-contiguous buffer of native uint8, uint16 or uint32.\n\n"
"Raises TypeError for buffers of another kind, ValueError for numbers out of range, an out that\n"
"is read-only or overlaps payload, a payload that is too short or whose pad bits are not zero;\n"
"out is then untouched.");

/* ---- crc32c, tier ---- */

/* Reads an unsigned 32-bit number; returns 0, or -1 with an error set. */
static int as_uint32(PyObject *object, uint32_t *number) {
    PyObject *index = PyNumber_Index(object);
    int overflow = 0;
    long long wide;

    if (index == NULL)
        return -1;
    wide = PyLong_AsLongLongAndOverflow(index, &overflow);
    Py_DECREF(index);
    if (overflow != 0 || wide < 0 || wide > UINT32_MAX) {
        PyErr_Format(PyExc_ValueError, "value must be 0..4294967295, got %S", object);
        return -1;
    }
    *number = (uint32_t)wide;
    return 0;
}

static PyObject *py_crc32c(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    Py_buffer data = {0};
    PyObject *result = NULL;
    uint32_t value = 0;

    (void)module;
    if (count != 1 && count != 2)
        return PyErr_Format(PyExc_TypeError, "crc32c() takes 1 or 2 arguments, got %zd", count);
    if (glue_acquire(args[0], "data", &data) == 0 &&
        (count == 1 || as_uint32(args[1], &value) == 0)) {
        PyThreadState *saved = data.len > GIL_BYTES ? PyEval_SaveThread() : NULL;
        value = crc32c(data.buf, (size_t)data.len, value);
        if (saved != NULL)
            PyEval_RestoreThread(saved);
        result = PyLong_FromUnsignedLong(value);
    }
    PyBuffer_Release(&data);
    return result;
}

PyDoc_STRVAR(crc32c_doc,
"crc32c(data, value=0, /)\n--\n\n"
"Return the CRC-32C (Castagnoli) of a buffer's bytes, continued from what came before.\n\n"
"data: C-contiguous buffer of any format.\n"
"value: the CRC so far, so that crc32c(b, crc32c(a)) is crc32c(a + b).\n\n"
"Raises TypeError for what is no buffer, ValueError for a value beyond 32 bits.");

static PyObject *tier(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyUnicode_FromString(bp_active()->name);
}

PyDoc_STRVAR(tier_doc,
"tier()\n--\n\nReturn the name of the kernels in use; NETOPT_TIER can force one at import.");

/* Makes a tier, and the CRC that belongs to it, the active ones; returns 0, or -1 with an error. */
static int choose(const char *name) {
    if (bp_select(name) < 0) {
        PyErr_Format(PyExc_ValueError, "NETOPT_TIER must be one of: %s; got '%s'",
                     bp_tier_choices(), name);
        return -1;
    }
    crc32c_use_hardware(bp_active() != &bp_portable);
    return 0;
}

static PyObject *use_tier(PyObject *module, PyObject *name) {
    const char *text = PyUnicode_AsUTF8(name);

    (void)module;
    if (text == NULL || choose(text) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *tiers(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyUnicode_FromString(bp_tier_choices());
}

/* ---- the module ---- */

static PyMethodDef methods[] = {
    {"pack_into", FAST(pack_into), pack_into_doc},
    {"unpack_into", FAST(unpack_into), unpack_into_doc},
    {"_pack_naive", FAST(pack_naive), "As pack_into, one value and one byte at a time."},
    {"_unpack_naive", FAST(unpack_naive), "As unpack_into, one value and one byte at a time."},
    {"crc32c", FAST(py_crc32c), crc32c_doc},
    {"tier", tier, METH_NOARGS, tier_doc},
    {"_tiers", tiers, METH_NOARGS, "Return the names of the tiers that run here, joined by ', '."},
    {"_use_tier", use_tier, METH_O, "Change the kernels in use, in one thread: for tests."},
    {NULL, NULL, 0, NULL},
};

static int exec_module(PyObject *module) {
    crc32c_init();
    if (choose(getenv("NETOPT_TIER")) < 0)
        return -1;
    if (glue_add_grid(module) < 0 || glue_add_raw(module) < 0 || glue_add_timing(module) < 0 ||
        glue_add_header(module) < 0 || glue_add_codes(module) < 0 || glue_add_steps(module) < 0 ||
        glue_add_dithered(module) < 0)
        return -1;
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, exec_module}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "netopt.core._bitpack",
    .m_doc = "Bit packing and CRC-32C in C; see netopt.core.packing.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__bitpack(void) {
    return PyModuleDef_Init(&definition);
}

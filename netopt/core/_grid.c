/* The Python face of grid.c: the type Grid, norms, and the random streams. */
#include "_glue.h"

#include <math.h>
#include <string.h>

#include "bitpack.h"
#include "grid.h"

static const char *const kinds[] = {"scaled", "range", "sign", "fixed", NULL};
static const char *const norms[] = {"l1", "l2", "linf", NULL};
static const char *const streams[] = {"nearest", "fast", "philox", NULL};

/* The index of a word in a list; -1 with an error set if it is not there. */
static int choice(PyObject *word, const char *name, const char *const *known) {
    const char *text = PyUnicode_Check(word) ? PyUnicode_AsUTF8(word) : NULL;

    if (text == NULL && PyErr_Occurred())
        return -1;
    for (int i = 0; text != NULL && known[i] != NULL; i++)
        if (strcmp(text, known[i]) == 0)
            return i;
    PyErr_Format(PyExc_ValueError, "%s must be one of the core's words, got %R", name, word);
    return -1;
}

/* ---- arguments ---- */

int glue_type_of(const Py_buffer *view, const char *name) {
    const char *format = view->format == NULL ? "B" : view->format;

    if (*format == '@' || *format == '=' || *format == (PY_LITTLE_ENDIAN ? '<' : '>'))
        format++;
    if (strcmp(format, "f") == 0)
        return BP_FLOAT32;
    if (strcmp(format, "d") == 0)
        return BP_FLOAT64;
    PyErr_Format(PyExc_TypeError, "%s must hold native float32 or float64, got format '%s'", name,
                 view->format);
    return -1;
}

int glue_check_bytes(const Py_buffer *view, const char *name, size_t need, int writable) {
    if (view->itemsize != 1)
        PyErr_Format(PyExc_TypeError, "%s must hold bytes, got items of %zd bytes", name,
                     view->itemsize);
    else if (writable && view->readonly)
        PyErr_Format(PyExc_ValueError, "%s must be writable, got a read-only buffer", name);
    else if ((size_t)view->len < need)
        PyErr_Format(PyExc_ValueError, "%s needs %zu bytes, got %zd", name, need, view->len);
    else
        return 0;
    return -1;
}

/* Reads origin and top; returns 0, or -1 with an error set. */
static int read_moment(PyObject *origin, PyObject *top, unsigned bits, bp_moment *moment) {
    const uint64_t most = bp_low_mask(bits);
    Py_ssize_t largest;

    moment->origin = PyFloat_AsDouble(origin);
    if (moment->origin == -1.0 && PyErr_Occurred())
        return -1;
    largest = PyNumber_AsSsize_t(top, NULL);
    if (largest == -1 && PyErr_Occurred())
        return -1;
    if (largest < 0 || (uint64_t)largest > most) {
        PyErr_Format(PyExc_ValueError, "top must be 0..%llu for %u bits, got %S",
                     (unsigned long long)most, bits, top);
        return -1;
    }
    moment->top = (uint32_t)largest;
    return 0;
}

/* ---- Grid ---- */

typedef struct {
    PyObject_HEAD
    bp_codec codec;
} grid_object;

/* Refuses what the arithmetic of grid.c cannot hold; returns 0, or -1 with an error set. */
static int check_codec(const bp_codec *codec, Py_ssize_t block) {
    const double least = codec->kind == BP_FIXED ? 1e-290 : codec->kind == BP_SCALED ? 1e-30 : 0.0;
    const char *wrong = NULL;

    if (codec->bits < 1 || codec->bits > 32 || (codec->kind == BP_SIGN && codec->bits != 1))
        wrong = "bits must be 1..32, and 1 for signs";
    else if (!(codec->levels > 0.0 && codec->levels <= 4294967296.0))
        wrong = "levels must be above 0 and at most 2**32";
    else if (!(codec->floor >= least && codec->floor <= 1e300))
        wrong = "floor must be a number from 1e-30 (scaled) or 1e-290 (fixed) to 1e300";
    else if (block < 0 || block % BP_BLOCK_UNIT != 0)
        wrong = "block must be 0 or a multiple of 64";
    if (wrong != NULL)
        PyErr_SetString(PyExc_ValueError, wrong);
    return wrong == NULL ? 0 : -1;
}

static PyObject *grid_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    PyObject *kind, *norm, *stream;
    Py_ssize_t block;
    bp_codec codec;
    grid_object *self;

    if (keywords != NULL && PyDict_GET_SIZE(keywords) > 0) {
        PyErr_SetString(PyExc_TypeError, "Grid() takes no keyword arguments");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "OIdOdnO:Grid", &kind, &codec.bits, &codec.levels, &norm,
                          &codec.floor, &block, &stream))
        return NULL;
    codec.kind = choice(kind, "kind", kinds);
    codec.norm = codec.kind < 0 ? -1 : choice(norm, "norm", norms);
    codec.stream = codec.norm < 0 ? -1 : choice(stream, "stream", streams);
    if (codec.stream < 0 || check_codec(&codec, block) < 0)
        return NULL;
    codec.block = (size_t)block;
    self = (grid_object *)type->tp_alloc(type, 0);
    if (self != NULL)
        self->codec = codec;
    return (PyObject *)self;
}

/* Sets the error that a fault stands for. */
static void raise_fault(const bp_codec *codec, const bp_moment *moment, const bp_fault *fault) {
    char text[192], place[48] = "";
    const char *form = "%sthe vector changed while it was encoded";

    if (codec->block != 0)
        PyOS_snprintf(place, sizeof place, "block %zu: ", fault->block);
    if (fault->what == BP_NO_SCALE && codec->kind == BP_RANGE)
        form = "%sa vector that reaches %g has no float32 range (the largest is 3.40282e+38)";
    else if (fault->what == BP_NO_SCALE)
        form = "%sa vector of norm %g has no float32 scale (the largest is 3.40282e+38)";
    else if (fault->what == BP_OUTSIDE && codec->kind == BP_FIXED)
        form = "%sa coordinate is outside the grid";
    else if (fault->what == BP_BAD_SCALE && codec->kind == BP_RANGE)
        form = "%sa range that ends at %g is never sent (finite, and not empty)";
    else if (fault->what == BP_BAD_SCALE)
        form = "%s%.9g is not a scale (finite, at least %g)";
    else if (fault->what == BP_BAD_SYMBOL)
        form = "%ssymbol %.0f where %.0f is the largest";
    else if (fault->what == BP_BAD_PADS)
        form = "%sthe pad bits must be zero, got %.0f";
    PyOS_snprintf(text, sizeof text, form, place, fault->value,
                  fault->what == BP_BAD_SYMBOL ? (double)moment->top : codec->floor);
    PyErr_SetString(PyExc_ValueError, text);
}

/* One call: a vector, a payload, and which way they go. */
typedef struct {
    Py_buffer vector, payload;
    bp_moment moment;
    double weight;
    int add, encode;
} job;

/* Checks both buffers; returns the vector's type, or -1 with an error set. */
static int check_job(const job *work, size_t bytes) {
    const char *const other = work->encode ? "x" : "payload";
    const int type = glue_type_of(&work->vector, work->encode ? "x" : "out");

    if (type < 0 || glue_check_bytes(&work->payload, work->encode ? "out" : "payload", bytes,
                                     work->encode) < 0)
        return -1;
    if (!work->encode && work->vector.readonly) {
        PyErr_SetString(PyExc_ValueError, "out must be writable, got a read-only buffer");
        return -1;
    }
    if (glue_overlap(work->vector.buf, (size_t)work->vector.len, work->payload.buf, bytes)) {
        PyErr_Format(PyExc_ValueError, "%s and out must not overlap in memory", other);
        return -1;
    }
    return type;
}

/* Encodes or decodes; returns the payload's bytes, or NULL with an error set. */
static PyObject *run(const bp_codec *codec, const job *work) {
    const size_t n = (size_t)(work->vector.len / work->vector.itemsize);
    const size_t bytes = bp_payload_bytes(codec, n);
    const int type = check_job(work, bytes);
    PyThreadState *saved;
    bp_fault fault;

    if (type < 0)
        return NULL;
    saved = work->vector.len > GIL_BYTES ? PyEval_SaveThread() : NULL;
    fault = work->encode ? bp_encode(codec, &work->moment, type, work->vector.buf, n,
                                     work->payload.buf)
                         : bp_decode(codec, &work->moment, type, work->payload.buf, n,
                                     work->weight, work->add, work->vector.buf);
    if (saved != NULL)
        PyEval_RestoreThread(saved);
    if (fault.what != BP_FINE) {
        raise_fault(codec, &work->moment, &fault);
        return NULL;
    }
    return PyLong_FromSize_t(bytes);
}

static PyObject *grid_encode(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    const bp_codec *codec = &((grid_object *)self)->codec;
    PyObject *written = NULL;
    job work = {.encode = 1};

    if (count != 5)
        return PyErr_Format(PyExc_TypeError, "encode() takes 5 arguments, got %zd", count);
    if (glue_acquire(args[0], "x", &work.vector) == 0 &&
        glue_acquire(args[1], "out", &work.payload) == 0 &&
        read_moment(args[2], args[3], codec->bits, &work.moment) == 0 &&
        (codec->stream == BP_NEAREST || glue_read_key(args[4], work.moment.root) == 0))
        written = run(codec, &work);
    PyBuffer_Release(&work.vector);
    PyBuffer_Release(&work.payload);
    return written;
}

static PyObject *grid_decode(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    const bp_codec *codec = &((grid_object *)self)->codec;
    PyObject *consumed = NULL;
    job work = {.weight = 1.0};

    if (count < 4 || count > 6)
        return PyErr_Format(PyExc_TypeError, "decode() takes 4 to 6 arguments, got %zd", count);
    if (count > 4 && (work.weight = PyFloat_AsDouble(args[4])) == -1.0 && PyErr_Occurred())
        return NULL;
    if (count > 5 && (work.add = PyObject_IsTrue(args[5])) < 0)
        return NULL;
    if (glue_acquire(args[0], "payload", &work.payload) == 0 &&
        glue_acquire(args[1], "out", &work.vector) == 0 &&
        read_moment(args[2], args[3], codec->bits, &work.moment) == 0)
        consumed = run(codec, &work);
    PyBuffer_Release(&work.vector);
    PyBuffer_Release(&work.payload);
    return consumed;
}

static PyObject *grid_nbytes(PyObject *self, PyObject *n) {
    const Py_ssize_t count = PyNumber_AsSsize_t(n, PyExc_OverflowError);

    if (count == -1 && PyErr_Occurred())
        return NULL;
    if (count < 0)
        return PyErr_Format(PyExc_ValueError, "n must not be negative, got %zd", count);
    return PyLong_FromSize_t(bp_payload_bytes(&((grid_object *)self)->codec, (size_t)count));
}

static PyMethodDef grid_methods[] = {
    {"encode", FAST(grid_encode),
     "encode(x, out, origin, top, key, /)\n--\n\n"
     "Write the payload of x to out; return its bytes. See netopt.core.reference.Grid."},
    {"decode", FAST(grid_decode),
     "decode(payload, out, origin, top, weight=1.0, add=False, /)\n--\n\n"
     "Write weight times the decoded vector to out, or add it; return the payload's bytes."},
    {"nbytes", grid_nbytes, METH_O,
     "nbytes(n, /)\n--\n\nReturn the bytes of the payload of n coordinates."},
    {NULL, NULL, 0, NULL},
};

static void grid_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);

    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot grid_slots[] = {
    {Py_tp_doc, "Grid(kind, bits, levels, norm, floor, block, stream, /)\n--\n\n"
                "A fixed-width quantizer with its packer; see netopt.core.reference.Grid."},
    {Py_tp_new, grid_new},
    {Py_tp_dealloc, grid_dealloc},
    {Py_tp_methods, grid_methods},
    {0, NULL},
};

static PyType_Spec grid_spec = {
    .name = "netopt.core._bitpack.Grid",
    .basicsize = sizeof(grid_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = grid_slots,
};

/* ---- functions ---- */

static PyObject *py_norm(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    Py_buffer x = {0};
    double value = 0.0;
    int type = -1, norm;

    (void)module;
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "norm() takes 2 arguments, got %zd", count);
    if ((norm = choice(args[1], "norm", norms)) < 0)
        return NULL;
    if (glue_acquire(args[0], "x", &x) == 0 && (type = glue_type_of(&x, "x")) >= 0) {
        PyThreadState *saved = x.len > GIL_BYTES ? PyEval_SaveThread() : NULL;
        value = bp_active()->norm[norm][type](x.buf, (size_t)(x.len / x.itemsize));
        if (saved != NULL)
            PyEval_RestoreThread(saved);
    }
    PyBuffer_Release(&x);
    return type < 0 ? NULL : PyFloat_FromDouble(value);
}

static PyObject *py_random16(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    enum { CHUNK = 1024 };
    Py_buffer out = {0};
    uint32_t root[4];
    uint16_t chunk[CHUNK];
    int stream, ready;

    (void)module;
    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "random16_into() takes 3 arguments, got %zd", count);
    if ((stream = choice(args[1], "stream", streams)) < 0 || glue_read_key(args[0], root) < 0)
        return NULL;
    ready = glue_acquire(args[2], "out", &out) == 0 &&
            glue_check_bytes(&out, "out", 0, 1) == 0 && stream != BP_NEAREST;
    for (size_t done = 0, n = ready ? (size_t)out.len / 2 : 0; done < n; done += CHUNK) {
        const size_t some = n - done < CHUNK ? n - done : CHUNK;
        bp_random(stream, root, done, some, chunk);
        memcpy((uint16_t *)out.buf + done, chunk, 2 * some);
    }
    PyBuffer_Release(&out);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"norm", FAST(py_norm),
     "norm(x, kind, /)\n--\n\n"
     "Return the l1, l2 or linf norm of a vector, with the bits of netopt.core.norms."},
    {"random16_into", FAST(py_random16),
     "random16_into(key, stream, out, /)\n--\n\n"
     "Fill out, a buffer of bytes, with a stream's native 16-bit numbers."},
    {NULL, NULL, 0, NULL},
};

int glue_add_grid(PyObject *module) {
    PyObject *type = PyType_FromSpec(&grid_spec);
    int failed = type == NULL || PyModule_AddFunctions(module, functions) < 0;

    failed = failed || PyModule_AddObjectRef(module, "Grid", type) < 0;
    Py_XDECREF(type);
    return failed ? -1 : 0;
}

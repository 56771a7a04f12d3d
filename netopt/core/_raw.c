/* The Python face of raw.c. */
#include "_glue.h"

#include "raw.h"

/* The wire's type of so many bits; -1 with an error set if there is none. */
static int wire_of(PyObject *bits) {
    const Py_ssize_t width = PyNumber_AsSsize_t(bits, NULL);

    if (width == 32 || width == 64)
        return width == 32 ? BP_FLOAT32 : BP_FLOAT64;
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_ValueError, "bits must be 32 or 64, got %S", bits);
    return -1;
}

/* One call: a vector on one side, the wire on the other. */
typedef struct {
    Py_buffer vector, packed;
    int type, wire;
    size_t n, bytes;
} job;

/* Takes and checks both buffers, of which `out` is written; returns 0, or -1 with an error set. */
static int prepare(job *work, PyObject *vector, PyObject *bits, PyObject *packed, int put) {
    const char *const plain_name = put ? "x" : "out", *const wire_name = put ? "out" : "payload";

    if ((work->wire = wire_of(bits)) < 0 || glue_acquire(vector, plain_name, &work->vector) < 0 ||
        glue_acquire(packed, wire_name, &work->packed) < 0 ||
        (work->type = glue_type_of(&work->vector, plain_name)) < 0)
        return -1;
    work->n = (size_t)(work->vector.len / work->vector.itemsize);
    work->bytes = work->n * (work->wire == BP_FLOAT32 ? 4 : 8);
    if (glue_check_bytes(&work->packed, wire_name, work->bytes, put) < 0)
        return -1;
    if (!put && work->vector.readonly) {
        PyErr_SetString(PyExc_ValueError, "out must be writable, got a read-only buffer");
        return -1;
    }
    if (glue_overlap(work->vector.buf, (size_t)work->vector.len, work->packed.buf, work->bytes)) {
        PyErr_Format(PyExc_ValueError, "%s and out must not overlap in memory",
                     put ? "x" : "payload");
        return -1;
    }
    return 0;
}

/* Runs a prepared job; returns the wire's bytes, or NULL with an error set. */
static PyObject *run(const job *work, int put, double weight, int add) {
    PyThreadState *saved = work->vector.len > GIL_BYTES ? PyEval_SaveThread() : NULL;
    const int bad = put ? bp_raw_put(work->type, work->wire, work->vector.buf, work->n,
                                     work->packed.buf)
                        : bp_raw_add(work->type, work->wire, work->packed.buf, work->n, weight, add,
                                     work->vector.buf);

    if (saved != NULL)
        PyEval_RestoreThread(saved);
    if (bad) {
        PyErr_SetString(PyExc_ValueError, put ? "a coordinate does not fit the wire"
                                              : "the payload holds NaN or infinity");
        return NULL;
    }
    return PyLong_FromSize_t(work->bytes);
}

static PyObject *raw_put(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    PyObject *written = NULL;
    job work = {0};

    (void)module;
    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "raw_put() takes 3 arguments, got %zd", count);
    if (prepare(&work, args[0], args[1], args[2], 1) == 0)
        written = run(&work, 1, 0.0, 0);
    PyBuffer_Release(&work.vector);
    PyBuffer_Release(&work.packed);
    return written;
}

static PyObject *raw_add(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    PyObject *consumed = NULL;
    job work = {0};
    double weight;
    int add;

    (void)module;
    if (count != 5)
        return PyErr_Format(PyExc_TypeError, "raw_add() takes 5 arguments, got %zd", count);
    weight = PyFloat_AsDouble(args[3]);
    if ((weight == -1.0 && PyErr_Occurred()) || (add = PyObject_IsTrue(args[4])) < 0)
        return NULL;
    if (prepare(&work, args[2], args[1], args[0], 0) == 0)
        consumed = run(&work, 0, weight, add);
    PyBuffer_Release(&work.vector);
    PyBuffer_Release(&work.packed);
    return consumed;
}

static PyMethodDef functions[] = {
    {"raw_put", FAST(raw_put),
     "raw_put(x, bits, out, /)\n--\n\n"
     "Write x as numbers of 32 or 64 bits; return their bytes. See netopt.core.raw."},
    {"raw_add", FAST(raw_add),
     "raw_add(payload, bits, out, weight, add, /)\n--\n\n"
     "Write weight times the numbers to out, or add them; return the bytes read."},
    {NULL, NULL, 0, NULL},
};

int glue_add_raw(PyObject *module) {
    return PyModule_AddFunctions(module, functions);
}

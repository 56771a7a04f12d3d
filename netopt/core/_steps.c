/* The Python face of steps.c. */
#include "_glue.h"

#include <math.h>
#include <string.h>

#include "grid.h"
#include "philox.h"
#include "steps.h"
#include "tiers.h"

/* ---- arguments ---- */

static int take_levels(PyObject *object, const char *name, Py_buffer *view) {
    return glue_acquire(object, name, view) < 0 ? -1 : glue_check_int32(view, name, 0);
}

/* Checks how many items there are; returns 0, or -1 with an error set. */
static int check_sizes(Py_ssize_t n, Py_ssize_t out, const char *what, const Py_buffer *steps,
                       const char *name) {
    const Py_ssize_t some = steps->len / 8;

    if (out == n && (some == n || some == 1))
        return 0;
    if (out != n)
        PyErr_Format(PyExc_ValueError, "out must hold %zd %s, got %zd", n, what, out);
    else
        PyErr_Format(PyExc_ValueError, "%s must hold 1 or %zd numbers, got %zd", name, n, some);
    return -1;
}

/* Checks that out may be written and shares no byte with an input; returns 0, or -1. */
static int check_out(const Py_buffer *out, const Py_buffer *input, const char *name) {
    if (out->readonly)
        PyErr_SetString(PyExc_ValueError, "out must be writable, got a read-only buffer");
    else if (glue_overlap(out->buf, (size_t)out->len, input->buf, (size_t)input->len))
        PyErr_Format(PyExc_ValueError, "%s and out must not overlap in memory", name);
    else
        return 0;
    return -1;
}

static int read_double(PyObject *object, double *number) {
    *number = PyFloat_AsDouble(object);
    return *number == -1.0 && PyErr_Occurred() ? -1 : 0;
}

int glue_take_doubles(PyObject *object, const char *name, Py_buffer *view) {
    const char *format;

    if (glue_acquire(object, name, view) < 0)
        return -1;
    format = view->format == NULL ? "B" : view->format;
    if (*format == '@' || *format == '=' || *format == (PY_LITTLE_ENDIAN ? '<' : '>'))
        format++;
    if (strcmp(format, "d") == 0)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s must hold native float64, got format '%s'", name,
                 view->format);
    return -1;
}

int glue_read_key(PyObject *key, uint32_t root[4]) {
    uint64_t part[7], state[4];

    if (!PyTuple_Check(key) || PyTuple_GET_SIZE(key) != 7) {
        PyErr_Format(PyExc_TypeError, "key must be a netopt.keys.Key, got %s",
                     Py_TYPE(key)->tp_name);
        return -1;
    }
    for (int i = 0; i < 7; i++) {
        part[i] = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(key, i));
        if (part[i] == UINT64_MAX && PyErr_Occurred())
            return -1;
    }
    /* seed, purpose, round, exchange, sender, receiver, part: as in netopt.keys. */
    state[0] = 1; /* numpy's generator counts before it draws */
    state[1] = 0;
    state[2] = part[2] << 32 | part[6] << 16 | part[3];
    state[3] = part[4] << 32 | part[5];
    philox4x64(part, state);
    for (int i = 0; i < 4; i++)
        root[i] = (uint32_t)(state[i / 2] >> 32 * (i % 2));
    return 0;
}

/* Reads a stream's name, and its key if it has random numbers; returns 0, or -1. */
static int read_stream(PyObject *stream, PyObject *key, bp_dither_job *work) {
    static const char *const known[] = {"nearest", "fast", "philox"};
    const char *text = PyUnicode_Check(stream) ? PyUnicode_AsUTF8(stream) : NULL;

    if (text == NULL && PyErr_Occurred())
        return -1;
    for (int i = BP_NEAREST; text != NULL && i <= BP_PHILOX; i++)
        if (strcmp(text, known[i]) == 0) {
            work->stream = i;
            return i == BP_NEAREST ? 0 : glue_read_key(key, work->root);
        }
    PyErr_Format(PyExc_ValueError, "stream must be 'nearest', 'fast' or 'philox', got %R", stream);
    return -1;
}

/* ---- dither ---- */

/* Sets the error of a coordinate that has no level. */
static void raise_no_level(const bp_dither_job *work, size_t j) {
    const double place = bp_dither_place(work, j);
    double x, inverse;
    PyObject *first, *second;

    memcpy(&x, work->x + 8 * j, sizeof x);
    memcpy(&inverse, work->inverse + (work->single ? 0 : 8 * j), sizeof inverse);
    first = PyFloat_FromDouble(!isfinite(x) ? x : place >= 0.0 ? place : work->factor);
    second = PyFloat_FromDouble(inverse);
    if (first != NULL && second != NULL && !isfinite(x))
        PyErr_Format(PyExc_ValueError, "x must be finite, got %R at index %zu", first, j);
    else if (first != NULL && second != NULL && place >= 0.0)
        PyErr_Format(PyExc_ValueError, "a level must be at most 1073741824, got %R at index %zu",
                     first, j);
    else if (first != NULL && second != NULL)
        PyErr_Format(PyExc_ValueError,
                     "factor and inverse must be finite and not negative, got %R and %R at index "
                     "%zu", first, second, j);
    Py_XDECREF(first);
    Py_XDECREF(second);
}

/* Rounds; returns the number of levels that are not zero, or NULL with an error set. */
static PyObject *run_dither(const bp_dither_job *work, uint8_t *levels) {
    PyThreadState *saved = 8 * work->n > GIL_BYTES ? PyEval_SaveThread() : NULL;
    size_t nonzero;
    const size_t bad = bp_dither(work, levels, &nonzero);

    if (saved != NULL)
        PyEval_RestoreThread(saved);
    if (bad < work->n) {
        raise_no_level(work, bad);
        return NULL;
    }
    return PyLong_FromSize_t(nonzero);
}

static PyObject *dither(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    Py_buffer x = {0}, inverse = {0}, out = {0};
    bp_dither_job work = {0};
    PyObject *found = NULL;

    (void)module;
    if (count != 6)
        return PyErr_Format(PyExc_TypeError, "dither() takes 6 arguments, got %zd", count);
    if (glue_take_doubles(args[0], "x", &x) == 0 &&
        glue_take_doubles(args[1], "inverse", &inverse) == 0 &&
        take_levels(args[5], "out", &out) == 0 &&
        check_sizes(x.len / 8, out.len / 4, "levels", &inverse, "inverse") == 0 &&
        check_out(&out, &x, "x") == 0 && check_out(&out, &inverse, "inverse") == 0 &&
        read_double(args[2], &work.factor) == 0 && read_stream(args[4], args[3], &work) == 0) {
        work.x = x.buf;
        work.inverse = inverse.buf;
        work.n = (size_t)(x.len / 8);
        work.single = inverse.len == 8;
        found = run_dither(&work, out.buf);
    }
    PyBuffer_Release(&x);
    PyBuffer_Release(&inverse);
    PyBuffer_Release(&out);
    return found;
}

/* ---- undither ---- */

static PyObject *undither(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    Py_buffer levels = {0}, steps = {0}, out = {0};
    double scale, weight;
    int add, done = 0;

    (void)module;
    if (count != 6)
        return PyErr_Format(PyExc_TypeError, "undither() takes 6 arguments, got %zd", count);
    if (read_double(args[2], &scale) < 0 || read_double(args[3], &weight) < 0 ||
        (add = PyObject_IsTrue(args[5])) < 0)
        return NULL;
    if (take_levels(args[0], "levels", &levels) == 0 &&
        glue_take_doubles(args[1], "steps", &steps) == 0 &&
        glue_take_doubles(args[4], "out", &out) == 0 &&
        check_sizes(levels.len / 4, out.len / 8, "numbers", &steps, "steps") == 0 &&
        check_out(&out, &levels, "levels") == 0 && check_out(&out, &steps, "steps") == 0) {
        PyThreadState *saved = out.len > GIL_BYTES ? PyEval_SaveThread() : NULL;
        bp_undither(levels.buf, steps.buf, steps.len == 8, (size_t)(out.len / 8), scale, weight,
                    add, out.buf);
        if (saved != NULL)
            PyEval_RestoreThread(saved);
        done = 1;
    }
    PyBuffer_Release(&levels);
    PyBuffer_Release(&steps);
    PyBuffer_Release(&out);
    if (!done)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"dither", FAST(dither),
     "dither(x, inverse, factor, key, stream, out, /)\n--\n\n"
     "Write the levels of x; return how many are not zero. See netopt.core.steps."},
    {"undither", FAST(undither),
     "undither(levels, steps, scale, weight, out, add, /)\n--\n\n"
     "Write weight times the decoded vector to out, or add it. See netopt.core.steps."},
    {NULL, NULL, 0, NULL},
};

int glue_add_steps(PyObject *module) {
    return PyModule_AddFunctions(module, functions);
}

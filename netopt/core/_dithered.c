/* The type Dither: norm, dithering and Elias triples of a vector in one call, and back. */
#include "_glue.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "bitpack.h"
#include "codes.h"
#include "grid.h"
#include "steps.h"
#include "tiers.h"

enum { SCALE_BYTES = 4 };

/* n coordinates with 1 or n steps; `levels` is scratch, which is why no call gives up the GIL. */
typedef struct {
    PyObject_HEAD
    size_t n;
    int norm, stream, code, single;
    uint32_t largest;
    uint8_t *inverse, *steps, *levels;
} dither_object;

/* Returns a copy of 1 or n numbers, and how many in `count`; NULL with an error set. */
static uint8_t *copied(PyObject *object, const char *name, size_t n, size_t *count) {
    Py_buffer view = {0};
    uint8_t *copy = NULL;

    if (glue_take_doubles(object, name, &view) == 0) {
        *count = (size_t)(view.len / 8);
        if (*count != 1 && *count != n)
            PyErr_Format(PyExc_ValueError, "%s must hold 1 or %zu numbers, got %zu", name, n,
                         *count);
        else if ((copy = PyMem_Malloc(8 * *count)) == NULL)
            PyErr_NoMemory();
        else
            memcpy(copy, view.buf, 8 * *count);
    }
    PyBuffer_Release(&view);
    return copy;
}

static void dither_dealloc(dither_object *self) {
    PyTypeObject *type = Py_TYPE(self);

    PyMem_Free(self->inverse);
    PyMem_Free(self->steps);
    PyMem_Free(self->levels);
    type->tp_free((PyObject *)self);
    Py_DECREF(type); /* an instance of a heap type holds a reference to it */
}

/* Copies the steps and makes room for levels; returns 0, or -1 with an error set. */
static int fill(dither_object *self, PyObject *inverse, PyObject *steps) {
    size_t one, other;

    if ((self->inverse = copied(inverse, "inverse", self->n, &one)) == NULL ||
        (self->steps = copied(steps, "steps", self->n, &other)) == NULL)
        return -1;
    if (one != other) {
        PyErr_Format(PyExc_ValueError, "as many steps as inverses are needed, got %zu and %zu",
                     other, one);
        return -1;
    }
    self->single = one == 1;
    self->levels = PyMem_Calloc(self->n + 1, 4);
    if (self->levels == NULL)
        PyErr_NoMemory();
    return self->levels == NULL ? -1 : 0;
}

static PyObject *dither_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    PyObject *inverse, *steps;
    Py_ssize_t n, largest;
    int norm, stream, code;
    dither_object *self;

    if (keywords != NULL && PyDict_GET_SIZE(keywords) > 0) {
        PyErr_SetString(PyExc_TypeError, "Dither() takes no keyword arguments");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "nOOiiin:Dither", &n, &inverse, &steps, &norm, &stream, &code,
                          &largest))
        return NULL;
    if (n < 0 || norm < 0 || norm >= BP_NORMS || stream < BP_NEAREST || stream > BP_PHILOX ||
        (code != BP_OMEGA && code != BP_GAMMA) || largest < 1 || largest > BP_HIGHEST) {
        PyErr_SetString(PyExc_ValueError, "Dither() takes n >= 0, a norm of 0..2, a stream of "
                        "0..2, a code of 0 or 1 and a largest level of 1..2**30");
        return NULL;
    }
    self = (dither_object *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->n = (size_t)n, self->norm = norm, self->stream = stream, self->code = code;
    self->largest = (uint32_t)largest;
    if (fill(self, inverse, steps) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

/* The least normal float32 that is not below a norm of at most FLT_MAX. */
static float scale_of(double norm) {
    float scale = (float)norm;

    if (norm <= FLT_MIN)
        return FLT_MIN;
    return (double)scale < norm ? nextafterf(scale, INFINITY) : scale;
}

static void write_scale(uint8_t *out, float scale) {
    uint32_t word;

    memcpy(&word, &scale, 4);
    for (int i = 0; i < SCALE_BYTES; i++)
        out[i] = (uint8_t)(word >> 8 * i);
}

static float read_scale(const uint8_t *payload) {
    uint32_t word = 0;
    float scale;

    for (int i = 0; i < SCALE_BYTES; i++)
        word |= (uint32_t)payload[i] << 8 * i;
    memcpy(&scale, &word, 4);
    return scale;
}

/* Writes the payload; returns its bits, or -1 if the vector cannot be sent. */
static long long encode(const dither_object *self, const uint8_t *x, const uint32_t root[4],
                        uint8_t *out, size_t room) {
    const double norm = bp_active()->norm[self->norm][BP_FLOAT64](x, self->n);
    bp_dither_job job = {.x = x, .inverse = self->inverse, .n = self->n, .single = self->single,
                         .stream = self->stream};
    bp_coded coded;
    size_t nonzero;
    double scale;

    if (!(norm <= FLT_MAX) || room < SCALE_BYTES)
        return -1;
    scale = (double)scale_of(norm);
    job.factor = 1.0 / scale;
    if (scale * job.factor > 1.0)
        job.factor = nextafter(job.factor, 0.0);
    memcpy(job.root, root, sizeof job.root);
    if (bp_dither(&job, self->levels, &nonzero) < self->n)
        return -1;
    coded = bp_levels_put(self->levels, self->n, self->code, out + SCALE_BYTES, room - SCALE_BYTES);
    if (coded.what != BP_CODED)
        return -1;
    write_scale(out, (float)scale);
    return 8 * SCALE_BYTES + (long long)coded.bits;
}

static PyObject *dither_encode(dither_object *self, PyObject *const *args, Py_ssize_t count) {
    Py_buffer x = {0}, out = {0};
    uint32_t root[4] = {0};
    PyObject *bits = NULL;

    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "encode() takes 3 arguments, got %zd", count);
    if (glue_take_doubles(args[0], "x", &x) == 0 && glue_acquire(args[1], "out", &out) == 0 &&
        glue_check_bytes(&out, "out", 0, 1) == 0 &&
        (self->stream == BP_NEAREST || glue_read_key(args[2], root) == 0)) {
        if ((size_t)(x.len / 8) != self->n)
            PyErr_Format(PyExc_ValueError, "x must hold %zu numbers, got %zd", self->n, x.len / 8);
        else if (glue_overlap(x.buf, (size_t)x.len, out.buf, (size_t)out.len))
            PyErr_SetString(PyExc_ValueError, "x and out must not overlap in memory");
        else
            bits = PyLong_FromLongLong(encode(self, x.buf, root, out.buf, (size_t)out.len));
    }
    PyBuffer_Release(&x);
    PyBuffer_Release(&out);
    return bits;
}

/* Adds or writes weight times the values; returns 0, or -1 if the payload is none. */
static int decode(const dither_object *self, const uint8_t *payload, size_t size, double weight,
                  int add, uint8_t *out) {
    float scale;

    if (size < SCALE_BYTES)
        return -1;
    scale = read_scale(payload);
    if (!(scale >= FLT_MIN && scale <= FLT_MAX) ||
        bp_levels_get(payload + SCALE_BYTES, size - SCALE_BYTES, self->code, self->largest,
                      self->levels, self->n).what != BP_CODED)
        return -1;
    bp_undither(self->levels, self->steps, self->single, self->n, (double)scale, weight, add, out);
    return 0;
}

static PyObject *dither_decode(dither_object *self, PyObject *const *args, Py_ssize_t count) {
    Py_buffer payload = {0}, out = {0};
    PyObject *done = NULL;
    double weight;
    int add;

    if (count != 4)
        return PyErr_Format(PyExc_TypeError, "decode() takes 4 arguments, got %zd", count);
    weight = PyFloat_AsDouble(args[2]);
    if ((weight == -1.0 && PyErr_Occurred()) || (add = PyObject_IsTrue(args[3])) < 0)
        return NULL;
    if (glue_acquire(args[0], "payload", &payload) == 0 &&
        glue_check_bytes(&payload, "payload", 0, 0) == 0 &&
        glue_take_doubles(args[1], "out", &out) == 0) {
        if ((size_t)(out.len / 8) != self->n || out.readonly)
            PyErr_Format(PyExc_ValueError, "out must be writable and hold %zu numbers", self->n);
        else if (glue_overlap(payload.buf, (size_t)payload.len, out.buf, (size_t)out.len))
            PyErr_SetString(PyExc_ValueError, "payload and out must not overlap in memory");
        else
            done = PyBool_FromLong(
                decode(self, payload.buf, (size_t)payload.len, weight, add, out.buf) == 0);
    }
    PyBuffer_Release(&payload);
    PyBuffer_Release(&out);
    return done;
}

static PyMethodDef methods[] = {
    {"encode", FAST(dither_encode),
     "encode(x, out, key, /)\n--\n\n"
     "Write norm and triples of x; return their bits, or -1 if x cannot be sent."},
    {"decode", FAST(dither_decode),
     "decode(payload, out, weight, add, /)\n--\n\n"
     "Write or add weight times the values; return whether the payload is one."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Dither(n, inverse, steps, norm, stream, code, largest, /)\n--\n\n"
                "Dithering of vectors of n coordinates. See netopt.core.dithered."},
    {Py_tp_new, dither_new},
    {Py_tp_dealloc, dither_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "netopt.core._bitpack.Dither",
    .basicsize = sizeof(dither_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

int glue_add_dithered(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    const int failed = type == NULL ? -1 : PyModule_AddType(module, (PyTypeObject *)type);

    Py_XDECREF(type);
    return failed;
}

/* What `netopt bench pack` times without Python in the loop: kernels and their yardsticks. */
#include "_glue.h"

#include <string.h>
#include <time.h>

#include "bitpack.h"

enum { PACK, UNPACK, PACK_NAIVE, UNPACK_NAIVE, COPY };

static const char *const names[] = {"pack", "unpack", "pack_naive", "unpack_naive", "memcpy"};

/* The thread's own seconds where there are such: on a shared machine others take turns. */
static double now(void) {
    struct timespec t;

#if defined(CLOCK_THREAD_CPUTIME_ID)
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
#else
    timespec_get(&t, TIME_UTC);
#endif
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Hides from the compiler what the bytes are for, so that no call of a loop is left out. */
static void keep(void *memory) {
#if defined(__GNUC__)
    __asm__ volatile("" : : "r"(memory) : "memory");
#else
    (void)memory;
#endif
}

static void once(int what, const Py_buffer *from, const Py_buffer *to, unsigned bits) {
    const size_t from_n = (size_t)(from->len / from->itemsize);
    const size_t to_n = (size_t)(to->len / to->itemsize);

    if (what == PACK)
        bp_pack(from->buf, (unsigned)from->itemsize, from_n, bits, to->buf);
    else if (what == UNPACK)
        bp_unpack(from->buf, to_n, bits, to->buf, (unsigned)to->itemsize);
    else if (what == PACK_NAIVE)
        bp_pack_naive(from->buf, (unsigned)from->itemsize, from_n, bits, to->buf);
    else if (what == UNPACK_NAIVE)
        bp_unpack_naive(from->buf, to_n, bits, to->buf, (unsigned)to->itemsize);
    else
        memcpy(to->buf, from->buf, (size_t)from->len);
    keep(to->buf);
}

/* Whether the buffers hold what the call touches. */
static int fits(int what, const Py_buffer *from, const Py_buffer *to, unsigned bits) {
    const Py_buffer *plain = what == PACK || what == PACK_NAIVE ? from : to;
    const Py_buffer *packed = plain == from ? to : from;

    if (what == COPY)
        return from->len <= to->len && !to->readonly;
    return !to->readonly && bits >= 1 && bits <= 8 * plain->itemsize && plain->itemsize <= 4 &&
           bp_bytes((size_t)(plain->len / plain->itemsize), bits) <= (size_t)packed->len;
}

static PyObject *timed(PyObject *module, PyObject *args) {
    const char *name;
    PyObject *from_object, *to_object;
    Py_buffer from = {0}, to = {0};
    unsigned bits, calls;
    double seconds = -1.0;

    (void)module;
    if (!PyArg_ParseTuple(args, "sOIOI", &name, &from_object, &bits, &to_object, &calls))
        return NULL;
    if (glue_acquire(from_object, "from", &from) == 0 && glue_acquire(to_object, "to", &to) == 0)
        for (int what = 0; what <= COPY; what++)
            if (strcmp(name, names[what]) == 0 && fits(what, &from, &to, bits)) {
                const double began = now();
                for (unsigned i = 0; i < calls; i++)
                    once(what, &from, &to, bits);
                seconds = (now() - began) / calls;
            }
    PyBuffer_Release(&from);
    PyBuffer_Release(&to);
    if (PyErr_Occurred())
        return NULL;
    if (seconds < 0.0)
        return PyErr_Format(PyExc_ValueError, "nothing to time as '%s' with these buffers", name);
    return PyFloat_FromDouble(seconds);
}

static PyObject *nothing(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    (void)args;
    (void)count;
    Py_RETURN_NONE;
}

/* Takes two buffers as a packing call does, and gives them back. */
static PyObject *buffers(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    Py_buffer first = {0}, second = {0};

    (void)module;
    if (count == 2 && glue_acquire(args[0], "first", &first) == 0)
        glue_acquire(args[1], "second", &second);
    PyBuffer_Release(&first);
    PyBuffer_Release(&second);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"_timed", timed, METH_VARARGS,
     "_timed(name, source, bits, target, calls, /)\n--\n\nReturn the seconds of one call."},
    {"_buffers", FAST(buffers), "Take two buffers and release them, as packing does."},
    {"_nothing", FAST(nothing), "Do nothing, as fast as a call can."},
    {NULL, NULL, 0, NULL},
};

int glue_add_timing(PyObject *module) {
    return PyModule_AddFunctions(module, functions);
}

/* The Python face of codes.c: checks arguments, releases the GIL, raises errors. */
#include "_glue.h"

#include <string.h>

#include "codes.h"

/* One call: numbers on one side, their codes on the other. */
typedef struct {
    Py_buffer plain, packed;
    const char *plain_name;
    int code, reads, numbers; /* numbers: a plain run, not levels */
    uint32_t largest;
    uint8_t *stream; /* packed, from the offset on */
    size_t n, room;
    Py_ssize_t offset;
} job;

/* ---- arguments ---- */

int glue_check_int32(const Py_buffer *view, const char *name, int or_unsigned) {
    const char *format = view->format == NULL ? "B" : view->format;

    if (*format == '@' || *format == '=' || *format == (PY_LITTLE_ENDIAN ? '<' : '>'))
        format++;
    if (*format == '\0' || strchr(or_unsigned ? "ilIL" : "il", *format) == NULL ||
        format[1] != '\0' || view->itemsize != 4) {
        PyErr_Format(PyExc_TypeError, "%s must hold native %s, got format '%s'", name,
                     or_unsigned ? "int32 or uint32" : "int32", view->format);
        return -1;
    }
    if (view->len / 4 > BP_TOP) {
        PyErr_Format(PyExc_ValueError, "%s must hold at most %d numbers, got %zd", name, BP_TOP,
                     view->len / 4);
        return -1;
    }
    return 0;
}

/* Reads a whole number from `first` to `last`; returns -1 with an error set for others. */
static Py_ssize_t number(PyObject *object, const char *name, Py_ssize_t first, Py_ssize_t last) {
    const Py_ssize_t found = PyNumber_AsSsize_t(object, NULL);

    if (found == -1 && PyErr_Occurred())
        return -1;
    if (found < first || found > last) {
        PyErr_Format(PyExc_ValueError, "%s must be %zd..%zd, got %S", name, first, last, object);
        return -1;
    }
    return found;
}

static int read_code(job *work, PyObject *code) {
    work->code = (int)number(code, "code", 0, work->numbers ? BP_LAST_CODE : BP_GAMMA);
    return work->code < 0 ? -1 : 0;
}

/* Takes and checks the side of the numbers; returns 0, or -1 with an error set. */
static int take_plain(job *work, PyObject *plain) {
    work->plain_name = work->reads ? "out" : work->numbers ? "values" : "levels";
    if (glue_acquire(plain, work->plain_name, &work->plain) < 0 ||
        glue_check_int32(&work->plain, work->plain_name, work->numbers && !work->reads) < 0)
        return -1;
    work->n = (size_t)(work->plain.len / 4);
    return 0;
}

/* Takes and checks the side of the codes; returns 0, or -1 with an error set. */
static int take_packed(job *work, PyObject *packed, PyObject *offset) {
    const char *const name = work->reads ? "payload" : "out";

    if (glue_acquire(packed, name, &work->packed) < 0 ||
        glue_check_bytes(&work->packed, name, 0, !work->reads) < 0)
        return -1;
    if (work->reads && work->plain.readonly) {
        PyErr_SetString(PyExc_ValueError, "out must be writable, got a read-only buffer");
        return -1;
    }
    if (offset != NULL && (work->offset = number(offset, "offset", 0, work->packed.len)) < 0)
        return -1;
    work->stream = (uint8_t *)work->packed.buf + work->offset;
    work->room = (size_t)(work->packed.len - work->offset);
    if (glue_overlap(work->plain.buf, (size_t)work->plain.len, work->stream, work->room)) {
        PyErr_Format(PyExc_ValueError, "%s and out must not overlap in memory",
                     work->reads ? name : work->plain_name);
        return -1;
    }
    return 0;
}

/* ---- outcomes ---- */

/* Sets the error of numbers that cannot be written. */
static void raise_no_code(const job *work, size_t i) {
    uint32_t value;

    memcpy(&value, (const uint8_t *)work->plain.buf + 4 * i, sizeof value);
    if (!work->numbers)
        PyErr_Format(PyExc_ValueError, "levels must be at most %d in size, got %d at index %zu",
                     BP_HIGHEST, (int)value, i);
    else if (strpbrk(work->plain.format, "IL") != NULL)
        PyErr_Format(PyExc_ValueError, "values must be 1..%d, got %u at index %zu", BP_TOP,
                     (unsigned)value, i);
    else
        PyErr_Format(PyExc_ValueError, "values must be 1..%d, got %d at index %zu", BP_TOP,
                     (int)value, i);
}

/* Sets the error of bytes that cannot be read. */
static void raise_unread(const job *work, int what) {
    if (what == BP_BAD_INDEX)
        PyErr_Format(PyExc_ValueError, "an index runs past the %zu coordinates", work->n);
    else if (what == BP_BAD_LEVEL)
        PyErr_Format(PyExc_ValueError, "a level is above %u", (unsigned)work->largest);
    else if (what == BP_ABOVE)
        PyErr_Format(PyExc_ValueError, "a number is above %d", BP_TOP);
    else
        PyErr_SetString(PyExc_ValueError,
                        what == BP_CUT           ? "the stream ends within a code"
                        : what == BP_BAD_PADDING ? "the zero padding has 8 bits or more"
                                                 : "the rest of the last byte must be zeros");
}

static bp_coded count_bits(const job *work) {
    return (work->numbers ? bp_numbers_bits : bp_levels_bits)(work->plain.buf, work->n,
                                                              work->code);
}

/* Sets the error of a call that did not succeed. */
static void fail(const job *work, int what) {
    bp_coded need;

    if (work->reads) {
        raise_unread(work, what);
        return;
    }
    need = count_bits(work);
    if (need.what == BP_NO_CODE)
        raise_no_code(work, need.index);
    else if ((need.bits + 7) / 8 > work->room)
        PyErr_Format(PyExc_ValueError, "out needs %llu bytes after offset %zd, got %zu",
                     (unsigned long long)((need.bits + 7) / 8), work->offset, work->room);
    else
        PyErr_Format(PyExc_ValueError, "%s changed while they were written", work->plain_name);
}

static bp_coded call(const job *work) {
    if (work->packed.buf == NULL)
        return count_bits(work);
    if (work->reads)
        return work->numbers ? bp_numbers_get(work->stream, work->room, work->code,
                                              work->plain.buf, work->n)
                             : bp_levels_get(work->stream, work->room, work->code, work->largest,
                                             work->plain.buf, work->n);
    return (work->numbers ? bp_numbers_put : bp_levels_put)(work->plain.buf, work->n, work->code,
                                                            work->stream, work->room);
}

/* Runs a job that is ready, and releases it; returns the bits, or NULL with an error set. */
static PyObject *run(job *work, int ready) {
    PyObject *bits = NULL;

    if (ready) {
        PyThreadState *saved = work->plain.len > GIL_BYTES ? PyEval_SaveThread() : NULL;
        const bp_coded found = call(work);
        if (saved != NULL)
            PyEval_RestoreThread(saved);
        if (found.what == BP_CODED)
            bits = PyLong_FromUnsignedLongLong(found.bits);
        else
            fail(work, found.what);
    }
    PyBuffer_Release(&work->plain);
    PyBuffer_Release(&work->packed);
    return bits;
}

static int check_count(const char *name, Py_ssize_t got, Py_ssize_t least, Py_ssize_t most) {
    if (got >= least && got <= most)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s() takes %zd arguments, got %zd", name, most, got);
    return -1;
}

/* ---- functions ---- */

static PyObject *put(PyObject *const *args, Py_ssize_t count, const char *name, int numbers) {
    job work = {.numbers = numbers};

    if (check_count(name, count, 3, 4) < 0)
        return NULL;
    return run(&work, take_plain(&work, args[0]) == 0 && read_code(&work, args[1]) == 0 &&
                          take_packed(&work, args[2], count == 4 ? args[3] : NULL) == 0);
}

static PyObject *levels_put(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    return put(args, count, "levels_put", 0);
}

static PyObject *numbers_put(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    (void)module;
    return put(args, count, "numbers_put", 1);
}

static PyObject *levels_bits(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    job work = {0};

    (void)module;
    if (check_count("levels_bits", count, 2, 2) < 0)
        return NULL;
    return run(&work, take_plain(&work, args[0]) == 0 && read_code(&work, args[1]) == 0);
}

static PyObject *levels_get(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    job work = {.reads = 1};
    Py_ssize_t largest;
    int ready;

    (void)module;
    if (check_count("levels_get", count, 5, 5) < 0)
        return NULL;
    ready = take_plain(&work, args[4]) == 0 && read_code(&work, args[2]) == 0 &&
            (largest = number(args[3], "largest", 1, BP_HIGHEST)) >= 0 &&
            take_packed(&work, args[0], args[1]) == 0;
    work.largest = ready ? (uint32_t)largest : 0;
    return run(&work, ready);
}

static PyObject *numbers_get(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    job work = {.reads = 1, .numbers = 1};

    (void)module;
    if (check_count("numbers_get", count, 4, 4) < 0)
        return NULL;
    return run(&work, take_plain(&work, args[3]) == 0 && read_code(&work, args[2]) == 0 &&
                          take_packed(&work, args[0], args[1]) == 0);
}

static PyMethodDef functions[] = {
    {"levels_put", FAST(levels_put),
     "levels_put(levels, code, out, offset=0, /)\n--\n\n"
     "Write the triples of the levels; return their bits. See netopt.core.codes."},
    {"levels_get", FAST(levels_get),
     "levels_get(payload, offset, code, largest, out, /)\n--\n\n"
     "Read triples up to the payload's end; return their bits. See netopt.core.codes."},
    {"levels_bits", FAST(levels_bits),
     "levels_bits(levels, code, /)\n--\n\nReturn how many bits levels_put writes."},
    {"numbers_put", FAST(numbers_put),
     "numbers_put(values, code, out, offset=0, /)\n--\n\n"
     "Write the codes of the values; return their bits. See netopt.core.codes."},
    {"numbers_get", FAST(numbers_get),
     "numbers_get(payload, offset, code, out, /)\n--\n\n"
     "Read as many codes as out holds; return their bits. See netopt.core.codes."},
    {NULL, NULL, 0, NULL},
};

int glue_add_codes(PyObject *module) {
    bp_codes_init();
    return PyModule_AddFunctions(module, functions);
}

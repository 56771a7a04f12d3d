/* The 32-byte header of a frame in one call: written and sealed, or compared with what is due.
 * The layout is that of netopt.frame. */
#include "_glue.h"

#include <string.h>

#include "crc32c.h"

enum { HEADER = 32, CRC_AT = 28, FIELDS = 10 };

/* Where the fields of a Header lie, in their order, and their bytes. */
static const unsigned char place[FIELDS] = {5, 6, 8, 12, 14, 16, 20, 24, 26, 27};
static const unsigned char width[FIELDS] = {1, 2, 4, 2, 2, 4, 4, 2, 1, 1};
enum { SIZE_FIELD = 6, PAD_FIELD = 7 };

static void put(uint8_t *at, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const uint8_t *at, unsigned bytes) {
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

/* Writes magic, version and the fields of a tuple; returns 0, or -1 with an error set. */
static int fill(PyObject *header, uint8_t head[HEADER]) {
    if (!PyTuple_Check(header) || PyTuple_GET_SIZE(header) != FIELDS) {
        PyErr_Format(PyExc_TypeError, "header must be a netopt.frame.Header, got %s",
                     Py_TYPE(header)->tp_name);
        return -1;
    }
    memcpy(head, "NOPT\1", 5);
    for (int i = 0; i < FIELDS; i++) {
        const unsigned long long value = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(header, i));

        if (value == (unsigned long long)-1 && PyErr_Occurred())
            return -1;
        if (value >> 8 * width[i]) {
            PyErr_Format(PyExc_ValueError, "field %d of the header must fit %d bytes, got %llu", i,
                         (int)width[i], value);
            return -1;
        }
        put(head + place[i], value, width[i]);
    }
    return 0;
}

/* The checksum of a frame whose first bytes are `head`; of the header alone unless `whole`. */
static uint32_t checksum(const uint8_t *head, const uint8_t *frame, size_t size, int whole) {
    const uint32_t crc = crc32c(head, CRC_AT, 0);

    return whole && size > HEADER ? crc32c(frame + HEADER, size - HEADER, crc) : crc;
}

static PyObject *header_put(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    Py_buffer frame = {0};
    uint8_t head[HEADER];
    PyObject *done = NULL;
    int whole;

    (void)module;
    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "header_put() takes 3 arguments, got %zd", count);
    if ((whole = PyObject_IsTrue(args[2])) < 0 || fill(args[1], head) < 0)
        return NULL;
    if (glue_acquire(args[0], "frame", &frame) == 0) {
        const size_t size = HEADER + (size_t)get(head + place[SIZE_FIELD], 4);

        if (glue_check_bytes(&frame, "frame", size, 1) == 0) {
            put(head + CRC_AT, checksum(head, frame.buf, size, whole), 4);
            memcpy(frame.buf, head, HEADER);
            done = Py_NewRef(Py_None);
        }
    }
    PyBuffer_Release(&frame);
    return done;
}

/* Whether a frame is the one that `head` announces; if `loose`, its length may be another one. */
static int is_due(const Py_buffer *frame, uint8_t head[HEADER], int whole, int loose) {
    const uint8_t *data = frame->buf;

    if (frame->itemsize != 1 || frame->len < HEADER)
        return 0;
    if (loose)
        memcpy(head + place[SIZE_FIELD], data + place[SIZE_FIELD], 6);
    if (memcmp(head, data, CRC_AT) != 0 ||
        HEADER + get(head + place[SIZE_FIELD], 4) != (uint64_t)frame->len)
        return 0;
    if (loose && (get(head + place[PAD_FIELD], 2) > 7 ||
                  (frame->len == HEADER && get(head + place[PAD_FIELD], 2) > 0)))
        return 0;
    return get(data + CRC_AT, 4) == checksum(data, data, (size_t)frame->len, whole);
}

static PyObject *header_due(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    Py_buffer frame = {0};
    uint8_t head[HEADER];
    PyObject *pad = NULL;
    int whole, loose;

    (void)module;
    if (count != 4)
        return PyErr_Format(PyExc_TypeError, "header_due() takes 4 arguments, got %zd", count);
    if ((whole = PyObject_IsTrue(args[2])) < 0 || (loose = PyObject_IsTrue(args[3])) < 0 ||
        fill(args[1], head) < 0)
        return NULL;
    if (glue_acquire(args[0], "frame", &frame) == 0)
        pad = PyLong_FromLong(
            is_due(&frame, head, whole, loose) ? (long)get(head + place[PAD_FIELD], 2) : -1);
    PyBuffer_Release(&frame);
    return pad;
}

static PyMethodDef functions[] = {
    {"header_put", FAST(header_put),
     "header_put(frame, header, whole, /)\n--\n\n"
     "Write header and checksum in front of the payload. See netopt.core.header."},
    {"header_due", FAST(header_due),
     "header_due(frame, header, whole, loose, /)\n--\n\n"
     "Return the pad bits of a frame that is the one due, else -1. See netopt.core.header."},
    {NULL, NULL, 0, NULL},
};

int glue_add_header(PyObject *module) { return PyModule_AddFunctions(module, functions); }

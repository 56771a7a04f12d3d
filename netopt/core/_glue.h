/* What the files of the extension module share. */
#ifndef NETOPT_GLUE_H
#define NETOPT_GLUE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

/* Below this many bytes the work takes less time than giving up the GIL and taking it back. */
enum { GIL_BYTES = 16384 };

#define FAST(f) (PyCFunction)(void (*)(void))(f), METH_FASTCALL

/* Fills `view` from a C-contiguous buffer of any format; returns 0, or -1 with an error set. */
int glue_acquire(PyObject *object, const char *name, Py_buffer *view);

/* Whether two runs of memory share a byte. */
int glue_overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes);

/* The type of a vector's coordinates, BP_FLOAT32 or BP_FLOAT64; -1 with an error set if neither. */
int glue_type_of(const Py_buffer *view, const char *name);

/* Checks that a buffer holds `need` bytes, and may be written; returns 0, or -1 with an error set. */
int glue_check_bytes(const Py_buffer *view, const char *name, size_t need, int writable);

/* Checks that a buffer holds native int32 or, if allowed, uint32; returns 0, or -1 with an error. */
int glue_check_int32(const Py_buffer *view, const char *name, int or_unsigned);

/* Fills `view` from a C-contiguous buffer of native float64; returns 0, or -1 with an error set. */
int glue_take_doubles(PyObject *object, const char *name, Py_buffer *view);

/* Derives a stream's root from the seven numbers of a Key; returns 0, or -1 with an error set. */
int glue_read_key(PyObject *key, uint32_t root[4]);

/* Adds the functions on variable-length codes; returns 0, or -1 with an error set. */
int glue_add_codes(PyObject *module);

/* Adds dither and undither; returns 0, or -1 with an error set. */
int glue_add_steps(PyObject *module);

/* Adds the functions on a frame's header; returns 0, or -1 with an error set. */
int glue_add_header(PyObject *module);

/* Adds the type Dither; returns 0, or -1 with an error set. */
int glue_add_dithered(PyObject *module);

/* Adds the functions on raw numbers; returns 0, or -1 with an error set. */
int glue_add_raw(PyObject *module);

/* Adds the type Grid and the functions on vectors; returns 0, or -1 with an error set. */
int glue_add_grid(PyObject *module);

/* Adds what the benchmark times without Python in the loop; returns 0, or -1 with an error set. */
int glue_add_timing(PyObject *module);

#endif

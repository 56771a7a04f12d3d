/* Dithering with a step for each coordinate, and back: see steps.py. No Python, no allocation.
 *
 * Buffers need not be aligned; input and output must not overlap. Every operation is rounded by
 * itself. */
#ifndef NETOPT_STEPS_H
#define NETOPT_STEPS_H

#include <stddef.h>
#include <stdint.h>

/* Coordinates of float64 measured in their own steps: y_j = (|x_j| * factor) * inverse_j, with one
 * inverse for all if `single`. `stream` is BP_NEAREST, BP_FAST or BP_PHILOX of grid.h, `root` the
 * root of the random numbers. */
typedef struct {
    const uint8_t *x, *inverse;
    size_t n;
    double factor;
    int single, stream;
    uint32_t root[4];
} bp_dither_job;

/* Writes n levels, int32_t, and counts those that are not zero. Returns the index of the first
 * coordinate whose y is not within 0..2^30, the levels then being unspecified; or n. */
size_t bp_dither(const bp_dither_job *job, uint8_t *levels, size_t *nonzero);

/* y of coordinate j. */
double bp_dither_place(const bp_dither_job *job, size_t j);

/* Writes weight * ((scale * steps_j) * levels_j), n numbers of float64, or adds it. */
void bp_undither(const uint8_t *levels, const uint8_t *steps, int single, size_t n, double scale,
                 double weight, int add, uint8_t *out);

#endif

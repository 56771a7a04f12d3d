/* Dithering in plain loops over copies of a chunk, which compilers make vectors of. */
#include "steps.h"

#include <math.h>
#include <string.h>

#include "bitpack.h"
#include "grid.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { BIG_ENDIAN_WORDS = 1 };
#else
enum { BIG_ENDIAN_WORDS = 0 };
#endif

enum { CHUNK = 512, HALVES = 2 * CHUNK };

#define HIGHEST 0x1p30

/* Copies `count` numbers of a vector from index `first` on, or one number as often. */
BP_INLINE void copy(double *to, const uint8_t *vector, int single, size_t first, size_t count) {
    if (!single) {
        memcpy(to, vector + first * sizeof *to, count * sizeof *to);
        return;
    }
    memcpy(to, vector, sizeof *to);
    for (size_t i = 1; i < count; i++)
        to[i] = to[0];
}

double bp_dither_place(const bp_dither_job *job, size_t j) {
    double x, inverse;

    copy(&x, job->x, 0, j, 1);
    copy(&inverse, job->inverse, job->single, j, 1);
    return fabs(x) * job->factor * inverse;
}

/* Turns coordinates into places, 0 where there is no level; returns whether that happened. */
static int measure(const double *x, double factor, double *place, size_t count) {
    int64_t bad = 0;

    for (size_t i = 0; i < count; i++) {
        const double y = fabs(x[i]) * factor * place[i];
        const int64_t good = (y >= 0.0) & (y <= HIGHEST);
        place[i] = good ? y : 0.0;
        bad += 1 - good;
    }
    return bad != 0;
}

/* Rounds places at random: up if the place between two levels, in units of 2^-32 and rounded down,
 * plus a random word is at least 2^32. As floor(f) >= k is f >= k for whole k, nothing is rounded
 * down here. */
static void round_random(const double *place, const uint16_t *random, int32_t *levels,
                         size_t count) {
    uint32_t words[CHUNK];

    memcpy(words, random, count * sizeof *words);
    if (BIG_ENDIAN_WORDS)
        for (size_t i = 0; i < count; i++)
            words[i] = words[i] << 16 | words[i] >> 16;
    for (size_t i = 0; i < count; i++) {
        const uint32_t r = words[i];
        const int32_t base = (int32_t)place[i];
        const double between = (place[i] - base) * 0x1p32;
        /* r - 2^31, which fits a signed word and so is cheaper to convert. */
        const double centred = (int32_t)(r ^ UINT32_C(0x80000000));
        levels[i] = base + (between >= 0x1p31 - centred);
    }
}

static void round_nearest(const double *place, int32_t *levels, size_t count) {
    for (size_t i = 0; i < count; i++)
        levels[i] = (int32_t)(place[i] + 0.5);
}

/* Gives levels the signs of x; returns how many are not zero. */
static int sign(const double *x, int32_t *levels, size_t count) {
    int nonzero = 0;

    for (size_t i = 0; i < count; i++) {
        levels[i] = x[i] < 0.0 ? -levels[i] : levels[i];
        nonzero += levels[i] != 0;
    }
    return nonzero;
}

static size_t first_bad(const bp_dither_job *job, size_t j) {
    for (; j + 1 < job->n; j++) { /* the last one if the vector changed meanwhile */
        const double y = bp_dither_place(job, j);
        if (!(y >= 0.0 && y <= HIGHEST))
            break;
    }
    return j;
}

size_t bp_dither(const bp_dither_job *job, uint8_t *levels, size_t *nonzero) {
    double x[CHUNK], place[CHUNK];
    int32_t rounded[CHUNK];
    uint16_t random[HALVES];

    *nonzero = 0;
    for (size_t first = 0, count; first < job->n; first += count) {
        count = job->n - first < CHUNK ? job->n - first : CHUNK;
        copy(x, job->x, 0, first, count);
        copy(place, job->inverse, job->single, first, count);
        if (measure(x, job->factor, place, count))
            return first_bad(job, first);
        if (job->stream == BP_NEAREST) {
            round_nearest(place, rounded, count);
        } else {
            bp_random(job->stream, job->root, 2 * (uint64_t)first, 2 * count, random);
            round_random(place, random, rounded, count);
        }
        *nonzero += (size_t)sign(x, rounded, count);
        memcpy(levels + first * sizeof *rounded, rounded, count * sizeof *rounded);
    }
    return job->n;
}

void bp_undither(const uint8_t *levels, const uint8_t *steps, int single, size_t n, double scale,
                 double weight, int add, uint8_t *out) {
    int32_t level[CHUNK];
    double step[CHUNK], y[CHUNK];

    for (size_t first = 0, count; first < n; first += count) {
        count = n - first < CHUNK ? n - first : CHUNK;
        memcpy(level, levels + first * sizeof *level, count * sizeof *level);
        copy(step, steps, single, first, count);
        for (size_t i = 0; i < count; i++)
            step[i] = weight * (scale * step[i] * level[i]);
        if (add) {
            memcpy(y, out + first * sizeof *y, count * sizeof *y);
            for (size_t i = 0; i < count; i++)
                step[i] = y[i] + step[i];
        }
        memcpy(out + first * sizeof *y, step, count * sizeof *y);
    }
}

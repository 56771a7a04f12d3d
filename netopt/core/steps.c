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

enum { CHUNK = 512 };

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

/* ---- one chunk ---- */

/* Turns coordinates into places, 0 where there is no level; returns whether that happened. */
BP_INLINE int measure(const double *x, double factor, double *place, size_t count) {
    int64_t bad = 0;

    for (size_t i = 0; i < count; i++) {
        const double y = fabs(x[i]) * factor * place[i];
        const int64_t good = (y >= 0.0) & (y <= HIGHEST);
        place[i] = good ? y : 0.0;
        bad += 1 - good;
    }
    return bad != 0;
}

/* Rounds up if the place between two levels, in units of 2^-32 and rounded down, plus a random word
 * is at least 2^32. As floor(f) >= k is f >= k for whole k, nothing is rounded down here. */
BP_INLINE void round_random(const double *place, const uint32_t *words, int32_t *levels,
                            size_t count) {
    for (size_t i = 0; i < count; i++) {
        const int32_t base = (int32_t)place[i];
        const double between = (place[i] - base) * 0x1p32;
        /* The word less 2^31: a signed one is cheaper to convert. */
        const double centred = (int32_t)(words[i] ^ UINT32_C(0x80000000));
        levels[i] = base + (between >= 0x1p31 - centred);
    }
}

BP_INLINE void round_nearest(const double *place, int32_t *levels, size_t count) {
    for (size_t i = 0; i < count; i++)
        levels[i] = (int32_t)(place[i] + 0.5);
}

/* Gives levels the signs of x; returns how many are not zero. */
BP_INLINE int sign(const double *x, int32_t *levels, size_t count) {
    int nonzero = 0;

    for (size_t i = 0; i < count; i++) {
        levels[i] = x[i] < 0.0 ? -levels[i] : levels[i];
        nonzero += levels[i] != 0;
    }
    return nonzero;
}

/* Turns inverse steps into places, these into levels, to nearest if `words` is NULL; returns how many
 * are not zero, or -1 if a coordinate has no level. */
BP_INLINE int round_chunk(const double *x, double factor, double *place, const uint32_t *words,
                          int32_t *levels, size_t count) {
    if (measure(x, factor, place, count))
        return -1;
    if (words == NULL)
        round_nearest(place, levels, count);
    else
        round_random(place, words, levels, count);
    return sign(x, levels, count);
}

typedef int rounder(const double *x, double factor, double *place, const uint32_t *words,
                    int32_t *levels, size_t count);

static int round_portable(const double *x, double factor, double *place, const uint32_t *words,
                          int32_t *levels, size_t count) {
    return round_chunk(x, factor, place, words, levels, count);
}

#if BP_X86
/* The same loops, of which compilers make vectors given a choice between numbers of 64 bits. */
__attribute__((target("avx2")))
static int round_avx2(const double *x, double factor, double *place, const uint32_t *words,
                      int32_t *levels, size_t count) {
    return round_chunk(x, factor, place, words, levels, count);
}
#else
#define round_avx2 round_portable
#endif

/* ---- a vector ---- */

/* Fills a chunk's random words: pairs of 16-bit numbers, the low half first. */
static void draw(const bp_dither_job *job, size_t first, size_t count, uint32_t *words) {
    uint16_t halves[2 * CHUNK];

    bp_random(job->stream, job->root, 2 * (uint64_t)first, 2 * count, halves);
    memcpy(words, halves, count * sizeof *words);
    for (size_t i = 0; BIG_ENDIAN_WORDS && i < count; i++)
        words[i] = words[i] << 16 | words[i] >> 16;
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
    rounder *const rounds = bp_active() == &bp_portable ? round_portable : round_avx2;
    const int random = job->stream != BP_NEAREST;
    double x[CHUNK], place[CHUNK];
    uint32_t words[CHUNK];
    int32_t rounded[CHUNK];

    *nonzero = 0;
    for (size_t first = 0, count; first < job->n; first += count) {
        count = job->n - first < CHUNK ? job->n - first : CHUNK;
        copy(x, job->x, 0, first, count);
        copy(place, job->inverse, job->single, first, count);
        if (random)
            draw(job, first, count, words);
        const int some = rounds(x, job->factor, place, random ? words : NULL, rounded, count);
        if (some < 0)
            return first_bad(job, first);
        *nonzero += (size_t)some;
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

/* The portable norms, extremes and signs. */
#include <math.h>
#include <string.h>

#include "portable.h"

enum { LANES = 16 };

double bp_tree_sum(double lanes[16]) {
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int k = 0; k < width; k++)
            lanes[k] += lanes[k + width];
    return lanes[0];
}

#define SUM(NAME, T, TERM) \
    double NAME(const void *memory, size_t n) { \
        const uint8_t *at = memory; \
        double lanes[LANES] = {0}; \
        T x[LANES]; \
        for (; n >= LANES; n -= LANES, at += sizeof x) { \
            memcpy(x, at, sizeof x); \
            for (int k = 0; k < LANES; k++) \
                lanes[k] += TERM((double)x[k]); \
        } \
        memcpy(x, at, n * sizeof *x); \
        for (size_t k = 0; k < n; k++) \
            lanes[k] += TERM((double)x[k]); \
        return bp_tree_sum(lanes); \
    }
#define SQUARE(v) ((v) * (v))
SUM(bp_portable_l1_float, float, fabs)
SUM(bp_portable_l1_double, double, fabs)
SUM(bp_portable_squares_float, float, SQUARE)
SUM(bp_portable_squares_double, double, SQUARE)

#define REST(T) \
    double bp_portable_l2_##T(const void *x, size_t n) { \
        return sqrt(bp_portable_squares_##T(x, n)); \
    } \
    /* NaN loses every comparison, so it is looked for beside them. */ \
    void bp_portable_extremes_##T(const void *memory, size_t n, double range[2]) { \
        const uint8_t *at = memory; \
        T least[LANES], largest[LANES], x[LANES], nan = 0; \
        for (int k = 0; k < LANES; k++) \
            least[k] = (T)INFINITY, largest[k] = (T)-INFINITY, x[k] = 0; \
        while (n > 0) { \
            const size_t count = n < LANES ? n : LANES; \
            memcpy(x, at, count == LANES ? sizeof x : count * sizeof *x); \
            for (size_t k = count; k < LANES; k++) \
                x[k] = x[0]; \
            for (int k = 0; k < LANES; k++) { \
                least[k] = x[k] < least[k] ? x[k] : least[k]; \
                largest[k] = x[k] > largest[k] ? x[k] : largest[k]; \
                if (x[k] != x[k]) \
                    nan = x[k]; \
            } \
            n -= count, at += count * sizeof *x; \
        } \
        for (int k = 1; k < LANES; k++) { \
            least[0] = least[k] < least[0] ? least[k] : least[0]; \
            largest[0] = largest[k] > largest[0] ? largest[k] : largest[0]; \
        } \
        range[0] = nan != nan ? (double)nan : (double)least[0] + 0.0; \
        range[1] = nan != nan ? (double)nan : (double)largest[0] + 0.0; \
    } \
    double bp_portable_linf_##T(const void *memory, size_t n) { \
        double range[2] = {0.0, 0.0}; \
        if (n > 0) \
            bp_portable_extremes_##T(memory, n, range); \
        return -range[0] > range[1] ? -range[0] : range[1]; \
    } \
    void bp_portable_signs_##T(const void *memory, size_t n, uint8_t *out) { \
        const uint8_t *at = memory; \
        for (size_t i = 0; i < n; i++, at += sizeof(T)) { \
            T x; \
            memcpy(&x, at, sizeof x); \
            if (i % 8 == 0) \
                out[i / 8] = 0; \
            out[i / 8] = (uint8_t)(out[i / 8] | !signbit(x) << i % 8); \
        } \
    }
REST(float)
REST(double)

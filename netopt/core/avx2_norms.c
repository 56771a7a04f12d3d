/* The AVX2 norms, extremes and signs; sums have the lanes of the portable ones. */
#include "avx2.h"

#if BP_X86
#include <math.h>
#include <string.h>

enum { LANES = 16 };

/* Quarter number k of a group of 16 coordinates, in float64. */
AVX2_INLINE __m256d quarter(const void *group, int is_float, int k) {
    return is_float ? _mm256_cvtps_pd(_mm_loadu_ps((const float *)group + 4 * k))
                    : _mm256_loadu_pd((const double *)group + 4 * k);
}

AVX2_INLINE __m256d term(__m256d x, int square) {
    return square ? _mm256_mul_pd(x, x)
                  : _mm256_and_pd(x, _mm256_castsi256_pd(_mm256_set1_epi64x(INT64_MAX)));
}

AVX2_INLINE double sum(const uint8_t *x, size_t n, int is_float, int square) {
    const size_t size = is_float ? sizeof(float) : sizeof(double);
    uint8_t rest[LANES * sizeof(double)] = {0}; /* zeros change no lane: all terms are >= 0 */
    __m256d total[4];
    double lanes[LANES];

    for (int k = 0; k < 4; k++)
        total[k] = _mm256_setzero_pd();
    for (; n >= LANES; n -= LANES, x += LANES * size)
        for (int k = 0; k < 4; k++)
            total[k] = _mm256_add_pd(total[k], term(quarter(x, is_float, k), square));
    memcpy(rest, x, n * size);
    for (int k = 0; k < 4; k++) {
        total[k] = _mm256_add_pd(total[k], term(quarter(rest, is_float, k), square));
        _mm256_storeu_pd(lanes + 4 * k, total[k]);
    }
    return bp_tree_sum(lanes);
}

AVX2 double bp_avx2_l1_float(const void *x, size_t n) {
    return sum(x, n, 1, 0);
}

AVX2 double bp_avx2_l1_double(const void *x, size_t n) {
    return sum(x, n, 0, 0);
}

AVX2 double bp_avx2_l2_float(const void *x, size_t n) {
    return sqrt(sum(x, n, 1, 1));
}

AVX2 double bp_avx2_l2_double(const void *x, size_t n) {
    return sqrt(sum(x, n, 0, 1));
}

/* NaN loses a comparison in one operand's place and wins it in the other's, so it is looked for
 * beside them. The first n % (2 * N) coordinates are the portable kernel's. */
#define EXTREMES(T, REGISTER, P, N) \
    AVX2 void bp_avx2_extremes_##T(const void *memory, size_t n, double range[2]) { \
        const T *x = (const T *)memory + n % (2 * N); \
        REGISTER a, b, low, high, low2, high2, odd = _mm256_setzero_##P(); \
        T ends[2 * N]; \
        double rest[2]; \
        bp_portable_extremes_##T(memory, n % (2 * N), range); \
        if (n < 2 * N) \
            return; \
        low = high = _mm256_loadu_##P(x); \
        low2 = high2 = _mm256_loadu_##P(x + N); \
        for (size_t i = n / (2 * N); i > 0; i--, x += 2 * N) { \
            a = _mm256_loadu_##P(x), b = _mm256_loadu_##P(x + N); \
            low = _mm256_min_##P(low, a), low2 = _mm256_min_##P(low2, b); \
            high = _mm256_max_##P(high, a), high2 = _mm256_max_##P(high2, b); \
            odd = _mm256_or_##P(odd, _mm256_cmp_##P(a, b, _CMP_UNORD_Q)); \
        } \
        _mm256_storeu_##P(ends, _mm256_min_##P(low, low2)); \
        _mm256_storeu_##P(ends + N, _mm256_max_##P(high, high2)); \
        if (_mm256_movemask_##P(odd) != 0) \
            ends[0] = (T)NAN; \
        bp_portable_extremes_##T(ends, 2 * N, rest); \
        for (int end = 0; end < 2; end++) /* the portable kernel's NaN stays, too */ \
            if (rest[end] != rest[end] || (end ? rest[1] > range[1] : rest[0] < range[0])) \
                range[end] = rest[end]; \
    } \
    AVX2 double bp_avx2_linf_##T(const void *x, size_t n) { \
        double range[2] = {0.0, 0.0}; \
        if (n > 0) \
            bp_avx2_extremes_##T(x, n, range); \
        return -range[0] > range[1] ? -range[0] : range[1]; \
    }
EXTREMES(float, __m256, ps, 8)
EXTREMES(double, __m256d, pd, 4)

AVX2 void bp_avx2_signs_float(const void *memory, size_t n, uint8_t *out) {
    const float *x = memory;

    for (; n >= 8; n -= 8, x += 8)
        *out++ = (uint8_t)~_mm256_movemask_ps(_mm256_loadu_ps(x));
    if (n > 0)
        bp_portable_signs_float(x, n, out);
}

AVX2 void bp_avx2_signs_double(const void *memory, size_t n, uint8_t *out) {
    const double *x = memory;

    for (; n >= 8; n -= 8, x += 8) {
        const int low = _mm256_movemask_pd(_mm256_loadu_pd(x));
        const int high = _mm256_movemask_pd(_mm256_loadu_pd(x + 4));
        *out++ = (uint8_t)~(low | high << 4);
    }
    if (n > 0)
        bp_portable_signs_double(x, n, out);
}

#endif

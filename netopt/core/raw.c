/* Copy, convert and add with the check for NaN and infinity in the same pass.
 *
 * x * 0 is 0 for finite x and NaN otherwise, and a sum keeps a NaN; sixteen sums side by side let
 * compilers make vectors of the loop.
 */
#include "raw.h"

#include <string.h>

enum { COPY = 512, LANES = 16 };

/* Whether some of `checks` is NaN. */
#define ANY_NAN(checks, found) \
    for (int k = 0; k < LANES; k++) \
        (found) |= (checks)[k] != (checks)[k];

/* T: the coordinates' type; W: the wire's; A: the arithmetic's. Rests of a copy are zeros. */
#define KERNELS(T, W, A) \
    static int put_##T##_##W(const uint8_t *x, size_t n, uint8_t *out) { \
        W checks[LANES] = {0}; \
        int bad = 0; \
        for (size_t count; n > 0; n -= count, x += count * sizeof(T), out += count * sizeof(W)) { \
            T from[COPY]; \
            W to[COPY]; \
            count = n < COPY ? n : COPY; \
            memcpy(from, x, count * sizeof(T)); \
            const size_t whole = (count + LANES - 1) / LANES * LANES; \
            memset(from + count, 0, (whole - count) * sizeof(T)); \
            for (size_t i = 0; i < whole; i++) \
                to[i] = (W)from[i]; \
            for (size_t i = 0; i < whole; i += LANES) \
                for (size_t k = 0; k < LANES; k++) \
                    checks[k] += to[i + k] * 0; \
            memcpy(out, to, count * sizeof(W)); \
        } \
        ANY_NAN(checks, bad) \
        return bad; \
    } \
    static int add_##T##_##W(const uint8_t *payload, size_t n, double weight, int add, \
                             uint8_t *y) { \
        const A w = (A)weight; \
        W checks[LANES] = {0}; \
        int bad = 0; \
        for (size_t count; n > 0; \
             n -= count, payload += count * sizeof(W), y += count * sizeof(T)) { \
            W from[COPY]; \
            T to[COPY]; \
            count = n < COPY ? n : COPY; \
            memcpy(from, payload, count * sizeof(W)); \
            const size_t whole = (count + LANES - 1) / LANES * LANES; \
            memset(from + count, 0, (whole - count) * sizeof(W)); \
            for (size_t i = 0; i < whole; i += LANES) \
                for (size_t k = 0; k < LANES; k++) \
                    checks[k] += from[i + k] * 0; \
            if (add) { \
                memcpy(to, y, count * sizeof(T)); \
                for (size_t i = 0; i < count; i++) \
                    to[i] = (T)((A)to[i] + w * (A)from[i]); \
            } else { \
                for (size_t i = 0; i < count; i++) \
                    to[i] = (T)(w * (A)from[i]); \
            } \
            memcpy(y, to, count * sizeof(T)); \
        } \
        ANY_NAN(checks, bad) \
        return bad; \
    }
KERNELS(float, float, float)
KERNELS(float, double, double)
KERNELS(double, float, double)
KERNELS(double, double, double)

int bp_raw_put(int type, int wire, const void *x, size_t n, uint8_t *out) {
    if (type == BP_FLOAT32)
        return wire == BP_FLOAT32 ? put_float_float(x, n, out) : put_float_double(x, n, out);
    return wire == BP_FLOAT32 ? put_double_float(x, n, out) : put_double_double(x, n, out);
}

int bp_raw_add(int type, int wire, const uint8_t *payload, size_t n, double weight, int add,
               void *y) {
    if (type == BP_FLOAT32)
        return wire == BP_FLOAT32 ? add_float_float(payload, n, weight, add, y)
                                  : add_float_double(payload, n, weight, add, y);
    return wire == BP_FLOAT32 ? add_double_float(payload, n, weight, add, y)
                              : add_double_double(payload, n, weight, add, y);
}

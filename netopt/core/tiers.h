/* What one instruction set offers: a table of kernels, one table a tier.
 *
 * Every tier gives the same bits; reference.py, grid.py, norms.py and streams.py say which. Buffers
 * need not be aligned, but symbols of 32 bits and random numbers are; input and output must not
 * overlap; no kernel touches a byte that its contract does not name.
 */
#ifndef NETOPT_TIERS_H
#define NETOPT_TIERS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define BP_INLINE static inline __attribute__((always_inline))
#else
#define BP_INLINE static inline
#endif

#if defined(__GNUC__) && defined(__x86_64__)
#define BP_X86 1
#else
#define BP_X86 0
#endif

/* The type of a vector's coordinates, and the index of a kernel for it. */
enum { BP_FLOAT32, BP_FLOAT64, BP_TYPES };

/* What bp_tier.norm computes: sums in float64 over 16 lanes and a tree, largest |x|. */
enum { BP_L1, BP_L2, BP_LINF, BP_NORMS };

/* One vector's, or one block's, quantizer, in the numbers that the kernels work with.
 *
 * Arithmetic is in float32 if coordinates are float32 and bits <= 8, else in float64; every
 * operation is rounded by itself.
 * Stochastic: symbol = (rint((x - lo) * mult + origin) + r) >> 16, with 65536 in mult and origin and
 * r a random 16-bit number. Nearest: symbol = min(floor((x - lo) * mult + origin), top), for |x| at
 * most `limit`. Decoded: (symbol - zero) * delta + lo. */
typedef struct {
    double lo, mult, origin, limit, delta, zero;
    uint32_t top;
    unsigned bits;
} bp_grid;

/* Packs n plain values into bp_bytes(n, bits) bytes; returns 0, or non-zero if some value is 2^bits
 * or more, in which case those bytes are unspecified. */
typedef uint64_t bp_pack_fn(const void *values, size_t n, unsigned bits, uint8_t *out);

/* Unpacks n values from bp_bytes(n, bits) bytes; ignores the pad bits. */
typedef void bp_unpack_fn(const uint8_t *payload, size_t n, unsigned bits, void *out);

/* Quantizes n coordinates to symbols of one byte (bits <= 8) or four (bits > 8); `random` holds n
 * numbers, or is NULL for nearest rounding. Returns 0, or non-zero if a coordinate is NaN, infinite
 * or has no symbol up to `top`; the symbols are then unspecified. */
typedef int bp_quantize_fn(const void *x, size_t n, const bp_grid *grid, const uint16_t *random,
                           void *symbols);

/* Writes weight * decoded value to out, or adds it; returns the largest symbol seen. */
typedef uint32_t bp_decode_fn(const uint8_t *payload, size_t n, const bp_grid *grid, double weight,
                              int add, void *out);

/* Rounds n coordinates of one block by the stream `fast` and packs them, as far as a tier can with up
 * to 8 bits and stores within `room` bytes from `out` on: all n, or a multiple of 32; what lies there
 * beyond the symbols is unspecified. `key` and `first` are those of bp_tier.fast. Returns how many coordinates
 * are done; sets `bad` if one has no symbol, and then nothing beyond `room` is touched either. */
typedef size_t bp_encode_fn(const void *x, size_t n, const bp_grid *grid, const uint32_t key[2],
                            uint32_t first, uint8_t *out, size_t room, int *bad);

typedef struct {
    const char *name;
    /* Indexed by log2(itemsize). */
    bp_pack_fn *pack[3];
    bp_unpack_fn *unpack[3];
    /* Indexed by the coordinates' type. */
    double (*norm[BP_NORMS][BP_TYPES])(const void *x, size_t n);
    /* Least and largest coordinate to range[0] and [1], both NaN if one is; zeros are positive. */
    void (*extremes[BP_TYPES])(const void *x, size_t n, double range[2]);
    bp_quantize_fn *quantize[BP_TYPES];
    bp_decode_fn *decode[BP_TYPES];
    /* Bit i says whether x[i] has no sign bit. */
    void (*signs[BP_TYPES])(const void *x, size_t n, uint8_t *out);
    /* 8 * blocks random numbers of the stream `philox` from block `first` on. */
    void (*philox)(const uint32_t root[4], uint64_t first, size_t blocks, uint16_t *out);
    /* 32 * groups random numbers of the stream `fast` from a block's word `first` on. */
    void (*fast)(const uint32_t key[2], uint32_t first, size_t groups, uint16_t *out);
    /* NULL where a tier gains nothing by it. */
    bp_encode_fn *encode_fast[BP_TYPES];
} bp_tier;

extern const bp_tier bp_portable;
#if BP_X86
extern const bp_tier bp_avx2;
extern const bp_tier bp_avx512;
#endif

#endif

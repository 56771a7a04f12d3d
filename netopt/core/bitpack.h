/* Bit packing in portable C99: no Python, no allocation, no global state but the tier.
 *
 * Layout: value i is bits [i * bits, (i + 1) * bits) of a little-endian bit stream of
 * bp_bytes(n, bits) bytes, whose pad bits are zero. Plain values are native uint8_t, uint16_t or
 * uint32_t (`itemsize` 1, 2 or 4), with 1 <= bits <= 8 * itemsize. No buffer need be aligned. Input
 * and output must not overlap. No function reads or writes a byte beyond what its contract names.
 */
#ifndef NETOPT_BITPACK_H
#define NETOPT_BITPACK_H

#include <stddef.h>
#include <stdint.h>

#include "tiers.h"

/* Makes the named tier the active one (NULL or "": the best); returns 0, or -1 if there is none. */
int bp_select(const char *name);

/* The active tier; portable before the first bp_select. */
const bp_tier *bp_active(void);

/* The names that bp_select accepts on this processor, slowest first, joined by ", ". */
const char *bp_tier_choices(void);

/* The lowest `bits` bits; bits in 0..63. */
static inline uint64_t bp_low_mask(unsigned bits) {
    return ((uint64_t)1 << bits) - 1;
}

/* ceil(n * bits / 8), for n up to SIZE_MAX / 4. */
static inline size_t bp_bytes(size_t n, unsigned bits) {
    return n / 8 * bits + (n % 8 * bits + 7) / 8;
}

/* How many of the leading groups of `group` bytes leave `reach` bytes from their first one on within
 * `bytes`. At most a few do not, so they are counted rather than divided for. */
static inline size_t bp_in_place(size_t bytes, size_t group, size_t reach, size_t groups) {
    while (groups > 0 && (groups - 1) * group + reach > bytes)
        groups--;
    return groups;
}

/* Packs through the active tier; results as bp_pack_fn, 0 or non-zero. */
int bp_pack(const void *values, unsigned itemsize, size_t n, unsigned bits, uint8_t *out);

/* Unpacks through the active tier. */
void bp_unpack(const uint8_t *payload, size_t n, unsigned bits, void *out, unsigned itemsize);

/* The same two, one value and one byte at a time: the yardstick, and an oracle for the tiers. */
int bp_pack_naive(const void *values, unsigned itemsize, size_t n, unsigned bits, uint8_t *out);
void bp_unpack_naive(const uint8_t *payload, size_t n, unsigned bits, void *out,
                     unsigned itemsize);

/* The pad bits after n values, as a number below 128; 0 for every payload that a packer wrote. */
unsigned bp_pad_bits(const uint8_t *payload, size_t n, unsigned bits);

/* Plain value number i. */
uint32_t bp_value(const void *values, unsigned itemsize, size_t i);

/* The index of the first value that is 2^bits or more, or n. */
size_t bp_first_too_large(const void *values, unsigned itemsize, size_t n, unsigned bits);

#endif

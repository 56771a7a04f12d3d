/* Vectors to payloads and back: side information, then one fixed-width symbol a coordinate.
 *
 * A payload is the side information of all blocks, little-endian float32, and then the symbols of
 * all coordinates as one bit stream. A block is the whole vector, or a multiple of 64 coordinates so
 * that its symbols begin on a byte. No Python, no allocation, no state.
 */
#ifndef NETOPT_GRID_H
#define NETOPT_GRID_H

#include "tiers.h"

/* What a block's grid is made of.
 * SCALED: scale = max(norm, floor), rounded up to float32; spacing scale / levels around zero.
 * RANGE: least and largest coordinate, rounded outwards to float32; spacing (high - low) / levels.
 * SIGN: scale = mean size of a coordinate, rounded to float32; one bit a coordinate.
 * FIXED: as SCALED with scale = floor known to both ends; no side information. */
enum { BP_SCALED, BP_RANGE, BP_SIGN, BP_FIXED };

/* How coordinates between two symbols are rounded: to the nearest, or by a stream of numbers. */
enum { BP_NEAREST, BP_FAST, BP_PHILOX };

enum { BP_BLOCK_UNIT = 64 };

typedef struct {
    int kind, norm, stream;
    unsigned bits;
    double levels, floor;
    size_t block; /* coordinates, or 0 for the whole vector */
} bp_codec;

/* What varies from call to call: symbol `origin` means zero, `top` is the largest symbol. */
typedef struct {
    double origin;
    uint32_t top;
    uint32_t root[4]; /* of the random stream */
} bp_moment;

/* What was wrong: `what` is one of the following, in block `block`, with the number `value`. */
enum { BP_FINE, BP_NO_SCALE, BP_OUTSIDE, BP_BAD_SCALE, BP_BAD_SYMBOL, BP_BAD_PADS };

typedef struct {
    int what;
    size_t block;
    double value;
} bp_fault;

/* How many bytes the payload of n coordinates has, and how many of them come before the symbols. */
size_t bp_payload_bytes(const bp_codec *codec, size_t n);
size_t bp_side_bytes(const bp_codec *codec, size_t n);

/* Writes the payload of x; returns BP_FINE, or a fault after which it is unspecified. */
bp_fault bp_encode(const bp_codec *codec, const bp_moment *moment, int type, const void *x,
                   size_t n, uint8_t *out);

/* Writes weight * decoded vector to y, or adds it; returns BP_FINE, or a fault after which y is
 * unspecified. */
bp_fault bp_decode(const bp_codec *codec, const bp_moment *moment, int type,
                   const uint8_t *payload, size_t n, double weight, int add, void *y);

/* Writes random numbers first .. first + n - 1 of a stream; `first` is a multiple of 64 and no
 * number beyond that of the chunk of 1024 is asked for. The room is n rounded up to 32. */
void bp_random(int stream, const uint32_t root[4], uint64_t first, size_t n, uint16_t *out);

#endif

/* Blocks, scales and chunks: everything about a quantizer that needs no instruction set. */
#include "grid.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "bitpack.h"
#include "philox.h"

enum { CHUNK = 1024, FAST_BLOCK = 4096 };

/* A range below this is taken for a point: its inverse would leave float32. */
#define LEAST_WIDTH 0x1p-100

/* ---- float32 side information ---- */

static void store_float(uint8_t *at, float value) {
    uint32_t word;

    memcpy(&word, &value, sizeof word);
    for (int k = 0; k < 4; k++)
        at[k] = (uint8_t)(word >> 8 * k);
}

static float load_float(const uint8_t *at) {
    const uint32_t word = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                          (uint32_t)at[3] << 24;
    float value;

    memcpy(&value, &word, sizeof value);
    return value;
}

/* The least float32 that is not below a finite value, infinity if there is none. */
static float rounded_up(double value) {
    const float near = value > FLT_MAX ? INFINITY : (float)value;

    return near < value ? nextafterf(near, INFINITY) : near;
}

static float rounded_down(double value) {
    return -rounded_up(-value);
}

/* ---- a block's grid ---- */

static int is_narrow(const bp_codec *codec, int type) {
    return type == BP_FLOAT32 && codec->bits <= 8;
}

/* The largest factor by which `width` does not exceed `steps`, in the arithmetic that the kernels
 * use: then no coordinate within the width leaves the grid by a rounding error. */
static double factor(double width, double steps, int narrow) {
    if (narrow) {
        const float w = (float)width, s = (float)steps;
        float m = (float)(steps / width);
        while (w * m > s)
            m = nextafterf(m, 0.0f);
        return m;
    }
    double m = steps / width;
    while (width * m > steps)
        m = nextafter(m, 0.0);
    return m;
}

/* Completes a grid whose coordinates lie in [lo, lo + width], or [-width, width] if lo is 0. */
static void set_encoder(bp_grid *g, const bp_codec *codec, double origin, double width,
                        int narrow) {
    const double unit = codec->stream == BP_NEAREST ? 1.0 : 65536.0;

    g->mult = width < LEAST_WIDTH && codec->kind == BP_RANGE
                  ? 0.0
                  : factor(width, unit * codec->levels, narrow);
    g->origin = codec->stream == BP_NEAREST ? origin + 0.5 : unit * origin;
}

/* Measures a block, sets its grid and writes its side information. */
static int measure(const bp_codec *codec, const bp_moment *moment, int type, const void *x,
                   size_t n, bp_grid *g, uint8_t *side, double *value) {
    const int narrow = is_narrow(codec, type);
    double range[2], scale = codec->floor;

    *g = (bp_grid){.limit = DBL_MAX, .top = moment->top, .bits = codec->bits};
    if (codec->kind == BP_RANGE) {
        if (n == 0)
            range[0] = range[1] = 0.0;
        else
            bp_active()->extremes[type](x, n, range);
        const float low = rounded_down(range[0]), high = rounded_up(range[1]);
        *value = range[0] == range[0] && -range[0] > range[1] ? range[0] : range[1];
        if (!(high - low <= FLT_MAX)) /* in float32, so infinity if it does not fit one */
            return BP_NO_SCALE;
        store_float(side, low);
        store_float(side + 4, high);
        g->lo = low;
        set_encoder(g, codec, 0.0, (double)high - low, narrow);
        return BP_FINE;
    }
    if (codec->kind == BP_FIXED) {
        g->limit = narrow ? rounded_down(scale) : scale;
        set_encoder(g, codec, moment->origin, g->limit, narrow);
        return BP_FINE;
    }
    *value = bp_active()->norm[codec->kind == BP_SIGN ? BP_L1 : codec->norm][type](x, n);
    if (codec->kind == BP_SIGN)
        scale = n > 0 ? (double)(float)(*value / (double)n) : 0.0;
    else
        scale = rounded_up(*value > scale ? *value : scale);
    if (*value != *value || !(scale <= FLT_MAX))
        return BP_NO_SCALE;
    store_float(side, (float)scale);
    if (codec->kind == BP_SCALED)
        set_encoder(g, codec, moment->origin, scale, narrow);
    return BP_FINE;
}

/* Reads a block's side information and sets its grid. */
static int receive(const bp_codec *codec, const bp_moment *moment, const uint8_t *side, bp_grid *g,
                   double *value) {
    double scale = codec->floor;

    *g = (bp_grid){.top = moment->top, .bits = codec->bits, .zero = moment->origin};
    if (codec->kind == BP_RANGE) {
        const float low = load_float(side), high = load_float(side + 4);
        *value = high;
        if (!(low >= -FLT_MAX && low <= high && high - low <= FLT_MAX))
            return BP_BAD_SCALE;
        g->lo = low;
        g->zero = 0.0;
        g->delta = ((double)high - low) / codec->levels;
        return BP_FINE;
    }
    if (codec->kind != BP_FIXED) {
        *value = scale = load_float(side);
        if (!(scale >= codec->floor && scale <= FLT_MAX))
            return BP_BAD_SCALE;
    }
    g->delta = codec->kind == BP_SIGN ? 2.0 * scale : scale / codec->levels;
    return BP_FINE;
}

/* ---- random numbers ---- */

void bp_random(int stream, const uint32_t root[4], uint64_t first, size_t n, uint16_t *out) {
    uint32_t words[4] = {(uint32_t)(first / FAST_BLOCK), UINT32_C(0x80000000), root[2], root[3]};

    if (stream == BP_PHILOX) {
        bp_active()->philox(root, first / 8, (n + 7) / 8, out);
        return;
    }
    philox4x32(root, words);
    bp_active()->fast(words, (uint32_t)(first % FAST_BLOCK) / 2, (n + 31) / 32, out);
}

/* ---- encode ---- */

/* Quantizes and packs one block, whose first coordinate is number `first` of the vector. */
static int quantize_block(const bp_codec *codec, const bp_moment *moment, int type,
                          const uint8_t *x, uint64_t first, size_t n, const bp_grid *g,
                          uint8_t *out) {
    const bp_tier *tier = bp_active();
    const size_t size = type == BP_FLOAT32 ? sizeof(float) : sizeof(double);
    uint16_t random[CHUNK];
    uint32_t symbols[CHUNK];
    int bad = 0;

    if (codec->kind == BP_SIGN) {
        tier->signs[type](x, n, out);
        return 0;
    }
    for (size_t count; n > 0; n -= count, first += count, x += count * size) {
        const size_t room = CHUNK - first % CHUNK;
        count = n < room ? n : room;
        if (codec->stream != BP_NEAREST)
            bp_random(codec->stream, moment->root, first, count, random);
        bad |= tier->quantize[type](x, count, g, codec->stream == BP_NEAREST ? NULL : random,
                                    symbols);
        if (bad)
            return 1; /* symbols beyond their bits must not be packed */
        tier->pack[codec->bits <= 8 ? 0 : 2](symbols, count, codec->bits, out);
        out += bp_bytes(count, codec->bits);
    }
    return bad;
}

static size_t blocks_of(const bp_codec *codec, size_t n) {
    return codec->block == 0 || n == 0 ? 1 : (n + codec->block - 1) / codec->block;
}

static size_t side_size(const bp_codec *codec) {
    return codec->kind == BP_FIXED ? 0 : codec->kind == BP_RANGE ? 8 : 4;
}

size_t bp_side_bytes(const bp_codec *codec, size_t n) {
    return blocks_of(codec, n) * side_size(codec);
}

size_t bp_payload_bytes(const bp_codec *codec, size_t n) {
    return bp_side_bytes(codec, n) + bp_bytes(n, codec->bits);
}

bp_fault bp_encode(const bp_codec *codec, const bp_moment *moment, int type, const void *x,
                   size_t n, uint8_t *out) {
    const size_t blocks = blocks_of(codec, n), each = codec->block == 0 ? n : codec->block;
    const size_t size = type == BP_FLOAT32 ? sizeof(float) : sizeof(double);
    uint8_t *side = out, *stream = out + bp_side_bytes(codec, n);
    bp_fault fault = {BP_FINE, 0, 0.0};
    bp_grid grid;

    for (size_t b = 0; b < blocks; b++, side += side_size(codec)) {
        const size_t count = b + 1 < blocks ? each : n - b * each;
        const uint8_t *at = (const uint8_t *)x + b * each * size;
        fault.block = b;
        fault.what = measure(codec, moment, type, at, count, &grid, side, &fault.value);
        if (fault.what == BP_FINE &&
            quantize_block(codec, moment, type, at, b * each, count, &grid, stream))
            fault.what = BP_OUTSIDE;
        if (fault.what != BP_FINE)
            break;
        stream += bp_bytes(count, codec->bits);
    }
    return fault;
}

/* ---- decode ---- */

bp_fault bp_decode(const bp_codec *codec, const bp_moment *moment, int type,
                   const uint8_t *payload, size_t n, double weight, int add, void *y) {
    const size_t blocks = blocks_of(codec, n), each = codec->block == 0 ? n : codec->block;
    const size_t size = type == BP_FLOAT32 ? sizeof(float) : sizeof(double);
    const uint8_t *side = payload, *stream = payload + bp_side_bytes(codec, n);
    bp_fault fault = {BP_FINE, 0, 0.0};
    bp_grid grid;

    fault.value = bp_pad_bits(stream, n, codec->bits);
    if (fault.value != 0.0)
        fault.what = BP_BAD_PADS;
    for (size_t b = 0; b < blocks && fault.what == BP_FINE; b++, side += side_size(codec)) {
        const size_t count = b + 1 < blocks ? each : n - b * each;
        fault.block = b;
        fault.what = receive(codec, moment, side, &grid, &fault.value);
        if (fault.what != BP_FINE)
            break;
        const uint32_t largest = bp_active()->decode[type](
            stream, count, &grid, weight, add, (uint8_t *)y + b * each * size);
        if (largest > moment->top) {
            fault.what = BP_BAD_SYMBOL;
            fault.value = largest;
        }
        stream += bp_bytes(count, codec->bits);
    }
    return fault;
}

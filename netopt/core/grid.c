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

/* The key of the block of the stream `fast` that begins at coordinate `first`. */
static void fast_key(const uint32_t root[4], uint64_t first, uint32_t words[4]) {
    words[0] = (uint32_t)(first / FAST_BLOCK);
    words[1] = UINT32_C(0x80000000);
    words[2] = root[2], words[3] = root[3];
    philox4x32(root, words);
}

void bp_random(int stream, const uint32_t root[4], uint64_t first, size_t n, uint16_t *out) {
    uint32_t words[4];

    if (stream == BP_PHILOX) {
        bp_active()->philox(root, first / 8, (n + 7) / 8, out);
        return;
    }
    fast_key(root, first, words);
    bp_active()->fast(words, (uint32_t)(first % FAST_BLOCK) / 2, (n + 31) / 32, out);
}

/* ---- encode ---- */

/* One block on its way to the wire: what is left of it, and where the next symbols go. */
typedef struct {
    const uint8_t *x;
    uint64_t first; /* the number of the next coordinate in the whole vector */
    size_t n, size; /* coordinates left, and bytes of one */
    uint8_t *out, *end; /* the payload's */
} stretch;

static void advance(stretch *s, size_t count, unsigned bits) {
    s->x += count * s->size;
    s->first += count;
    s->n -= count;
    s->out += bp_bytes(count, bits);
}

static size_t up_to(const stretch *s, size_t chunk) {
    const size_t room = chunk - s->first % chunk;

    return s->n < room ? s->n : room;
}

/* Does what the tier's fused kernel can do; returns whether every coordinate had a symbol. */
static int encode_fused(const bp_moment *moment, int type, const bp_grid *g, stretch *s) {
    bp_encode_fn *kernel = bp_active()->encode_fast[type];
    uint32_t words[4];
    size_t count, done = kernel == NULL || g->bits > 8 ? 0 : 1;
    int bad = 0;

    while (done > 0 && s->n > 0) {
        count = up_to(s, FAST_BLOCK);
        fast_key(moment->root, s->first, words);
        done = kernel(s->x, count, g, words, (uint32_t)(s->first % FAST_BLOCK) / 2, s->out,
                      (size_t)(s->end - s->out), &bad);
        advance(s, done, g->bits);
        if (done < count)
            break;
    }
    return !bad;
}

/* Quantizes and packs a block; returns whether every coordinate had a symbol. */
static int encode_block(const bp_codec *codec, const bp_moment *moment, int type, const bp_grid *g,
                        stretch *s) {
    const bp_tier *tier = bp_active();
    const int nearest = codec->stream == BP_NEAREST;
    uint16_t random[CHUNK];
    uint32_t symbols[CHUNK];
    size_t count;

    if (codec->kind == BP_SIGN) {
        tier->signs[type](s->x, s->n, s->out);
        advance(s, s->n, 1);
        return 1;
    }
    if (codec->stream == BP_FAST && !encode_fused(moment, type, g, s))
        return 0;
    for (; s->n > 0; advance(s, count, codec->bits)) {
        count = up_to(s, CHUNK);
        if (!nearest)
            bp_random(codec->stream, moment->root, s->first, count, random);
        if (tier->quantize[type](s->x, count, g, nearest ? NULL : random, symbols))
            return 0; /* symbols beyond their bits must not be packed */
        tier->pack[codec->bits <= 8 ? 0 : 2](symbols, count, codec->bits, s->out);
    }
    return 1;
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
    stretch s = {x, 0, 0, size, out + bp_side_bytes(codec, n), out + bp_payload_bytes(codec, n)};
    bp_fault fault = {BP_FINE, 0, 0.0};
    bp_grid grid;

    for (size_t b = 0; b < blocks && fault.what == BP_FINE; b++, out += side_size(codec)) {
        s.n = b + 1 < blocks ? each : n - b * each;
        fault.block = b;
        fault.what = measure(codec, moment, type, s.x, s.n, &grid, out, &fault.value);
        if (fault.what == BP_FINE && !encode_block(codec, moment, type, &grid, &s))
            fault.what = BP_OUTSIDE;
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

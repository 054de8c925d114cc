/* What one writes in C who knows the machine: elements in vector lanes by loops of constant count, blocks over threads.
 * `c_peer.py` compiles it for the machine it runs on; SLEEF (-DSLEEF) gives the vectors of exp, log and erfc.
 *
 * Every function computes out[i] for i < n; n needn't be a multiple of anything. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __AVX512F__
#include <immintrin.h>
#define BYTES 64
#elif defined(__AVX2__)
#include <immintrin.h>
#define BYTES 32
#else
#define BYTES 16
#endif

/* ---- busy: four registers of int32 in flight hide a step's latency */

enum { BUSY = 4 * BYTES / 4 };

static inline int32_t busy_step(int32_t acc) { return (int32_t)(7u * (uint32_t)acc + 13u) % 997; }

static inline void busy_block(const int32_t *x, int32_t *out, int32_t iters) {
    int32_t acc[BUSY];
    memcpy(acc, x, sizeof acc);
    for (int32_t k = 0; k < iters; k++) {
#pragma GCC ivdep
        for (int lane = 0; lane < BUSY; lane++) acc[lane] = busy_step(acc[lane]);
    }
    memcpy(out, acc, sizeof acc);
}

void busy(const int32_t *x, int32_t *out, size_t n, int32_t iters) {
    const size_t blocks = n / BUSY;
#pragma omp parallel for schedule(dynamic, 16)
    for (size_t b = 0; b < blocks; b++) busy_block(x + BUSY * b, out + BUSY * b, iters);
    for (size_t i = BUSY * blocks; i < n; i++) {
        int32_t acc = x[i];
        for (int32_t k = 0; k < iters; k++) acc = busy_step(acc);
        out[i] = acc;
    }
}

/* ---- Mandelbrot: a block goes on as long as one of its lanes does */

enum { POINTS = 2 * BYTES / 8 };

static inline void mandelbrot_block(const double *cx, const double *cy, int32_t *out, int32_t limit) {
    double zx[POINTS] = {0}, zy[POINTS] = {0};
    int64_t count[POINTS] = {0};
    for (int32_t i = 0; i < limit; i++) {
        int64_t any = 0;
        for (int lane = 0; lane < POINTS; lane++) {
            const double a = zx[lane] * zx[lane], b = zy[lane] * zy[lane];
            const int64_t live = -(int64_t)(a + b <= 4.0);
            count[lane] -= live;
            any |= live;
            const double y = 2 * zx[lane] * zy[lane] + cy[lane];
            zx[lane] = a - b + cx[lane];
            zy[lane] = y;
        }
        if (!any) break;
    }
    for (int lane = 0; lane < POINTS; lane++) out[lane] = (int32_t)count[lane];
}

void mandelbrot(const double *cx, const double *cy, int32_t *out, size_t n, int32_t limit) {
    const size_t blocks = n / POINTS;
#pragma omp parallel for schedule(dynamic, 64)
    for (size_t b = 0; b < blocks; b++)
        mandelbrot_block(cx + POINTS * b, cy + POINTS * b, out + POINTS * b, limit);
    if (n > POINTS * blocks) {
        double x[POINTS] = {0}, y[POINTS] = {0};
        int32_t rest[POINTS];
        const size_t left = n - POINTS * blocks;
        memcpy(x, cx + POINTS * blocks, left * sizeof *x);
        memcpy(y, cy + POINTS * blocks, left * sizeof *y);
        mandelbrot_block(x, y, rest, limit);
        memcpy(out + POINTS * blocks, rest, left * sizeof *rest);
    }
}

/* ---- axpy: stores that pass the cache by, from the first aligned element on */

void axpy(const double *x, const double *y, double *out, size_t n) {
    enum { PIECE = 4096 };
    size_t head = 0;
    while (head < n && (uintptr_t)(out + head) % BYTES != 0) {
        out[head] = 2.5 * x[head] + y[head];
        head++;
    }
    const size_t pieces = (n - head) / PIECE;
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < pieces; p++) {
        const size_t begin = head + p * PIECE;
#if defined(__AVX512F__)
        for (size_t i = begin; i < begin + PIECE; i += 8)
            _mm512_stream_pd(out + i, _mm512_add_pd(_mm512_mul_pd(_mm512_set1_pd(2.5), _mm512_loadu_pd(x + i)),
                                                    _mm512_loadu_pd(y + i)));
#elif defined(__AVX2__)
        for (size_t i = begin; i < begin + PIECE; i += 4)
            _mm256_stream_pd(out + i, _mm256_add_pd(_mm256_mul_pd(_mm256_set1_pd(2.5), _mm256_loadu_pd(x + i)),
                                                    _mm256_loadu_pd(y + i)));
#else
        for (size_t i = begin; i < begin + PIECE; i++) out[i] = 2.5 * x[i] + y[i];
#endif
    }
    for (size_t i = head + pieces * PIECE; i < n; i++) out[i] = 2.5 * x[i] + y[i];
}

/* ---- Black-Scholes by SLEEF */

#if defined(SLEEF) && defined(__AVX2__)
#include <sleef.h>
#ifdef __AVX512F__
typedef __m512d V;
enum { PRICES = 8 };
#define SET _mm512_set1_pd
#define LOAD _mm512_loadu_pd
#define STORE _mm512_storeu_pd
#define SQRT _mm512_sqrt_pd
#define LOG Sleef_logd8_u10avx512f
#define EXP Sleef_expd8_u10avx512f
#define ERFC Sleef_erfcd8_u15avx512f
#else
typedef __m256d V;
enum { PRICES = 4 };
#define SET _mm256_set1_pd
#define LOAD _mm256_loadu_pd
#define STORE _mm256_storeu_pd
#define SQRT _mm256_sqrt_pd
#define LOG Sleef_logd4_u10avx2
#define EXP Sleef_expd4_u10avx2
#define ERFC Sleef_erfcd4_u15avx2
#endif

static inline V normal(V x) { return SET(0.5) * ERFC(-x * SET(0.7071067811865476)); }

static inline void price(const double *spot, const double *strike, const double *years, double *out, double rate,
                         double volatility) {
    const V s = LOAD(spot), k = LOAD(strike), t = LOAD(years);
    const V deviation = SQRT(t) * SET(volatility);
    const V d1 = (LOG(s / k) + SET(rate + 0.5 * volatility * volatility) * t) / deviation;
    STORE(out, s * normal(d1) - k * EXP(SET(-rate) * t) * normal(d1 - deviation));
}

void black_scholes(const double *spot, const double *strike, const double *years, double *out, size_t n, double rate,
                   double volatility) {
    const size_t blocks = n / PRICES;
#pragma omp parallel for schedule(static)
    for (size_t b = 0; b < blocks; b++) {
        const size_t i = b * PRICES;
        price(spot + i, strike + i, years + i, out + i, rate, volatility);
    }
    const size_t done = blocks * PRICES, left = n - done;
    if (left > 0) {
        double s[PRICES], k[PRICES], t[PRICES], o[PRICES];
        for (size_t i = 0; i < PRICES; i++) {
            const size_t from = done + (i < left ? i : 0);
            s[i] = spot[from], k[i] = strike[from], t[i] = years[from];
        }
        price(s, k, t, o, rate, volatility);
        memcpy(out + done, o, left * sizeof *out);
    }
}
#endif

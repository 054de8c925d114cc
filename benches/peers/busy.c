/* busy_work by hand: what one writes in C who knows the machine, as the measure for the built-in kernel.
 *
 *   gcc -O3 -march=native -mprefer-vector-width=512 -fopenmp -shared -fPIC busy.c -o busy.so
 *
 * Both functions compute out[i] from x[i] for i < n: acc = the low 32 bits of x[i], then `iters` times
 * acc = (acc * 7 + 13) % 997 in wrapping 32-bit arithmetic, the remainder with the sign of the dividend.
 * OMP_NUM_THREADS sets the number of threads. */
#include <stddef.h>
#include <stdint.h>

/* Accumulators carried side by side: as int32 they fill four 512-bit registers, which hides an iteration's latency. */
#define LANES 64
/* Blocks of LANES elements that a thread claims at once. */
#define CLAIM 16

/* One iteration. Multiply and add are unsigned because signed overflow is undefined in C. */
static inline int32_t iteration(int32_t acc) {
    return (int32_t)(7u * (uint32_t)acc + 13u) % 997;
}

static inline int32_t element(int64_t x, int32_t iters) {
    int32_t acc = (int32_t)(uint64_t)x;
    while (iters-- > 0) acc = iteration(acc);
    return acc;
}

/* A loop over the elements, one accumulator at a time, on one thread. */
void busy_scalar(const int64_t *x, int32_t *out, size_t n, int32_t iters) {
    for (size_t i = 0; i < n; i++) out[i] = element(x[i], iters);
}

/* One full block. The loop over lanes has a constant count and no dependence: the compiler keeps it in registers. */
static inline void block(const int64_t *x, int32_t *out, int32_t iters) {
    int32_t acc[LANES];
    for (int lane = 0; lane < LANES; lane++) acc[lane] = (int32_t)(uint64_t)x[lane];
    for (int32_t k = 0; k < iters; k++) {
#pragma GCC ivdep
        for (int lane = 0; lane < LANES; lane++) acc[lane] = iteration(acc[lane]);
    }
    for (int lane = 0; lane < LANES; lane++) out[lane] = acc[lane];
}

/* Blocks of LANES elements over all threads, claimed as threads become free; the rest one by one. */
void busy_simd(const int64_t *x, int32_t *out, size_t n, int32_t iters) {
    const size_t blocks = n / LANES;
#pragma omp parallel for schedule(dynamic, CLAIM)
    for (size_t b = 0; b < blocks; b++) block(x + LANES * b, out + LANES * b, iters);
    for (size_t i = LANES * blocks; i < n; i++) out[i] = element(x[i], iters);
}

//! The paths on `busy_work`: by batch size, by chunk size, and tiny batches.
//!
//! Selections: `-- 'chunked_cs.*n50000'` (the chunk-size sweep at 50 000), `-- 'n(10000|50000|100000)'` (all but the tiny
//! batches). Every result is checked against the scalar definition before it is timed.
#![allow(missing_docs, reason = "criterion_group makes a public function")]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use hybrid_rs::buffer::View;
use hybrid_rs::builtin;
use hybrid_rs::call::{Call, NoWatch, Options};
use hybrid_rs::dispatch::Runtime;
use hybrid_rs::flags::{Flags, thread_count};
use hybrid_rs::kernel::{Batch, Kernel};
use hybrid_rs::paths::Path;
use hybrid_rs::sched::plan::Policy;
use hybrid_rs::topology::Topology;

const ITERS: u64 = 512;
const BATCHES: [u64; 3] = [10_000, 50_000, 100_000];
const TINY: [u64; 3] = [64, 499, 999];
const CHUNKS: [u64; 7] = [500, 750, 1000, 1250, 1500, 1750, 2000];

struct Bench {
    runtime: Runtime,
    kernel: Kernel,
}

impl Bench {
    fn new() -> Self {
        let flags = Flags::from_env().unwrap_or_else(|error| panic!("{error}"));
        let lookup = |name: &str| std::env::var(name).ok();
        let threads =
            thread_count(None, None, &flags, &lookup, &Topology::detect()).unwrap_or_else(|e| panic!("{e}")).0;
        let options = Options { threads, metrics: !flags.lite, policy: Policy::Adaptive, chunk_size: flags.chunk_size };
        let runtime = Runtime::new(options).unwrap_or_else(|error| panic!("{error}"));
        Self { runtime, kernel: builtin::busy_work() }
    }

    fn run(&self, call: &Call, x: &[u64], out: &mut [i32]) {
        let n = x.len() as u64;
        let batch = Batch::new(vec![View::input(x), View::scalar(&ITERS, n)], vec![View::output(out)]);
        let batch = batch.unwrap_or_else(|error| panic!("{error}"));
        self.runtime
            .map(&self.kernel, &batch, call, &mut NoWatch)
            .unwrap_or_else(|failure| panic!("{}", failure.error));
    }
}

fn measure(c: &mut Criterion, group: &str, cases: &[(String, Call)], sizes: &[u64]) {
    let bench = Bench::new();
    let mut group = c.benchmark_group(group);
    group
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(150))
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat);
    for &n in sizes {
        let x: Vec<u64> = (0..n).collect();
        let mut out = vec![0; x.len()];
        for (name, call) in cases {
            group.throughput(Throughput::Elements(n));
            group.bench_function(BenchmarkId::new(name.as_str(), format!("n{n}")), |b| {
                out.fill(-1);
                bench.run(call, &x, &mut out);
                let stride = x.len().div_ceil(500).max(1);
                let wrong = (0..x.len()).step_by(stride).find(|i| out[*i] != builtin::busy_one(x[*i] as i32, ITERS));
                assert_eq!(wrong, None, "{name} at {n}");
                b.iter(|| bench.run(call, &x, &mut out));
            });
        }
    }
    group.finish();
}

fn paths(c: &mut Criterion) {
    let cases = Path::ALL.map(|path| (path.name().to_owned(), Call::new(path)));
    measure(c, "paths", &cases, &BATCHES);
    measure(c, "tiny", &cases, &TINY);
}

fn sweep(c: &mut Criterion) {
    let case = |path: Path, name: &str, size| {
        (format!("{name}_chunked_cs{size}"), Call { chunk_size: Some(size), ..Call::new(path) })
    };
    let fnptr = CHUNKS.map(|size| case(Path::HybridFnptrChunked, "fnptr", size));
    let dynamic = CHUNKS.map(|size| case(Path::HybridDynChunked, "dyn", size));
    measure(c, "sweep", &fnptr, &BATCHES);
    measure(c, "sweep_dyn", &dynamic, &[50_000]);
}

criterion_group!(benches, paths, sweep);
criterion_main!(benches);

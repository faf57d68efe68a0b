//! Kernels in the widest registers there are.
//!
//! The crate is compiled for any machine of its kind: on x86-64 that is SSE2, half of what processors of the last ten years have.
//! What is passed through [`wide`] is compiled twice, and the copy with eight values to a register runs where the processor has
//! them. Both have the same bits: a lane of `[f32; 8]` is one lane in either, in the same order of additions, and LLVM joins no
//! multiplication with an addition that was not written as one.

/// Runs a kernel. Only what is inlined into it gains: it and all that it calls should be `#[inline(always)]`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn wide<R>(kernel: impl FnOnce() -> R) -> R {
    use std::sync::LazyLock;

    use fearless_simd::x86::Avx2;
    use fearless_simd::{Level, Simd as _};

    static WIDE: LazyLock<Option<Avx2>> = LazyLock::new(|| Level::new().as_avx2());
    match *WIDE {
        Some(wide) => wide.vectorize(kernel),
        None => kernel(),
    }
}

/// Elsewhere (wasm's simd128, ARM's NEON) there is nothing wider.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn wide<R>(kernel: impl FnOnce() -> R) -> R {
    kernel()
}

#[cfg(test)]
mod tests {
    use super::super::cholesky::{cholesky_here, cholesky_solve_here};
    use super::super::{Panels, cholesky, cholesky_solve, padded};

    #[test]
    fn wide_registers_change_no_bit() {
        let value = |at: usize| ((at * 7919 % 1009) as f32 - 500.0) / 371.0;
        for n in [1, 7, 8, 33, 64, 130] {
            let stride = padded(n);
            let mut panels = Panels::new(n, 70);
            for row in 0..70 {
                let row: Vec<f32> = (0..stride).map(|c| if c < n { value(row * n + c) } else { 0.0 }).collect();
                panels.push(&row);
            }
            let [mut wide, mut here] =
                [0, 1].map(|_| (vec![0.0; n * stride], (0..stride).map(value).collect::<Vec<f32>>()));
            panels.add_gram(0.7, &mut wide.0, stride);
            panels.add_gram_here(0.7, &mut here.0, stride);
            for index in 0..n {
                wide.0[index * stride + index] += 9.0;
                here.0[index * stride + index] += 9.0;
            }
            cholesky(&mut wide.0, n, stride, &mut Panels::default()).unwrap();
            cholesky_here(&mut here.0, n, stride, &mut Panels::default()).unwrap();
            cholesky_solve(&wide.0, n, stride, &mut wide.1);
            cholesky_solve_here(&here.0, n, stride, &mut here.1);
            let bits = |(system, right): (Vec<f32>, Vec<f32>)| {
                [system, right].concat().into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            assert_eq!(bits(wide), bits(here), "{n}");
        }
    }
}

//! The widest vector instructions of the processor at hand, chosen when the program runs.

/// Runs `work` compiled for the processor's vector instructions. `work` must be `#[inline(always)]`, or it is compiled
/// apart, for the oldest processors; what it calls takes part where it is inlined.
#[inline]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

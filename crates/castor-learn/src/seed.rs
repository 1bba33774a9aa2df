//! Random streams that depend on a seed and a position alone, so that the n-th sample of an epoch is the same whatever
//! was drawn before it, on however many threads, and after resuming.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a stream is drawn for; streams of different purposes never meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// First values of the network's weights.
    Weights,
    /// The samples that training sees.
    Training,
    /// Samples drawn once and kept.
    Pool,
    /// Samples held out.
    HeldOut,
    /// Splitting and shuffling.
    Split,
}

/// The stream of a seed for a purpose at a position.
#[must_use]
pub fn stream(seed: u64, purpose: Purpose, position: u64) -> ChaCha8Rng {
    let purpose = match purpose {
        Purpose::Weights => 1,
        Purpose::Training => 2,
        Purpose::Pool => 3,
        Purpose::HeldOut => 4,
        Purpose::Split => 5,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((purpose << 56) | (position & ((1 << 56) - 1)));
    rng
}

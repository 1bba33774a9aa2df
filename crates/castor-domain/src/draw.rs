//! Drawing by hash: the same wherever it is done, with no state and no clock.

/// A number of 0 to 1 (less than 1) that seed and parts alone decide, evenly spread over different parts.
///
/// FNV-1a over the parts with a byte between them that no text of UTF-8 holds, then the finaliser of `MurmurHash3`: FNV
/// alone spreads the last bytes badly over the high bits. No secret: whoever knows the seed knows the draw.
#[must_use]
pub fn fraction(seed: &str, parts: &[&str]) -> f64 {
    // 32 bits are exact in a float and fine enough for a share.
    let high = u32::try_from(number(seed, parts) >> 32).unwrap_or(u32::MAX);
    f64::from(high) / (f64::from(u32::MAX) + 1.0)
}

/// The 64 bits behind [`fraction`].
#[must_use]
pub fn number(seed: &str, parts: &[&str]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut take = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    for text in std::iter::once(&seed).chain(parts) {
        text.bytes().for_each(&mut take);
        take(0xff);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

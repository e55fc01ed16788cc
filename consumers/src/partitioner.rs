//! Which partition a key falls into: that of the JVM's default partitioner, `murmur2_random` as librdkafka calls it.

/// The partition of `key` among `count`; none where there is no partition at all.
pub(crate) fn partition_of(key: &str, count: usize) -> Option<i32> {
    let hash = (murmur2(key.as_bytes()) & 0x7fff_ffff) as usize;
    i32::try_from(hash.checked_rem(count)?).ok()
}

/// `MurmurHash2`, 32 bits, with Kafka's seed.
fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    let mut hash = SEED ^ data.len() as u32;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut word = u32::from_le_bytes(*word).wrapping_mul(M);
        word = (word ^ (word >> R)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ word;
    }
    if !rest.is_empty() {
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u32::from_le_bytes(last)).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::{murmur2, partition_of};

    /// The hashes of the JVM client's own test.
    #[test]
    fn keys_hash_as_on_the_jvm() {
        let vectors: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (key, hash) in vectors {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
            assert_eq!(partition_of(key, 6), Some((hash & 0x7fff_ffff) % 6));
        }
        assert_eq!(partition_of("abc", 0), None);
    }
}

//! What the fuzz target of stored chunks runs, and the test with the kept inputs. Broken promises are assertions. And the
//! two functions that it is about, for the benchmark of them.

use super::codec::{MAX_VALUES, decode, encode};

/// Appends a chunk of at most 255 values to `out`.
pub fn pack(values: &[f64], out: &mut Vec<u8>) {
    encode(values, out);
}

/// Appends the `count` values of the chunk that `bytes` begin with to `out`.
pub fn unpack(bytes: &[u8], count: usize, out: &mut Vec<f64>) {
    decode(bytes, count, out);
}

/// With an even first byte: packs the values that follow and unpacks them, bit for bit. With an odd one: unpacks what
/// follows as so many values as the second byte says, whatever it is.
pub fn chunk(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let mut out = Vec::new();
    if first & 1 == 0 {
        let value = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().unwrap_or_default());
        let values: Vec<f64> = rest.chunks_exact(8).take(MAX_VALUES).map(value).collect();
        let mut packed = Vec::new();
        encode(&values, &mut packed);
        decode(&packed, values.len(), &mut out);
        let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&out), bits(&values), "what is packed is unpacked bit for bit");
    } else if let Some((count, packed)) = rest.split_first() {
        decode(packed, usize::from(*count), &mut out);
        assert_eq!(out.len(), usize::from(*count), "as many values come out as were asked for");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn kept_inputs_of_the_fuzzer_hold() {
        let folder = format!("{}/fuzz/corpus/stored_chunks", env!("CARGO_MANIFEST_DIR"));
        let inputs: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|f| std::fs::read(f.unwrap().path()).unwrap()).collect();
        assert!(inputs.len() > 5);
        for input in inputs {
            super::chunk(&input);
        }
    }
}

//! The lease as tags.

use crate::approval::WriteOrder;

/// Longest value of a tag.
const MAX_VALUE: usize = 256;

/// Tags to set, and keys of tags to remove, as the order says.
pub(super) fn tags(order: &WriteOrder) -> (Vec<(String, String)>, Vec<String>) {
    let (mut set, mut remove) = (Vec::new(), Vec::new());
    for (key, value) in order.annotations() {
        match value {
            Some(value) => set.push((key.clone(), allowed(value))),
            None => remove.push(key.clone()),
        }
    }
    (set, remove)
}

/// Only what every service takes in a tag's value; the rest becomes `_`.
fn allowed(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
    value.chars().take(MAX_VALUE).map(|c| if plain(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn values_hold_only_what_tags_may() {
        assert_eq!(super::allowed("ann op-1 k;\u{1b}'x"), "ann op-1 k___x");
        assert_eq!(super::allowed("2026-12-24T00:00:00+00:00"), "2026-12-24T00:00:00+00:00");
        assert_eq!(super::allowed(&"x".repeat(300)).len(), 256);
    }
}

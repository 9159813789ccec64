//! The reserve that survives the loss of a zone.

/// Fewest replicas that leave `need` when the fullest of `zones` is gone, replicas being spread evenly:
/// `N - ceil(N / zones) >= need`. With fewer than two zones there is nothing left to reserve: `need`.
pub fn surviving_zone_loss(need: u32, zones: u32) -> u32 {
    if zones < 2 {
        return need;
    }
    // N·(zones - 1)/zones >= need is a lower bound; evenness costs at most one more.
    let least = (u64::from(need) * u64::from(zones)).div_ceil(u64::from(zones) - 1);
    let least = u32::try_from(least).unwrap_or(u32::MAX);
    (least..=least.saturating_add(1)).find(|n| left(*n, zones) >= need).unwrap_or(least)
}

/// Replicas that are left of `n` when the fullest of `zones` is gone.
pub fn left(n: u32, zones: u32) -> u32 {
    n - n.div_ceil(zones.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_numbers() {
        // Ten needed in three zones: of 15, five go.
        assert_eq!(surviving_zone_loss(10, 3), 15);
        assert_eq!((left(15, 3), left(14, 3)), (10, 9));
        assert_eq!(surviving_zone_loss(10, 2), 20);
        assert_eq!(surviving_zone_loss(1, 3), 2);
        assert_eq!(surviving_zone_loss(0, 3), 0);
        assert_eq!(surviving_zone_loss(7, 1), 7);
        assert_eq!(surviving_zone_loss(7, 0), 7);
        for need in 0..200 {
            for zones in 2..7 {
                let n = surviving_zone_loss(need, zones);
                assert!(left(n, zones) >= need && (n == 0 || left(n - 1, zones) < need), "{need} in {zones}");
            }
        }
    }
}

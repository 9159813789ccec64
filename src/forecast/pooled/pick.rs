//! A few shapes that stand for many, to be given to others.

use jiff::tz::TimeZone;

use super::shape::Shape;

/// Shapes that the middle is looked for among: that takes their square.
const LOOKED_AT: usize = 150;
/// Shapes nearer than this are one kind.
const ALIKE: f64 = 0.08;

/// At most `most` kinds of shape, each the middle of its kind, by whose clocks most of them are, and how many services are
/// of it, the most common first. Each next kind begins with the shape that is farthest from all before (Gonzalez 1985).
pub fn representatives<'a>(
    shapes: impl Iterator<Item = (&'a Shape, &'a TimeZone)>,
    most: usize,
) -> Vec<(Shape, TimeZone, usize)> {
    let (all, zones): (Vec<&Shape>, Vec<&TimeZone>) = shapes.unzip();
    // Evenly of all: neighbours by name are often of one kind.
    let some: Vec<&Shape> = all.iter().step_by(all.len().div_ceil(LOOKED_AT).max(1)).copied().collect();
    let off = |of: &Shape| some.iter().map(|s| s.distance(of)).sum::<f64>();
    let middle = some.iter().map(|s| (off(s), *s)).min_by(|a, b| a.0.total_cmp(&b.0));
    let Some((_, middle)) = middle else { return Vec::new() };
    let mut kinds = vec![middle];
    // Of each shape, the nearest kind and how far it is.
    let mut nearest: Vec<(usize, f64)> = all.iter().map(|s| (0, s.distance(middle))).collect();
    while kinds.len() < most {
        let far = nearest.iter().zip(&all).max_by(|a, b| a.0.1.total_cmp(&b.0.1));
        let Some(next) = far.filter(|((_, d), _)| *d > ALIKE).map(|(_, s)| *s) else { break };
        for (known, shape) in nearest.iter_mut().zip(&all) {
            let distance = shape.distance(next);
            if distance < known.1 {
                *known = (kinds.len(), distance);
            }
        }
        kinds.push(next);
    }
    let of = |kind: usize| {
        let members = || nearest.iter().zip(&all).filter(move |((k, _), _)| *k == kind).map(|(_, s)| *s);
        let clocks = nearest.iter().zip(&zones).filter(|((k, _), _)| *k == kind).map(|(_, zone)| *zone);
        Some((Shape::between(members())?, most_common(clocks)?.clone(), members().count()))
    };
    let mut out: Vec<(Shape, TimeZone, usize)> = (0..kinds.len()).filter_map(of).take(most).collect();
    out.sort_by_key(|(.., n)| std::cmp::Reverse(*n));
    out
}

/// The zone that stands there most often, the first of several.
fn most_common<'a>(zones: impl Iterator<Item = &'a TimeZone>) -> Option<&'a TimeZone> {
    let mut counts: Vec<(&TimeZone, usize)> = Vec::new();
    for zone in zones {
        match counts.iter_mut().find(|(known, _)| *known == zone) {
            Some((_, n)) => *n += 1,
            None => counts.push((zone, 1)),
        }
    }
    counts.into_iter().rev().max_by_key(|(_, n)| *n).map(|(zone, _)| zone)
}

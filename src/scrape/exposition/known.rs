//! The steady state: lines that are what they were, but for their values.

use crate::series::is_stale_marker;

use super::Format;
use super::lexer::measurement;
use super::lines::{Lines, Mark, Parts};
use super::number::quick;
use super::pass::Pass;

/// Why the run of expected lines ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The next line is not the expected one.
    Other,
    /// The next line is the expected one, but cannot be taken as it was.
    Changed,
    /// No more samples may be taken.
    Full,
}

/// Takes lines as long as they are the expected ones.
///
/// A beginning that was stored ends where name and labels end (and a blank after them), so whatever begins with the
/// same bytes is the same series, unless what follows is no measurement; then the line is taken apart anew.
pub(super) fn run(lines: &Lines, order: &[u32], longest: usize, pass: &mut Pass<'_>) -> Stop {
    let body = pass.body;
    while let Some(id) = order.get(pass.cursor).copied() {
        let start = pass.at;
        let Some(rest) = body.get(start..) else { return Stop::Other };
        let Some((after, mark)) = expected(lines, id, rest, body, pass.last) else { return Stop::Other };
        let length = rest.len() - after.len();
        match quick_sample(mark, after, longest.saturating_sub(length), pass) {
            Some(digits) => pass.at = start + length + digits + 1,
            None => {
                if let Err(stop) = take(mark, length, longest, pass) {
                    return stop;
                }
            }
        }
        if let Some(met) = &mut pass.order {
            met.push(id);
        }
        pass.last = (id, start);
        pass.cursor += 1;
    }
    Stop::Other
}

/// What follows stored line `id`, if `rest` begins with it, and what the line stands for.
#[inline]
fn expected<'b>(
    lines: &Lines,
    id: u32,
    rest: &'b [u8],
    body: &[u8],
    last: (u32, usize),
) -> Option<(&'b [u8], Mark)> {
    let Parts { shared, own, tail, mark } = lines.parts(id)?;
    if shared == 0 && tail == 0 {
        return Some((rest.strip_prefix(own)?, mark));
    }
    if id != last.0.wrapping_add(1) {
        return Some((rest.get(lines.begins(id, rest)?..)?, mark));
    }
    // What it shares with the line stored before it is in the body, as that is the line just met.
    let (head, middle) = rest.split_at_checked(shared)?;
    let mut after = middle.strip_prefix(own)?;
    let before = body.get(last.1..)?;
    if tail > 0 {
        let length = lines.parts(last.0)?.len();
        after = after.strip_prefix(before.get(length.checked_sub(tail)?..length)?)?;
    }
    (before.get(..shared)? == head).then_some((after, mark))
}

/// Takes a plain sample if it is nothing but a number and a line feed, which mostly it is; the number's length.
#[inline]
fn quick_sample(mark: Mark, after: &[u8], longest: usize, pass: &mut Pass<'_>) -> Option<usize> {
    let slot = mark.plain_slot()?;
    let (value, digits) = quick(after)?;
    let ends = after.get(digits) == Some(&b'\n') && digits <= longest;
    (ends && pass.kept < pass.most && pass.put_plain(slot, value)).then_some(digits)
}

/// Takes the next line, which begins with the stored one of `length` bytes that stands for `mark`.
pub(super) fn take(mark: Mark, length: usize, longest: usize, pass: &mut Pass<'_>) -> Result<(), Stop> {
    if mark == Mark::NOTE || mark == Mark::TYPE {
        if mark == Mark::TYPE {
            pass.type_at = Some(pass.at);
        }
        pass.at += length;
        return Ok(());
    }
    if mark.is_doubtful() && pass.order.is_some() {
        return Err(Stop::Changed);
    }
    let slot = mark.any_slot();
    if slot.is_some() && pass.kept >= pass.most {
        return Err(Stop::Full);
    }
    let rest = pass.rest();
    let end = match memchr::memchr(b'\n', rest.get(length..).unwrap_or_default()) {
        Some(more) => length + more,
        None if pass.unsure_end => return Err(Stop::Changed),
        None => rest.len(),
    };
    // The blank behind the labels is the grammar's, not the measurement's own.
    let blank = usize::from(rest.get(length.wrapping_sub(1)).is_some_and(|b| matches!(b, b' ' | b'\t')));
    let text =
        rest.get(length - blank..end).and_then(|text| std::str::from_utf8(text).ok()).ok_or(Stop::Changed)?;
    let text = if pass.format == Format::Text { text.strip_suffix('\r').unwrap_or(text) } else { text };
    let (value, at_ms) = measurement(text, pass.format).map_err(|_| Stop::Changed)?;
    if end > longest {
        return Err(Stop::Changed);
    }
    match slot {
        Some(slot) => {
            pass.reading.scraped += 1;
            pass.put(slot, value, at_ms);
        }
        None => pass.reading.created += 1,
    }
    pass.at = (pass.at + end + 1).min(pass.body.len());
    Ok(())
}

impl Pass<'_> {
    /// Puts a value without a timestamp of its own into the block, if nothing speaks against it.
    #[inline]
    fn put_plain(&mut self, slot: u32, value: f64) -> bool {
        let block = &mut self.reading.block;
        if !block.timed.is_empty() {
            return false;
        }
        match block.values.get_mut(slot as usize) {
            Some(place) if is_stale_marker(*place) => {
                *place = value;
                self.kept += 1;
                self.reading.scraped += 1;
                true
            }
            _ => false,
        }
    }
}

//! Names rows by their printed numbers: numbers on a form grow from row to row, usually by one.

/// What was read in the number place of a row: the number and its confidence 0–1, or nothing.
pub(crate) type Reading = Option<(u32, f32)>;

/// The likeliest strictly growing sequence given the readings, with for each row whether the reading agrees.
///
/// `first` is the number a sequence starts with when nothing else is known. Withdrawn candidates leave gaps; a gap must be paid for by confident readings.
pub(crate) fn assign(readings: &[Reading], first: u32) -> Vec<(u32, bool)> {
    /// Largest step between neighbouring rows.
    const STEP: u32 = 40;
    /// Cost of a gap, and of each number skipped.
    const GAP: f32 = 1.6;
    const SKIPPED: f32 = 0.05;
    if readings.is_empty() {
        return Vec::new();
    }
    let known: Vec<u32> = readings.iter().flatten().map(|r| r.0).collect();
    let Some(top) = known.iter().copied().chain([first]).max() else {
        return Vec::new();
    };
    let rows = u32::try_from(readings.len()).unwrap_or(0);
    let span = (top + rows + 1).min(1200) as usize;
    let fit = |row: usize, number: usize| match readings[row] {
        Some((n, c)) if n as usize == number => (1.0 + 8.0 * c).ln(),
        Some((_, c)) => -2.0 * c,
        None => 0.0,
    };
    // best[number]: score of the best sequence whose current row has that number.
    let mut best: Vec<f32> = (0..span)
        .map(|n| {
            let away = if n == first as usize { 0.0 } else { 0.8 };
            fit(0, n) - away - if n == 0 { 9.0 } else { 0.0 }
        })
        .collect();
    let mut back: Vec<Vec<usize>> = Vec::new();
    for row in 1..readings.len() {
        let mut next = vec![f32::MIN; span];
        let mut from = vec![0usize; span];
        for n in 1..span {
            for step in 1..=(STEP as usize).min(n) {
                let skipped = crate::raster::real(u32::try_from(step - 1).unwrap_or(0));
                let cost = if step == 1 { 0.0 } else { GAP + SKIPPED * skipped };
                let score = best[n - step] - cost;
                if score > next[n] {
                    next[n] = score;
                    from[n] = n - step;
                }
            }
            next[n] += fit(row, n);
        }
        best = next;
        back.push(from);
    }
    let Some(mut n) = (0..span).max_by(|&a, &b| best[a].total_cmp(&best[b])) else {
        return Vec::new();
    };
    let mut numbers = vec![n];
    for from in back.iter().rev() {
        n = from[n];
        numbers.push(n);
    }
    numbers.reverse();
    numbers
        .into_iter()
        .zip(readings)
        .map(|(n, r)| {
            let n = u32::try_from(n).unwrap_or(0);
            (n, r.is_some_and(|r| r.0 == n))
        })
        .collect()
}

/// As [`assign`] for candidates of a form without lists, among whom gaps are rare: a number misread in the last row looks
/// like a gap before it, so that row alone does not confirm one.
pub(crate) fn assign_candidates(readings: &[Reading]) -> Vec<(u32, bool)> {
    let mut named = assign(readings, 1);
    if let [.., before, last] = &mut named[..]
        && last.0 != before.0 + 1
    {
        last.1 = false;
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_misread_row_takes_the_number_between_its_neighbours() {
        let readings = [Some((51, 0.9)), Some((62, 0.6)), Some((53, 0.9)), None, Some((55, 0.9))];
        let numbers: Vec<u32> = assign(&readings, 1).iter().map(|r| r.0).collect();
        assert_eq!(numbers, [51, 52, 53, 54, 55]);
    }

    #[test]
    fn a_withdrawn_candidate_leaves_a_gap() {
        let readings = [Some((1, 0.9)), Some((2, 0.9)), Some((4, 0.9)), Some((5, 0.9))];
        let numbers: Vec<u32> = assign(&readings, 1).iter().map(|r| r.0).collect();
        assert_eq!(numbers, [1, 2, 4, 5]);
    }

    #[test]
    fn a_gap_before_the_last_row_is_not_confirmed_by_that_row_alone() {
        let readings = [Some((8, 0.9)), Some((9, 0.9)), Some((30, 0.9))];
        assert_eq!(assign_candidates(&readings), [(8, true), (9, true), (30, false)]);
    }

    #[test]
    fn without_readings_the_sequence_starts_where_it_must_and_confirms_nothing() {
        assert_eq!(assign(&[None, None], 8), [(8, false), (9, false)]);
    }

    #[test]
    fn a_list_without_rows_needs_no_numbers() {
        assert!(assign(&[], 1).is_empty());
    }
}

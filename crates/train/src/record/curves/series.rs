//! Values over steps.

/// Steps and values, by rising step.
pub(super) type Series = Vec<(f64, f64)>;

/// An average reaches back over this part of the run...
const SMOOTHED_PART: f64 = 0.04;
/// ...and a curve has no more points than this: about one a pixel of its width.
const MAX_POINTS: usize = 700;

/// The running average: each value before counts less by the same factor than the one after it. The
/// first ones are averages of fewer values, not drawn towards 0.
pub(super) fn smoothed(series: &Series) -> Series {
    let keep = 1.0 - 1.0 / (series.len() as f64 * SMOOTHED_PART).max(1.0);
    let (mut sum, mut weights) = (0.0, 0.0);
    let average = |&(step, value): &(f64, f64)| {
        (sum, weights) = (keep * sum + value, keep * weights + 1.0);
        (step, sum / weights)
    };
    series.iter().map(average).collect()
}

/// Means of neighbours where there are more values than pixels.
pub(super) fn thinned(series: &Series) -> Series {
    let group = series.len().div_ceil(MAX_POINTS).max(1);
    let mean = |group: &[(f64, f64)]| {
        let count = group.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| group.iter().map(of).sum::<f64>() / count;
        (mean(|point| point.0), mean(|point| point.1))
    };
    series.chunks(group).map(mean).collect()
}

/// The value below which this part of the values lies; `None` where there are none.
pub(super) fn quantile(values: impl Iterator<Item = f64>, part: f64) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let place = (values.len() as f64 * part) as usize;
    values.get(place.min(values.len().saturating_sub(1))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_begin_at_the_first_value_and_keep_a_constant() {
        let noisy: Series = (0..200).map(|step| (step.into(), f64::from(step % 2))).collect();
        let smooth = smoothed(&noisy);
        assert_eq!(smooth[0], (0.0, 0.0));
        assert!(smooth[100..].iter().all(|point| (point.1 - 0.5).abs() < 0.1));
        assert_eq!(smoothed(&vec![(1.0, 3.0), (2.0, 3.0)]), [(1.0, 3.0), (2.0, 3.0)]);
        assert_eq!(smoothed(&vec![]), []);
    }

    #[test]
    fn many_points_become_means() {
        let many: Series = (0..1400).map(|step| (step.into(), f64::from(step % 2))).collect();
        let few = thinned(&many);
        assert_eq!((few.len(), few[0]), (700, (0.5, 0.5)));
        assert_eq!(thinned(&vec![(1.0, 2.0)]), [(1.0, 2.0)]);
        assert_eq!(thinned(&vec![]), []);
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values = || (0..10).map(f64::from);
        assert_eq!(quantile(values(), 0.5), Some(5.0));
        assert_eq!(quantile(values(), 1.0), Some(9.0));
        assert_eq!(quantile(std::iter::empty(), 0.5), None);
    }
}

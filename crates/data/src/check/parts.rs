//! How many separate parts a shape has: that of one object has few, a mask of everything in the
//! foreground as many as there are objects.

use kestrel_core::Mask;

/// A part counts from this share of the largest one's pixels: specks of noise are no objects.
const MIN_SHARE: f64 = 0.1;

/// Pixels of one column, `x, y from, y to`.
type Run = (usize, usize, usize);

/// The number of parts that touch nowhere, not even at a corner, less those that are specks beside
/// the largest.
pub(super) fn count(mask: &Mask) -> usize {
    let runs: Vec<Run> = mask.column_runs().collect();
    let mut areas = vec![0; runs.len()];
    for (&(_, top, end), part) in runs.iter().zip(part_of_runs(&runs)) {
        areas[part] += end - top;
    }
    let largest = areas.iter().copied().max().unwrap_or_default() as f64;
    areas.iter().filter(|&&area| area > 0 && area as f64 >= MIN_SHARE * largest).count()
}

/// For each run the first of its part. Runs come by column, and in a column from the top.
fn part_of_runs(runs: &[Run]) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..runs.len()).collect();
    let mut left = 0;
    for (index, &(x, top, end)) in runs.iter().enumerate() {
        // Those above this run are above all that follow in its column.
        while runs[left].0 + 1 < x || (runs[left].0 + 1 == x && runs[left].2 < top) {
            left += 1;
        }
        let beside =
            (left..index).take_while(|&other| runs[other].0 + 1 == x && runs[other].1 <= end);
        beside.for_each(|other| join(&mut parents, other, index));
        // Run lengths may have an empty stretch of background within an object.
        let above =
            index.checked_sub(1).filter(|&above| runs[above].0 == x && runs[above].2 == top);
        above.into_iter().for_each(|above| join(&mut parents, above, index));
    }
    (0..runs.len()).map(|index| root(&mut parents, index)).collect()
}

fn join(parents: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parents, a), root(parents, b));
    parents[a.max(b)] = a.min(b);
}

fn root(parents: &mut [usize], mut index: usize) -> usize {
    while parents[index] != index {
        // Halves the way for the next who asks.
        parents[index] = parents[parents[index]];
        index = parents[index];
    }
    index
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use kestrel_core::ImageSize;
    use proptest::prelude::*;

    /// A mask from rows of `#` and `.`.
    fn mask(rows: &[&str]) -> Mask {
        let size = ImageSize::new(rows.len(), rows.first().map_or(0, |row| row.len()));
        let bitmap: Vec<u8> = rows.concat().bytes().map(|byte| u8::from(byte == b'#')).collect();
        Mask::from_bitmap(size, &bitmap).unwrap()
    }

    #[test]
    fn what_touches_at_a_corner_is_one_part() {
        assert_eq!(count(&mask(&[])), 0);
        assert_eq!(count(&mask(&["...", "..."])), 0);
        assert_eq!(count(&mask(&["#.#", ".#.", "#.#"])), 1);
        assert_eq!(count(&mask(&["##.##", "##.##", ".....", "##.##"])), 4);
        assert_eq!(count(&mask(&["#####", "....#", "###.#", "#.#.#", "#...#", "#####"])), 1);
        let split = Mask::from_counts(ImageSize::new(4, 1), vec![1, 1, 0, 1, 1]).unwrap();
        assert_eq!(count(&split), 1, "runs without background between");
    }

    #[test]
    fn specks_do_not_count() {
        assert_eq!(count(&mask(&["#####.#", "#####..", "#####.."])), 1, "a 15th");
        assert_eq!(count(&mask(&["#####.#", "#####.#", "#####.."])), 2);
    }

    /// By flooding, part by part.
    fn slow_count(size: ImageSize, mut bitmap: Vec<u8>) -> usize {
        let mut areas = Vec::new();
        while let Some(seed) = bitmap.iter().position(|&it| it != 0) {
            let (mut waiting, mut area) = (vec![seed], 0);
            while let Some(at) = waiting.pop() {
                if std::mem::take(&mut bitmap[at]) == 0 {
                    continue;
                }
                area += 1;
                let (y, x) = (at / size.width, at % size.width);
                for near_y in y.saturating_sub(1)..size.height.min(y + 2) {
                    let near_x = x.saturating_sub(1)..size.width.min(x + 2);
                    waiting.extend(near_x.map(|x| near_y * size.width + x));
                }
            }
            areas.push(area);
        }
        let largest = areas.iter().copied().max().unwrap_or(0);
        areas.iter().filter(|&&area| 10 * area >= largest).count()
    }

    proptest! {
        #[test]
        fn the_count_is_that_of_flooding(
            (height, width, bitmap) in (1usize..9, 1usize..9).prop_flat_map(|(height, width)| {
                let pixel = prop_oneof![2 => Just(0u8), 1 => Just(1)];
                (Just(height), Just(width), prop::collection::vec(pixel, height * width))
            }),
        ) {
            let size = ImageSize::new(height, width);
            let mask = Mask::from_bitmap(size, &bitmap).unwrap();
            prop_assert_eq!(count(&mask), slow_count(size, bitmap));
        }
    }
}

//! Plain numbers out of tensors, and choosing among them.

use tch::{Kind, Tensor};

/// All values in row order.
///
/// # Panics
/// When libtorch cannot hand out the values, that is, when memory is out.
pub(crate) fn to_vec(tensor: &Tensor) -> Vec<f32> {
    let flat = tensor.detach().to_kind(Kind::Float).contiguous().view([-1]);
    let mut values = vec![0.0; flat.numel()];
    flat.copy_data(&mut values, flat.numel());
    values
}

/// The indices in row order; none of them is negative.
///
/// # Panics
/// As [`to_vec`].
pub(crate) fn to_places(indices: &Tensor) -> Vec<usize> {
    let flat = indices.contiguous().view([-1]);
    let mut places = vec![0i64; flat.numel()];
    flat.copy_data(&mut places, flat.numel());
    places.into_iter().map(|place| place as usize).collect()
}

/// `1 / (1 + e^-x)` in float32.
pub(crate) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// Places of the `count` largest values, largest first, equal ones in their order, NaN last.
pub(crate) fn largest(values: &[f32], count: usize) -> Vec<usize> {
    // Of equal bits in a total order, so that the choice does not depend on the algorithm.
    let key = |value: f32| if value.is_nan() { f32::NEG_INFINITY } else { value };
    let falling = |a: &usize, b: &usize| key(values[*b]).total_cmp(&key(values[*a])).then(a.cmp(b));
    let mut places: Vec<usize> = (0..values.len()).collect();
    if count < places.len() {
        if count > 0 {
            places.select_nth_unstable_by(count - 1, falling);
        }
        places.truncate(count);
    }
    places.sort_unstable_by(falling);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_in_order() {
        let values = [1.0, 5.0, f32::NAN, 5.0, -2.0];
        assert_eq!(largest(&values, 3), [1, 3, 0]);
        assert_eq!(largest(&values, 9), [1, 3, 0, 4, 2]);
        assert!(largest(&values, 0).is_empty() && largest(&[], 4).is_empty());
    }

    #[test]
    fn a_permuted_tensor_is_read_in_row_order() {
        let tensor = Tensor::from_slice(&[0f32, 1., 2., 3., 4., 5.]).view([2, 3]).permute([1, 0]);
        assert_eq!(to_vec(&tensor), [0., 3., 1., 4., 2., 5.]);
    }
}

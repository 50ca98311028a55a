//! The numbers of a tensor as a slice, for kernels that work on slices.
//!
//! RoIAlign reads 75 MB of pyramid and writes 50 MB of crops for one image, a convolution as much;
//! `tch` has no safe view of a tensor's memory, and copies of both would take longer than the work.
#![allow(unsafe_code)]

use tch::{Device, Kind, TchError, Tensor};

/// The values of a contiguous float32 tensor on the CPU, in the order of its dimensions; `None`
/// for any other tensor.
///
/// No tensor that shares the memory may be written while the slice lives, which no type can say: `tch`
/// writes through shared references. The kernels of this workspace, the only callers, hold a slice only
/// while they run, and call no tensor operation meanwhile.
pub fn values(tensor: &Tensor) -> Option<&[f32]> {
    let length = dense_len(tensor, Kind::Float)?;
    if length == 0 {
        return Some(&[]);
    }
    // SAFETY: `dense_len` has checked that `length` float32 values lie one after another in this
    // process's memory, which lives as long as the tensor; torch aligns it to 64 bytes, and a view
    // to a multiple of the element. That nobody writes meanwhile rests on the callers, as said above.
    Some(unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast(), length) })
}

/// The values of a contiguous tensor of bytes on the CPU; `None` for any other tensor. The rules of
/// [`values`] hold.
pub fn bytes(tensor: &Tensor) -> Option<&[u8]> {
    let length = dense_len(tensor, Kind::Uint8)?;
    if length == 0 {
        return Some(&[]);
    }
    // SAFETY: as in `values`, with bytes in place of floats.
    Some(unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast(), length) })
}

/// What `fill` writes, as a new float32 tensor of `shape` on the CPU.
///
/// `fill` sees unspecified values and must write them all.
///
/// # Errors
/// When there is no memory for it.
pub fn filled(shape: &[i64], fill: impl FnOnce(&mut [f32])) -> Result<Tensor, TchError> {
    let tensor = Tensor::f_empty(shape, (Kind::Float, Device::Cpu))?;
    let length = tensor.numel();
    if length > 0 {
        // SAFETY: a new tensor is contiguous, of the kind, device and number of values asked for,
        // and no other tensor shares its memory. Its bytes come from libtorch's allocator, behind
        // a foreign call, and any of them make a float32.
        fill(unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), length) });
    }
    Ok(tensor)
}

/// Number of values, where they are of this kind and lie one after another in CPU memory.
fn dense_len(tensor: &Tensor, kind: Kind) -> Option<usize> {
    let on_cpu = tensor.defined() && tensor.device() == Device::Cpu;
    let strided = on_cpu && !tensor.is_sparse() && !tensor.is_mkldnn();
    (strided && tensor.kind() == kind && tensor.is_contiguous()).then(|| tensor.numel())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_tensor() {
        let tensor = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]).view([2, 3]);
        assert_eq!(values(&tensor), Some(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..]));
        // A view that starts within the memory.
        assert_eq!(values(&tensor.narrow(0, 1, 1)), Some(&[4.0, 5.0, 6.0][..]));
        assert_eq!(values(&tensor.narrow(0, 0, 0)), Some(&[][..]));
    }

    #[test]
    fn other_tensors_have_no_slice() {
        let tensor = Tensor::zeros([2, 3], (Kind::Float, Device::Cpu));
        assert_eq!(values(&tensor.transpose(0, 1)), None);
        assert_eq!(values(&tensor.to_kind(Kind::Double)), None);
        assert_eq!(bytes(&tensor), None);
        assert_eq!(bytes(&tensor.to_kind(Kind::Uint8)), Some(&[0; 6][..]));
        assert_eq!(values(&tensor.to_sparse_sparse_dim(2)), None);
        assert_eq!(values(&Tensor::new()), None);
    }

    #[test]
    fn a_filled_tensor_holds_what_was_written() {
        let tensor =
            filled(&[2, 2], |values| values.copy_from_slice(&[1.0, 2.0, 3.0, 4.0])).unwrap();
        assert_eq!(values(&tensor), Some(&[1.0, 2.0, 3.0, 4.0][..]));
        assert_eq!(filled(&[0, 7], |_| ()).unwrap().size(), [0, 7]);
    }
}

//! Element types and shapes, in the words of the three libraries that meet here.

use safetensors::Dtype;
use tch::Kind;

/// Element type and shape of a tensor whose numbers need not have been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Element type.
    pub kind: Kind,
    /// Sizes, outermost first; empty for a scalar.
    pub shape: Vec<i64>,
}

impl TensorInfo {
    /// Number of elements.
    pub fn num_elements(&self) -> u64 {
        self.shape.iter().fold(1, |product, size| product.saturating_mul(size.unsigned_abs()))
    }

    /// Size of the elements in bytes.
    pub fn num_bytes(&self) -> u64 {
        self.num_elements().saturating_mul(self.kind.elt_size_in_bytes() as u64)
    }
}

/// An element type as a file declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    /// One that libtorch computes with.
    Known(Kind),
    /// The name of any other. It matters only when such a tensor is wanted: a checkpoint may hold
    /// a random state beside the weights.
    Other(String),
}

impl From<pytorch_reader::DType> for Element {
    fn from(dtype: pytorch_reader::DType) -> Self {
        use pytorch_reader::DType;
        Self::Known(match dtype {
            DType::F64 => Kind::Double,
            DType::F32 => Kind::Float,
            DType::F16 => Kind::Half,
            DType::BF16 => Kind::BFloat16,
            DType::I64 => Kind::Int64,
            DType::I32 => Kind::Int,
            DType::I16 => Kind::Int16,
            DType::I8 => Kind::Int8,
            DType::U8 => Kind::Uint8,
            DType::Bool => Kind::Bool,
            DType::U64 | DType::U32 | DType::U16 => return Self::Other(format!("{dtype:?}")),
        })
    }
}

impl From<Dtype> for Element {
    fn from(dtype: Dtype) -> Self {
        Self::Known(match dtype {
            Dtype::F64 => Kind::Double,
            Dtype::F32 => Kind::Float,
            Dtype::F16 => Kind::Half,
            Dtype::BF16 => Kind::BFloat16,
            Dtype::I64 => Kind::Int64,
            Dtype::I32 => Kind::Int,
            Dtype::I16 => Kind::Int16,
            Dtype::I8 => Kind::Int8,
            Dtype::U8 => Kind::Uint8,
            Dtype::BOOL => Kind::Bool,
            other => return Self::Other(other.to_string()),
        })
    }
}

/// The name safetensors has for an element type, if it has one.
pub(crate) fn safetensors_dtype(kind: Kind) -> Option<Dtype> {
    Some(match kind {
        Kind::Double => Dtype::F64,
        Kind::Float => Dtype::F32,
        Kind::Half => Dtype::F16,
        Kind::BFloat16 => Dtype::BF16,
        Kind::Int64 => Dtype::I64,
        Kind::Int => Dtype::I32,
        Kind::Int16 => Dtype::I16,
        Kind::Int8 => Dtype::I8,
        Kind::Uint8 => Dtype::U8,
        Kind::Bool => Dtype::BOOL,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_the_same_type() {
        let kinds = [
            Kind::Double,
            Kind::Float,
            Kind::Half,
            Kind::BFloat16,
            Kind::Int64,
            Kind::Int,
            Kind::Int16,
            Kind::Int8,
            Kind::Uint8,
            Kind::Bool,
        ];
        for kind in kinds {
            assert_eq!(safetensors_dtype(kind).map(Element::from), Some(Element::Known(kind)));
        }
        assert_eq!(safetensors_dtype(Kind::ComplexFloat), None);
    }

    #[test]
    fn sizes_count_scalars_and_empty_tensors() {
        let info = |shape: &[i64]| TensorInfo { kind: Kind::Half, shape: shape.to_vec() };
        assert_eq!(info(&[]).num_bytes(), 2);
        assert_eq!(info(&[3, 0]).num_bytes(), 0);
        assert_eq!(info(&[3, 5]).num_elements(), 15);
    }
}

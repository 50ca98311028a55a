//! Boxes, masks, names and scores on pictures.

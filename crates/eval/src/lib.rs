//! Detections and ground truth in, numbers, tables and plots out.

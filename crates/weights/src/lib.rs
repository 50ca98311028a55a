//! Weight files in and out: .pth and .safetensors, torchvision's names, a strict load report.

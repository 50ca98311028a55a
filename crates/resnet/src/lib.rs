//! ResNet backbones C2 to C5 and their classification head.

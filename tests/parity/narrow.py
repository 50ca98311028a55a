"""A narrow Mask R-CNN of torchvision's own parts, small enough to keep every gradient.

    body        bottlenecks [1, 1, 1, 1] of planes 8, 16, 32, 64 (torchvision: 64 .. 512); conv1 3 -> 8; the stages give
                32, 64, 128, 256 channels; names as in torchvision's ResNet without fc
    pyramid     16 channels
    anchors     torchvision's: sizes 32, 64, 128, 256, 512 on the five levels, ratios 0.5, 1, 2
    RPN head    16 channels
    box head    32; 4 classes with the background
    mask head   two 3x3 convolutions of 16 channels; predictor 16

The variants follow torchvision's two generations:

    v1   frozen batch norm in the body, eps 1e-5; no norm elsewhere; one RPN convolution; box head fc6, fc7
    v2   live batch norm in the body, the pyramid, the box head (four convolutions, one fc) and the mask head;
         two RPN convolutions
"""

from torch import nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor, RPNHead, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.ops import FrozenBatchNorm2d

BASE_PLANES = 8
PYRAMID_CHANNELS = 16
BOX_FEATURES = 32
MASK_LAYERS = [16, 16]
CLASS_COUNT = 4
LIMITS = {
    "min_size": 224,
    "max_size": 288,
    "rpn_pre_nms_top_n_train": 150,
    "rpn_post_nms_top_n_train": 100,
    "rpn_batch_size_per_image": 64,
    "box_batch_size_per_image": 32,
}
SETTINGS = {
    **LIMITS,
    "base_planes": BASE_PLANES,
    "blocks": [1, 1, 1, 1],
    "pyramid_channels": PYRAMID_CHANNELS,
    "box_features": BOX_FEATURES,
    "mask_layers": MASK_LAYERS,
    "num_classes": CLASS_COUNT,
}


class NarrowResNet(ResNet):
    """ResNet whose stages are built by torchvision's `_make_layer` from 8 planes instead of 64."""

    def __init__(self, norm_layer):
        nn.Module.__init__(self)
        self._norm_layer = norm_layer
        self.inplanes, self.dilation, self.groups, self.base_width = BASE_PLANES, 1, 1, 64
        self.conv1 = nn.Conv2d(3, BASE_PLANES, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = norm_layer(BASE_PLANES)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        for stage in range(4):
            layer = self._make_layer(Bottleneck, BASE_PLANES << stage, 1, stride=1 if stage == 0 else 2)
            setattr(self, f"layer{stage + 1}", layer)


def narrow_mask_rcnn(variant: str) -> MaskRCNN:
    is_v2 = variant == "v2"
    norm = nn.BatchNorm2d if is_v2 else None
    backbone = BackboneWithFPN(
        NarrowResNet(norm or FrozenBatchNorm2d),
        return_layers={f"layer{stage + 1}": str(stage) for stage in range(4)},
        in_channels_list=[(BASE_PLANES << stage) * Bottleneck.expansion for stage in range(4)],
        out_channels=PYRAMID_CHANNELS,
        norm_layer=norm,
    )
    if is_v2:
        box_head = FastRCNNConvFCHead((PYRAMID_CHANNELS, 7, 7), [PYRAMID_CHANNELS] * 4, [BOX_FEATURES], norm)
    else:
        box_head = TwoMLPHead(PYRAMID_CHANNELS * 7 * 7, BOX_FEATURES)
    return MaskRCNN(
        backbone,
        rpn_head=RPNHead(PYRAMID_CHANNELS, 3, conv_depth=2 if is_v2 else 1),
        box_head=box_head,
        box_predictor=FastRCNNPredictor(BOX_FEATURES, CLASS_COUNT),
        mask_head=MaskRCNNHeads(PYRAMID_CHANNELS, MASK_LAYERS, 1, norm_layer=norm),
        mask_predictor=MaskRCNNPredictor(MASK_LAYERS[-1], MASK_LAYERS[-1], CLASS_COUNT),
        **LIMITS,
    )

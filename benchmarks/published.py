"""What the papers print: FLOPs and parameters, as strings with their digits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A pruned network of FP-FMC's table: compress rates (share removed), FLOPs, parameters."""

    network: str
    rates: str
    flops: str
    params: str


@dataclass(frozen=True)
class Baseline:
    """An unpruned network: FLOPs, parameters, the convention they are counted under, options."""

    network: str
    convention: str
    flops: str
    params: str = ""
    options: tuple[tuple[str, bool], ...] = ()


# FP-FMC's own table; the entries it drops, which nothing reads, are written as [0.].
FMC_ROWS = (
    Row("vgg16_fmc", "[0.3]*7+[0.75]*5", "104.78M", "2.5M"),
    Row("vgg16_fmc", "[0.45]*7+[0.78]*5", "66.95M", "1.90M"),
    Row("densenet40_24", "[0.]+[0.2]*12+[0.]+[0.2]*12+[0.]+[0.2]*12", "173.38M", "0.62M"),
    Row("densenet40_24", "[0.]+[0.3]*12+[0.1]+[0.3]*12+[0.1]+[0.3]*12", "133.17M", "0.45M"),
    Row("densenet40_24", "[0.]+[0.4]*12+[0.1]+[0.4]*12+[0.1]+[0.4]*12", "106.23M", "0.35M"),
    Row("googlenet", "[0.]+[0.6]*2+[0.7]*5+[0.8]*2", "0.65B", "2.86M"),
    Row("googlenet", "[0.]+[0.85]*2+[0.9]*5+[0.9]*2", "0.39B", "2.09M"),
    Row("resnet56_a", "[0.]+[0.18]*29", "90.35M", "0.66M"),
    Row("resnet56_a", "[0.]+[0.15]*2+[0.4]*27", "65.94M", "0.48M"),
    Row("resnet56_a", "[0.]+[0.4]*2+[0.5]*9+[0.6]*9+[0.7]*9", "34.78M", "0.24M"),
    Row("resnet110_a", "[0.]+[0.2]*2+[0.3]*18+[0.35]*36", "140.54M", "1.04M"),
    Row("resnet110_a", "[0.]+[0.25]*2+[0.4]*18+[0.55]*36", "101.97M", "0.72M"),
    Row("resnet110_a", "[0.]+[0.4]*2+[0.5]*18+[0.65]*36", "71.69M", "0.54M"),
)

# Li et al. print shares only; their absolute figures are implied by all rows of their tables.
# 313.73M and 282.00M are inherited from older tables and follow from no count that was tried.
BASELINES = (
    Baseline("vgg16", "li", "313.464M", "14.982M"),
    Baseline("resnet20", "li", "40.813M", "0.2717M"),
    Baseline("resnet32", "li", "69.125M", "0.4657M"),
    Baseline("resnet44", "li", "97.436M", "0.6597M"),
    Baseline("resnet56", "li", "125.748M", "0.8536M"),
    Baseline("resnet110", "li", "253.150M", "1.7266M"),
    Baseline("densenet40", "li", "264.813M", "1.0016M"),
    Baseline("vgg16_fmc", "hrank", "313.73M", "14.98M"),
    Baseline("densenet40_24", "hrank", "282.00M", "1.04M"),
    Baseline("googlenet", "hrank", "1.52B", "6.15M"),
    Baseline("resnet56_a", "hrank", "125.49M", "0.85M"),
    Baseline("resnet110_a", "hrank", "252.89M", "1.72M"),
    Baseline("resnet32_gfi", "ptflops", "69.94M"),
    Baseline("resnet50_v1", "ptflops", "3.89B"),
    Baseline("resnet18", "mac", "1.814B", "11.690M"),
    Baseline("resnet34", "mac", "3.664B", "21.798M"),
    Baseline("resnet50", "mac", "4.089B", "25.557M"),
    Baseline("resnet101", "mac", "7.801B", "44.549M"),
    Baseline("resnet152", "mac", "11.514B", "60.193M"),
    Baseline("vgg11_imagenet", "mac", "7.609B", "132.863M"),
    Baseline("vgg13_imagenet", "mac", "11.308B", "133.048M"),
    Baseline("vgg16_imagenet", "mac", "15.470B", "138.358M"),
    Baseline("vgg19_imagenet", "mac", "19.632B", "143.667M"),
    Baseline("vgg11_bn_imagenet", "mac", "7.609B", "132.869M"),
    Baseline("vgg13_bn_imagenet", "mac", "11.308B", "133.054M"),
    Baseline("vgg16_bn_imagenet", "mac", "15.470B", "138.366M"),
    Baseline("vgg19_bn_imagenet", "mac", "19.632B", "143.678M"),
    # torchvision's figures of DeepLabV3 include the auxiliary head.
    Baseline("deeplabv3_resnet50", "mac", "178.722B", "42.004M", (("aux_head", True),)),
    Baseline("deeplabv3_resnet101", "mac", "258.743B", "60.996M", (("aux_head", True),)),
)

"""Shipped studies as functions, derived from one another; ``kwsearch init NAME`` prints one."""

from collections.abc import Callable

from kwsearch.settings import (
    BudgetSettings,
    ExecutionSettings,
    ProxySettings,
    RatioRange,
    SearchSettings,
    SpaceSettings,
    StudySettings,
)
from search_spaces import InputError
from search_spaces.errors import nearest


def quickstart() -> StudySettings:
    """A ResNet-8 of half the width on scikit-learn's 8-pixel digits: minutes on two cores."""
    return StudySettings(
        name="quickstart",
        space=SpaceSettings(
            backbone="resnet8x0.5",
            cell_num_ratio=RatioRange(low=0.125, high=4.0, log=True),
            cell_inplane_ratio=(0.25, 0.5, 1.0),
            cell_outplane_ratio=(0.25, 0.5, 1.0),
            reduction=(0.03125, 0.0625, 0.125),
            sharing_range=("none", "layer", "stage", "network"),
        ),
        budget=BudgetSettings(max_params=200_000),
        proxy=ProxySettings(
            data="digits",
            epochs=(3, 9),
            validation_share=0.4,  # with a fifth, networks differ by less than their errors
            batch_size=32,
        ),
        search=SearchSettings(trials=24, eta=2.0, accuracy_floor=0.9),
        execution=ExecutionSettings(threads=1),
    )


def fashion_mnist() -> StudySettings:
    """The same network on a tenth of Fashion-MNIST, 28-pixel clothes."""
    return quickstart().model_copy(
        update={
            "name": "fashion-mnist",
            "proxy": ProxySettings(
                data="fashion-mnist",
                epochs=(1, 3, 9),
                validation_share=0.05,
                training_share=0.1,
                batch_size=64,
            ),
            "search": SearchSettings(trials=40, eta=2.0, accuracy_floor=0.7),
        }
    )


def cifar10() -> StudySettings:
    """ResNet-20 on CIFAR-10, one value of each ratio a stage."""
    return StudySettings(
        name="cifar10",
        space=SpaceSettings(
            backbone="resnet20",
            granularity="stage",
            cell_num_ratio=RatioRange(low=0.125, high=4.0, log=True),
            cell_inplane_ratio=(0.25, 0.5, 1.0),
            cell_outplane_ratio=(0.25, 0.5, 1.0),
            reduction=(0.03125, 0.0625, 0.125),
            sharing_range=("none", "layer", "stage", "network"),
        ),
        budget=BudgetSettings(min_params=50_000, max_params=1_000_000),
        proxy=ProxySettings(
            data="cifar10",
            epochs=(1, 3, 9, 27),
            crop_padding=4,
            flip=True,
        ),
        search=SearchSettings(trials=200),
    )


def resnet18() -> StudySettings:
    """ResNet-18 with the ImageNet stem on 64-pixel images of a folder with class folders."""
    base = cifar10()
    return base.model_copy(
        update={
            "name": "resnet18",
            "space": SpaceSettings(
                backbone="resnet18",
                granularity="stage",
                cell_num_ratio=RatioRange(low=0.125, high=4.0, log=True),
                cell_inplane_ratio=(0.25, 0.5, 1.0),
                cell_outplane_ratio=(0.25, 0.5, 1.0),
                reduction=(0.03125, 0.0625, 0.125),
                nonlocal_basis_ratio=(0.0625, 1.0),
                sharing_range=("none", "layer", "stage"),
            ),
            "budget": BudgetSettings(min_params=2_000_000, max_params=48_000_000),
            "proxy": ProxySettings(
                data="./images",
                image_size=64,
                epochs=(1, 3, 9, 27),
                label_smoothing=0.1,
                crop_padding=8,
                flip=True,
            ),
        }
    )


def resnet50() -> StudySettings:
    """ResNet-50 on the images of `resnet18`."""
    return _on(resnet18(), "resnet50", least=8_000_000, most=110_000_000)


def mobilenetv2() -> StudySettings:
    """MobileNetV2 likewise; its published networks share within a stage, or between blocks only."""
    return _on(resnet18(), "mobilenetv2", least=1_000_000, most=12_000_000)


def mobilenetv2_050() -> StudySettings:
    """MobileNetV2 of half the width."""
    return _on(mobilenetv2(), "mobilenetv2-050", least=700_000, most=6_000_000)


def convnext_tiny() -> StudySettings:
    """ConvNeXt-Tiny likewise, its pointwise linears served too."""
    return _on(resnet18(), "convnext-tiny", least=8_000_000, most=60_000_000)


def deit_tiny() -> StudySettings:
    """DeiT-Tiny likewise: all linear layers of its blocks are served.

    Rate and clipping are those of Dosovitskiy et al. 2021, who train transformers so by SGD.
    """
    base = _on(resnet18(), "deit-tiny", least=2_000_000, most=24_000_000)
    small_steps = {"learning_rate": 0.03, "gradient_clip": 1.0}
    return base.model_copy(update={"proxy": base.proxy.model_copy(update=small_steps)})


def _on(base: StudySettings, backbone: str, *, least: int, most: int) -> StudySettings:
    """The study on another backbone, under its name, with limits in parameters."""
    return base.model_copy(
        update={
            "name": backbone,
            "space": base.space.model_copy(update={"backbone": backbone}),
            "budget": BudgetSettings(min_params=least, max_params=most),
        }
    )


PRESETS: dict[str, Callable[[], StudySettings]] = {
    "quickstart": quickstart,
    "fashion-mnist": fashion_mnist,
    "cifar10": cifar10,
    "resnet18": resnet18,
    "resnet50": resnet50,
    "mobilenetv2": mobilenetv2,
    "mobilenetv2-050": mobilenetv2_050,
    "convnext-tiny": convnext_tiny,
    "deit-tiny": deit_tiny,
}
"""Shipped studies by name."""


def preset(name: str) -> StudySettings:
    """The shipped study of that name.

    Raises:
        InputError: there is none.
    """
    if name not in PRESETS:
        raise InputError(
            f"{name!r} is neither a study file nor a preset: {', '.join(PRESETS)}."
            f"{nearest(name, PRESETS)}",
            "Write a study file with 'kwsearch init quickstart > my.toml'.",
        )
    return PRESETS[name]()

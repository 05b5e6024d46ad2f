"""Every row of docs/tools.md: the tools that a network goes through, and those it refuses."""

import copy
import pickle
import re
import shutil
from pathlib import Path

import onnxruntime
import pytest
import torch
from safetensors.torch import load_model, save_model
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import forward_ad
from torch.export import Dim
from torch.func import functional_call, grad, jvp, vmap
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.utils import prune
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.optim.swa_utils import AveragedModel
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.feature_extraction import create_feature_extractor

from search_spaces import InputError, NetworkConfig, count
from search_spaces.networks import build, plan_of

PAGE = Path(__file__).parents[3] / "docs" / "tools.md"
ROW = re.compile(r"^\| (.*?) \| (yes|no)\b.*\|$", re.MULTILINE)
WAY = "mix-inputs"
SIZES = [(1, 8, 8), (3, 12, 16), (2, 16, 8)]
CHECKS = {}
SLOW = {"`torch.onnx.export`", "`aoti_compile_and_package`"}
LONG = (pytest.mark.slow, pytest.mark.timeout(1800))  # compilers, beside other work


def row(name):
    """Register the check of a row of the page."""

    def register(check):
        CHECKS[name] = check
        return check

    return register


def network(seed=0):
    torch.manual_seed(seed)
    config = NetworkConfig(
        backbone="resnet8x0.25",
        num_classes=4,
        in_channels=1,
        cell_num_ratio=0.7,
        sharing_range=("layer", "conv"),
    )
    return build(config, way=WAY).eval()


def images(batch=2, height=8, width=8):
    generator = torch.Generator().manual_seed(batch)
    return torch.randn(batch, 1, height, width, generator=generator)


def assert_same(found, wanted):
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def assert_serves(function, module):
    """The same numbers for images of other numbers and sizes than it was made with."""
    for size in SIZES:
        assert_same(function(images(*size)), module(images(*size)).detach())


def gradients(module, loss):
    return dict(zip(dict(module.named_parameters()), backward(module, loss), strict=True))


def backward(module, loss):
    return torch.autograd.grad(loss, list(module.parameters()))


@row("`copy.deepcopy`, `pickle`")
def copies(_):
    module = network()
    for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):  # noqa: S301 - our own
        assert torch.equal(copied(images()), module(images()))
        memory = {p.data_ptr() for p in module.parameters()}
        assert not memory & {p.data_ptr() for p in copied.parameters()}


@row("`safetensors.torch.save_model`")
def safetensors_file(folder):
    module, other = network(), network(1)
    save_model(module, folder / "model.safetensors")
    load_model(other, folder / "model.safetensors")
    assert torch.equal(other(images()), module(images()))


@row("`torch.optim.swa_utils.AveragedModel`")
def average(_):
    module = network()
    averaged = AveragedModel(module)
    averaged.update_parameters(module)
    assert_same(averaged(images()), module(images()))


@row("`torch.utils.checkpoint`")
def checkpointed(_):
    module, x = network(), images().requires_grad_()
    wanted = backward(module, module(x).square().sum())
    plain = module.layer1.forward
    for reentrant in (True, False):
        module.layer1.forward = lambda x, kind=reentrant: checkpoint(plain, x, use_reentrant=kind)
        module.zero_grad()
        module(x).square().sum().backward()
        assert_same([p.grad for p in module.parameters()], list(wanted))


def of_gradients(module):
    x = images().double().requires_grad_()
    (slope,) = torch.autograd.grad(module(x).square().sum(), x, create_graph=True)
    return torch.autograd.grad(slope.square().sum(), module.get_parameter("conv1.weight"))[0]


@row("`autograd.grad(create_graph=True)`")
def again(_):
    module = network().double()
    found = of_gradients(module)
    weight = module.get_parameter("conv1.weight")
    step = 1e-6 * torch.ones_like(weight)

    def penalty():
        x = images().double().requires_grad_()
        return torch.autograd.grad(module(x).square().sum(), x)[0].square().sum()

    with torch.no_grad():
        weight.add_(step)
    above = penalty()
    with torch.no_grad():
        weight.sub_(2 * step)
    slope = (above - penalty()) / 2
    torch.testing.assert_close(slope, (found * step).sum(), rtol=1e-4, atol=0)


@row("`torch.func.functional_call`, `grad`, `vmap`, `jvp`")
def transforms(_):
    module, x = network(), images()
    given, kept = dict(module.named_parameters()), dict(module.named_buffers())

    def loss(parameters, batch):
        return functional_call(module, (parameters, kept), (batch,)).square().sum()

    wanted = gradients(module, module(x).square().sum())
    assert_same(grad(loss)(given, x), wanted)
    each = vmap(grad(lambda p, one: loss(p, one.unsqueeze(0))), in_dims=(None, 0))(given, x)
    assert_same({name: value.sum(0) for name, value in each.items()}, wanted)
    assert_same(jvp(module, (x,), (torch.ones_like(x),))[1], slope_of(module, x))


def slope_of(module, x):
    """Of the logits, along all pixels at once; from backward passes."""
    x = x.clone().requires_grad_()
    logits = module(x)
    seed = torch.zeros_like(logits, requires_grad=True)
    (transposed,) = torch.autograd.grad(logits, x, seed, create_graph=True)
    return torch.autograd.grad(transposed.sum(), seed)[0]


@row("`torch.autograd.forward_ad`")
def forward_mode(_):
    module, x = network(), images()
    with forward_ad.dual_level():
        y = module(forward_ad.make_dual(x, torch.ones_like(x)))
        found = forward_ad.unpack_dual(y).tangent.detach()
    assert_same(found, slope_of(module, x))


@row("`torch.autocast`")
def autocast(_):
    module = network()
    with torch.autocast("cpu", torch.bfloat16):
        y = module(images())
    torch.testing.assert_close(y.float(), module(images()), rtol=0.1, atol=0.1)
    y.float().square().sum().backward()
    assert all(p.grad.dtype == torch.float32 for p in module.parameters())


@row("`torch.nn.parallel.DistributedDataParallel`")
def several_processes(folder):
    """One process here; `tests/trials/tasks/classification/test_team.py` has two."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=0, world_size=1
    )
    try:
        module = network()
        wanted = backward(module, module(images()).square().sum())
        nn.parallel.DistributedDataParallel(module)(images()).square().sum().backward()
        assert_same([p.grad for p in module.parameters()], list(wanted))
    finally:
        torch.distributed.destroy_process_group()


@row("`torch.compile`")
def compiled(_):
    module = network()
    torch.compiler.reset()
    assert_serves(torch.compile(module, backend="eager"), module)


@row("`torch.compile(fullgraph=True)`")
def whole_graph(_):
    torch.compiler.reset()
    refused = torch.compile(network(), backend="eager", fullgraph=True)
    with pytest.raises(Exception, match="compile without fullgraph=True"):
        refused(images())


@row("`torch.export.export`")
def exported(_):
    module = network()
    free = {0: Dim("batch"), 2: 4 * Dim("height"), 3: 4 * Dim("width")}
    program = torch.export.export(module, (images(2, 16, 16),), dynamic_shapes=(free,))
    assert_serves(program.module(), module)


@row("`aoti_compile_and_package`")
def package(folder):
    if not any(map(shutil.which, ("c++", "g++", "clang++"))):
        pytest.skip("AOTInductor needs a C++ compiler, and there is none")
    module = network()
    free = {0: Dim("batch")}
    program = torch.export.export(module, (images(2, 16, 16),), dynamic_shapes=(free,))
    path = torch._inductor.aoti_compile_and_package(program, package_path=str(folder / "it.pt2"))
    run = torch._inductor.aoti_load_package(path)
    for batch in (1, 5):
        assert_same(run(images(batch, 16, 16)), module(images(batch, 16, 16)).detach())


def session(path):
    runtime = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda x: torch.from_numpy(runtime.run(None, {"images": x.numpy()})[0])


@row("`torch.onnx.export`")
def graph(folder):
    module = network()
    free = {0: Dim("batch"), 2: Dim("height"), 3: Dim("width")}
    torch.onnx.export(
        module,
        (images(2, 16, 16),),
        folder / "new.onnx",
        input_names=["images"],
        dynamic_shapes=(free,),
        dynamo=True,
        verbose=False,
    )
    assert_serves(session(folder / "new.onnx"), module)


@row("`torch.onnx.export(dynamo=False)`")
def older_graph(folder):
    module = network()
    torch.onnx.export(
        module,
        (images(2, 16, 16),),
        folder / "old.onnx",
        input_names=["images"],
        dynamic_axes={"images": {0: "batch", 2: "height", 3: "width"}},
        dynamo=False,
    )
    assert_serves(session(folder / "old.onnx"), module)


@row("`torch.jit.trace`")
def traced(_):
    module = network()
    assert_serves(torch.jit.trace(module, images(2, 16, 16)), module)


@row("`torch.jit.script`")
def scripted(_):
    with pytest.raises(InputError, match=r"Use torch\.jit\.trace"):
        torch.jit.script(network())


@row("`torch.fx.symbolic_trace`")
def symbolic(_):
    module = network()
    assert_serves(torch.fx.symbolic_trace(module), module)


@row("`torchvision.models.feature_extraction`")
def features(_):
    module = network()
    found = create_feature_extractor(module, {"layer1.0.conv1": "first", "fc": "last"})(images())
    assert_same(found["first"], module.layer1[0].conv1(module.bn1(module.conv1(images())).relu()))
    assert_same(found["last"], module(images()))


@row("`torch.fx.experimental.proxy_tensor.make_fx`")
def operations(_):
    module = network()
    program = make_fx(module)(images())
    assert_same(program(-images()), module(-images()))


@row("`torch.utils.flop_counter.FlopCounterMode`")
def counted(_):
    module = network()
    plan = plan_of(module)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(images(1, *plan.backbone.input_size))
    assert counter.get_total_flops() == 2 * count(plan).macs


@row("`FakeTensorMode`, the meta device")
def hollow(_):
    module = network()
    wanted = module(images())
    with FakeTensorMode(allow_non_fake_inputs=True):
        assert module(images()).shape == wanted.shape
    assert copy.deepcopy(module).to("meta")(images().to("meta")).shape == wanted.shape
    assert torch.equal(module(images()), wanted)


@row("a batch of no samples")
def nothing(_):
    module = network()
    y = module(images(0))
    assert y.shape == (0, 4)
    assert all(not slope.any() for slope in backward(module, y.sum()))


@row("`torch.nn.utils.prune`, `fuse_conv_bn_eval`")
def reweighted(_):
    module = network()
    served, norm = module.layer1[0].conv1, module.layer1[0].bn1
    for refused in (
        lambda: prune.l1_unstructured(served, "weight", 0.5),
        lambda: fuse_conv_bn_eval(served, norm),
    ):
        with pytest.raises(AttributeError, match=r"has no 'weight'.*plain"):
            refused()
    x = images()
    wanted = module.bn1(module.conv1(x))
    assert_same(fuse_conv_bn_eval(module.conv1, module.bn1)(x), wanted)
    prune.l1_unstructured(module.conv1, "weight", 0.5)


@pytest.mark.filterwarnings("ignore")  # torch announces the end of its older exporter and tracer
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=LONG if n in SLOW else ()) for n in CHECKS],
)
def test_the_row_holds(name, tmp_path):
    CHECKS[name](tmp_path)


def test_every_row_is_checked():
    rows = [name for name, _ in ROW.findall(PAGE.read_text(encoding="utf-8"))]
    assert rows == list(CHECKS)


def test_layers_have_the_sizes_of_the_plain_ones():
    layer = network().layer2[0].conv1
    plain = nn.Conv2d(4, 8, 3, stride=2, padding=1, bias=False)
    for name in (
        "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups",
        "padding_mode", "transposed", "output_padding", "bias",
    ):  # fmt: skip
        assert getattr(layer, name) == getattr(plain, name)

"""The choosers: what they pick, what they remember, what they leave alone."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from search_spaces.errors import InputError
from search_spaces.networks import chooser
from search_spaces.networks.geometry import Geometry
from search_spaces.networks.operator import convolve
from search_spaces.networks.ways import IMPLICIT, WAYS
from search_spaces.networks.ways.costs import COSTS, Sizes


def conv3x3(channels: int, *, groups: int = 1, out_blocks: int = 1) -> Geometry:
    """A 3x3 convolution with padding 1, cells cut along space."""
    return Geometry(
        in_channels=channels,
        out_channels=channels,
        groups=groups,
        kernel=(3, 3),
        stride=(1, 1),
        padding=((1, 1), (1, 1)),
        dilation=(1, 1),
        blocks=(9, out_blocks, 1),
        cell_kernel=(1, 1),
    )


def tensors(geometry: Geometry, size: int, cells: int, batch: int = 4) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    shapes = (
        (batch, geometry.in_channels, size, size),
        (batch, geometry.mixtures, cells),
        (cells, geometry.cell_out, geometry.cell_in, 1, 1),
    )
    return tuple(torch.randn(s, generator=generator).requires_grad_() for s in shapes)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    chooser.forget_choices()
    yield
    chooser.forget_choices()


def situation(geometry: Geometry, size: int, cells: int) -> chooser.Situation:
    return chooser.Situation(
        geometry=geometry,
        batch=64,
        size=(size, size),
        cells=cells,
        dtype=torch.float32,
        device="cpu",
        threads=2,
        trains=True,
    )


def test_every_way_has_a_cost() -> None:
    assert set(COSTS) == {*WAYS, *IMPLICIT}


@pytest.mark.parametrize(("groups", "out_blocks"), [(1, 1), (4, 4), (64, 64), (64, 1)])
def test_the_textbook_way_counts_a_convolution_and_its_kernels(
    groups: int, out_blocks: int
) -> None:
    """One kernel a sample is applied and formed."""
    layer = conv3x3(64, groups=groups, out_blocks=out_blocks)
    batch, places, cells, kernel = 2, 8 * 8, 5, 64 * (64 // groups) * 9
    cost = COSTS["textbook"](Sizes.of(layer, batch, (8, 8), cells))
    assert cost.applying == batch * kernel * places
    assert cost.mixing == batch * kernel * cells


def test_narrow_layers_of_few_cells_are_computed_as_the_textbook_does() -> None:
    """Attention laid out over 14 x 14 positions is dearer than sixteen channels of kernels."""
    assert chooser.modelled(situation(conv3x3(16), 14, 1)) == "textbook"


def test_late_stages_mix_and_early_stages_do_not() -> None:
    assert chooser.modelled(situation(conv3x3(512), 1, 27)).startswith("mix")
    assert chooser.modelled(situation(conv3x3(256), 2, 47)) == "mix-outputs"
    assert not chooser.modelled(situation(conv3x3(64), 8, 56)).startswith("mix")


def test_a_way_that_refuses_a_geometry_is_never_picked() -> None:
    depthwise = conv3x3(64, groups=64, out_blocks=1)
    where = situation(depthwise, 8, 9)
    assert [name for name, _ in chooser.ranked(where)] == ["textbook"]
    x, alpha, cells = tensors(depthwise, 4, 3)
    assert convolve(x, alpha, cells, depthwise, "measured").shape == x.shape


@pytest.mark.parametrize("way", ["auto", "measured"])
def test_choosers_give_the_textbook_result(way: str) -> None:
    geometry = conv3x3(8)
    operands = tensors(geometry, 5, 4)
    x, alpha, cells = operands
    y, expected = (convolve(x, alpha, cells, geometry, w) for w in (way, "textbook"))
    torch.testing.assert_close(y, expected)
    got, want = (torch.autograd.grad(z.square().sum(), operands) for z in (y, expected))
    for mine, reference in zip(
        got, want, strict=True
    ):  # sums cancel: noise is of the largest's size
        assert (mine - reference).abs().max() <= 1e-5 * reference.abs().max()


def test_the_model_keeps_nothing_and_the_clock_keeps_its_answer() -> None:
    geometry = conv3x3(8)
    x, alpha, cells = tensors(geometry, 5, 4)
    convolve(x, alpha, cells, geometry, "auto")
    assert chooser.choices() == {}
    convolve(x, alpha, cells, geometry, "measured")
    ((key, name),) = chooser.choices().items()
    assert name in WAYS
    assert "train" in key


@pytest.mark.parametrize("way", ["auto", "measured"])
def test_a_written_choice_is_followed_when_given_back(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    geometry = conv3x3(8)
    x, alpha, cells = tensors(geometry, 5, 4)
    convolve(x, alpha, cells, geometry, "measured")
    (key,) = chooser.choices()
    chooser.forget_choices()
    marked = torch.zeros(())
    monkeypatch.setitem(WAYS, "assemble", lambda *_: marked)
    chooser.preset_choices({key: "assemble"})
    assert convolve(x, alpha, cells, geometry, way) is marked
    assert chooser.choices() == {key: "assemble"}


def test_choices_that_name_an_unknown_way_are_refused() -> None:
    with pytest.raises(InputError, match="'fastest' is not a way"):
        chooser.preset_choices({"anything": "fastest"})
    assert chooser.choices() == {}


def test_measuring_leaves_gradients_and_random_state_alone() -> None:
    geometry = conv3x3(8)
    operands = tensors(geometry, 5, 4)
    x, alpha, cells = operands
    state = torch.get_rng_state()
    convolve(x, alpha, cells, geometry, "measured")
    assert torch.equal(torch.get_rng_state(), state)
    assert all(t.grad is None for t in operands)


def test_without_gradient_only_the_forward_pass_is_measured() -> None:
    geometry = conv3x3(8)
    x, alpha, cells = tensors(geometry, 5, 4)
    with torch.no_grad():
        y = convolve(x, alpha, cells, geometry, "measured")
    assert not y.requires_grad
    (key,) = chooser.choices()
    assert key.endswith("infer")


class Layer(torch.nn.Module):
    """A layer whose operands are given."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way

    def forward(self, x: Tensor, alpha: Tensor, cells: Tensor) -> Tensor:
        """Convolve."""
        return convolve(x, alpha, cells, conv3x3(8), self.way).relu()


@pytest.mark.parametrize("way", ["auto", "measured"])
def test_an_exported_layer_gives_the_same_numbers(way: str) -> None:
    operands = tuple(t.detach() for t in tensors(conv3x3(8), 5, 4))
    exported = torch.export.export(Layer(way).eval(), operands).module()
    torch.testing.assert_close(exported(*operands), Layer(way)(*operands))


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch's own look at what it resumes
@pytest.mark.parametrize("way", ["auto", "mix-inputs"])
def test_a_compiled_layer_gives_the_same_numbers_and_gradients(way: str) -> None:
    operands = tensors(conv3x3(8), 5, 4)
    compiled = torch.compile(Layer(way), backend="eager")
    got, want = (layer(*operands).sum() for layer in (compiled, Layer(way)))
    torch.testing.assert_close(got, want)
    torch.testing.assert_close(
        torch.autograd.grad(got, operands), torch.autograd.grad(want, operands)
    )


def infers(geometry: Geometry, size: int, cells: int, batch: int) -> chooser.Situation:
    where = situation(geometry, size, cells)
    return replace(where, batch=batch, trains=False, threads=1)


def test_training_and_inference_choose_among_ways_of_their_own() -> None:
    where = situation(conv3x3(64), 56, 36)
    trains = {name for name, _ in chooser.ranked(where)}
    assert trains == {"textbook", "assemble", "mix-inputs", "mix-outputs"}
    without = {name for name, _ in chooser.ranked(replace(where, trains=False))}
    assert without == {"textbook", "mix-inputs", "mix-outputs", "multiply-each", "convolve-each"}


def test_without_gradient_large_images_are_convolved_and_small_ones_multiplied() -> None:
    assert chooser.modelled(infers(conv3x3(64), 56, 36, 16)) == "convolve-each"
    assert chooser.modelled(infers(conv3x3(512), 7, 36, 16)) == "multiply-each"


POINTWISE = replace(conv3x3(64), kernel=(1, 1), padding=((0, 0), (0, 0)), blocks=(1, 2, 2))
DEPTHWISE = conv3x3(64, groups=64)


@pytest.mark.parametrize("geometry", [POINTWISE, DEPTHWISE])
@pytest.mark.parametrize("size", [4, 112])
def test_the_textbook_way_computes_one_image_of_a_layer_that_it_would_copy_several_of(
    geometry: Geometry, size: int
) -> None:
    """However small they are."""
    several, one = (infers(geometry, size, 40, batch) for batch in (16, 1))
    assert [name for name, _ in chooser.ranked(several)].count("textbook") == 0
    assert chooser.modelled(one) == "textbook"
    assert several.usual == chooser.modelled(several) == "convolve-each"
    assert one.usual == "textbook"
    assert chooser.modelled(replace(several, dtype=torch.float64)) == "textbook"


def test_one_image_of_a_layer_whose_kernel_is_mixed_of_many_cells_has_it_made_in_pieces() -> None:
    """Of some cells at a time, which the textbook way does not do."""
    geometry = replace(POINTWISE, in_channels=512, out_channels=512)
    few, many = (infers(geometry, 14, cells, 1) for cells in (40, 138))
    assert few.usual == chooser.modelled(few) == "textbook"
    assert many.usual == chooser.modelled(many) == "convolve-each"
    assert "textbook" in replace(many, trains=True).candidates


def test_one_image_of_tokens_is_multiplied_as_it_lies() -> None:
    """A linear layer, whose tokens the library would copy to convolve along one axis."""
    linear = Geometry(
        in_channels=64, out_channels=64, groups=1, kernel=(1,), stride=(1,), padding=((0, 0),),
        dilation=(1,), blocks=(1, 2, 2), cell_kernel=(1,),
    )  # fmt: skip
    where = chooser.Situation(
        geometry=linear, batch=1, size=(196,), cells=9, dtype=torch.float32, device="cpu",
        threads=1, trains=False,
    )  # fmt: skip
    assert where.usual == chooser.modelled(where) == "convolve-each"
    assert replace(where, trains=True).usual == "textbook"


@pytest.mark.parametrize(("size", "stride"), [(7, 1), (14, 2), (13, 2), (56, 1)])
def test_a_large_image_is_trained_sample_by_sample_where_a_kernel_has_one_position(
    size: int, stride: int
) -> None:
    """The same products as the textbook way's, without its copies; depthwise layers are copied."""
    geometry = replace(POINTWISE, stride=(stride, stride))
    where = replace(situation(geometry, size, 40), batch=16)
    assert where.trains
    assert where.usual == "convolve-each"
    assert "textbook" not in where.candidates
    assert replace(where, size=(size - 2, size)).usual == (
        "convolve-each" if size > 14 else "textbook"
    )
    assert replace(where, batch=1).usual == "textbook"
    assert "convolve-each" not in replace(where, geometry=DEPTHWISE).candidates
    assert "convolve-each" not in replace(where, geometry=conv3x3(64)).candidates


def test_in_training_it_stays_unless_another_is_thought_faster_by_far() -> None:
    where = replace(situation(POINTWISE, 14, 40), batch=16)
    thought = {"convolve-each": 1.0, "assemble": 0.71}
    assert where.chosen(thought) == "convolve-each"
    assert where.chosen(thought | {"assemble": 0.69}) == "assemble"
    other = replace(where, geometry=conv3x3(64))
    assert other.chosen({"textbook": 1.0, "assemble": 0.99}) == "assemble"


def test_three_colours_are_convolved_not_copied_into_patches() -> None:
    colours = replace(conv3x3(32), in_channels=3, stride=(2, 2))
    assert chooser.modelled(infers(colours, 224, 9, 16)) == "convolve-each"


def test_what_is_multiplied_as_it_lies_is_not_copied_first() -> None:
    assert "multiply-each" not in chooser.able(POINTWISE)
    flat = replace(POINTWISE, kernel=(1,), stride=(1,), padding=((0, 0),), dilation=(1,))
    assert "convolve-each" in chooser.able(replace(flat, cell_kernel=(1,)))
    assert chooser.able(DEPTHWISE) == ["textbook", "convolve-each"]


@pytest.mark.parametrize("batch", [1, 16, 128])
@pytest.mark.parametrize(("channels", "size"), [(16, 14), (64, 56), (256, 14), (512, 7)])
@pytest.mark.parametrize("cells", [9, 36, 144])
def test_without_gradient_no_choice_is_thought_slower_than_the_textbook_way(
    batch: int, channels: int, size: int, cells: int
) -> None:
    """It stays unless another is thought faster by more than the model errs."""
    where = infers(conv3x3(channels), size, cells, batch)
    thought = dict(chooser.ranked(where))
    name = chooser.modelled(where)
    assert name == "textbook" or thought[name] <= chooser.MARGIN * thought["textbook"]


def test_gradients_are_what_tells_the_two_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def note(where: chooser.Situation) -> str:
        seen.append(where.trains)
        return "textbook"

    monkeypatch.setattr(chooser, "modelled", note)
    operands = tensors(conv3x3(8), 5, 4)
    convolve(*operands, conv3x3(8))
    with torch.no_grad():
        convolve(*operands, conv3x3(8))
    with torch.inference_mode():
        convolve(*operands, conv3x3(8))
    assert seen == [True, False, False]

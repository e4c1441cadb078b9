"""The paper's losses against hand-computed values, and their gradients."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install moodcut[train]")

from moodcut_training.losses import Batch, loss_terms, pair_loss, similarity, softmax_loss, total_loss  # noqa: E402


def log_sigmoid(x: float) -> float:
    return -math.log1p(math.exp(-x))


def test_pair_loss_by_hand() -> None:
    cosines = torch.tensor([[0.5, -0.2], [0.1, 0.9]], dtype=torch.float64)
    scale, bias = torch.tensor(4.0, dtype=torch.float64), torch.tensor(-1.0, dtype=torch.float64)
    positive = -(log_sigmoid(4 * 0.5 - 1) + log_sigmoid(4 * 0.9 - 1)) / 2
    negative = -(log_sigmoid(-(4 * -0.2 - 1)) + log_sigmoid(-(4 * 0.1 - 1))) / 2
    assert pair_loss(cosines, scale, bias).item() == pytest.approx(positive + 2 * negative)


def test_pair_loss_wants_the_diagonal() -> None:
    scale, bias = torch.tensor(10.0), torch.tensor(-5.0)
    good, bad = 2 * torch.eye(6) - 1, 1 - 2 * torch.eye(6)
    assert pair_loss(good, scale, bias) < 0.1 < pair_loss(bad, scale, bias)


def test_softmax_loss_by_hand() -> None:
    cosines = torch.tensor([[1.0, 0.0], [0.5, 0.5]], dtype=torch.float64)
    rows = [math.exp(2) / (math.exp(2) + 1), 0.5]
    columns = [math.exp(2) / (math.exp(2) + math.e), math.e / (math.e + 1)]
    expected = -sum(math.log(p) for p in rows + columns) / 4
    assert softmax_loss(cosines, torch.tensor(2.0, dtype=torch.float64)).item() == pytest.approx(expected)


def test_pair_loss_averages_each_anchors_column_and_row() -> None:
    """Over three items, by the words of the method: positives, then others of each column, then of each row."""
    cosines = [[0.9, -0.5, 0.3], [0.2, 0.4, -0.1], [-0.7, 0.6, 0.8]]
    s, b = 3.0, 0.5

    def cross_entropy(cosine: float, target: int) -> float:
        return -log_sigmoid(s * cosine + b) if target else -log_sigmoid(-(s * cosine + b))

    positive = sum(cross_entropy(cosines[n][n], 1) for n in range(3)) / 3
    column, row = 0.0, 0.0
    for anchor in range(3):
        others = [other for other in range(3) if other != anchor]
        column += sum(cross_entropy(cosines[other][anchor], 0) for other in others) / 2 / 3
        row += sum(cross_entropy(cosines[anchor][other], 0) for other in others) / 2 / 3
    scale, bias = torch.tensor(s, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)
    found = pair_loss(torch.tensor(cosines, dtype=torch.float64), scale, bias)
    assert found.item() == pytest.approx(positive + column + row)


def test_similarity_is_the_cosine() -> None:
    a, b = torch.tensor([[3.0, 4.0], [0.0, 2.0]]), torch.tensor([[1.0, 0.0], [5.0, 5.0]])
    expected = [0.6, 7 / (5 * math.sqrt(2)), 0.0, 1 / math.sqrt(2)]
    assert similarity(a, b).flatten().tolist() == pytest.approx(expected)


@pytest.mark.parametrize("loss", [pair_loss, lambda cosines, scale, bias: softmax_loss(cosines, scale) + 0 * bias])
def test_gradients_of_one_matrix(loss: object) -> None:
    cosines = torch.rand(6, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64) * 2 - 1
    scale, bias = torch.tensor(5.0, dtype=torch.float64), torch.tensor(-1.0, dtype=torch.float64)
    inputs = [each.requires_grad_() for each in (cosines, scale, bias)]
    assert torch.autograd.gradcheck(loss, inputs)


def make_batch(*tensors: object) -> Batch:
    image, music, text, image_logits, music_logits = tensors
    return Batch(image=image, music=music, text=text, image_logits=image_logits, music_logits=music_logits)


def test_total_is_the_sum_of_its_terms() -> None:
    generator = torch.Generator().manual_seed(0)
    tensors = [torch.randn(6, 4, generator=generator, dtype=torch.float64) for _ in range(3)]
    logits = [torch.zeros(6, 6, dtype=torch.float64)] * 2
    scale, bias = torch.tensor(3.0, dtype=torch.float64), torch.tensor(0.5, dtype=torch.float64)
    image, music, text = tensors
    pairs = [pair_loss(similarity(a, b), scale, bias) for a, b in ((image, music), (text, music), (text, image))]
    options = {"scale": scale, "bias": bias, "contrast": "pairs"}
    batch = make_batch(*tensors, *logits)
    full = total_loss(batch, alpha=0.5, with_text=True, **options)
    assert full.item() == pytest.approx(sum(pairs).item() + 0.5 * 2 * math.log(6))
    silent = total_loss(batch, alpha=0.0, with_text=False, **options)
    assert silent.item() == pytest.approx(pairs[0].item())


def test_terms_of_the_ablations() -> None:
    generator = torch.Generator().manual_seed(3)
    tensors = [torch.randn(6, 4, generator=generator, dtype=torch.float64) for _ in range(3)]
    logits = [torch.diag(torch.full((6,), value, dtype=torch.float64)) for value in (2.0, 3.0)]
    scale, bias = torch.tensor(3.0, dtype=torch.float64), torch.tensor(0.5, dtype=torch.float64)
    options = {"scale": scale, "bias": bias, "contrast": "softmax"}
    batch = make_batch(*tensors, *logits)
    full = loss_terms(batch, alpha=2.0, with_text=True, **options)
    assert list(full) == ["image_music", "text_music", "text_image", "classes"]
    by_hand = [math.log(math.exp(value) + 5) - value for value in (2.0, 3.0)]
    assert full["classes"].item() == pytest.approx(2 * sum(by_hand))
    assert full["text_image"].item() == pytest.approx(softmax_loss(similarity(tensors[2], tensors[0]), scale).item())
    assert list(loss_terms(batch, alpha=1.0, with_text=False, **options)) == ["image_music", "classes"]
    assert list(loss_terms(batch, alpha=0.0, with_text=True, **options)) == list(full)[:3]


@pytest.mark.parametrize("contrast", ["pairs", "softmax"])
def test_gradients(contrast: str) -> None:
    generator = torch.Generator().manual_seed(1)
    shapes = [(6, 5)] * 3 + [(6, 6)] * 2
    tensors = [torch.randn(*s, generator=generator, dtype=torch.float64, requires_grad=True) for s in shapes]
    scale = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    bias = torch.tensor(-0.3, dtype=torch.float64, requires_grad=True)

    def loss(*inputs: object) -> object:
        *parts, s, b = inputs
        return total_loss(make_batch(*parts), scale=s, bias=b, alpha=1.0, contrast=contrast, with_text=True)

    assert torch.autograd.gradcheck(loss, (*tensors, scale, bias))

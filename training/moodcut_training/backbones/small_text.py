"""A BERT sentence encoder in PyTorch (see :mod:`moodcut_scorer.bert`), under the names of its checkpoint."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from moodcut_scorer.bert import BertShape


class _SelfAttention(nn.Module):  # type: ignore[misc]  # torch may be absent where types are checked
    def __init__(self, width: int, head_count: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.head_count = head_count

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        query, key, value = (
            layer(x).unflatten(2, (self.head_count, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen[:, None, None])
        return mixed.transpose(1, 2).flatten(2)


class _Output(nn.Module):  # type: ignore[misc]
    """A dense layer whose result is added to the way around it and normalised."""

    def __init__(self, inputs: int, width: int, epsilon: float) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, width)
        self.LayerNorm = nn.LayerNorm(width, eps=epsilon)

    def forward(self, hidden: Tensor, x: Tensor) -> Tensor:
        return self.LayerNorm(self.dense(hidden) + x)


class _Layer(nn.Module):  # type: ignore[misc]
    def __init__(self, shape: BertShape, inner: int) -> None:
        super().__init__()
        self.attention = nn.ModuleDict(
            {
                "self": _SelfAttention(shape.width, shape.head_count),
                "output": _Output(shape.width, shape.width, shape.norm_epsilon),
            }
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(shape.width, inner)})
        self.output = _Output(inner, shape.width, shape.norm_epsilon)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        x = self.attention["output"](self.attention["self"](x, seen), x)
        return self.output(functional.gelu(self.intermediate["dense"](x)), x)


class SentenceEncoder(nn.Module):  # type: ignore[misc]
    """Token numbers int64 [n, t] and which of them are seen, bool [n, t] -> unit vectors [n, width]."""

    def __init__(
        self, shape: BertShape, *, word_count: int = 30_522, position_count: int = 512, inner: int = 1536
    ) -> None:
        super().__init__()
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding(word_count, shape.width),
                "position_embeddings": nn.Embedding(position_count, shape.width),
                "token_type_embeddings": nn.Embedding(2, shape.width),
                "LayerNorm": nn.LayerNorm(shape.width, eps=shape.norm_epsilon),
            }
        )
        layers = nn.ModuleList(_Layer(shape, inner) for _ in range(shape.layer_count))
        self.encoder = nn.ModuleDict({"layer": layers})

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """One vector a sentence: the mean over the tokens seen, at unit length."""
        tables = self.embeddings
        kind = tables["token_type_embeddings"].weight[0]
        places = tables["position_embeddings"].weight[: tokens.shape[1]]
        x = tables["LayerNorm"](tables["word_embeddings"](tokens) + places + kind)
        for layer in self.encoder["layer"]:
            x = layer(x, seen)
        weight = seen[..., None].to(x.dtype)
        return functional.normalize((x * weight).sum(dim=1) / weight.sum(dim=1), dim=1)

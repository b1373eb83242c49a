"""What the tests of analysers share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.analysis.models import LABELS


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a small vision transformer with its preparation of pictures, from a fixed seed.

    Mark the test ``xdist_group("huggingface")``: one process loads torch, and it alone.
    """
    import torch
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    torch.manual_seed(11)
    config = ViTConfig(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        image_size=32,
        patch_size=16,
        id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
    )
    model = ViTForImageClassification(config)
    # Far enough apart for a label to win.
    model.classifier.weight.data *= 40
    folder = tmp_path_factory.mktemp("weights")
    model.save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder

"""reset_parameters makes a model as new, by torch's generator."""

import pytest
import torch

from tests.small_models import INPUT_SIZE, KINDS, OUTPUT_SIZE


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_initialized_again_as_those_of_a_new_model(kind: str) -> None:
    model_type, options = KINDS[kind]
    model = model_type(INPUT_SIZE, OUTPUT_SIZE, **options, embedding_size=6)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(7.0)
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        model.reset_parameters()
        drawn.append({name: parameter.detach().clone() for name, parameter in model.named_parameters()})
    new, other = (
        dict(model_type(INPUT_SIZE, OUTPUT_SIZE, **options, embedding_size=6).named_parameters()) for _ in range(2)
    )
    for name, parameter in drawn[0].items():
        assert torch.equal(parameter, drawn[1][name])
        if torch.equal(new[name], other[name]):  # it is not drawn
            assert torch.equal(parameter, new[name]), name
        else:
            assert not torch.equal(parameter, drawn[2][name]), name
            assert parameter.std() == pytest.approx(new[name].std().item(), rel=0.6), name

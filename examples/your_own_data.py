"""Train a Neural Turing Machine on your own tensors in a plain PyTorch loop: `python examples/your_own_data.py`.

Here it adds up numbers as they come, in sequences of different lengths.
"""

import torch
from torch.nn.functional import mse_loss
from torch.nn.utils.rnn import pad_sequence

from tapehead import NTM


def main(steps: int = 300, batch_size: int = 16, longest: int = 8) -> float:
    """Train, print what was learned, and return the last loss."""
    torch.manual_seed(0)
    sequences = [torch.rand(length) for length in torch.randint(1, longest + 1, (1000,)).tolist()]  # yours

    model = NTM(input_size=1, output_size=1, memory_slots=16, memory_width=8, batch_first=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=6e-3, amsgrad=True)
    for _ in range(steps):
        picked = [sequences[index] for index in torch.randint(len(sequences), (batch_size,)).tolist()]
        lengths = torch.tensor([len(sequence) for sequence in picked])
        numbers = pad_sequence(picked, batch_first=True)
        outputs, _ = model(numbers.unsqueeze(2), lengths=lengths)
        mask = torch.arange(numbers.shape[1]) < lengths.unsqueeze(1)
        loss = mse_loss(outputs.squeeze(2)[mask], numbers.cumsum(1)[mask])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    with torch.no_grad():
        first, state = model(torch.tensor([[0.2], [0.3]]))  # one sequence, without a batch axis
        then, _ = model(torch.tensor([[0.4]]), state)  # and on from where it stopped
    print(f"0.2 + 0.3 is about {float(first[-1]):.2f}, and 0.4 more {float(then[-1]):.2f}")
    return loss.item()


if __name__ == "__main__":
    main()

"""Use a Neural Turing Machine where you would use torch.nn.LSTM: here, to add up numbers that come one at a time."""

import torch
from torch.nn.functional import mse_loss

import tapehead


def main(updates: int = 300, batch_size: int = 16, longest: int = 8) -> float:
    """Train on sequences of different lengths, then carry on from a state, and return the last loss."""
    torch.manual_seed(0)
    model = tapehead.NTM(input_size=1, output_size=1, memory_slots=16, memory_width=8, batch_first=True)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(updates):
        lengths = torch.randint(1, longest + 1, (batch_size,))
        inside = torch.arange(longest) < lengths.unsqueeze(1)
        numbers = torch.rand(batch_size, longest) * inside
        outputs, _ = model(numbers.unsqueeze(-1), lengths=lengths)
        loss = mse_loss(outputs.squeeze(-1)[inside], numbers.cumsum(1)[inside])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    print(f"mean squared error of the running sum: {loss.item():.4f}")

    first, state = model(torch.tensor([[0.2], [0.3]]))  # one sequence, no batch axis
    second, _ = model(torch.tensor([[0.4]]), state)  # and on from where it stopped
    print(f"0.2 + 0.3 is about {first[-1].item():.2f}, and 0.4 more {second[-1].item():.2f}")
    return loss.item()


if __name__ == "__main__":
    main()

"""Use a Neural Turing Machine where you would use torch.nn.LSTM: here in a module that adds up numbers as they come."""

import torch
from torch import Tensor, nn

from tapehead import NTM, NTMState


class RunningSum(nn.Module):
    """A module of your own: a Neural Turing Machine between two linear layers."""

    def __init__(self, units: int = 8) -> None:
        super().__init__()
        self.embed, self.read_out = nn.Linear(1, units), nn.Linear(units, 1)
        self.machine = NTM(units, units, memory_slots=16, memory_width=8, batch_first=True)

    def forward(self, numbers: Tensor, state: NTMState | None = None) -> tuple[Tensor, NTMState]:
        """Add up numbers, (B, T) or (T,), from where a state stopped."""
        outputs, state = self.machine(self.embed(numbers.unsqueeze(-1)), state)
        return self.read_out(outputs).squeeze(-1), state


def main(updates: int = 300, batch_size: int = 16, longest: int = 8) -> float:
    """Train in a loop of your own, then carry on from a state, and return the last loss."""
    torch.manual_seed(0)
    model = RunningSum()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(updates):
        numbers = torch.rand(batch_size, longest)
        loss = nn.functional.mse_loss(model(numbers)[0], numbers.cumsum(1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    first, state = model(torch.tensor([0.2, 0.3]))  # one sequence, no batch axis; then on from where it stopped
    print(f"0.2 + 0.3 is about {first[-1]:.2f}, and 0.4 more {model(torch.tensor([0.4]), state)[0][-1]:.2f}")
    return loss.item()


if __name__ == "__main__":
    main()

"""One training run: described by a frozen `Run`, done by `loop`, recorded in a folder."""

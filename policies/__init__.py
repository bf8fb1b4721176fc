"""Learning, evaluation and leaving the simulator."""

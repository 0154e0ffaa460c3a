"""The wheel and the source distribution, in virtual environments that hold nothing else."""

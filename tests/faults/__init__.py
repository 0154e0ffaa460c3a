"""Kills, full disks, interrupts, obstacles and races: a result stays whole, or was never there."""

from enum import Enum

class TrialStatus(int, Enum):
    FAILED = 2
    COMPLETED = 3
    RUNNING = 4

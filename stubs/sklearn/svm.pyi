import numpy as np
from numpy.typing import NDArray

class SVC:
    n_support_: NDArray[np.int32]
    def __init__(self, *, C: float, gamma: float) -> None: ...  # noqa: N803  # scikit-learn's name
    def fit(self, images: NDArray[np.float64], labels: NDArray[np.int64], /) -> SVC: ...
    def score(self, images: NDArray[np.float64], labels: NDArray[np.int64], /) -> float: ...

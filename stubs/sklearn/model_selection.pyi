import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC

_Images = NDArray[np.float64]
_Labels = NDArray[np.int64]

def cross_val_score(estimator: SVC, images: _Images, labels: _Labels, /, *, cv: int) -> NDArray[np.float64]: ...
def train_test_split(
    images: _Images, labels: _Labels, /, *, test_size: float, random_state: int, stratify: _Labels
) -> tuple[_Images, _Images, _Labels, _Labels]: ...

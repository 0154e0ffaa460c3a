"""Import the runs of MLflow: each becomes one result, of its status, its parameters and the last value of each metric.

``python import_mlflow.py sqlite:///mlflow.db s3://bucket/results``
"""

from __future__ import annotations

import sys

import mlflow

from typedtrack import Value, open_tracker


def main(tracking_uri: str, tracker_base: str) -> None:
    """Store each run under the key ``mlflow/EXPERIMENT/RUN``, by the ids that MLflow gave them."""
    mlflow.set_tracking_uri(tracking_uri)
    results: dict[str, dict[str, Value]] = {}
    for run in mlflow.search_runs(search_all_experiments=True, output_format="list"):
        parameters = {f"param/{name}": _value(text) for name, text in run.data.params.items()}
        key = f"mlflow/{run.info.experiment_id}/{run.info.run_id}"
        results[key] = {"status": run.info.status, **parameters, **run.data.metrics}
    open_tracker(tracker_base).put_many(results)


def _value(text: str) -> Value:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            pass
    return text.encode()[:1024].decode(errors="ignore")  # a str has at most 1,024 bytes


if __name__ == "__main__":
    main(*sys.argv[1:])

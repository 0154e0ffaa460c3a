"""The pages on stores: their snippets run against a real server, with the credentials in the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser

from tests.servers.azurite import Azure
from tests.servers.ceph import S3
from tests.servers.gcs import Gcs

_PAGES = Path(__file__).parents[2] / "docs" / "how-to"


def run_page(name: str, folder: Path, **shown: str) -> None:
    """Run the snippets of a page, each text of *shown* replaced by the one that this machine has."""
    text = (_PAGES / f"{name}.md").read_text(encoding="utf-8")
    for placeholder, real in shown.items():
        assert placeholder in text
        text = text.replace(placeholder, real)
    page = folder / f"{name}.md"
    page.write_text(text, encoding="utf-8")
    for example in Sybil(parsers=[PythonCodeBlockParser()]).parse(page).examples():
        example.evaluate()


def test_moto_runs_the_page_on_s3(moto: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and endpoint come from the environment, from options of both clients, and from boto3."""
    for name, value in moto.environment.items():
        monkeypatch.setenv(name, value)
    moto.make_bucket("docs")
    shown = {"s3://bucket/": "s3://docs/", "http://localhost:9000": moto.endpoint}
    run_page("s3", tmp_path, **shown, **{'"KEY"': f'"{moto.access_key}"', '"SECRET"': f'"{moto.secret_key}"'})


def test_azurite_runs_the_page_on_azure(azurite: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and endpoint come from the environment, and from options of both clients."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", azurite.account)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", azurite.account_key)
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", azurite.endpoint)
    azurite.make_container("docs")
    shown = {"az://container/": "az://docs/", "http://127.0.0.1:10000/ACCOUNT": azurite.endpoint}
    run_page("azure", tmp_path, **shown, **{'"ACCOUNT"': f'"{azurite.account}"', '"KEY"': f'"{azurite.account_key}"'})


def test_gcs_page(fake_gcs: Gcs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client obstore finds the server by the environment, gcsfs by its options."""
    monkeypatch.setenv("GOOGLE_BASE_URL", fake_gcs.xml_endpoint)
    monkeypatch.setenv("GOOGLE_BEARER_TOKEN", fake_gcs.token)
    fake_gcs.make_bucket("docs")
    run_page("gcs", tmp_path, **{"gs://bucket/": "gs://docs/", "http://localhost:4443": fake_gcs.endpoint})

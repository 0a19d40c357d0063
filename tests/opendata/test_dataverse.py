"""Reading the portal with pyDataverse, as one reads a Dataverse."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from django.test import Client
from pyDataverse.api import DataAccessApi, NativeApi, SearchApi
from pyDataverse.models import Dataset

from opendata.accounts.models import User
from opendata.records import publishing

from .prepared import MIGRATE, prepared
from .records import ECSV, draft, published
from .running import Server, serve

SECOND = ECSV + b"12.0 1.0 2.0\n"
DOI = "doi:10.5072/FK2/TWO"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A record with two versions and a DOI, and one without."""
    variables = prepared(tmp_path_factory.mktemp("dataverse"), MIGRATE)
    with serve(variables) as running:
        curator, reviewer = running.token("cora", "curator"), running.token("rene", "reviewer")

        def call(method: str, path: str, headers: dict[str, str], **more: Any) -> None:
            answer = httpx.request(
                method, f"{running.url}/api/v1/{path}", headers=headers, timeout=60, **more
            )
            assert answer.is_success, answer.text

        def publish(identifier: str, name: str, content: bytes) -> None:
            path = f"records/{identifier}/draft"
            call("PUT", f"{path}/files/{quote(name)}", curator, content=content)
            call("POST", f"{path}/submit/", curator)
            call("POST", f"{path}/approve/", reviewer)

        for identifier, doi, name in (
            ("cnt24_01", DOI.removeprefix("doi:"), "counts.ecsv"),
            ("plain24_01", "", "Counts + more-1.ecsv"),
        ):
            new = {"record": {"identifier": identifier}, "draft": draft(doi=doi)}
            call("POST", "drafts/", curator, json=new)
            publish(identifier, name, ECSV)
        said = draft(doi=DOI.removeprefix("doi:"), label="1.1", title="Better counts of ORCA6")
        call("PUT", "records/cnt24_01/draft/", curator, json=said)
        publish("cnt24_01", "counts.ecsv", SECOND)
        yield running


@pytest.fixture
def native(server: Server) -> NativeApi:
    return NativeApi(server.url)


def _data(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "OK"
    return answer.json()["data"]


def test_pydataverse_reads_a_data_set(native: NativeApi) -> None:
    found = _data(native.get_dataset(DOI))
    assert (found["protocol"], found["authority"], found["identifier"]) == (
        "doi",
        "10.5072",
        "FK2/TWO",
    )
    latest = found["latestVersion"]
    assert (latest["versionNumber"], latest["versionMinorNumber"]) == (1, 1)
    assert (latest["versionState"], latest["datasetPersistentId"]) == ("RELEASED", DOI)
    assert latest["license"]["name"] == "CC-BY-4.0"
    assert found == _data(native.get_dataset(found["id"], is_pid=False))
    # pyDataverse's own model takes the metadata apart.
    content = {"datasetVersion": latest}
    model = Dataset()
    model.from_json(json.dumps(content), validate=False)
    assert model.get()["title"] == "Better counts of ORCA6"
    assert model.get()["dsDescription"][0]["dsDescriptionValue"] == "Counts in bins"


@pytest.mark.parametrize(
    "name",
    [DOI, "https://doi.org/10.5072/FK2/TWO", "doi:10.5072/fk2/two", "cnt24_01",
     "perma:km3net/cnt24_01"],
)  # fmt: skip
def test_a_data_set_is_found_by_each_of_its_names(native: NativeApi, name: str) -> None:
    assert _data(native.get_dataset(name))["latestVersion"]["datasetPersistentId"] == DOI


def test_pydataverse_reads_versions(native: NativeApi) -> None:
    everything = _data(native.get_dataset_versions(DOI))
    assert [(item["versionNumber"], item["versionMinorNumber"]) for item in everything] == [
        (1, 1),
        (1, 0),
    ]
    for name, minor in (
        (":latest", 1), (":latest-published", 1), ("1.1", 1), ("1.0", 0), ("1", 0),
    ):  # fmt: skip
        found = _data(native.get_dataset_version(DOI, name))
        assert (found["versionNumber"], found["versionMinorNumber"]) == (1, minor), name
    number = everything[0]["datasetId"]
    assert _data(native.get_dataset_versions(number, is_pid=False)) == everything
    assert _data(native.get_dataset_version(number, "1.0", is_pid=False)) == everything[1]
    for name in ("2.0", "1.2", ":draft", "x"):
        answer = native.get_dataset_version(DOI, name)
        assert (answer.status_code, answer.json()["status"]) == (404, "ERROR")


def test_pydataverse_reads_the_files_of_each_version(native: NativeApi, server: Server) -> None:
    access = DataAccessApi(server.url)
    for name, content in ((":latest", SECOND), ("1.1", SECOND), ("1.0", ECSV)):
        file = _data(native.get_datafiles_metadata(DOI, name))[0]
        metadata = file["dataFile"]
        assert (file["label"], metadata["filename"], metadata["filesize"]) == (
            "counts.ecsv",
            "counts.ecsv",
            len(content),
        )
        assert access.get_datafile(metadata["id"], is_pid=False).content == content
        assert access.get_datafile(metadata["persistentId"]).content == content
        original = access.get_datafile(metadata["id"], data_format="original", is_pid=False)
        assert original.content == content
        about = native.get_datafile_metadata(metadata["id"], is_filepid=False).json()
        assert (about["label"], about["restricted"]) == ("counts.ecsv", False)
        assert (
            native.get_datafile_metadata(metadata["persistentId"], is_filepid=True).json() == about
        )
    # What the portal does not make of a file is not given in its place.
    assert access.get_datafile(metadata["id"], data_format="RData", is_pid=False).status_code == 404
    assert access.get_datafile(10**20, is_pid=False).status_code == 404
    assert access.get_datafile("perma:km3net/cnt24_01/9.9/x").status_code == 404


def test_names_of_files_with_blanks_and_plus_signs_lead_to_the_file(
    native: NativeApi, server: Server
) -> None:
    metadata = _data(native.get_datafiles_metadata("plain24_01"))[0]["dataFile"]
    assert metadata["filename"] == "Counts + more-1.ecsv"
    access = DataAccessApi(server.url)
    assert access.get_datafile(metadata["persistentId"]).content == ECSV
    by_parameter = httpx.get(
        f"{server.url}/api/access/datafile/:persistentId/",
        params={"persistentId": metadata["persistentId"]},
    )
    assert by_parameter.content == ECSV


def test_several_files_come_as_one_archive(native: NativeApi, server: Server) -> None:
    access = DataAccessApi(server.url)
    numbers = [
        str(_data(native.get_datafiles_metadata(DOI, name))[0]["dataFile"]["id"])
        for name in ("1.0", "1.1")
    ]
    archive = zipfile.ZipFile(io.BytesIO(access.get_datafiles(",".join(numbers)).content))
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == {
        "cnt24_01/1.0/counts.ecsv": ECSV,
        "cnt24_01/1.1/counts.ecsv": SECOND,
    }
    bundle = zipfile.ZipFile(io.BytesIO(access.get_datafile_bundle(numbers[0]).content))
    assert bundle.read("cnt24_01/1.0/counts.ecsv") == ECSV
    assert b"TY  - DATA" in bundle.read("cnt24_01-citation.ris")
    everything = server.get("/api/access/dataset/:persistentId/?persistentId=cnt24_01").content
    assert zipfile.ZipFile(io.BytesIO(everything)).namelist() == ["cnt24_01/1.1/counts.ecsv"]
    assert access.get_datafiles("1,99999").status_code == 404


def test_pydataverse_walks_the_tree(native: NativeApi) -> None:
    tree = native.get_children(":root", children_types=["datasets", "datafiles"])
    assert {item["pid"] for item in tree} == {DOI, "perma:km3net/plain24_01"}
    names = {file["filename"] for item in tree for file in item["children"]}
    assert names == {"counts.ecsv", "Counts + more-1.ecsv"}
    assert _data(native.get_dataverse(":root"))["alias"] == native.dataverse_id2alias("root")
    assert native.get_dataverse("other").status_code == 404


def test_pydataverse_exports_and_asks_what_the_server_is(native: NativeApi) -> None:
    assert b"10.5072/FK2/TWO" in native.get_dataset_export(DOI, "Datacite").content
    assert native.get_dataset_export(DOI, "schema.org").json()["@type"] == "Dataset"
    assert "datasetVersion" in native.get_dataset_export(DOI, "dataverse_json").json()
    assert native.get_dataset_export(DOI, "ddi").status_code == 400
    assert _data(native.get_info_version())["version"] == "6.3"
    assert "message" in _data(native.get_info_api_terms_of_use())
    assert _data(native.get_info_server())["message"].startswith("127.0.0.1")
    assert _data(native.get_metadatablocks())[0]["name"] == "citation"


def test_pydataverse_searches(server: Server) -> None:
    search = SearchApi(server.url)
    found = _data(search.search("better counts"))
    assert (found["total_count"], found["items"][0]["global_id"]) == (1, DOI)
    assert _data(search.search("*", per_page=1))["total_count"] == 2
    assert len(_data(search.search("*", per_page=1))["items"]) == 1
    assert _data(search.search("*", data_type="file"))["total_count"] == 0
    assert _data(search.search("conuts"))["spelling_alternatives"] == {"conuts": "[counts]"}
    by_name = _data(search.search("counts", sort="name", order="desc"))["items"]
    assert [item["name"] for item in by_name] == ["Counts of ORCA6", "Better counts of ORCA6"]
    assert search.search("*", filter_query="x:y").status_code == 400


def test_missing_objects_are_reported_as_dataverse_does(native: NativeApi) -> None:
    answer = native.get_dataset("doi:10.1234/nothing")
    assert answer.status_code == 404
    assert answer.json()["message"] == "Dataset with Persistent ID doi:10.1234/nothing not found."
    assert native.get_dataset(10**30, is_pid=False).status_code == 404
    assert native.get_datafiles_metadata("nothing").status_code == 404


def test_the_doi_of_an_older_version_means_that_version(
    web: Client, curator: User, reviewer: User
) -> None:
    first = published(curator, reviewer, doi="10.5072/FK2/OLD")
    second = publishing.next_version(first.record, curator, "new")
    said = draft(label="2.0", doi="10.5072/FK2/NEW")
    publishing.change(second, publishing.Draft(**said), curator)
    publishing.submit(second, curator)
    publishing.approve(second, reviewer)

    def latest(name: str) -> int:
        path = f"/api/datasets/:persistentId/?persistentId={name}"
        return int(web.get(path).json()["data"]["latestVersion"]["versionNumber"])

    assert (latest("doi:10.5072/FK2/OLD"), latest("doi:10.5072/FK2/NEW")) == (1, 2)
    assert latest("cnt24_01") == 2


def test_a_withdrawn_version_says_so_and_gives_no_file(
    web: Client, curator: User, reviewer: User
) -> None:
    version = published(curator, reviewer)
    number = version.files.get().pk
    publishing.withdraw(version, reviewer, "Wrong calibration.")
    found = web.get("/api/datasets/:persistentId/versions?persistentId=cnt24_01").json()["data"][0]
    assert (found["versionState"], found["files"]) == ("DEACCESSIONED", [])
    assert found["deaccessionNote"] == "Wrong calibration."
    assert web.get(f"/api/access/datafile/{number}").status_code == 410
    assert web.get(f"/api/access/datafiles/{number}").status_code == 404
    assert web.get("/api/dataverses/:root/contents").json()["data"] == []

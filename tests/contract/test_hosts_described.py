"""What Netlify and Vercel say of themselves: what we ask, and what our stand-ins answer, fits it.

Netlify's requests go to a server that is made from Netlify's published description and
refuses what does not fit it; Vercel's are read by the schemas of Vercel's own SDK.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import jsonschema
import pytest

from greenroom.errors import HostingError
from greenroom.hosting.base import nothing
from greenroom.hosting.elsewhere import open_host
from greenroom.hosting.vendors import list_files
from greenroom.settings import ROOT
from tests.contract.host_server import SITE, TOKEN, NetlifyServer, VercelServer

pytestmark = [pytest.mark.contract, pytest.mark.needs_node]
Require = Callable[[bool, str, str], None]
DESCRIPTION = ROOT / "node_modules" / "@netlify" / "open-api" / "dist" / "swagger.json"
PRISM = ROOT / "node_modules" / ".bin" / "prism"
SDK = ROOT / "node_modules" / "@vercel" / "sdk"


@pytest.fixture(scope="module")
def described(require: Require) -> Iterator[str]:
    """Netlify as its published description has it: a server that refuses what does not fit."""
    require(DESCRIPTION.is_file() and PRISM.is_file(), "@netlify/open-api", "npm ci")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    argv = [str(PRISM), "mock", "-h", "127.0.0.1", "-p", str(port), "--errors", str(DESCRIPTION)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "is listening" in line:
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.stdout.close()
        process.wait(20)


def test_netlify_takes_what_we_ask(described: str, tmp_path: Path) -> None:
    tmp_path.joinpath("index.html").write_text("one")
    client = open_host("netlify", SITE, TOKEN, api_url=described)
    files = list_files(tmp_path, nothing)
    client.look_at_site()
    client.find_sent("greenroom-1")
    names: list[str] = []
    with pytest.raises(HostingError, match="not in the release"):  # "string" is required
        client.send("greenroom-1", files, names.append, nothing)
    assert names == ["string"]
    client._upload("PUT", "deploys/d1/files/index.html", files["index.html"], nothing)
    client.look("d1")
    client.cancel("d1")
    client.publish("d1", again=True)
    client.delete("d1")
    client.close()
    wrong = httpx.post(
        f"{described}/sites/{SITE}/deploys", json={"files": "none"},
        headers={"Authorization": f"Bearer {TOKEN}"},
    )  # fmt: skip
    assert wrong.status_code == 422  # it does look


def test_our_netlify_answers_as_the_description_says(tmp_path: Path, require: Require) -> None:
    require(DESCRIPTION.is_file(), "@netlify/open-api", "npm ci")
    described = json.loads(DESCRIPTION.read_text())["definitions"]
    with NetlifyServer() as server:
        tmp_path.joinpath("index.html").write_text("one")
        client = open_host("netlify", SITE, TOKEN, api_url=server.url)
        client.send("greenroom-1", list_files(tmp_path, nothing), lambda _: None, nothing)
        client.close()
        for kept in server.deploys.values():
            schema = {**described["deploy"], "definitions": described}
            jsonschema.validate(server.worded(kept), schema)
            assert set(server.worded(kept)) <= set(described["deploy"]["properties"])


READ = """
import { readFileSync } from "node:fs";
const models = process.argv[1];
const asked = JSON.parse(readFileSync(0, "utf8"));
const load = (name) => import(`${models}/${name}.js`);
const body = (await load("responsebodyimages")).CreateDeploymentRequestBody$outboundSchema;
const back = body.parse(asked.body);
const ask = async (name, kind, value) => (await load(name))[`${kind}$outboundSchema`].parse(value);
const made = [
  await ask("requestpromoteop", "RequestPromoteRequest", asked.promote),
  await ask("requestrollbackop", "RequestRollbackRequest", asked.rollback),
  await ask("getdeploymentsop", "GetDeploymentsRequest", asked.list),
  await ask("getdeploymenteventsop", "GetDeploymentEventsRequest", asked.events),
];
let refuses = false;
try { body.parse({ ...asked.body, files: "none" }); } catch { refuses = true; }
console.log(JSON.stringify({ back, made, refuses }));
"""


def test_vercel_takes_what_we_ask(tmp_path: Path, require: Require) -> None:
    node = shutil.which("node")
    require(node is not None and SDK.is_dir(), "@vercel/sdk", "npm ci")
    with VercelServer() as server:
        tmp_path.joinpath("index.html").write_text("one")
        client = open_host("vercel", SITE, TOKEN, team="acme", api_url=server.url)
        sent = client.send("greenroom-1", list_files(tmp_path, nothing), lambda _: None, nothing)
        client.look(sent.id)
        client.find_sent("greenroom-1")
        client.read_log(sent.id)
        client.publish(sent.id, again=False)
        client.publish(sent.id, again=True)
        client.close()
    assert {one.query.get("slug") for one in server.asked} == {"acme"}
    body = next(one.body for one in server.asked if one.path == "/v13/deployments")
    listed = next(one.query for one in server.asked if one.path == "/v7/deployments")
    events = next(one.query for one in server.asked if one.path.endswith("/events"))
    numbers = ("limit", "builds")
    named = {"projectId": SITE, "deploymentId": sent.id, "slug": "acme"}
    given = {
        "body": body, "promote": named, "rollback": named,
        "list": {k: int(v) if k in numbers else v for k, v in listed.items()},
        "events": {"idOrUrl": sent.id}
        | {k: int(v) if k in numbers else v for k, v in events.items()},
    }  # fmt: skip
    models = (SDK / "esm" / "models").as_uri()
    run = subprocess.run(
        [str(node), "--input-type=module", "-e", READ, models], input=json.dumps(given),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    said = json.loads(run.stdout)
    assert said["refuses"]
    assert said["back"] == body  # it knows each key of ours
    assert said["made"][2] == given["list"]
    assert said["made"][3] == {"direction": "forward", **given["events"]}
    paths = {path.stem: path.read_text() for path in (SDK / "esm" / "funcs").glob("*.js")}
    for name, path in {
        "deploymentsCreateDeployment": "/v13/deployments", "deploymentsUploadFile": "/v2/files",
        "deploymentsGetDeployment": "/v13/deployments/{idOrUrl}",
        "deploymentsGetDeployments": "/v7/deployments",
        "deploymentsCancelDeployment": "/v12/deployments/{id}/cancel",
        "deploymentsDeleteDeployment": "/v13/deployments/{id}",
        "deploymentsGetDeploymentEvents": "/v3/deployments/{idOrUrl}/events",
        "projectsRequestPromote": "/v10/projects/{projectId}/promote/{deploymentId}",
        "projectsRequestRollback": "/v1/projects/{projectId}/rollback/{deploymentId}",
    }.items():  # fmt: skip
        assert f'"{path}"' in paths[name]

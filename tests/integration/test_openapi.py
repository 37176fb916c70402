# SPDX-License-Identifier: MIT
"""docs/master-api.yaml is true: of what the agent sends, of what the dev Master answers, and of its own examples."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

from support.agent import health_folder, write_node_json
from support.wait import wait_until

DOCUMENT = Path(__file__).parents[2] / "docs/master-api.yaml"
NODES = "/api/v1/master/nodes"


def resolve(part, whole):
    """The part with what its references point to in their place; members beside a reference come on top of that."""
    if isinstance(part, list):
        return [resolve(item, whole) for item in part]
    if not isinstance(part, dict):
        return part
    resolved = {name: resolve(value, whole) for name, value in part.items() if name != "$ref"}
    if "$ref" in part:
        target = whole
        for name in part["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        resolved = {**resolve(target, whole), **resolved}
    return resolved


def closed(schema):
    """The schema, but with no members that it does not describe: for what the agent itself makes."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    stricter = {name: closed(value) for name, value in schema.items()}
    return {"additionalProperties": False, **stricter} if "properties" in schema else stricter


def check(value, schema):
    Draft202012Validator(schema, format_checker=FormatChecker(["ipv4", "ipv6"])).validate(value)


class Api:
    def __init__(self):
        document = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
        self.document = resolve(document, document)
        self.schemas = self.document["components"]["schemas"]

    def operation(self, method, path):
        """The operation that a request is. As in any server, a path without variables is found first."""
        found = [template for template, item in self.document["paths"].items()
                 if method.lower() in item and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)]
        assert found, f"{method} {path} is not described"
        return self.document["paths"][min(found, key=lambda template: "{" in template)][method.lower()]

    def check_sent(self, request):
        """A request of the agent, as the dev Master wrote it down."""
        operation = self.operation(request["method"], request["path"])
        assert "agent" in operation["tags"]
        headers = {name.lower(): value for name, value in request["headers"]}
        schema = operation["requestBody"]["content"][headers["content-type"]]["schema"]
        check(json.loads(request["body"]), closed(schema))

    def check_answer(self, answer, status):
        """An answer of the dev Master, as requests has it."""
        assert answer.status_code == status, answer.text
        operation = self.operation(answer.request.method, urlsplit(answer.url).path)
        content = operation["responses"][str(status)].get("content")
        if content is None:
            assert not answer.content
            return
        kind = answer.headers["Content-Type"].split(";")[0]
        check(answer.json() if kind == "application/json" else answer.text, content[kind]["schema"])


@pytest.fixture(scope="module")
def api():
    return Api()


def described_examples(part, place="#"):
    """(where, schema, example) of all examples, with the schema that each belongs to."""
    if isinstance(part, list):
        for number, item in enumerate(part):
            yield from described_examples(item, f"{place}/{number}")
    elif isinstance(part, dict):
        schema = part.get("schema", part)  # a schema's own example stands beside its type
        if "example" in part:
            yield place, schema, part["example"]
        if "schema" in part:
            for name, example in part.get("examples", {}).items():
                yield f"{place}/{name}", schema, example["value"]
        for name, value in part.items():
            if name not in ("example", "examples"):
                yield from described_examples(value, f"{place}/{name}")


def test_the_examples_are_what_they_are_examples_of(api):
    examples = list(described_examples(api.document))
    assert len(examples) >= 10
    for place, schema, example in examples:
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(closed(schema) if "requestBody" in place else schema)
        assert not [f"{place}: {error.message}" for error in validator.iter_errors(example)]


def test_what_the_agent_sends(api, agent, master, state_root):
    health = health_folder(state_root)
    (health / "log-fluentbit.json").write_text('{"lag": 12345678901234567890}')
    (health / "metric-node-exporter.json").write_text("null")
    agent(REPORT_INTERVAL_SECONDS=1)
    register, report = master.wait_for_answers(2)
    for request in register, report:
        api.check_sent(request)
    assert "id" not in json.loads(register["body"])
    assert len(json.loads(report["body"])["health"]) == 2


@pytest.mark.parametrize("node_id", ["A7", "a b/ü%", 42, -7, 18446744073709551615])
def test_what_an_agent_with_an_id_sends(api, agent, master, state_root, node_id):
    write_node_json(state_root, json.dumps({"id": node_id, "name": "dev-alice-web01"}))
    master.behave({"match": "register", "body": json.dumps({"id": node_id})}, {"match": "report", "status": 204})
    agent(REPORT_INTERVAL_SECONDS=1)
    register, report = master.wait_for_answers(2)
    api.check_sent(register)
    api.check_sent(report)
    assert json.loads(register["body"])["id"] == node_id


def test_what_the_dev_master_answers(api, agent, master):
    started = agent(REPORT_INTERVAL_SECONDS=1)
    register, report = master.wait_for_answers(2)
    started.stop()
    master.forget()

    api.check_answer(master.ask("POST", NODES, data=register["body"]), 201)
    known = master.ask("POST", NODES, data=register["body"])
    api.check_answer(known, 200)
    node_path = f"{NODES}/{known.json()['id']}"
    api.check_answer(master.ask("GET", node_path), 200)  # no report yet
    accepted = master.ask("PUT", f"{node_path}/status", data=report["body"])
    api.check_answer(accepted, 200)
    # a Master may answer more than is described, but the project's own does not; it keeps the health to itself
    described = set().union(*[part["properties"] for part in api.schemas["MasterNode"]["allOf"]])
    assert accepted.json().keys() == described - {"health"}
    assert master.node(accepted.json()["id"]).keys() == described

    for path in NODES, node_path, f"{NODES}/statistics", "/healthz":
        api.check_answer(master.ask("GET", path), 200)
    targets = wait_until(lambda: json.loads(master.nodes_json.read_text()), what="an online node in nodes.json")
    check(targets, api.schemas["Targets"])

    api.check_answer(master.ask("POST", NODES, data="no JSON"), 400)
    api.check_answer(master.ask("POST", NODES, json={"id": "A99", "name": "dev-bob-db01"}), 404)
    api.check_answer(master.ask("PUT", f"{NODES}/A99/status", data=report["body"]), 404)
    api.check_answer(master.ask("GET", f"{NODES}/A99"), 404)


def test_what_the_dev_master_answers_without_a_token(api, start_master):
    master = start_master("--token", "sesame")
    api.check_answer(master.ask("POST", NODES, json={"name": "dev-alice-web01"}), 401)
    api.check_answer(master.ask("PUT", f"{NODES}/A1/status", json={}), 401)
    for path in NODES, f"{NODES}/A1", f"{NODES}/statistics":
        api.check_answer(master.ask("GET", path), 401)
    api.check_answer(master.ask("GET", "/healthz"), 200)

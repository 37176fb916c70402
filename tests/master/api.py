# SPDX-License-Identifier: MIT
"""The Master's API (v1) over the store."""

from flask import Blueprint, Response, jsonify, request

from store import BadDocument, UnknownNode

NODES = "/api/v1/master/nodes"


def request_kind(method, path):
    """What a request is for the journal and the misbehaviour rules."""
    path = path.split("?", 1)[0]
    if method == "POST" and path.endswith(NODES):
        return "register"
    if method == "PUT" and f"{NODES}/" in path and path.endswith("/status"):
        return "report"
    return "other"


def api_blueprint(store, nodes_file, token):
    api = Blueprint("api", __name__)

    @api.before_request
    def check_token():
        if token and request.path != "/healthz" and request.headers.get("Authorization") != f"Bearer {token}":
            return refusal(401, "the bearer token is missing or wrong")
        return None

    @api.errorhandler(UnknownNode)
    def unknown_node(error):
        return refusal(404, str(error))

    @api.errorhandler(BadDocument)
    def bad_document(error):
        return refusal(400, str(error))

    @api.post(NODES)
    def register():
        node, created = store.register(sent_object())
        nodes_file.refresh()
        return jsonify(node), 201 if created else 200

    @api.put(f"{NODES}/<node_id>/status")
    def report(node_id):
        node = store.report(node_id, sent_object())
        nodes_file.refresh()
        return jsonify(node)

    @api.get(NODES)
    def list_nodes():
        return jsonify(store.nodes())

    @api.get(f"{NODES}/statistics")
    def statistics():
        return jsonify(store.statistics())

    @api.get(f"{NODES}/<node_id>")
    def one_node(node_id):
        return jsonify(store.node(node_id))

    @api.get("/healthz")
    def healthz():
        return Response("ok\n", mimetype="text/plain")

    return api


def sent_object():
    document = request.get_json(force=True, silent=True)
    if not isinstance(document, dict):
        raise BadDocument("the body is no JSON object")
    return document


def refusal(status, words):
    return jsonify({"error": words}), status

# SPDX-License-Identifier: MIT
"""/test/…: how a test tells the dev Master to misbehave and asks what it saw."""

from flask import Blueprint, jsonify, request

from store import UnknownNode

PREFIX = "/test"


def control_blueprint(store, nodes_file, journal, rules):
    control = Blueprint("control", __name__, url_prefix=PREFIX)

    @control.post("/behave")
    def behave():
        try:
            rules.replace(request.get_json(force=True))
        except ValueError as error:
            return jsonify({"error": str(error)}), 400
        return "", 204

    @control.get("/behave")
    def remaining():
        return jsonify(rules.remaining())

    @control.post("/forget")
    def forget():
        wanted = request.get_json(force=True, silent=True) or {}
        try:
            store.forget(wanted.get("id"))
        except UnknownNode as error:
            return jsonify({"error": str(error)}), 404
        nodes_file.refresh()
        return "", 204

    @control.get("/requests")
    def list_requests():
        return jsonify(journal.entries(request.args.get("kind")))

    @control.delete("/requests")
    def clear_requests():
        journal.clear()
        return "", 204

    return control

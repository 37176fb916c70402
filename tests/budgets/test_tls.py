# SPDX-License-Identifier: MIT
"""TLS: one handshake for each connection, which lasts; sessions that are taken up again; bytes on the wire."""

import ssl

import pytest

from budgets import WIRE_BYTES, WIRE_BYTES_TLS
from subjects import finish_skipping, skipping_agent, stage
from support.certificates import Authority

REPORTS = 100


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


def server_context(authority, version=ssl.TLSVersion.TLSv1_3):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("master"))
    context.minimum_version = context.maximum_version = version
    return context


def report_over_tls(authority, on, **variables):
    return skipping_agent(on, reports=REPORTS, MASTER_CA_FILE=authority.file, **variables)


@pytest.mark.parametrize("interval", [60, 600])  # libcurl by itself would keep a connection for 118 s
def test_one_handshake_for_100_reports(authority, interval):
    with stage(ssl_context=server_context(authority)) as on, \
         report_over_tls(authority, on, REPORT_INTERVAL_SECONDS=interval) as agent:
        finish_skipping(on, agent, REPORTS)
        assert on.master.handshakes == ["new"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_lost_connection_takes_up_its_session(authority, version):
    with stage(ssl_context=server_context(authority, version)) as on:
        def lose_some():
            if on.master.reports in (19, 39, 59):
                on.master.close_connections()

        on.master.on_report = lose_some
        with report_over_tls(authority, on) as agent:
            finish_skipping(on, agent, REPORTS)
        assert on.master.handshakes == ["new", "resumed", "resumed", "resumed"]


@pytest.mark.parametrize("secure", [False, True])
def test_bytes_on_the_wire(authority, secure):
    """Beyond the health files themselves, both directions, of one report on an open connection."""
    with stage(ssl_context=server_context(authority) if secure else None) as on:
        with report_over_tls(authority, on) as agent:
            finish_skipping(on, agent, REPORTS)
        a_report = on.master.bytes_after(REPORTS) - on.master.bytes_after(10)
        overhead = a_report / (REPORTS - 10) - on.files.bytes
        assert overhead <= (WIRE_BYTES_TLS if secure else WIRE_BYTES)

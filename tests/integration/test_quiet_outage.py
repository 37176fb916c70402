# SPDX-License-Identifier: MIT
"""An outage may last for weeks: it must not fill the disk with what it says, whichever way the Master is broken."""

from support.agent import write_node_json
from support.wait import wait_until


def since_the_start(started):
    """What was logged after the line of the start."""
    messages = [entry["MESSAGE"] for entry in started.entries()]
    return messages[1:]


def test_a_master_that_knows_no_path_at_all(agent, master, state_root):
    """A wrong prefix, say: after two refusals behind pauses it is asked without the id, too, and with it again."""
    write_node_json(state_root, '{"id": "A7", "name": "dev-alice-web01"}')
    master.behave({"match": "any", "status": 404, "body": "nginx"})
    started = agent()
    master.wait_for_answers(5, deadline=30, kind="register")
    said = since_the_start(started)
    assert 1 <= len(said) <= 2, said
    assert any("404" in words and "nginx" in words for words in said)


def test_a_master_that_accepts_registrations_and_no_report(agent, master):
    master.behave({"match": "report", "status": 404, "body": "what report?"})
    started = agent(REPORT_INTERVAL_SECONDS="1")
    master.wait_for_answers(5, kind="report")
    wait_until(lambda: started.entries("report-failed"), 5, "the outage is said")
    before = since_the_start(started)
    assert len(before) <= 6, before
    master.wait_for_answers(14, deadline=15, kind="report")
    assert since_the_start(started) == before, "nothing new to say"

    master.behave()
    recovered = started.wait_log("report-recovered")
    assert int(recovered["ARGUS_ATTEMPT"]) >= 4
    assert recovered["MESSAGE"].startswith("Reports are accepted after "), "there were none before"
    assert len(started.entries("report-recovered")) == 1


def test_a_health_folder_that_may_not_be_read(agent, master, state_root, as_nobody):
    """Once for each time that it is so."""
    folder = state_root / "dev-alice-web01"
    health = folder / "health"
    health.mkdir(parents=True)
    state_root.chmod(0o777)
    folder.chmod(0o777)
    for parent in state_root.parents:
        if parent.stat().st_mode & 0o001 == 0:
            parent.chmod(parent.stat().st_mode | 0o011)
    health.chmod(0o700)
    (health / "log-a.json").write_text("1")
    (health / "log-a.json").chmod(0o644)
    started = agent(user="nobody", REPORT_INTERVAL_SECONDS="1", AGENT_LOG_LEVEL="notice")

    def lines():
        return [words for words in since_the_start(started) if "health" in words]

    master.wait_for_answers(5, kind="report")
    assert len(lines()) == 1, lines()
    assert str(health) in lines()[0] and "denied" in lines()[0]

    health.chmod(0o755)
    wait_until(lambda: master.requests("report")[-1]["body"].endswith('"health":{"log-a":1}}'), 10, "the file")
    health.chmod(0o700)
    count = len(master.requests("report"))
    master.wait_for_answers(count + 3, kind="report")
    assert len(lines()) == 2, lines()

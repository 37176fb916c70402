"""How the agent of a test is configured."""

from dev_master import ENDPOINT

ADDRESS, OTHER_ADDRESS = "10.77.0.11", "10.77.0.12"
ENVIRONMENT_FILE = "/etc/argus/agent.env"
SETTINGS = {"MASTER_ENDPOINT": ENDPOINT, "REPORT_INTERVAL_SECONDS": "2"}


def settings_text(**changed):
    """An agent.env; a setting of None is left out."""
    return "".join(f"{name}={value}\n" for name, value in {**SETTINGS, **changed}.items() if value is not None)

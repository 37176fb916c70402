# SPDX-License-Identifier: MIT
"""What more than one suite of tests is made of: waiting, processes, the dev Master, buses, machines, the agent.

The suites import it as `support.…`; tests/conftest.py makes fixtures of it."""

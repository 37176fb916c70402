"""What the integration tests are made of: processes, the dev Master, a private bus, the agent."""

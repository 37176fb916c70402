# SPDX-License-Identifier: MIT
"""User instructions of a report, beside the floor's for the same files."""

from budgets import GROWTH, GROWTH_A_FILE_NOW, INSTRUCTIONS_NOW, START_INSTRUCTIONS, UNCHANGED_256_TO_5
from callgrind import total
from subjects import a_report, agent_costs, agent_start_costs, floor_costs


def test_a_report_of_five_changed_files(around):
    cost = total(a_report(agent_costs, around=around, changing=True))
    assert cost <= INSTRUCTIONS_NOW, f"{cost:,.0f} instructions; the floor: {total(a_report(floor_costs)):,.0f}"


def test_a_start(around):
    floor = total(floor_costs(1, register=True))
    cost = total(agent_start_costs(around)) - floor
    assert cost <= START_INSTRUCTIONS, f"{cost:,} instructions; the floor: {floor:,}"


def a_byte(costs_of, **options):
    """What one more byte of health costs in a report."""
    small, large = 400, 10_400
    less, more = (total(a_report(costs_of, few=5, many=25, size=size, **options)) for size in (small, large))
    return (more - less) / (5 * (large - small))


def test_each_byte_is_validated_once():
    """The floor's bytes pass the same scanner, once: a second pass would double this."""
    assert a_byte(agent_costs, changing=True) <= GROWTH * a_byte(floor_costs)


def test_a_file_more_costs_little_more_than_to_read_it():
    def a_file(costs_of, **options):
        few, many = (total(a_report(costs_of, few=5, many=15, count=count, **options)) for count in (5, 205))
        return (many - few) / 200

    assert a_file(agent_costs, changing=True) <= GROWTH_A_FILE_NOW * a_file(floor_costs)


def test_unchanged_files_cost_next_to_nothing():
    five, many = (total(a_report(agent_costs, count=count)) for count in (5, 256))
    assert many < UNCHANGED_256_TO_5 * five, f"{five:,.0f} for 5 files, {many:,.0f} for 256"

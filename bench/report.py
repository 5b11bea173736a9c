"""What has been measured, as tables that read well on a terminal and in a Markdown page alike."""

import machine


def number(value, digits=1):
    return "-" if value is None else f"{value:,.{digits}f}"


def table(header, rows, left=()):
    """Padded columns; those whose header is in left are set to the left."""
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]

    def align(line):
        cells = (
            cell.ljust(width) if name in left else cell.rjust(width)
            for cell, width, name in zip(line, widths, header)
        )
        return "| " + " | ".join(cells) + " |"

    rules = (
        "-" * (width + 2) if name in left else "-" * (width + 1) + ":"
        for width, name in zip(widths, header)
    )
    return "\n".join([align(header), "|" + "|".join(rules) + "|", *map(align, rows)])


def replace_section(page, name, text):
    """Puts text between the marks <!-- name --> and <!-- end of name --> of a page."""
    before, begin, rest = page.read_text().partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- end of {name} -->")
    if not begin or not end:
        raise ValueError(f"{page}: no marks <!-- {name} --> and <!-- end of {name} -->")
    page.write_text(f"{before}{begin}\n{text}\n\n{end}{after}")


def goal_text(row):
    """The goal against Bochs, and whether it is met; empty where either is missing."""
    reached = row["ratio"].get("bochs")
    if row["goal"] is None or reached is None:
        return ""
    return f"{row['goal']}, {'met' if reached >= row['goal'] else 'missed'}"


def bench_row(row, engines):
    others = [name for name in engines if name != "descry"]
    goal = [goal_text(row)] if "bochs" in others else []
    return [
        row["guest"],
        f"{row['instructions']:,}",
        *(number(row["mips"][name]) for name in engines),
        *(number(row["ratio"][name], 2) for name in others),
        *goal,
        row["what"],
    ]


def bench_table(facts):
    engines = list(facts["engines"])
    others = [name for name in engines if name != "descry"]
    goal = ["goal /bochs"] if "bochs" in others else []
    header = ["guest", "instructions", *engines, *(f"/{name}" for name in others), *goal, "what"]
    rows = [bench_row(row, engines) for row in facts["rows"]]
    return table(header, rows, left=("guest", "what"))


def pair_text(pair):
    if pair is None:
        return []
    first, second = pair["guests"]
    parts = ", ".join(f"{name} {number(part, 2)}" for name, part in pair["part"].items())
    goal = f"goal: {pair['goal']} or more on descry"
    return [f"Speed of `{first}` over `{second}`: {parts} ({goal}).", ""]


def bench(facts):
    versions = ", ".join(f"{name} {version}" for name, version in facts["engines"].items())
    return "\n".join(
        [
            f"{machine.text(facts['machine'])}. {versions}.",
            "Million instructions a second, a REP iteration being one. Time is CPU time of the",
            "process, user and system, less that of a guest that only starts and ends: the median",
            f"of {facts['rounds']} rounds in which the engines take turns.",
            "",
            bench_table(facts),
            "",
            *pair_text(facts["pair"]),
            *(f"Left out: {name} ({why})." for name, why in facts["left_out"].items()),
        ]
    )


def startup(facts):
    s = facts["startup"]
    rows = [
        ["wall clock", f"{s['wall_ms']:.1f} ms", f"< {s['goal_ms']} ms"],
        ["CPU time", f"{s['cpu_ms']:.1f} ms", ""],
        ["peak memory beside the guest's", f"{s['peak_mib']:.1f} MiB", f"< {s['goal_mib']} MiB"],
    ]
    return "\n".join(
        [
            f"{machine.text(facts['machine'])}.",
            f"`descry run hello.elf`, median of {s['runs']} runs.",
            "",
            table(["what", "measured", "goal"], rows, left=("what",)),
        ]
    )

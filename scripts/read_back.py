#!/usr/bin/env python3
"""Reads a table that qlance wrote with LanceDB's own Python package, and says whether all is as qlance promises.

    python scripts/read_back.py DIRECTORY TABLE [--expect-rows N] [--profile choir|inferred] [--no-index]

Knows nothing of qlance's code: what is promised stands in here once more, as docs/handover.md says it. Prints a line a
check; exit code 0 where all hold, 1 where one does not, 2 where the table cannot be opened or the command line is
wrong.
Only reads, and never changes a table.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import uuid

import lancedb
import pyarrow as pa

CHECKPOINT = "qlance.checkpoint"
JOB = b"qlance.job"
ROLE = b"qlance.role"
SPACE = b"qlance.space"
SPACE_KEYS = {"provider": str, "model": str, "dimensions": int, "prefix": str, "normalised": bool}
# The `choir` profile: column, type, whether it may be null. `vector` and `json` are looked at more closely below.
CHOIR = [
    ("id", pa.string(), False),
    ("content", pa.string(), True),
    ("thread_id", pa.string(), True),
    ("created_at", pa.string(), True),
    ("embedding", "vector", True),
    ("modality", pa.string(), False),
    ("media_url", pa.string(), True),
    ("chorus_result", "json", True),
    ("original_similarity", pa.float32(), True),
    ("extra", "json", True),
]
MODALITIES = {"text", "image", "audio"}
# What a column of each role of a payload column is stored as.
PAYLOAD = {"string": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "json": "json"}
# qlance builds no vector index below this: an exact search takes milliseconds there.
MIN_INDEXED_ROWS = 5_000
# Rows whose own vectors are searched for.
ASKED = 25
BATCH = 1_024


class Report:
    """What was found, a line each."""

    def __init__(self) -> None:
        self.failures = 0

    def check(self, name: str, good: bool, figure: str, wrong: str = "") -> bool:
        """One promise: what was found where it holds, what is wrong where it does not."""
        if good:
            print(f"ok    {name}: {figure}")
        else:
            self.failures += 1
            print(f"FAIL  {name}: {wrong or figure}")
        return good

    def note(self, text: str) -> None:
        """Something to know that decides nothing."""
        print(f"note  {text}")


def is_json(field: pa.Field) -> bool:
    """Whether Lance stores the column as JSON. The schema shows how it is stored, `lance.json` over bytes."""
    name = (field.metadata or {}).get(b"ARROW:extension:name", b"")
    return name in (b"lance.json", b"arrow.json") or str(field.type).startswith("extension<arrow.json")


def is_vector(field: pa.Field) -> bool:
    """Whether the column is a list of a fixed number of 32-bit floats."""
    return pa.types.is_fixed_size_list(field.type) and field.type.value_type == pa.float32()


def fits(field: pa.Field, wanted) -> bool:
    """Whether a column has the type that is wanted."""
    if wanted == "json":
        return is_json(field)
    if wanted == "vector":
        return is_vector(field)
    return field.type == wanted


def role_of(field: pa.Field):
    """What the column stands for, by its own metadata."""
    text = (field.metadata or {}).get(ROLE)
    return None if text is None else json.loads(text)


def check_schema(report: Report, schema: pa.Schema, profile: str) -> None:
    """The columns, their types, what each stands for."""
    if profile == "choir":
        missing = [name for name, _, _ in CHOIR if name not in schema.names]
        report.check("choir columns", not missing, f"all {len(CHOIR)} are there", f"missing: {', '.join(missing)}")
        for name, kind, nullable in CHOIR:
            if name in missing:
                continue
            field = schema.field(name)
            good = fits(field, kind) and field.nullable == nullable
            told = f"{field.type}{'' if field.nullable else ' not null'}"
            wanted = f"{kind}{'' if nullable else ' not null'}"
            report.check(f"column {name}", good, told, f"{told}, promised is {wanted}")
    else:
        missing = [
            name for name in ("id", "embedding", "modality", "original_similarity", "extra") if name not in schema.names
        ]
        report.check("qlance's own columns", not missing, "all are there", f"missing: {', '.join(missing)}")
    wrong = []
    for field in schema:
        role = role_of(field)
        match role:
            case None:
                wrong.append(f"{field.name} has no {ROLE.decode()}")
            case "id" | "modality":
                wrong += [] if field.type == pa.string() else [f"{field.name} is {role} and no string"]
            case "similarity":
                wrong += [] if field.type == pa.float32() else [f"{field.name} is {role} and no float"]
            case "extra":
                wrong += [] if is_json(field) else [f"{field.name} is {role} and no JSON"]
            case {"payload": kind}:
                wrong += [] if kind in PAYLOAD and fits(field, PAYLOAD[kind]) else [f"{field.name} is no {kind}"]
            case {"embedding": size}:
                good = is_vector(field) and field.type.list_size == size
                wrong += [] if good else [f"{field.name} has not {size} 32-bit floats"]
            case {"vector": [str(), _]} | "media":
                pass
            case other:
                wrong.append(f"{field.name} has the unknown role {other!r}")
    report.check("roles", not wrong, f"every one of {len(schema)} columns says what it is", "; ".join(wrong))


def embeddings_of(schema: pa.Schema) -> list[pa.Field]:
    """The columns of embeddings."""
    return [field for field in schema if isinstance(role := role_of(field), dict) and "embedding" in role]


def check_spaces(report: Report, schema: pa.Schema) -> None:
    """Every column of embeddings says which space its vectors are of."""
    columns = embeddings_of(schema)
    report.check("columns of embeddings", bool(columns), ", ".join(field.name for field in columns), "there are none")
    for field in columns:
        name = f"space of {field.name}"
        text = (field.metadata or {}).get(SPACE)
        if text is None:
            report.check(name, False, "", f"no {SPACE.decode()} in the column's metadata")
            continue
        try:
            space = json.loads(text)
            wrong = [key for key, kind in SPACE_KEYS.items() if type(space.get(key)) is not kind]
        except (ValueError, AttributeError) as error:
            report.check(name, False, "", f"cannot be read: {error}")
            continue
        if not wrong and is_vector(field) and space["dimensions"] != field.type.list_size:
            wrong = [f"dimensions ({space['dimensions']}, but the column has {field.type.list_size})"]
        told = f"{space.get('provider')}/{space.get('model')}@{space.get('dimensions')}"
        report.check(name, not wrong, told, f"{told}: wrong or missing: {', '.join(wrong)}")


def is_point_id(text: str) -> bool:
    """Whether it is a Qdrant id as qlance writes it: an unsigned 64-bit integer in decimal, or a UUID."""
    if text.isascii() and text.isdigit():
        return text == str(int(text)) and int(text) < 1 << 64
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def check_rows(report: Report, dataset, schema: pa.Schema) -> None:
    """Goes over all rows once: ids, JSON, modality, similarity, vectors."""
    jsons = [field.name for field in schema if is_json(field)]
    vectors = [field.name for field in embeddings_of(schema) if is_vector(field)]
    plain = [name for name in ("id", "modality", "original_similarity") if name in schema.names]
    seen: set[str] = set()
    bad: dict[str, list[str]] = {}
    held = dict.fromkeys([*jsons, *vectors], 0)
    rows = 0

    def blame(what: str, point: str) -> None:
        bad.setdefault(what, []).append(point)

    for batch in dataset.to_batches(columns=[*plain, *jsons, *vectors], batch_size=BATCH):
        rows += batch.num_rows
        columns = {name: batch.column(name) for name in batch.schema.names}
        ids = columns["id"].to_pylist() if "id" in columns else [str(row) for row in range(batch.num_rows)]
        for point in ids:
            if point is None or not is_point_id(point):
                blame("ids", str(point))
            elif point in seen:
                blame("ids twice", point)
            seen.add(point)

        def values(name: str, columns=columns, count=batch.num_rows) -> list:
            """A column's values; nulls where there is no such column."""
            return columns[name].to_pylist() if name in columns else [None] * count

        for name in jsons:
            for point, text in zip(ids, columns[name].to_pylist(), strict=True):
                if text is None:
                    continue
                held[name] += 1
                try:
                    value = json.loads(text, parse_constant=refuse)
                except (TypeError, ValueError):
                    blame(f"JSON column {name}", point)
                    continue
                if name == "extra" and not isinstance(value, dict):
                    blame(f"JSON column {name}", point)
        for point, word in zip(ids, values("modality"), strict=True):
            if "modality" in columns and word not in MODALITIES:
                blame("modality", point)
        for point, cosine in zip(ids, values("original_similarity"), strict=True):
            if cosine is not None and not -1.000001 <= cosine <= 1.000001:
                blame("original_similarity", point)
        for name in vectors:
            for point, vector in zip(ids, columns[name].to_pylist(), strict=True):
                if vector is None:
                    continue
                held[name] += 1
                if not all(number is not None and math.isfinite(number) for number in vector) or not any(vector):
                    blame(f"vectors of {name}", point)

    def named(what: str) -> str:
        return f"{len(bad.get(what, []))} wrong, such as {', '.join(bad.get(what, [])[:3])}"

    report.check("ids", "ids" not in bad, f"{rows} rows, each with an integer or a UUID", named("ids"))
    report.check("ids once", "ids twice" not in bad, f"{len(seen)} different ones", named("ids twice"))
    for name in jsons:
        what = f"JSON column {name}"
        report.check(what, what not in bad, f"{held[name]} of {rows} rows hold a value, all readable", named(what))
    for what, figure in [
        ("modality", f"one of {', '.join(sorted(MODALITIES))} in every row"),
        ("original_similarity", "between -1 and 1, or null"),
    ]:
        if what in plain:
            report.check(what, what not in bad, figure, named(what))
    for name in vectors:
        what = f"vectors of {name}"
        report.check(what, what not in bad, f"{held[name]} of {rows} rows hold one, all finite", named(what))


def refuse(constant: str):
    """NaN and Infinity are no JSON."""
    raise ValueError(f"{constant} is no JSON")


def sample_of(dataset, column: str) -> list[dict]:
    """Rows that hold a vector, from all over the table."""
    rows = dataset.count_rows(f"`{column}` IS NOT NULL")
    step = max(rows // ASKED, 1)
    found = []
    for place in range(0, rows, step):
        table = dataset.to_table(columns=["id", column], filter=f"`{column}` IS NOT NULL", limit=1, offset=place)
        found += table.to_pylist()
    return found[:ASKED]


def finds_itself(table, column: str, row: dict, exact: bool) -> bool:
    """Whether a search by the row's own vector names the row first, or as near as what it names first."""
    query = table.search(row[column], vector_column_name=column).select(["id", "_distance"]).limit(10)
    query = query.distance_type("cosine").bypass_vector_index() if exact else query.refine_factor(10)
    hits = query.to_list()
    if not hits:
        return False
    if hits[0]["id"] == row["id"]:
        return True
    # Equal contents have equal vectors: then any of them may come first, and all are at the very same distance.
    return hits[0]["_distance"] <= 1e-6 and (
        any(hit["id"] == row["id"] and hit["_distance"] <= 1e-6 for hit in hits)
        or all(hit["_distance"] <= 1e-6 for hit in hits)
    )


def check_search(report: Report, table, dataset, indexed: set[str]) -> None:
    """Rows are found by their own vectors: exactly, and through the index where there is one."""
    for field in embeddings_of(dataset.schema):
        name = field.name
        rows = sample_of(dataset, name)
        if not rows:
            report.note(f"no row has a vector in {name}")
            continue
        for exact in [True] + ([False] if name in indexed else []):
            lost = [row["id"] for row in rows if not finds_itself(table, name, row, exact)]
            how = "exactly" if exact else "through the index"
            report.check(
                f"search in {name}, {how}",
                not lost,
                f"{len(rows)} rows are found first by their own vectors",
                f"{len(lost)} of {len(rows)} rows are not, such as {', '.join(lost[:3])}",
            )


def unindexed(dataset, index) -> int:
    """Rows in files that an index does not cover."""
    covered = set()
    for own in dataset.describe_indices():
        if own.name == index.name:
            for segment in own.segments:
                covered |= set(segment.fragment_ids)
    return sum(part.count_rows() for part in dataset.get_fragments() if part.fragment_id not in covered)


def check_indexes(report: Report, table, dataset, wanted: bool) -> set[str]:
    """The indexes that qlance builds after the last point, each covering all rows. Answers which columns have one."""
    indices = table.list_indices()
    by_column = {column: index for index in indices for column in index.columns}
    if not wanted:
        report.note(f"--no-index: {len(indices)} indexes are there, none is asked for")
        return set(by_column)
    due = {"id": "BTree"}
    for field in dataset.schema:
        role = role_of(field)
        if field.name == "content" and role == {"payload": "string"}:
            due["content"] = "FTS"
    for field in embeddings_of(dataset.schema):
        if dataset.count_rows(f"`{field.name}` IS NOT NULL") >= MIN_INDEXED_ROWS:
            due[field.name] = "Ivf"
        elif field.name not in by_column:
            report.note(f"{field.name} has fewer than {MIN_INDEXED_ROWS} vectors: no index is promised")
    for column, kind in due.items():
        index = by_column.get(column)
        if index is None:
            report.check(f"index on {column}", False, "", f"there is none; promised is {kind}")
            continue
        left = unindexed(dataset, index)
        good = index.index_type.lower().startswith(kind.lower()) and left == 0
        report.check(
            f"index on {column}",
            good,
            f"{index.index_type}, covers all rows",
            f"{index.index_type}, {left} rows not covered",
        )
    return set(by_column)


def checkpoint_of(transaction):
    """The checkpoint among a transaction's properties."""
    text = (transaction.transaction_properties or {}).get(CHECKPOINT) if transaction else None
    return None if text is None else json.loads(text)


def operation_of(transaction) -> str:
    """The kind of a commit."""
    return type(transaction.operation).__name__ if transaction else "unknown"


def wrong_with(checkpoint: dict) -> list[str]:
    """What of a checkpoint's format is not as promised."""
    if checkpoint.get("format") != 1:
        return [f"format {checkpoint.get('format')!r}, not 1"]
    wrong = [] if isinstance(checkpoint.get("job"), str) else ["no job"]
    wrong += [] if is_count(checkpoint.get("adopted_rows")) else ["adopted_rows is no count"]
    caught_up = checkpoint.get("caught_up")
    if not isinstance(caught_up, dict) or not all(is_count(caught_up.get(key)) for key in ("added", "removed")):
        wrong.append("caught_up has not added and removed")
    ranges = checkpoint.get("ranges")
    if not isinstance(ranges, list) or not ranges:
        return wrong + ["no ranges"]
    end = None
    for place, part in enumerate(ranges):
        if not all(is_count(part.get(key)) for key in ("read", "written", "failed", "divergent")):
            wrong.append(f"range {place} lacks a count")
            continue
        if (
            not isinstance(part.get("done"), bool)
            or "next" not in part
            or not {"start", "end"} <= part.get("range", {}).keys()
        ):
            wrong.append(f"range {place} lacks its cursor or its ends")
            continue
        if part["read"] != part["written"] + part["failed"]:
            wrong.append(
                f"range {place}: {part['read']} read, but {part['written']} written and {part['failed']} failed"
            )
        if part["range"]["start"] != end:
            wrong.append(f"range {place} does not begin where the one before ends")
        end = part["range"]["end"]
    if end is not None:
        wrong.append("the last range has an end")
    return wrong


def is_count(value) -> bool:
    """Whether it is a whole number from 0 up."""
    return type(value) is int and value >= 0


def rows_of(checkpoint: dict) -> int:
    """Rows that migration and catching up wrote and did not remove."""
    written = sum(part["written"] for part in checkpoint["ranges"])
    return written + checkpoint["caught_up"]["added"] - checkpoint["caught_up"]["removed"]


def read_transaction(dataset, version: int):
    """A version's transaction, where it has one that can be read."""
    try:
        return dataset.read_transaction(version)
    except (OSError, ValueError, TypeError):
        # pylance 14.0.2 cannot read a compaction that rewrote an index (TypeError: RewrittenIndex). Such a commit may
        # change no rows; check_commits sees to that.
        return None


def check_checkpoints(report: Report, table, dataset) -> None:
    """The state of the job, in the transaction properties of the very commits that add the rows."""
    kept = [version["version"] for version in dataset.versions()]
    made_by = (dataset.schema.metadata or {}).get(JOB, b"").decode()
    report.check("job", bool(made_by), made_by, f"no {JOB.decode()} in the schema's metadata")
    transactions = {version: read_transaction(dataset, version) for version in kept}
    found = {version: state for version in kept if (state := checkpoint_of(transactions[version])) is not None}
    if not report.check(
        "checkpoints", bool(found), f"{len(found)} among {len(kept)} versions", "no commit carries one"
    ):
        return
    wrong = [f"version {version}: {what}" for version, state in found.items() for what in wrong_with(state)]
    if not report.check(
        "checkpoint format", not wrong, "format 1, read = written + failed in every range", "; ".join(wrong[:5])
    ):
        return
    newest = found[max(found)]
    job = newest["job"]
    if newest["adopted_rows"] == 0:
        report.check("checkpoint job", job == made_by, job, f"the newest is of {job}, the table was made by {made_by}")
    done = all(part["done"] for part in newest["ranges"])
    report.check(
        "complete",
        done,
        f"all {len(newest['ranges'])} ranges were read to their end",
        "the migration has not come to its end: `qlance run` goes on",
    )

    tag = f"qlance-before-{job}"
    tags = dataset.tags.list()
    before = tags.get(tag, {}).get("version")
    first = min(version for version, state in found.items() if state["job"] == job)
    good = before is not None and before < first
    if report.check(
        "tag",
        good,
        f"{tag} is version {before}",
        f"{tag} names {'no version' if before is None else before}; the job's first commit is {first}",
    ):
        rows = dataset.checkout_version(before).count_rows()
        report.check(
            "rows before the job",
            rows == newest["adopted_rows"],
            f"{rows}",
            f"{rows}, the checkpoint says {newest['adopted_rows']}",
        )
    # Without the tag the job is taken to begin with its first commit.
    begin = before if good else max((version for version in kept if version < first), default=None)
    check_commits(report, dataset, kept, transactions, found, job, begin)


def check_commits(report: Report, dataset, kept, transactions, found, job: str, begin: int | None) -> None:
    """Commit by commit: the rows that came are those that its checkpoint says; nothing else added or removed any."""
    wrong, recovered, restored = [], 0, False
    begin_rows = None if begin is None else dataset.checkout_version(begin).count_rows()
    rows_before, state_before, newest = begin_rows or 0, None, None
    since = [version for version in kept if begin is None or version > begin]
    # Where versions were cleaned up, what came in those that are gone cannot be told.
    whole = begin is not None and since == list(range(begin + 1, dataset.latest_version + 1))
    for version in since:
        rows = dataset.checkout_version(version).count_rows()
        state, kind = found.get(version), operation_of(transactions[version])
        change = rows - rows_before
        rows_before = rows
        if kind == "Restore":
            # The table is in the state of an older version: an undo.
            state_before, recovered, restored = None, 0, True
            continue
        if state is not None and state["job"] == job:
            promised = rows_of(state) - (rows_of(state_before) if state_before else 0)
            if whole and not restored and change != promised:
                wrong.append(f"version {version} adds {change} rows, its checkpoint says {promised}")
            if state_before and any(
                new["read"] < old["read"] for new, old in zip(state["ranges"], state_before["ranges"], strict=True)
            ):
                wrong.append(f"version {version}: a cursor went back")
            state_before = newest = state
        elif change > 0 and kind == "Update":
            # A retry brought points over that had failed; the journal counts those.
            recovered += change
        elif change != 0 and whole:
            wrong.append(
                f"version {version} ({kind}) changes the rows by {change} and carries no checkpoint: "
                "something else wrote to the table"
            )
    report.check(
        "commits",
        not wrong,
        f"{len(since)} since the job began; rows and cursor came together in each",
        "; ".join(wrong[:5]),
    )
    if newest is None:
        report.check("sum", False, "", "no commit since the job began carries a checkpoint")
        return
    promised = newest["adopted_rows"] + rows_of(newest) + recovered
    rows = dataset.count_rows()
    good = rows == promised if whole and not restored else rows >= promised
    more = f", of them {recovered} by retries" if recovered else ""
    report.check(
        "sum",
        good,
        f"{rows} rows are those that the newest checkpoint says{more}",
        f"{rows} rows, the newest checkpoint and the retries since say {promised}",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", help="the LanceDB directory (target.uri)")
    parser.add_argument("table", help="the table's name (target.table)")
    parser.add_argument("--expect-rows", type=int, metavar="N", help="so many rows must be there")
    parser.add_argument("--profile", choices=["choir", "inferred"], default="choir", help="target.profile of the job")
    parser.add_argument("--no-index", action="store_true", help="the job was run with pipeline.index = false")
    args = parser.parse_args()
    try:
        table = lancedb.connect(args.directory).open_table(args.table)
        dataset = table.to_lance()
    except Exception as error:  # whatever it is, there is no table to look at
        print(f"read_back: cannot open table {args.table!r} in {args.directory}: {error}", file=sys.stderr)
        return 2
    report = Report()
    rows = table.count_rows()
    expected = rows if args.expect_rows is None else args.expect_rows
    report.check("rows", rows == expected, f"{rows} at version {table.version}", f"{rows}, expected are {expected}")
    schema = dataset.schema
    check_schema(report, schema, args.profile)
    check_spaces(report, schema)
    if "id" in schema.names:
        check_rows(report, dataset, schema)
        indexed = check_indexes(report, table, dataset, not args.no_index)
        check_search(report, table, dataset, indexed)
    check_checkpoints(report, table, dataset)
    print("all as promised" if report.failures == 0 else f"{report.failures} promises are not kept")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())

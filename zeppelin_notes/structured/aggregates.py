import itertools
import re

# What a query may have beside its aggregates, where they are put together of those of slices.
TOKEN = re.compile(r"""\s+|--[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`]|``)*`|[0-9]+(?:\.[0-9]+)?\w*|\w+|.""", re.DOTALL)
AGGREGATES = {"avg", "mean", "sum", "count", "min", "max"}
SECTIONS = ("select", "from", "where", "group", "having", "order", "limit")
ALLOWED = {"round", "coalesce", "cast", "abs", "nullif", "floor", "ceil", "concat", "upper", "lower", "greatest", "least", "if"}
WORDS = {*SECTIONS, "by", "as", "and", "or", "not", "case", "when", "then", "else", "end", "between", "like", "is", "in", "asc", "desc", "nulls"}
NEVER = re.compile(r"distinct|join|union|intersect|except|minus|over|filter|within|lateral|with|window|rollup|cube|grouping|all|pivot|unpivot|"
                   r"tablesample|cluster|distribute|sort|qualify|ignore|respect|now|rand|randn|random|uuid|current_\w+|monotonically_\w+|input_\w+")


class Parted:
    """A query in three: `part` makes aggregates of rows, for each slice, `merged` makes one of those of several slices, and `whole`
    makes the query's rows of those of a window."""

    def __init__(self, part, whole, merged):
        self.part, self.whole, self.merged = part, whole, merged


def parted(query, rows="_rows", parts="_parts"):
    """The query in parts, over tables of these names; None where they don't tell what it asks for, or not for certain."""
    tokens = [token for token in TOKEN.findall(query) if not token.startswith(("--", "/*"))]
    sections = sections_of(tokens)
    if sections is None or "".join(sections["from"]).strip().lower() != "measure":
        return None
    keys = keys_in(sections.get("group"))
    if keys is None:
        return None
    sums, columns = [], {}

    def column(function, merge, argument):
        name = columns.setdefault((function, argument), f"_p{len(columns)}")
        if name == f"_p{len(sums)}":
            sums.append((f"{function.replace('?', argument)} as {name}", f"{merge}({name})", name))
        return f"{merge}({name})"

    def replaced(name, argument):
        if name in ("avg", "mean"):
            total, count = column("sum(cast((?) as double))", "sum", argument), column("count(?)", "sum", argument)
            return f"({total} / nullif({count}, 0))"
        if name == "count":
            return f"coalesce({column('count(?)', 'sum', argument)}, 0)"
        return column(f"{name}(?)", name, argument)

    rewritten = {}
    for name in ("select", "having", "order"):
        if name in sections:
            rewritten[name] = with_aggregates(sections[name], replaced)
            if rewritten[name] is None:
                return None
    if not sums:
        return None
    named = lambda *columns: ", ".join([*keys, *columns])
    grouped = f" group by {named()}" if keys else ""
    where = f" where {''.join(sections['where'])}" if "where" in sections else ""
    part = f"select _slice, {named(*(made for made, _, _ in sums))} from {rows}{where} group by {', '.join(['_slice', *keys])}"
    merged = f"select max(_slice) as _slice, {named(*(f'{merge} as {name}' for _, merge, name in sums))} from {parts}{grouped}"
    whole = f"select {rewritten['select']} from {parts}{grouped}"
    for name, words in (("having", "having"), ("order", "order")):
        whole += f" {words} {rewritten[name]}" if name in rewritten else ""
    return Parted(part, whole + (f" limit {''.join(sections['limit'])}" if "limit" in sections else ""), merged)


def sections_of(tokens):
    """The tokens behind each of `SECTIONS`; None where there are others, or not in this order."""
    found, depth, last = {}, 0, None
    for token in tokens:
        word = token.lower()
        depth += {"(": 1, ")": -1}.get(token, 0)
        if NEVER.fullmatch(word) or word in SECTIONS and depth or word == ";":
            return None
        if word in SECTIONS:
            if word in found or found and SECTIONS.index(word) < SECTIONS.index(last):
                return None
            last, found[word] = word, []
        elif last is None and word.strip():
            return None
        elif last is not None:
            found[last].append(token)
    return found if "select" in found and "from" in found and not depth else None


def keys_in(tokens):
    """The columns behind `group by`, none of nothing; None where there are others than columns."""
    if tokens is None:
        return []
    words = [token for token in tokens if token.strip()]
    if not words or words[0].lower() != "by":
        return None
    keys, commas = words[1::2], words[2::2]
    plain = all(re.fullmatch(r"`(?:[^`]|``)+`|[^\W\d]\w*", key) for key in keys)
    return keys if plain and len(keys) == len(commas) + 1 and set(commas) <= {","} else None


def with_aggregates(tokens, replaced):
    """The text of a section with its aggregates replaced; None where something else is called than `ALLOWED`, or a field's name is
    one of its table too."""
    text, at = [], 0
    while at < len(tokens):
        word = tokens[at].lower()
        opens = next((n for n in range(at + 1, len(tokens)) if tokens[n].strip()), len(tokens))
        if re.fullmatch(r"\w+|`.*`", word) and opens < len(tokens) and tokens[opens] == "(" and word not in WORDS:
            if word in AGGREGATES:
                closes = closing(tokens, opens)
                text.append(replaced(word, "".join(tokens[opens + 1 : closes])))
                at = closes + 1
                continue
            if word not in ALLOWED:
                return None
        if word == ".":
            return None
        text.append(tokens[at])
        at += 1
    return "".join(text)


def closing(tokens, opens):
    depth = 0
    for at in range(opens, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[at], 0)
        if not depth:
            return at
    return len(tokens)


class Parts:
    """The aggregates of the slices of kept batches, for one query: made when a window first needs them. Those of `SPAN` batches are
    put together once more, so that no window reads many files."""

    LEAST, SPAN = 12, 20  # slices of a window, below which its rows are read as quickly
    made = itertools.count()

    def __init__(self, sql, names, schema, number, windows):
        self._sql, self._names, self._schema, self._windows = sql, names, schema, windows
        self._rows, self._table, self._folder = f"_rows{number}", f"_parts{number}", f"{windows.state}/parts/{number}"
        self._parts, self._spans = {}, {}

    @classmethod
    def of(cls, query, windows):
        """For a query over the rows of these windows; None where each window has to read all its rows."""
        number = next(cls.made)
        found = parted(query, f"_rows{number}", f"_parts{number}")
        if found is None:
            return None
        try:
            spark.createDataFrame([], windows.reader.schema).createOrReplaceTempView(f"_rows{number}")
            parts, asked = spark.sql(found.part), spark.sql(query)
            parts.createOrReplaceTempView(f"_parts{number}")
            same = kinds(spark.sql(found.whole)) == kinds(asked) and kinds(spark.sql(found.merged)) == kinds(parts)
        except Exception:  # Spark can't do it in parts, for whatever reason: then it is done with all rows
            return None
        return cls(found, asked.columns, parts.schema, number, windows) if same else None

    def rows(self, kept, first, end):
        """What the query gives of the slices from `first` to `end`; `kept` has the first and the last slice of each batch."""
        self._forget(lambda number: number not in kept)
        within = [number for number, (low, high) in kept.items() if low is not None and low <= end and high >= first]
        missing = [number for number in within if number not in self._parts]
        if missing:
            self._windows.read(missing).createOrReplaceTempView(self._rows)
            path = self._written(self._sql.part, f"part-{min(missing)}-{max(missing)}")
            self._parts.update(dict.fromkeys(missing, path))
        inside = {number for number in within if kept[number][0] >= first and kept[number][1] <= end}
        paths = {self._span(number // self.SPAN, inside) or self._parts[number] for number in within}
        self._open(paths, f"_slice between {first} and {end}")
        return spark.sql(self._sql.whole).toDF(*self._names)

    def changed(self, number):
        """A batch's rows are others."""
        self._forget(lambda each: each == number)

    def close(self):
        self._windows.delete(self._folder)

    def _span(self, span, inside):
        """The path of a span; None where not all of it is inside, or some of its parts hold more."""
        numbers = range(span * self.SPAN, (span + 1) * self.SPAN)
        if not inside.issuperset(numbers):
            return None
        if span not in self._spans:
            paths = {self._parts[number] for number in numbers}
            if len(paths) < len(numbers):
                return None
            self._open(paths, "true")
            self._spans[span] = self._written(self._sql.merged, f"span-{span}")
        return self._spans[span]

    def _open(self, paths, condition):
        spark.read.schema(self._schema).parquet(*sorted(paths)).where(condition).createOrReplaceTempView(self._table)

    def _written(self, query, name):
        path = f"{self._folder}/{name}"
        spark.sql(query).coalesce(1).write.mode("overwrite").parquet(path)
        return path

    def _forget(self, is_gone):
        for span in {number // self.SPAN for number in self._parts if is_gone(number)} & set(self._spans):
            self._windows.delete(self._spans.pop(span))
        for number in [number for number in self._parts if is_gone(number)]:
            path = self._parts.pop(number)
            if path not in self._parts.values():
                self._windows.delete(path)


def kinds(frame):
    return [field.dataType for field in frame.schema]
